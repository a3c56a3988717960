"""The labs print the same on other computers, and when nothing is as it should be.

Each computer below stands for some: other instructions in the linear algebra, other rounding, another number of threads,
another language and time zone. What does not disturb that is put on top: a folder with a space and a non-ASCII letter, no
network, no root rights, a store that has seen better days.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from exercise_cells import EXERCISES, Kernel, fill_in_solutions
from lab.store import EXPERIMENTS
from support import NOTEBOOKS, copy_project, nbval, run, without_network, without_privileges

FOREIGN_RUNS = """
import time
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client, now = MlflowClient(), int(time.time() * 1000)
places = [client.create_experiment(name) for name in ("somebody_else", "sklearn_experiment", "search_experiment")]
for number in range(500):
    run = client.create_run(places[number % 3], run_name=f"foreign-{number}").info.run_id
    metrics = [Metric("accuracy", number / 600, now, 0), Metric("log_loss", 0.001, now, 0)]
    client.log_batch(run, metrics, [Param("C", "7"), Param("components", "3")])
    client.set_terminated(run)
"""

HALF_A_RUN = """
import lab, mlflow
lab.start()
for name in {experiments}:
    mlflow.set_experiment(name)
    mlflow.start_run(run_name="killed", nested=True)
    mlflow.log_param("C", 1.0)
    mlflow.log_metric("accuracy", 0.5)
print("in the middle of a run")
"""

SNAPSHOT = """
import json, mlflow
from lab.store import folder

def state():
    return {
        "files": {str(path): path.read_bytes().hex() for path in folder().rglob("*") if path.is_file()},
        "run": mlflow.active_run() and mlflow.active_run().info.run_id,
        "experiment": mlflow.tracking.fluent._active_experiment_id,
    }
"""
LOOK = """
before = state()
for id in {ids}:
    lab.check(id)
after = state()
print({{name: before[name] == after[name] for name in before}})
"""

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
    Computer("used", "Nehalem", 2, 8, True, PLAINEST_PYTORCH | {"TZ": "Pacific/Pago_Pago"}),
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
    pytest.param(computer, notebook, id=f"{computer.place}-{computer.kernels}-{notebook.stem}")
    for computer in COMPUTERS
    for notebook in (NOTEBOOKS if computer.solved else reversed(NOTEBOOKS))
]


@dataclass
class Place:
    """A copy of the project and what belongs to it."""

    project: Path
    store: Path
    log: Path

    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": str(self.project / "tests" / "other_computer"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OFFLINE_LOG": str(self.log),
            "LAB_TRACKING_URI": self.store.as_uri(),
        }

    def files(self) -> set[Path]:
        """Return all files that are there, but for the store."""
        paths = self.project.rglob("*")
        return {path.relative_to(self.project) for path in paths if "mlruns" not in path.parts}


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Give each name a place of its own, in a folder that is not easily named."""
    made = {}

    def place(name: str) -> Place:
        if name not in made:
            folder = tmp_path_factory.mktemp("Übung mit Leerzeichen")
            project = copy_project(folder / "MLflow läb")
            made[name] = Place(project, project / "mlruns", folder / "attempts.txt")
        return made[name]

    return place


@pytest.fixture(scope="module")
def used(places):
    """The place whose store holds 500 foreign runs, and runs that a killed kernel left open."""
    place = places("used")
    environment = place.environment() | {
        "MLFLOW_TRACKING_URI": place.store.as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
    }
    done = run([sys.executable, "-c", FOREIGN_RUNS], env=environment, cwd=place.project)
    assert done.returncode == 0, done.stdout
    kill_a_kernel(place)
    place.before = place.files()
    return place


def kill_a_kernel(place):
    """Run half a lab in a kernel and kill it, so that a run of each experiment stays open for ever."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(place.project / "notebooks"), env=place.environment()
    )
    try:
        printed = []

        def listen(message):
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        client.execute_interactive(
            HALF_A_RUN.format(experiments=EXPERIMENTS), timeout=120, output_hook=listen
        )
        assert "in the middle of a run" in "".join(printed)
        os.kill(manager.provisioner.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("computer, notebook", CASES)
def test_every_output_is_the_same(computer, notebook, places, request):
    in_use = kernels_in_use(computer.kernels)
    if in_use != computer.kernels:
        pytest.skip(
            f"this processor does not run OpenBLAS's kernels for {computer.kernels}, but {in_use or 'none'}"
        )
    if computer.kernels == "SkylakeX" and kernels_in_use("") == "SkylakeX":
        pytest.skip("this computer is of the kind SkylakeX itself: all other tests run on it")
    used = computer.place == "used"
    place = request.getfixturevalue("used") if used else places(computer.place)
    if computer.solved:
        fill_in_solutions(place.project / "notebooks" / notebook.name)
    done = nbval(
        place.project,
        [notebook.name],
        prefix=[*without_network(), *without_privileges()],
        env=place.environment() | computer.environment(),
    )
    assert done.returncode == 0, done.stdout[-5000:]


def test_foreign_and_killed_runs_are_untouched(used):
    import mlflow
    from mlflow.entities import ViewType

    client = mlflow.MlflowClient(tracking_uri=used.store.as_uri())
    experiments = [
        experiment.experiment_id for experiment in client.search_experiments(view_type=ViewType.ALL)
    ]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL, max_results=5000)
    foreign = [run for run in runs if run.info.run_name.startswith("foreign-")]
    assert len(foreign) == 500
    assert {run.info.status for run in foreign} == {"FINISHED"}
    killed = [run for run in runs if run.info.run_name == "killed"]
    assert [run.info.status for run in killed] == ["RUNNING"] * len(EXPERIMENTS)


def test_nothing_but_the_store_was_written(used):
    answers = {"notebooks/my_results.csv", "notebooks/my_choice.csv"}
    assert {path.as_posix() for path in used.files() - used.before} <= answers


def test_no_other_machine_was_asked(used):
    assert not used.log.exists(), f"connections were tried to: {set(used.log.read_text().split())}"


def test_the_guard_notes_a_connection(tmp_path, used):
    environment = used.environment() | {"OFFLINE_LOG": str(tmp_path / "log")}
    code = "import urllib.request as r; r.urlopen('http://192.0.2.1', timeout=5)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert (tmp_path / "log").read_text().split() == ["192.0.2.1"]


def test_every_value_stands_once_and_the_store_can_move_to_a_database(used, tmp_path):
    """MLflow's way out of the file store refuses a store in which a metric stands twice."""
    for file in (*used.store.glob("*/*/metrics/*"), *used.store.glob("*/models/*/metrics/*")):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(set(lines)) == len(lines), file
    command = [sys.executable, "-m", "mlflow", "migrate-filestore", "--source", used.store]
    command += ["--target", f"sqlite:///{tmp_path}/moved.db"]
    done = run(command, env=used.environment() | {"MLFLOW_DISABLE_TELEMETRY": "true"}, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.fixture
def solved(used, tmp_path):
    """A kernel in which `lab.start()` was run, on a copy of the store in which every exercise is done."""
    shutil.copytree(used.store, tmp_path / "mlruns")
    environment = used.environment() | {"LAB_TRACKING_URI": str(tmp_path / "mlruns")}
    with Kernel(used.project / "notebooks", environment) as kernel:
        _, error = kernel.run("import lab\nlab.start()\n" + SNAPSHOT)
        assert not error, error
        yield kernel


def test_checks_leave_no_trace(solved, used):
    """Not with autologging on, not inside an open run; and a table kept by hand is handed in once."""
    for code in (
        "mlflow.set_experiment('search_experiment')\nmlflow.autolog(log_models=False)",
        "opened = mlflow.start_run(run_name='mine')",
    ):
        _, error = solved.run(code)
        assert not error, error
    printed, error = solved.run(LOOK.format(ids=list(EXERCISES)))
    assert not error, error
    *verdicts, same = printed.splitlines()
    assert [line[:5] for line in verdicts] == [f"✅ {id}" for id in EXERCISES]
    assert same == "{'files': True, 'run': True, 'experiment': True}"

    printed, _ = solved.run(
        "from sklearn.linear_model import Ridge\nRidge().fit([[0.0], [1.0]], [0, 1])\n"
        "print('alpha' in mlflow.get_run(opened.info.run_id).data.params)"
    )
    assert printed.splitlines()[-1] == "True", "autologging is on again"

    count = (
        "len(mlflow.search_runs([mlflow.get_experiment_by_name('answers_by_hand').experiment_id]))"
    )
    before, _ = solved.run(f"print({count})")
    choice = used.project / "notebooks" / "my_choice.csv"
    right = choice.read_bytes()
    choice.write_text("C,mean_accuracy\n100,0.955\n")
    after, _ = solved.run(f"lab.check('1.2')\nlab.check('1.2')\nprint({count})")
    choice.write_bytes(right)
    assert int(after.splitlines()[-1]) == int(before) + 1


def test_one_run_that_cannot_be_read_spoils_only_its_experiment(solved):
    code = """
mlflow.set_experiment("autolog_experiment")
with mlflow.start_run() as run:
    mlflow.log_param("C", 1)
(file,) = folder().glob(f"*/{run.info.run_id}/params/C")
file.write_bytes(bytes([255, 254]))
lab.check("4.1")
lab.check("2.1")
"""
    printed, error = solved.run(code)
    assert not error, error
    broken, fine = printed.splitlines()
    assert broken.startswith(
        "❌ 4.1 not right yet: a run in the experiment 'autolog_experiment' cannot be read ("
    )
    assert fine.startswith("✅ 2.1 done")
