"""A kernel to run a notebook's cells in, one by one, and the cells of its exercises."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from lab.exercises import all_exercises, ids_by_lab
from support import NOTEBOOKS, ROOT

EXERCISES = all_exercises()


def cells_of(notebook: Path) -> dict[str, Any]:
    return {cell.id: cell for cell in nbformat.read(notebook, as_version=4).cells}


def ids_of(notebook: Path) -> list[str]:
    return [id for id in EXERCISES if id.startswith(f"{int(notebook.name[:2])}.")]


def solution_of(notebook: Path, id: str) -> str:
    text = cells_of(notebook)[f"solution-{id.replace('.', '-')}"].source
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    return str(code)


def fill_in_solutions(notebook: Path) -> None:
    """Put the solutions into a copied notebook's empty cells, and below each check what it must then print.

    What a check says after its mark depends on the answer; `tests/sanitize.cfg` of the copy is made to leave that out.
    """
    content = nbformat.read(notebook, as_version=4)
    for cell in content.cells:
        kind, _, place = cell.id.partition("-")
        if kind == "answer":
            cell.source = solution_of(notebook, place.replace("-", "."))
        elif kind == "check":
            assert cell.outputs, f"{notebook.name}: run the cell {cell.id}, and save the notebook"
            cell.outputs[0].text = f"✅ {place.replace('-', '.')} done\n"
        elif kind == "progress" and cell.cell_type == "code":
            cell.outputs[0].text = progress_after(int(notebook.name[:2]))
    nbformat.write(content, notebook)
    sanitizers = notebook.parents[1] / "tests" / "sanitize.cfg"
    section = (
        "[what a check says of a right answer]\nregex: (✅ \\d+\\.\\d done): .+\nreplace: \\1\n"
    )
    if section not in (text := sanitizers.read_text(encoding="utf-8")):
        sanitizers.write_text(f"{text}\n{section}", encoding="utf-8")


def progress_after(lab: int) -> str:
    """Return what `lab.progress()` prints when the exercises of the labs up to one are done, and no others."""
    lines = []
    for number, ids in ids_by_lab().items():
        mark = "✅" if number <= lab else "⬜"
        lines.append(f"Lab {number}:  {'  '.join(f'{mark} {id}' for id in ids)}")
    left = [exercise for exercise in EXERCISES.values() if exercise.lab > lab]
    end = f"Next: {left[0].id} · {left[0].title}." if left else "All of them. Well done!"
    lines.append(f"{len(EXERCISES) - len(left)} of {len(EXERCISES)} done. {end}")
    return "\n".join(lines) + "\n"


def not_as_shipped() -> list[str]:
    """Return, in sentences, what a student's own work in `notebooks/` changes for the tests."""
    folder = ROOT / "notebooks"
    found = [
        f"notebooks/{file.name} is an answer to lab 1, which its checks find: move it away."
        for file in sorted(folder.glob("my_*.csv"))
    ]
    for notebook in NOTEBOOKS:
        for cell in cells_of(notebook).values():
            if "exercise" in cell.metadata.get("tags", []) and len(cell.source.splitlines()) > 1:
                found.append(
                    f"notebooks/{notebook.name} holds your answer in the cell '{cell.id}': "
                    f"keep a copy, then 'git checkout notebooks/{notebook.name}'."
                )
    return found


class Kernel:
    """A kernel in the notebooks' folder, and what a cell printed.

    Attributes:
        patience: seconds until a cell counts as hanging.
        stderr: the part of it that the last cell wrote to standard error.
    """

    patience = 300

    def __init__(self, folder: Path, environment: dict[str, str], python: str = sys.executable):
        """Start a kernel of some Python.

        Args:
            folder: where the notebooks are.
            environment: what to add to this process's environment.
            python: the interpreter, which has ipykernel.
        """
        from jupyter_client.manager import KernelManager

        self.manager: Any = KernelManager()
        assert self.manager.kernel_spec, "no kernel is installed"
        self.manager.kernel_spec.argv[0] = python
        quiet = ["--IPKernelApp.log_level=ERROR"]
        self.manager.start_kernel(
            cwd=str(folder), env=os.environ | environment, extra_arguments=quiet
        )
        self.client = self.manager.blocking_client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=self.patience)

    def __enter__(self) -> Kernel:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)

    def run(self, code: str) -> tuple[str, str]:
        """Return what a cell printed, and the error it ended with, if any."""
        printed: list[str] = []
        errors: list[str] = []
        complaints: list[str] = []

        def listen(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                printed.append(content["text"])
                if content["name"] == "stderr":
                    complaints.append(content["text"])
            elif message["msg_type"] == "error":
                errors.append(f"{content['ename']}: {content['evalue']}")

        self.client.execute_interactive(
            code, timeout=self.patience, output_hook=listen, store_history=False
        )
        self.stderr = "".join(complaints)
        return "".join(printed), "".join(errors)


def solve(
    notebook: Path,
    environment: dict[str, str],
    python: str = sys.executable,
    kernel_type: type[Kernel] = Kernel,
    twice: bool = False,
) -> dict[str, str]:
    """Do a lab as a student who knows it all: run its cells, with each solution and its check in their places.

    No cell may raise or complain; each check must say ⬜ before the solution and ✅ after it.

    Args:
        notebook: the file, in its own folder; it is left as it is.
        environment: what to add to this process's environment.
        python: the interpreter, which has ipykernel.
        kernel_type: what runs the cells.
        twice: whether to run the lesson's cells once more in the end.

    Returns:
        what each cell printed last, by its id.
    """
    printed = {}
    with kernel_type(notebook.parent, environment, python) as kernel:

        def run(cell: Any, source: str) -> str:
            printed[cell.id], error = kernel.run(source)
            assert not error, f"{cell.id}: {error}"
            assert not kernel.stderr, f"{cell.id}: {kernel.stderr}"
            return printed[cell.id]

        for cell in cells_of(notebook).values():
            if cell.cell_type != "code" or cell.id.startswith("answer-"):
                continue
            if not cell.id.startswith("check-"):
                run(cell, cell.source)
                continue
            id = cell.id.removeprefix("check-").replace("-", ".")
            assert run(cell, cell.source).startswith(f"⬜ {id} not done yet: "), printed[cell.id]
            run(cell, solution_of(notebook, id))
            assert run(cell, cell.source).startswith(f"✅ {id} done: "), printed[cell.id]
        for cell in cells_of(notebook).values() if twice else ():
            if cell.cell_type == "code" and not cell.id.startswith(("answer-", "check-")):
                run(cell, cell.source)
    return printed
