"""The cells of a notebook's exercises, and a kernel to run them in."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import nbformat
from lab.exercises import all_exercises

EXERCISES = all_exercises()


def cells_of(notebook: Path) -> dict:
    return {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}


def ids_of(notebook: Path) -> list[str]:
    return [id for id in EXERCISES if id.startswith(f"{int(notebook.name[:2])}.")]


def solution_of(notebook: Path, id: str) -> str:
    text = cells_of(notebook)[f"solution-{id.replace('.', '-')}"].source
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return code


class Kernel:
    """A kernel in the notebooks' folder, and what a cell printed.

    Attributes:
        stderr: the part of it that the last cell wrote to standard error.
    """

    def __init__(self, folder: Path, environment: dict[str, str], python: str = sys.executable):
        """Start a kernel of some Python.

        Args:
            folder: where the notebooks are.
            environment: what to add to this process's environment.
            python: the interpreter, which has ipykernel.
        """
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager()
        self.manager.kernel_spec.argv[0] = python
        quiet = ["--IPKernelApp.log_level=ERROR"]
        self.manager.start_kernel(
            cwd=str(folder), env=os.environ | environment, extra_arguments=quiet
        )
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code: str) -> tuple[str, str]:
        """Return what a cell printed, and the error it ended with, if any."""
        printed, errors, complaints = [], [], []

        def listen(message):
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
                if content["name"] == "stderr":
                    complaints.append(content["text"])
            elif message["msg_type"] == "error":
                errors.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(code, timeout=300, output_hook=listen, store_history=False)
        self.stderr = "".join(complaints)
        return "".join(printed), "".join(errors)


def solve(notebook: Path, environment: dict[str, str], python: str = sys.executable) -> None:
    """Do a lab as a student who knows it all: run its cells, with each solution and its check in their places.

    Args:
        notebook: the file, in its own folder; it is left as it is.
        environment: what to add to this process's environment.
        python: the interpreter, which has ipykernel.
    """
    with Kernel(notebook.parent, environment, python) as kernel:
        for cell in cells_of(notebook).values():
            if cell.id.startswith("solution-"):
                id = cell.id.removeprefix("solution-").replace("-", ".")
                kernel.run(solution_of(notebook, id))
                printed, _ = kernel.run(f'lab.check("{id}")')
                assert printed.startswith(f"✅ {id} done: "), printed
            elif cell.cell_type == "code":
                _, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}"
