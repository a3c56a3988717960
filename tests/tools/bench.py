"""`make bench BASE=COMMIT`: where time and memory go, here and at another commit. Nothing is asserted: only ratios mean something."""

from __future__ import annotations

import ast
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
from kernel import Kernel, cells_of
from support import NOTEBOOKS, ROOT, run

PAIRS = 5
MEMORY = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == 'linux' else 1024**2)"
TIMED = f"""
import json, resource, sys, time
{{before}}
begin = time.{{clock}}()
{{code}}
print(json.dumps([time.{{clock}}() - begin, {MEMORY}]))
"""
MODEL = """
from sklearn.linear_model import LogisticRegression
model = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
"""
LOG_MODEL = """
with mlflow.start_run():
    mlflow.sklearn.log_model(model, name="m", pip_requirements=["scikit-learn"], input_example=[[0.5]])
"""
START = "import lab\nlab.start()"


def main() -> None:
    """Measure all parts, or those named on the command line, and print a table for each."""
    parts = {"start": first_cell, "model": first_logged_model, "labs": whole_labs}
    chosen = sys.argv[1:] or list(parts)
    if unknown := [name for name in chosen if name not in parts]:
        sys.exit(
            f"Error: there is no part '{unknown[0]}' of the benchmark: choose from {', '.join(parts)}."
        )
    for name in chosen:
        with tempfile.TemporaryDirectory(prefix="lab-bench-") as folder:
            parts[name](Path(folder))


def sides(folder: Path) -> dict[str, Path]:
    """Return the two projects to compare: the commit that `BASE` names, and this one."""
    base = folder / "base"
    run(["git", "clone", "--quiet", ROOT, base], check=True)
    commit = os.environ.get("BASE") or "HEAD"
    run(["git", "checkout", "--quiet", commit], cwd=base, check=True)
    return {commit: base, "here": ROOT}


def first_cell(folder: Path) -> None:
    """Compare the seconds and the memory of `import mlflow` with those of a lab's first cell and that import."""
    projects = sides(folder)
    codes = {"import mlflow": (projects["here"], "import mlflow")}
    codes |= {f"{name}: first cell": (p, f"{START}\nimport mlflow") for name, p in projects.items()}
    rows = _in_turns(folder, codes, "", "perf_counter")
    for row in rows[1:]:
        row.append(row[1] / rows[0][1])
    title = "A new process (goal: at most 1.15 times `import mlflow`)"
    _table(title, ["code", "s", "memory, MB", "ratio"], [[*rows[0], 1.0], *rows[1:]])


def first_logged_model(folder: Path) -> None:
    """Compare the processor's seconds and the memory of a process that logs its first model."""
    codes = {name: (project, LOG_MODEL) for name, project in sides(folder).items()}
    rows = _in_turns(folder, codes, f"{START}\nimport mlflow\n{MODEL}", "process_time")
    rows.append(["ratio", *(new / old for old, new in zip(rows[0][1:], rows[1][1:], strict=True))])
    _table("First log_model of a process", ["side", "processor, s", "memory, MB"], rows)


def _in_turns(
    folder: Path, codes: dict[str, tuple[Path, str]], before: str, clock: str
) -> list[list[Any]]:
    """Return the median of seconds and memory of each code, in processes by turns, each on a store of its own."""
    found: dict[str, list[list[float]]] = {name: [] for name in codes}
    for number in range(PAIRS):
        for place, (name, (project, code)) in enumerate(codes.items()):
            environment = {
                "LAB_TRACKING_URI": str(folder / f"{place}-{number}" / "mlruns"),
                "PYTHONPATH": str(project / "notebooks"),
            }
            source = TIMED.format(before=before, code=code, clock=clock)
            command = [sys.executable, "-c", source]
            done = run(command, env=os.environ | environment, cwd=project / "notebooks", check=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    return [
        [name, *map(statistics.median, zip(*figures, strict=True))]
        for name, figures in found.items()
    ]


def whole_labs(folder: Path) -> None:
    """Compare the seconds and the memory of each lab's kernel, and the seconds with those of its imports alone."""
    projects = sides(folder)
    rows = []
    for notebook in NOTEBOOKS:
        row: list[Any] = [notebook.stem]
        for name, project in projects.items():
            path = project / "notebooks" / notebook.name
            store = {"LAB_TRACKING_URI": str(folder / f"{name} {notebook.stem}" / "mlruns")}
            lesson = [
                cell.source
                for cell in cells_of(path).values()
                if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", [])
            ]
            row += _seconds_and_memory(path.parent, lesson, store)
        rows.append([*row, _seconds_and_memory(notebook.parent, [_imports(notebook)], {})[0]])
    for title, some in (("labs 1 to 7", rows[:7]), ("all", rows[:10])):
        rows.append([title, *map(sum, list(zip(*some, strict=True))[1:])])
    names = [f"{name}, {what}" for name in projects for what in ("s", "MB")]
    _table("Whole labs", ["lab", *names, "imports, s"], rows)


def _seconds_and_memory(folder: Path, code: list[str], environment: dict[str, str]) -> list[float]:
    begin = time.perf_counter()
    with Kernel(folder, {"PYTHONPATH": str(folder)} | environment) as kernel:
        for cell in code:
            kernel.run(cell)
        printed, _ = kernel.run(f"import resource, sys; print({MEMORY})")
    return [time.perf_counter() - begin, float(printed)]


def _imports(path: Path) -> str:
    """Return the import statements of a notebook's cells, as code."""
    trees = [ast.parse(c.source) for c in cells_of(path).values() if c.cell_type == "code"]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    return "\n".join(
        ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
    )


def _table(title: str, names: list[str], rows: list[list[Any]]) -> None:
    table = pd.DataFrame(rows, columns=names).to_string(index=False, float_format="%.2f")
    print(f"\n{title}\n{table}", flush=True)


if __name__ == "__main__":
    main()
