"""A store that others use too: the labs leave their own runs in it, and the checks nothing at all."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from kernel import EXERCISES, Kernel
from lab.store import EXPERIMENTS
from support import NOTEBOOKS, run

pytestmark = pytest.mark.thorough

SNAPSHOT = """
import json, mlflow
from lab.store import labs_store

def state():
    return {
        "files": {str(path): path.read_bytes().hex() for path in labs_store().folder.rglob("*") if path.is_file()},
        "run": mlflow.active_run() and mlflow.active_run().info.run_id,
        "experiment": mlflow.tracking.fluent._active_experiment_id,
    }

mlflow.set_experiment("search_experiment")
mlflow.autolog(log_models=False)
opened = mlflow.start_run(run_name="mine")
"""
LOOK = """
before = state()
for id in {ids}:
    lab.check(id)
after = state()
print({{name: before[name] == after[name] for name in before}})
"""
FIT = """
from sklearn.linear_model import Ridge
Ridge().fit([[0.0], [1.0]], [0, 1])
print("alpha" in mlflow.get_run(opened.info.run_id).data.params)
"""
COUNT = """
by_hand = mlflow.get_experiment_by_name("answers_by_hand").experiment_id
print(len(mlflow.search_runs([by_hand])))
"""


@pytest.fixture(scope="module")
def place(used):
    """The place whose store has seen better days, after all labs: `test_other_computers.py` did most or all."""
    for notebook in NOTEBOOKS:
        if notebook not in used.replayed:
            used.replay(notebook, {})
    return used


def test_foreign_and_killed_runs_are_untouched(place):
    import mlflow
    from mlflow.entities import ViewType

    client = mlflow.MlflowClient(tracking_uri=place.store.as_uri())
    experiments = [
        experiment.experiment_id for experiment in client.search_experiments(view_type=ViewType.ALL)
    ]
    runs = client.search_runs(experiments, run_view_type=ViewType.ALL, max_results=5000)
    foreign = [run for run in runs if run.info.run_name.startswith("foreign-")]
    assert len(foreign) == 500
    assert {run.info.status for run in foreign} == {"FINISHED"}
    killed = [run for run in runs if run.info.run_name == "killed"]
    assert [run.info.status for run in killed] == ["RUNNING"] * len(EXPERIMENTS)


def test_nothing_but_the_store_was_written(place):
    answers = {"notebooks/my_results.csv", "notebooks/my_choice.csv"}
    assert {path.as_posix() for path in place.files() - place.before} <= answers


def test_no_other_machine_was_asked(place):
    assert not place.log.exists(), (
        f"connections were tried to: {set(place.log.read_text().split())}"
    )


def test_the_guard_notes_a_connection(tmp_path, used):
    environment = used.environment() | {"OFFLINE_LOG": str(tmp_path / "log")}
    code = "import urllib.request as r; r.urlopen('http://192.0.2.1', timeout=5)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert (tmp_path / "log").read_text().split() == ["192.0.2.1"]


def test_every_value_stands_once_and_the_store_can_move_to_a_database(place, tmp_path):
    """MLflow's way out of the file store refuses a store in which a metric stands twice."""
    for file in (*place.store.glob("*/*/metrics/*"), *place.store.glob("*/models/*/metrics/*")):
        lines = file.read_text(encoding="utf-8").splitlines()
        assert len(set(lines)) == len(lines), file
    command = [sys.executable, "-m", "mlflow", "migrate-filestore", "--source", place.store]
    command += ["--target", f"sqlite:///{tmp_path}/moved.db"]
    environment = place.environment() | {"MLFLOW_DISABLE_TELEMETRY": "true"}
    done = run(command, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]


def test_checks_leave_no_trace(place, tmp_path):
    """Not with autologging on, not inside an open run; and a table kept by hand is handed in once."""
    shutil.copytree(place.store, tmp_path / "mlruns")
    environment = place.environment() | {"LAB_TRACKING_URI": str(tmp_path / "mlruns")}
    with Kernel(place.project / "notebooks", environment) as kernel:

        def printed(code: str) -> list[str]:
            text, error = kernel.run(code)
            assert not error, error
            return text.splitlines()

        printed("import lab\nlab.start()\n" + SNAPSHOT)
        solved = [id for id, exercise in EXERCISES.items() if exercise.lab < 8]
        *verdicts, same = printed(LOOK.format(ids=solved))
        assert [line.split()[:2] for line in verdicts] == [["✅", id] for id in solved]
        assert same == "{'files': True, 'run': True, 'experiment': True}"
        assert printed(FIT)[-1] == "True", "autologging is on again"

        before = int(printed(COUNT)[-1])
        choice = place.project / "notebooks" / "my_choice.csv"
        right = choice.read_bytes()
        choice.write_text("C,mean_accuracy\n100,0.955\n")
        assert int(printed(f"lab.check('1.2')\nlab.check('1.2')\n{COUNT}")[-1]) == before + 1
        choice.write_bytes(right)


def test_one_run_that_cannot_be_read_spoils_only_its_experiment(place, tmp_path):
    shutil.copytree(place.store, tmp_path / "mlruns")
    environment = place.environment() | {"LAB_TRACKING_URI": str(tmp_path / "mlruns")}
    code = """
import lab, mlflow
from lab.store import labs_store
lab.start()
mlflow.set_experiment("autolog_experiment")
with mlflow.start_run() as run:
    mlflow.log_param("C", 1)
(file,) = labs_store().folder.glob(f"*/{run.info.run_id}/params/C")
file.write_bytes(bytes([255, 254]))
lab.check("4.1")
lab.check("2.1")
"""
    with Kernel(place.project / "notebooks", environment) as kernel:
        printed, error = kernel.run(code)
    assert not error, error
    broken, fine = printed.splitlines()[-2:]
    told = "❌ 4.1 not right yet: a run in the experiment 'autolog_experiment' cannot be read ("
    assert broken.startswith(told) and fine.startswith("✅ 2.1 done")
