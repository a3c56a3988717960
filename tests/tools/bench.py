"""`make bench BASE=COMMIT`: where time and memory go, here and at another commit. Nothing is asserted: only ratios mean something."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import students_by_requests
from class_server import class_server, postgres
from kernel import Kernel, cells_of, solve
from lab.exercises import all_exercises, notes
from lab.exercises.notes import DONE, Note
from lab.setup.variables import SETTINGS
from support import NOTEBOOKS, ROOT, copy_project, run, tracking_server

PAIRS = 5
CLASSES, RUNS_EACH = (30, 300), 3
TRIALS, WORKERS = 1000, (1, 2, 4)


class Clock:
    """Measures the time from the begin of a `with` block to its end, as `seconds`."""

    seconds: float

    def __enter__(self) -> Clock:
        self.begin = time.perf_counter()
        return self

    def __exit__(self, *problem: object) -> None:
        self.seconds = time.perf_counter() - self.begin


def main() -> None:
    """Measure all parts, or those named on the command line, and print a table for each."""
    parts = {
        "model": first_logged_model,
        "labs": whole_labs,
        "checks": checks_of_all_exercises,
        "class": report_of_a_class,
        "cluster": short_trials_on_one_server,
    }
    chosen = sys.argv[1:] or list(parts)
    unknown = [name for name in chosen if name not in parts]
    if unknown:
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
    commit = os.environ.get("BASE", "HEAD")
    run(["git", "checkout", "--quiet", commit], cwd=base, check=True)
    return {commit: base, "here": ROOT}


def first_logged_model(folder: Path) -> None:
    """Compare the processor's seconds and the memory of a process that logs its first model."""
    found: dict[str, list[list[float]]] = {}
    projects = sides(folder)
    for number in range(PAIRS):
        for name, project in projects.items():
            environment = {"LAB_TRACKING_URI": str(folder / f"{name}-{number}" / "mlruns")}
            environment["PYTHONPATH"] = str(project / "notebooks")
            command = [sys.executable, "-c", FIRST_MODEL]
            done = run(command, env=os.environ | environment, cwd=project / "notebooks", check=True)
            found.setdefault(name, []).append(json.loads(done.stdout.splitlines()[-1]))
    rows = [
        [name, *map(statistics.median, zip(*figures, strict=True))]
        for name, figures in found.items()
    ]
    rows.append(["ratio", *(new / old for old, new in zip(rows[0][1:], rows[1][1:], strict=True))])
    _table("First log_model of a process", ["side", "processor, s", "memory, MB"], rows)


MEMORY = "resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == 'linux' else 1024**2)"
FIRST_MODEL = f"""
import json, resource, sys, time
import lab
lab.start()
import mlflow
from sklearn.linear_model import LogisticRegression
X = [[0.0], [1.0]]
model = LogisticRegression().fit(X, [0, 1])
begin = time.process_time()
with mlflow.start_run():
    mlflow.sklearn.log_model(model, name="m", pip_requirements=["scikit-learn"], input_example=[[0.5]])
print(json.dumps([time.process_time() - begin, {MEMORY}]))
"""


def whole_labs(folder: Path) -> None:
    """Compare the seconds and the memory of each lab's kernel, and the seconds with those of its imports alone."""
    projects = sides(folder)
    rows = []
    for notebook in NOTEBOOKS:
        row: list[Any] = [notebook.stem]
        for name, project in projects.items():
            path = project / "notebooks" / notebook.name
            store = {"LAB_TRACKING_URI": str(folder / f"{name} {notebook.stem}" / "mlruns")}
            cells = [cell for cell in cells_of(path).values() if cell.cell_type == "code"]
            code = [
                c.source
                for c in cells
                if c.cell_type == "code" and "exercise" not in c.metadata.get("tags", [])
            ]
            row += [*_seconds_and_memory(path.parent, code, store)]
        seconds, _ = _seconds_and_memory(notebook.parent, [_imports(notebook)], {})
        rows.append([*row, seconds])
    for title, some in (("labs 1 to 7", rows[:7]), ("all", rows[:10])):
        rows.append([title, *map(sum, list(zip(*some, strict=True))[1:])])
    names = [f"{name}, {what}" for name in projects for what in ("s", "MB")]
    _table("Whole labs", ["lab", *names, "imports, s"], rows)


def _seconds_and_memory(folder: Path, code: list[str], environment: dict[str, str]) -> list[float]:
    environment = {"PYTHONPATH": str(folder)} | environment
    with Clock() as clock, Kernel(folder, environment) as kernel:
        for cell in code:
            kernel.run(cell)
        printed, _ = kernel.run(f"import resource, sys; print({MEMORY})")
    return [clock.seconds, float(printed)]


def checks_of_all_exercises(folder: Path) -> None:
    """Measure every check, and the student's progress, in a store with all solutions and 500 runs of others."""
    notebooks = copy_project(folder / "project") / "notebooks"
    environment = SETTINGS | {
        "LAB_TRACKING_URI": str(folder / "mlruns"),
        "PYTHONPATH": str(notebooks),
    }
    for notebook in NOTEBOOKS:
        solve(notebooks / notebook.name, environment)
    command = [sys.executable, "-c", CHECKS]
    done = run(command, cwd=notebooks, env=os.environ | environment, check=True)
    seconds = json.loads(done.stdout.splitlines()[-1])
    rows = [[name, taken] for name, taken in seconds.items()]
    title = "Checks, after MLflow was imported (goal: at most 2 s each, 3 s for the progress)"
    _table(title, ["what", "s"], rows)


CHECKS = """
import json, time
import lab, mlflow
from lab.exercises import all_exercises
lab.start()
client, seconds = mlflow.MlflowClient(), {}
places = [client.get_experiment_by_name(n).experiment_id for n in ("sklearn_experiment", "search_experiment")]
for number in range(500):
    run = client.create_run(places[number % 2], tags={"mlflow.user": "somebody else"})
    client.log_metric(run.info.run_id, "accuracy", 0.5)
    client.set_terminated(run.info.run_id)
def measure(name, call, *arguments):
    begin = time.perf_counter()
    call(*arguments)
    seconds[name] = round(time.perf_counter() - begin, 2)
measure("progress, in a new process", lab.progress)
measure("progress, in a notebook", lab.progress)
for id in all_exercises():
    measure(id, lab.check, id)
print(json.dumps(seconds))
"""


def report_of_a_class(folder: Path) -> None:
    """Time the class report on a class's server with rooms for 30 and for 300 students, each with some runs and a note for each exercise."""
    os.environ.update(SETTINGS)
    import mlflow

    rows = []
    for count in CLASSES:
        with class_server(folder / str(count)) as server:
            students_by_requests.measure(server, count, RUNS_EACH)
            mlflow.set_tracking_uri(server.address)
            client = mlflow.MlflowClient()
            for number in range(count):
                name, now = f"student-{number:03}", time.time()
                mlflow.set_workspace(name)
                place = client.create_experiment(notes.EXPERIMENT)
                note = json.dumps(asdict(Note(DONE, "well done.", now - 60, now, 2)))
                tags = {f"check.{id}": note for id in all_exercises()}
                client.create_run(place, tags=tags | {"mlflow.user": name})
            environment = {
                "LAB_TRACKING_URI": server.address,
                "PYTHONPATH": str(ROOT / "notebooks"),
            }
            for call in ("first", "second"):
                with Clock() as clock:
                    command = [sys.executable, "-m", "lab.classroom", "progress", "--class"]
                    done = run(command, env=os.environ | environment, check=True)
                _, *students = done.stdout.splitlines()
                each = ", ".join(sorted({line.split()[-1] for line in students}))
                rows.append([str(len(students)), call, each, clock.seconds])
    title = (
        "Class report, each student in a room (goals: 30 students 5 s, then 2 s; 300 students 30 s)"
    )
    _table(title, ["students", "call", "exercises done by each", "s"], rows)


def short_trials_on_one_server(folder: Path) -> None:
    """Count how many trials of a millisecond one server takes a second from Dask workers, as lab 9 logs them."""
    os.environ.update(SETTINGS)
    import mlflow
    from distributed import Client, LocalCluster

    def trial(number: int, place: dict[str, Any], tracking_uri: str) -> None:
        mlflow.set_tracking_uri(tracking_uri)
        with mlflow.start_run(
            run_name=f"trial {number}", tags={"worker": str(os.getpid())}, **place
        ):
            mlflow.log_params({"C": number, "components": 8})
            time.sleep(0.001)
            mlflow.log_metric("accuracy", 0.9)

    rows: list[list[Any]] = []
    here = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": "ERROR"}
    with contextlib.ExitStack() as running:
        cluster = running.enter_context(LocalCluster(n_workers=max(WORKERS), **here))
        client = running.enter_context(Client(cluster))
        stores = {"SQLite": f"sqlite:///{folder}/server.db"}
        try:
            uri = running.enter_context(postgres())
            stores["PostgreSQL"] = uri.replace("postgresql:", "postgresql+psycopg2:")
        except FileNotFoundError as error:
            print(f"Without PostgreSQL: {error}")
        for store, uri in stores.items():
            with tracking_server(folder, "--backend-store-uri", uri) as address:
                mlflow.set_tracking_uri(address)
                for workers in WORKERS:
                    home = mlflow.create_experiment(f"{workers} workers")
                    with mlflow.start_run(experiment_id=home) as parent:
                        pass
                    place = {"experiment_id": home, "parent_run_id": parent.info.run_id}
                    told = {"place": place, "tracking_uri": address, "pure": False}
                    chosen = sorted(client.nthreads())[:workers]
                    client.gather(client.map(trial, range(2 * workers), workers=chosen, **told))
                    with Clock() as clock:
                        client.gather(client.map(trial, range(TRIALS), workers=chosen, **told))
                    filed = mlflow.search_runs([home], max_results=2 * TRIALS)
                    lost = TRIALS + 2 * workers - (len(filed) - 1)
                    rows.append([store, str(workers), TRIALS / clock.seconds, str(lost)])
    title = f"{TRIALS} trials of a millisecond, each logged as a run on one server with one process"
    _table(title, ["store", "workers", "runs a second", "lost"], rows)


def _imports(path: Path) -> str:
    """Return the import statements of a notebook's cells, as code."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    trees = [ast.parse("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    found = [
        node
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    return "\n".join(ast.unparse(node) for node in found)


def _table(title: str, names: list[str], rows: list[list[Any]]) -> None:
    cells = [
        [f"{value:.2f}" if isinstance(value, float) else value for value in row]
        for row in [names, *rows]
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for first, *others in cells:
        print(
            f"  {first:<{widths[0]}}",
            *(f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)),
        )
    sys.stdout.flush()


if __name__ == "__main__":
    main()
