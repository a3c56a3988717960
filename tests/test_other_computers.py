"""The labs print the same on other computers, and when nothing is as it should be.

Each computer below stands for some: other instructions in the linear algebra, other rounding, another number of threads,
another language and time zone. What does not disturb that is put on top: a folder with a space and a non-ASCII letter, no
network, no root rights, a store that has seen better days.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from functools import cache

import pytest
from support import NOTEBOOKS, run

PLAINEST_PYTORCH = {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"}
GERMAN = {"LC_ALL": "de_DE.UTF-8", "LANGUAGE": "de"}


@dataclass
class Computer:
    """A computer that is not this one.

    Attributes:
        place: the name of the folder and the store that it works in; `used` is one that has seen better days.
        kernels: what OpenBLAS calls the processor whose instructions it keeps to.
        noise: the seed of its rounding, see `other_computer/sitecustomize.py`.
        threads: how many the numeric libraries are told to use; 0 leaves it to the labs.
        solved: whether the notebooks have their solutions put in.
        variables: further environment variables.
    """

    place: str
    kernels: str
    noise: int
    threads: int
    solved: bool
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        threads = {}
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS") if self.threads else ():
            threads[name] = str(self.threads)
        noise = {"ROUNDING_NOISE": str(self.noise)}
        return {"OPENBLAS_CORETYPE": self.kernels} | noise | threads | self.variables


COMPUTERS = [  # those in the same place share a store: the second does the labs again
    Computer(
        "used", "Haswell", 1, 1, False, PLAINEST_PYTORCH | GERMAN | {"TZ": "Pacific/Kiritimati"}
    ),
    Computer("used", "Nehalem", 2, 4, True, PLAINEST_PYTORCH | {"TZ": "Pacific/Pago_Pago"}),
    Computer("fresh", "Sandybridge", 3, 0, True, GERMAN | {"TZ": "Asia/Kathmandu"}),
    Computer("another", "SkylakeX", 4, 0, True),
]


@cache
def kernels_in_use(wanted: str) -> str:
    """Return which processor's kernels NumPy's linear algebra uses if it is asked for some; '' if it ends at once."""
    code = "import numpy, threadpoolctl as t; print(*{i.get('architecture') for i in t.threadpool_info()})"
    command = [sys.executable, "-c", code]
    done = run(command, env=os.environ | {"OPENBLAS_CORETYPE": wanted} if wanted else os.environ)
    return done.stdout.strip() if done.returncode == 0 else ""


CASES = [
    pytest.param(
        computer,
        notebook,
        id=f"{computer.place}-{computer.kernels}-{notebook.stem}",
        marks=pytest.mark.xdist_group(computer.place),
    )
    for computer in COMPUTERS
    for notebook in (NOTEBOOKS if computer.solved else reversed(NOTEBOOKS))
]


@pytest.mark.parametrize("computer, notebook", CASES)
def test_every_output_is_the_same(computer, notebook, places):
    in_use = kernels_in_use(computer.kernels)
    if in_use != computer.kernels:
        pytest.skip(
            f"this processor does not run OpenBLAS's kernels for {computer.kernels}, but {in_use or 'none'}"
        )
    if computer.kernels == "SkylakeX" and kernels_in_use("") == "SkylakeX":
        pytest.skip("this computer is of the kind SkylakeX itself: all other tests run on it")
    places(computer.place).replay(notebook.name, computer.solved, computer.environment())
