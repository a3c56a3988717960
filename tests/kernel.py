"""A kernel to run a notebook's cells in, one by one, and the cells of its exercises."""

from __future__ import annotations

import os
import re
import sys
import tempfile
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

        # Files in place of ports: two kernels that start at once can be given the same port. Windows has ports alone.
        self.folder = tempfile.TemporaryDirectory()
        self.manager: Any = KernelManager(
            transport="ipc" if os.name == "posix" else "tcp",
            connection_file=f"{self.folder.name}/kernel.json",
        )
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
        self.folder.cleanup()

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


def state_of(client: Any) -> dict[str, Any]:
    """Return what each run of a store holds, by its id, also of those that are deleted, but for what checks note."""
    from mlflow.entities import ViewType

    places = [place.experiment_id for place in client.search_experiments(view_type=ViewType.ALL)]
    runs = client.search_runs(places, run_view_type=ViewType.ALL, max_results=1000)
    return {
        run.info.run_id: (run.info.status, run.info.lifecycle_stage, run.data.to_dictionary())
        for run in runs
        if run.info.run_name != "what lab.check said"
    }


def solve(
    notebook: Path,
    environment: dict[str, str],
    python: str = sys.executable,
    kernel_type: type[Kernel] = Kernel,
    again: tuple[str, ...] = (),
    client: Any = None,
) -> dict[str, str]:
    """Do a lab as a student who knows it all: run its cells, with each solution and its check in their places.

    No cell may raise or complain; each check must say ⬜ before the solution and ✅ after it.

    Args:
        notebook: the file, in its own folder; it is left as it is.
        environment: what to add to this process's environment.
        python: the interpreter, which has ipykernel.
        kernel_type: what runs the cells.
        again: when to run each cell but the solutions once more: "at once", "in the end" (in lab 9 before the cell `end`). No
            cell may then change the runs of another one, and a check none.
        client: an MLflow client on the store; needed for `again`.

    Returns:
        what each cell printed last, by its id.
    """
    cells = {id: cell for id, cell in cells_of(notebook).items() if cell.cell_type == "code"}
    lesson = [id for id in cells if not id.startswith("answer-")]
    printed: dict[str, str] = {}
    touched: dict[str, set[str]] = {}
    state = state_of(client) if again else {}
    with kernel_type(notebook.parent, environment, python) as kernel:

        def run(id: str, source: str, told: str = "") -> None:
            nonlocal state
            printed[id], error = kernel.run(source)
            assert not error and not kernel.stderr, f"{id}: {error}\n{kernel.stderr}"
            assert printed[id].startswith(told), f"{id}: {printed[id]}"
            before, after = state, state_of(client) if again else {}
            made = after.keys() - before.keys()
            changed = {run for run in before if after.get(run) != before[run]}
            others = changed - (set() if id.startswith("check-") else touched.get(id, changed))
            assert not others, f"{id} changes {[after.get(run) for run in others]}"
            touched.setdefault(id, set()).update(changed | made)
            state = after

        def do(id: str) -> None:
            run(id, cells[id].source, f"✅ {_exercise(id)} done: " * id.startswith("check-"))

        def do_again() -> None:
            for id in lesson[::-1] if "in the end" in again else ():
                if id != "end":
                    do(id)

        for id in cells:
            if id == "end":  # of all that lab 9 has started
                do_again()
            if id in lesson:
                do(id)
                if "at once" in again:
                    do(id)
            else:
                check = id.replace("answer-", "check-")
                run(check, cells[check].source, f"⬜ {_exercise(id)} not done yet: ")
                run(id, solution_of(notebook, _exercise(id)))
        if "end" not in cells:
            do_again()
    return printed


def _exercise(id: str) -> str:
    """Return the exercise that a cell's id names: 2.1 for `check-2-1`."""
    return id.partition("-")[2].replace("-", ".")
