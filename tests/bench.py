"""`make bench`: where the time goes, as tables. Nothing is asserted: times depend on the machine, ratios less so."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "notebooks"))

from exercise_cells import cells_of, solve  # noqa: E402
from lab.preflight import SETTINGS  # noqa: E402
from lab.ui import HOST, end_tree, free_port  # noqa: E402
from support import copy_project, serving  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
AT_A_TIME = 2  # as .pytest.ini says for the suite
FOREIGN_RUNS = 3000
STUDENTS, RUNS_EACH = 30, 100
START_SECONDS = 120
SUITE_SECONDS = 1800


class Clock:
    """Measures the time from the begin of a `with` block to its end, as `seconds`."""

    def __enter__(self):
        self.begin = time.perf_counter()
        return self

    def __exit__(self, *problem):
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
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        f"--numprocesses={AT_A_TIME}",
        f"--junitxml={report}",
    ]
    command += [
        "notebooks",
        "tests",
        "--ignore-glob=tests/test_*",
    ]  # the tests' settings, and only the notebooks
    with Clock() as whole:
        done = subprocess.run(
            command, check=False, cwd=ROOT, stdout=subprocess.DEVNULL, timeout=SUITE_SECONDS
        )
    seconds = dict.fromkeys((path.stem for path in NOTEBOOKS), 0.0)
    slow = []
    for test in ElementTree.parse(report).iter("testcase"):
        for path in NOTEBOOKS:
            if path.stem in test.get("classname") + test.get("name"):
                seconds[path.stem] += float(test.get("time"))
                if float(test.get("time")) > 2:
                    code = [cell for cell in cells_of(path).values() if cell.cell_type == "code"]
                    cell = code[int(test.get("name").split()[-1])]
                    slow.append([f"{path.stem}: {cell.id}", float(test.get("time"))])
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

    def log(times: int, **options) -> float:
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
    _table(
        title,
        ["how", "s"],
        [["requirements given, as in the labs", labs], ["MLflow's default", default]],
    )


def start_of_jupyterlab(folder: Path) -> None:
    """Compare `make lab` with plain JupyterLab, from the command until the server answers."""
    plain = [".venv/bin/python", "-m", "jupyterlab", "--no-browser", f"--ip={HOST}"]
    plain += ["--allow-root"] if os.name == "posix" and os.getuid() == 0 else []
    seconds = {"make lab": [], "jupyter lab": []}
    for _ in range(3):
        port = free_port(8890)
        seconds["make lab"].append(
            _until_it_answers(["make", "lab", f"PORT={port}", "ARGS=--no-browser"], port)
        )
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
    done = subprocess.run(
        [sys.executable, "-c", CHECKS],
        cwd=notebooks,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
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
    """Time the class report on a tracking server with 30 students who have done every exercise and have 100 runs each."""
    port = free_port(8990)
    address = f"http://{HOST}:{port}"
    database = folder / "server.db"
    command = [sys.executable, "-m", "mlflow", "server", f"--host={HOST}", f"--port={port}"]
    command += ["--workers=1", f"--backend-store-uri=sqlite:///{database}"]
    command += [f"--artifacts-destination={(folder / 'served').as_uri()}"]
    notebooks = copy_project(folder / "project") / "notebooks"
    environment = SETTINGS | {"LAB_TRACKING_URI": address, "PYTHONPATH": str(notebooks)}
    with serving(command, address, SETTINGS, folder):
        for path in NOTEBOOKS:
            solve(notebooks / path.name, environment | {"LAB_STUDENT": "student-00"})
        _copy_student("student-00", database)
        rows = []
        for call in ("first", "second"):
            with Clock() as clock:
                done = subprocess.run(
                    [sys.executable, "-m", "lab.report", "--class"],
                    check=True,
                    env=os.environ | environment,
                    capture_output=True,
                    text=True,
                )
            _, *students = done.stdout.splitlines()
            each = ", ".join(sorted({line.split()[-1] for line in students}))
            rows.append([call, each, clock.seconds])
    title = (
        f"Class report, {len(students)} students, {STUDENTS * RUNS_EACH} runs (goal: at most 5 s)"
    )
    _table(title, ["call", "exercises done by each", "s"], rows)


def _copy_student(name: str, database: Path) -> None:
    """Fill up a student's runs with copies of one that is no answer, and copy them all for other students, but not their files."""
    with contextlib.closing(sqlite3.connect(database)) as store, store:
        own = [run for (run,) in store.execute("SELECT run_uuid FROM runs")]
        no_answer = store.execute("SELECT run_uuid FROM runs WHERE name = 'by-hand'").fetchone()[0]
        for number in range(len(own), RUNS_EACH):
            own.append(f"f{number:031x}")
            _copy_rows(store, {no_answer: own[-1]})
        for number in range(1, STUDENTS):
            ids = {run: f"s{number:02}{run[3:]}" for run in own}
            _copy_rows(store, ids | {name: f"student-{number:02}"})


def _copy_rows(store: sqlite3.Connection, new: dict[str, str]) -> None:
    """Copy all that MLflow's tables say of some runs, with the ids and other values that `new` replaces."""
    run_of = dict.fromkeys(("runs", "params", "metrics", "latest_metrics", "tags"), "run_uuid")
    run_of["inputs"] = "iif(source_type = 'RUN_OUTPUT', source_id, destination_id)"
    for table, run in run_of.items():
        which = f"SELECT * FROM {table} WHERE {run} IN (SELECT value FROM json_each(?))"
        for row in store.execute(which, [json.dumps(list(new))]).fetchall():
            row = [new.get(value, value) for value in row]
            if table == "inputs":
                row[0] = uuid.uuid4().hex  # a key that nothing else refers to
            places = ", ".join("?" * len(row))
            store.execute(f"INSERT INTO {table} VALUES ({places})", row)


def search_in_a_full_store(folder: Path) -> None:
    """Compare lab 07 on a store with many runs of somebody else with the same lab on an empty store."""
    path = next(path for path in NOTEBOOKS if path.name.startswith("07"))
    full = folder / "full" / "mlruns"
    _fill(full)
    empty_seconds, full_seconds = (
        _run(path, store) for store in (folder / "empty" / "mlruns", full)
    )
    title = f"Lab 07 beside {FOREIGN_RUNS} foreign runs: ratio {full_seconds / empty_seconds:.2f} (goal: at most 3)"
    _table(
        title, ["store", "s"], [["empty", empty_seconds], [f"{FOREIGN_RUNS} runs", full_seconds]]
    )


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
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with Clock() as clock:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        server = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **quiet)
        try:
            while True:
                if server.poll() is not None or time.perf_counter() - clock.begin > START_SECONDS:
                    raise RuntimeError(f"{' '.join(command)} did not start.")
                with contextlib.suppress(OSError):
                    opener.open(f"http://{HOST}:{port}/api", timeout=5).close()
                    break
                time.sleep(0.05)
        except BaseException:
            end_tree(server.pid)
            raise
    end_tree(server.pid)
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
    import nbformat
    from nbclient import NotebookClient

    client = NotebookClient(
        nbformat.read(path, as_version=4),
        kernel_name="python3",
        timeout=START_SECONDS,
        resources={"metadata": {"path": str(path.parent)}},
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    with Clock() as clock:
        client.execute(env=os.environ | {"LAB_TRACKING_URI": store.as_uri()})
    return clock.seconds


def _table(title: str, names: list[str], rows: list[list]) -> None:
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
