"""The notebooks print the same when nothing is as it should be.

All circumstances that do not disturb one another are put together: a folder with a space and a non-ASCII letter, no
network, no root rights, another working directory, a store that already holds 500 foreign runs, and runs that a killed
kernel left open. There every notebook runs in reverse order on one store, and then a second time in order.
"""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest
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


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A copy of the project in an unfriendly place, with a store that has seen better days."""
    project = copy_project(tmp_path_factory.mktemp("Übung mit Leerzeichen") / "MLflow läb")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    log = tmp_path_factory.mktemp("offline") / "attempts.txt"
    environment = os.environ | {
        "PYTHONPATH": str(project / "tests" / "offline"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OFFLINE_LOG": str(log),
        "MLFLOW_TRACKING_URI": (project / "mlruns").as_uri(),
    }
    done = run([sys.executable, "-c", FOREIGN_RUNS], env=environment, cwd=project)
    assert done.returncode == 0, done.stdout
    del environment["MLFLOW_TRACKING_URI"]
    kill_a_kernel(project, environment)
    files = sorted(
        path.relative_to(project) for path in project.rglob("*") if "mlruns" not in path.parts
    )
    return SimpleNamespace(
        project=project, elsewhere=elsewhere, log=log, environment=environment, files=files
    )


def kill_a_kernel(project, environment):
    """Run half a lab in a kernel and kill it, so that a run of each experiment stays open for ever."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(
        kernel_name="python3", cwd=str(project / "notebooks"), env=environment
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


def assert_same_outputs(place, notebook):
    done = nbval(
        [place.project / "notebooks" / notebook.name],
        prefix=[*without_network(), *without_privileges()],
        env=place.environment,
        cwd=place.elsewhere,
    )
    assert done.returncode == 0, done.stdout[-5000:]


@pytest.mark.parametrize("notebook", reversed(NOTEBOOKS), ids=lambda path: path.stem)
def test_in_reverse_order_on_a_used_store(place, notebook):
    assert_same_outputs(place, notebook)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_second_time_on_the_same_store(place, notebook):
    assert_same_outputs(place, notebook)


def test_foreign_and_killed_runs_are_untouched(place):
    import mlflow
    from mlflow.entities import ViewType

    client = mlflow.MlflowClient(tracking_uri=(place.project / "mlruns").as_uri())
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
    files = sorted(
        path.relative_to(place.project)
        for path in place.project.rglob("*")
        if "mlruns" not in path.parts
    )
    assert files == place.files
    assert list(place.elsewhere.iterdir()) == []


def test_no_other_machine_was_asked(place):
    assert not place.log.exists(), (
        f"connections were tried to: {set(place.log.read_text().split())}"
    )


def test_the_guard_notes_a_connection(tmp_path, place):
    environment = place.environment | {"OFFLINE_LOG": str(tmp_path / "log")}
    command = [
        sys.executable,
        "-c",
        "import urllib.request as r; r.urlopen('http://192.0.2.1', timeout=5)",
    ]
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode != 0
    assert (tmp_path / "log").read_text().split() == ["192.0.2.1"]
