"""The labs print the same on other computers, and when nothing is as it should be.

Each computer below stands for some: other instructions in the linear algebra, other rounding, another number of threads,
another language and time zone. What does not disturb that is put on top: a folder with a space and a non-ASCII letter, no
network, no root rights, a store that has seen better days.
"""

from __future__ import annotations

import os
import sys
from functools import cache

import pytest
from support import NOTEBOOKS, run

pytestmark = pytest.mark.thorough

PLAINEST_PYTORCH = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
GERMAN = {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}


# OpenBLAS's name for the processor whose kernels are used, and what else is another there.
COMPUTERS = {
    "Haswell": {"OMP_NUM_THREADS": "1", "TZ": "Pacific/Kiritimati"} | PLAINEST_PYTORCH | GERMAN,
    "Nehalem": {"OMP_NUM_THREADS": "2", "TZ": "Pacific/Pago_Pago"} | PLAINEST_PYTORCH,
    "Sandybridge": {"TZ": "Asia/Kathmandu"} | GERMAN,
    "SkylakeX": {},
}


@cache
def kernels_in_use(wanted: str) -> str:
    """Return which processor's kernels NumPy's linear algebra uses if it is asked for some; '' if it ends at once."""
    code = "import numpy, threadpoolctl as t; print(*{i.get('architecture') for i in t.threadpool_info()})"
    command = [sys.executable, "-c", code]
    done = run(command, env=os.environ | {"OPENBLAS_CORETYPE": wanted} if wanted else os.environ)
    return done.stdout.strip() if done.returncode == 0 else ""


def computer_for(number: int) -> tuple[str, dict[str, str]]:
    """Return the simulated computer of a lab: by turns those that this processor can imitate and is not itself.

    Where it can imitate none (ARM), its own kernels, with the rounding and the variables of another.
    """
    able = [name for name in COMPUTERS if kernels_in_use(name) == name != kernels_in_use("")]
    name = (able or list(COMPUTERS))[number % len(able or COMPUTERS)]
    kernels = {"OPENBLAS_CORETYPE": name} if able else {}
    return name, {"ROUNDING_NOISE": str(number)} | kernels | COMPUTERS[name]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_output_is_the_same(notebook, used):
    """Each lab on one of the computers, all on one store."""
    name, variables = computer_for(int(notebook.name[:2]))
    print(f"on {name}")
    used.replay(notebook, variables)
