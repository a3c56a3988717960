"""`train.py`, lab 8's: in an empty folder, with nothing of the labs', on each kind of store, with git and without; `train_network.py`, killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import alembic.command
import mlflow
import mlflow.db
import pandas as pd
import pytest
import sqlalchemy
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.models import Model
from mlflow.store.db.utils import _get_alembic_config, _get_latest_schema_revision
from mlflow.store.tracking.dbmodels.initial_models import Base
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from support import ROOT, run, tracking_server

pytestmark = pytest.mark.thorough

SCRIPT = ROOT / "notebooks" / "train.py"


def train(folder: Path, script: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run the script in a folder, as in a new terminal: with no variable of MLflow's or the labs'."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
    clean = {name: os.environ[name] for name in kept if name in os.environ}
    return run([sys.executable, script, "--C", "10"], cwd=folder, env=clean | variables)


def test_killed_network_goes_on_from_the_newest_checkpoint_that_is_whole(tmp_path):
    network = [sys.executable, "-W", "ignore", ROOT / "notebooks" / "train_network.py"]
    network += ["--epochs", "25"]
    client = MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    variables = os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_TRACKING_URI": ""}

    def curve(id, metric):
        history = client.get_metric_history(id, metric)
        return {point.step: round(point.value, 5) for point in history}

    def checkpoints():
        return sorted(tmp_path.glob("mlruns/1/*/artifacts/checkpoints/epoch-*.pt"))

    with subprocess.Popen(network, cwd=tmp_path, env=variables, stderr=subprocess.DEVNULL) as begun:
        while len(checkpoints()) < 2:
            assert begun.poll() is None
            time.sleep(0.01)
        begun.kill()
    cut = checkpoints()[-1]
    killed = cut.parts[-4]
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    assert client.get_run(killed).info.status == "RUNNING"

    done = run([*network, "--run", killed], cwd=tmp_path, env=variables)
    assert f"checkpoints/{cut.name} was cut short: the one before it is used" in done.stdout
    whole = run(network, cwd=tmp_path, env=variables)
    assert done.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    uninterrupted, *_ = client.search_runs(["1"])
    for metric in ("train_loss", "val_loss"):
        assert curve(killed, metric) == curve(uninterrupted.info.run_id, metric)
    assert client.get_run(killed).info.status == "FINISHED"
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    model = mlflow.pyfunc.load_model(f"runs:/{killed}/network")
    rows = model.input_example
    assert (model.predict(rows) == model.predict(rows)).all()

    for path in checkpoints():
        path.write_bytes(b"")
    done = run([*network, "--run", killed], cwd=tmp_path, env=variables)
    assert done.returncode == 2 and "has no checkpoint that is whole" in done.stdout


def the_run(address: str):
    client = MlflowClient(address)
    (experiment,) = client.search_experiments(filter_string="name = 'script_experiment'")
    (found,) = client.search_runs([experiment.experiment_id])
    return client, found


def test_script_is_short_and_knows_nothing_of_the_labs():
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert not any("import lab" in line or "from lab" in line for line in lines)


@pytest.fixture(params=["by default", "folder", "server"])
def store(request, tmp_path):
    """Where a script's runs go: the variables that say so, the address to read them, and what is then in the script's folder."""
    if request.param == "by default":
        yield {}, f"sqlite:///{tmp_path}/own/mlflow.db", {"mlflow.db", "mlruns"}
    elif request.param == "folder":
        uri = (tmp_path / "elsewhere").as_uri()
        yield (
            {"MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true", "PATH": ""},
            uri,
            set(),
        )
    else:
        (tmp_path / "server").mkdir()
        with tracking_server(tmp_path / "server") as uri:
            yield {"MLFLOW_TRACKING_URI": uri}, uri, set()


@pytest.fixture
def script(tmp_path):
    """A copy of the script in a git repository, and the commit."""
    project = tmp_path / "project"
    for name in ("notebooks/train.py", "data/iris.csv"):
        (project / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, project / name)
    git = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.org"]
    for command in (["init"], ["add", "--all"], ["commit", "--message=first"]):
        run([*git, *command], cwd=project, check=True)
    commit = run([*git, "rev-parse", "HEAD"], cwd=project).stdout.strip()
    return project / "notebooks" / "train.py", commit


def test_run_can_be_rebuilt_from_its_record(store, script, tmp_path):
    (variables, address, left), (path, commit) = store, script
    own = tmp_path / "own"
    own.mkdir()
    done = train(own, path, **variables)
    assert done.returncode == 0, done.stdout
    client, recorded = the_run(address)
    assert f"C = 10 is run {recorded.info.run_id}" in done.stdout.splitlines()
    assert {path.name for path in own.iterdir()} == left
    assert recorded.info.status == "FINISHED" and recorded.info.run_name == "C=10"
    assert recorded.data.tags["mlflow.source.name"].endswith("train.py")
    there_is_git = variables.get("PATH") != ""
    assert recorded.data.tags.get("mlflow.source.git.commit") == (commit if there_is_git else None)
    assert [item.path for item in client.list_artifacts(recorded.info.run_id)] == [
        "confusion_matrix.png"
    ]
    (output,) = recorded.outputs.model_outputs
    place = client.get_logged_model(output.model_id).artifact_location
    with contextlib.chdir(own):  # MLflow's own default is an address within that folder
        folder = mlflow.artifacts.download_artifacts(place, tracking_uri=address)
        model = Model.load(folder)
    assert model.signature and model.saved_input_example_info

    params = recorded.data.params
    (dataset,) = [logged.dataset for logged in recorded.inputs.dataset_inputs]
    source = dataset.source.partition('"uri": "')[2].partition('"')[0]
    table = pd.read_csv(source)
    assert mlflow.data.from_pandas(table).digest == dataset.digest
    X_train, X_test, y_train, y_test = train_test_split(
        table.drop(columns=params["target"]),
        table[params["target"]],
        test_size=float(params["test_size"]),
        random_state=int(params["random_state"]),
    )
    assert params["model"] == "LogisticRegression"
    settings = {"C": float(params["C"]), "tol": float(params["tol"])}
    again = LogisticRegression(**settings, max_iter=int(params["max_iter"])).fit(X_train, y_train)
    loss = log_loss(y_test, again.predict_proba(X_test))
    assert recorded.data.metrics["log_loss"] == pytest.approx(loss, rel=1e-6)


def test_a_database_of_a_newer_mlflow_is_refused_and_left_as_it_was(tmp_path):
    MlflowClient(f"sqlite:///{tmp_path}/made.db").search_experiments()
    path = (tmp_path / "made.db").rename(tmp_path / "mlflow.db")
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'fffffffffff0'")
    before = path.read_bytes()
    with pytest.raises(mlflow.MlflowException, match=r"^Detected out-of-date database schema"):
        MlflowClient(f"sqlite:///{path}").search_experiments()
    upgraded = CliRunner().invoke(mlflow.db.commands, ["upgrade", f"sqlite:///{path}"])
    assert "Can't locate revision identified by 'fffffffffff0'" in str(upgraded.exception)
    assert path.read_bytes() == before


def test_a_database_of_an_older_mlflow_is_upgraded_unasked(tmp_path):
    address = f"sqlite:///{tmp_path}/mlflow.db"
    Base.metadata.create_all(sqlalchemy.create_engine(address))
    alembic.command.upgrade(_get_alembic_config(address), "da6fb0208061")  # as MLflow 3.13 has it
    MlflowClient(address).search_experiments()
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as upgraded:
        (version,) = upgraded.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == _get_latest_schema_revision()
