"""`make bench`: where the time goes, as tables. Nothing is asserted: times depend on the machine, ratios less so."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import students_by_requests
from class_server import class_server, postgres
from kernel import cells_of, solve
from lab.exercises import all_exercises, notes
from lab.exercises.notes import DONE, Note
from lab.serving import HOST
from lab.settings import SETTINGS
from support import NOTEBOOKS, ROOT, copy_project, execute, free_port, run, serving, tracking_server

AT_A_TIME = 2  # as .pytest.ini says for the suite
FOREIGN_RUNS = 3000
CLASSES, RUNS_EACH = (30, 300), 3
TRIALS, WORKERS = 1000, (1, 2, 4)
START_SECONDS = 120
SUITE_SECONDS = 1800


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
        "suite": suite,
        "model": logged_model,
        "start": start_of_jupyterlab,
        "search": search_in_a_full_store,
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


def suite(folder: Path) -> None:
    """Compare nbval on all notebooks with kernels that only import what each notebook imports."""
    imports = [_imports(path) for path in NOTEBOOKS]
    # Logging a scikit-learn model imports skops, which imports every estimator there is, and PyTorch.
    logging = [
        code + ("\nimport skops.io" if "mlflow.sklearn" in path.read_text(encoding="utf-8") else "")
        for code, path in zip(imports, NOTEBOOKS, strict=True)
    ]
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        # Once unmeasured: afterwards the disk's cache is warm for all that follows.
        list(pool.map(_import_only, logging))
        with Clock() as floor:
            each = list(pool.map(_import_only, imports))
        with Clock() as logging_floor:
            each_logging = list(pool.map(_import_only, logging))
    report = folder / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", f"--numprocesses={AT_A_TIME}"]
    # The tests' settings, and only the notebooks.
    command += [f"--junitxml={report}", "notebooks", "tests", "--ignore-glob=tests/test_*"]
    with Clock() as whole:
        done = subprocess.run(
            command, check=False, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=SUITE_SECONDS
        )
    seconds = dict.fromkeys((path.stem for path in NOTEBOOKS), 0.0)
    slow = []
    for test in ElementTree.parse(report).iter("testcase"):
        for path in NOTEBOOKS:
            name, taken = test.get("name", ""), float(test.get("time", 0))
            if path.stem in test.get("classname", "") + name:
                seconds[path.stem] += taken
                if taken > 2:
                    code = [cell for cell in cells_of(path).values() if cell.cell_type == "code"]
                    slow.append([f"{path.stem}: {code[int(name.split()[-1])].id}", taken])
    rows = [
        [path.stem, only, more, seconds[path.stem]]
        for path, only, more in zip(NOTEBOOKS, each, each_logging, strict=True)
    ]
    rows.append(["all, two at a time", floor.seconds, logging_floor.seconds, whole.seconds])
    title = (
        f"Import floor and nbval: ratio {whole.seconds / floor.seconds:.2f} (goal: at most 2), "
        f"{whole.seconds / logging_floor.seconds:.2f} to what logging a model imports too"
    )
    _table(title, ["notebook", "imports, s", "and skops, s", "nbval, s"], rows)
    _table("Cells that keep a reader waiting for more than two seconds", ["cell", "s"], slow)
    if done.returncode:
        print("Not all cells passed: 'make test' says which.")


def logged_model(folder: Path) -> None:
    """Compare logging a model as the labs do it with MLflow's default, which looks for the requirements itself."""
    os.environ.update(SETTINGS)
    import mlflow
    import sklearn
    from lab import quiet
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression

    quiet.keep_quiet()
    mlflow.set_tracking_uri((folder / "mlruns").as_uri())
    model = LogisticRegression(max_iter=1000).fit(*load_iris(return_X_y=True))
    given = {"pip_requirements": [f"scikit-learn=={sklearn.__version__}"]}

    def log(times: int, **options: Any) -> float:
        seconds = []
        for _ in range(times + 1):  # the first one warms up
            with Clock() as clock, mlflow.start_run():
                mlflow.sklearn.log_model(model, name="model", **options)
            seconds.append(clock.seconds)
        return statistics.median(seconds[1:])

    labs, default = log(9, **given), log(3)
    title = (
        f"A logged scikit-learn model, warm: {default / labs:.0f} times faster (goal: at least 50)"
    )
    rows = [["requirements given, as in the labs", labs], ["MLflow's default", default]]
    _table(title, ["how", "s"], rows)


def start_of_jupyterlab(folder: Path) -> None:
    """Compare `make lab` with plain JupyterLab, from the command until the server answers."""
    plain = [".venv/bin/python", "-m", "jupyterlab", "--no-browser", f"--ip={HOST}"]
    plain += ["--allow-root"] if os.name == "posix" and os.getuid() == 0 else []
    seconds: dict[str, list[float]] = {"make lab": [], "jupyter lab": []}
    for _ in range(3):
        port = free_port()
        lab = ["make", "lab", f"PORT={port}", "ARGS=--no-browser"]
        seconds["make lab"].append(_until_it_answers(lab, port))
        seconds["jupyter lab"].append(_until_it_answers([*plain, f"--port={port}"], port))
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    more = medians["make lab"] - medians["jupyter lab"]
    title = f"Until JupyterLab answers, median of 3: {more:+.1f} s (goal: at most 5 s more)"
    _table(title, ["command", "s"], [[name, value] for name, value in medians.items()])


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
                    command = [sys.executable, "-m", "lab.report", "--class"]
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


def search_in_a_full_store(folder: Path) -> None:
    """Compare lab 07 on a store with many runs of somebody else with the same lab on an empty store."""
    path = next(path for path in NOTEBOOKS if path.name.startswith("07"))
    full = folder / "full" / "mlruns"
    _fill(full)
    empty_seconds, full_seconds = (
        _run(path, store) for store in (folder / "empty" / "mlruns", full)
    )
    title = f"Lab 07 beside {FOREIGN_RUNS} foreign runs: ratio {full_seconds / empty_seconds:.2f} (goal: at most 3)"
    rows = [["empty", empty_seconds], [f"{FOREIGN_RUNS} runs", full_seconds]]
    _table(title, ["store", "s"], rows)


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


def _import_only(code: str) -> float:
    """Return the seconds from starting a kernel, through importing, to its end."""
    from jupyter_client.manager import start_new_kernel

    with Clock() as clock:
        manager, client = start_new_kernel(
            kernel_name="python3",
            cwd=str(ROOT / "notebooks"),
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
        try:
            reply = client.execute_interactive(
                code, timeout=START_SECONDS, output_hook=lambda message: None
            )
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
    if reply["content"]["status"] != "ok":
        raise RuntimeError(f"An import failed: {reply['content']['evalue']}")
    return clock.seconds


def _until_it_answers(command: list[str], port: int) -> float:
    """Start a server, return the seconds until it answers, and end it."""
    with contextlib.ExitStack() as running, Clock() as clock:  # the clock stops before the server
        running.enter_context(serving(command, f"http://{HOST}:{port}/api", {}, ROOT))
    return clock.seconds


def _fill(folder: Path) -> None:
    """Write many runs of an experiment that is not the labs': one through MLflow, the rest as copies of its files."""
    os.environ.update(SETTINGS)
    import mlflow

    client = mlflow.MlflowClient(folder.as_uri())
    run = client.create_run(client.create_experiment("somebody_else"))
    for number in range(5):
        client.log_param(run.info.run_id, f"param_{number}", number)
    for name in ("accuracy", "loss"):
        client.log_metric(run.info.run_id, name, 0.5)
    client.set_terminated(run.info.run_id)
    first = folder / run.info.experiment_id / run.info.run_id
    for number in range(1, FOREIGN_RUNS):
        copy = first.with_name(f"f{number:031x}")  # digits alone would be a number to YAML
        shutil.copytree(first, copy)
        meta = copy / "meta.yaml"
        meta.write_text(
            meta.read_text(encoding="utf-8").replace(first.name, copy.name), encoding="utf-8"
        )


def _run(path: Path, store: Path) -> float:
    """Return the seconds that a notebook takes on a store."""
    with Clock() as clock:
        execute(path, {"LAB_TRACKING_URI": store.as_uri()})
    return clock.seconds


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
