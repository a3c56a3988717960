"""`train.py`, the script of lab 8: in an empty folder, with nothing of the labs', on each kind of store, with git and without."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import alembic.command
import mlflow
import pandas as pd
import pytest
import sqlalchemy
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


def train(folder: Path, script: Path = SCRIPT, **variables: str) -> subprocess.CompletedProcess:
    """Run the script in a folder, as in a new terminal: with no variable of MLflow's or the labs'."""
    kept = ("PATH", "HOME", "TMPDIR", "LANG", "SYSTEMROOT")
    clean = {name: os.environ[name] for name in kept if name in os.environ}
    return run([sys.executable, script, "--C", "10"], cwd=folder, env=clean | variables)


def the_run(address: str):
    client = MlflowClient(address)
    (experiment,) = client.search_experiments(filter_string="name = 'script_experiment'")
    (found,) = client.search_runs([experiment.experiment_id])
    return client, found


def test_script_is_short_and_knows_nothing_of_the_labs():
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 40
    assert not any("import lab" in line or "from lab" in line for line in lines)


@pytest.fixture(params=["by default", "folder", "SQLite", "server"])
def store(request, tmp_path):
    """Where a script's runs go: the variables that say so, the address to read them, and what is then in the script's folder."""
    if request.param == "by default":
        yield {}, f"sqlite:///{tmp_path}/own/mlflow.db", {"mlflow.db", "mlruns"}
    elif request.param == "folder":
        uri = (tmp_path / "elsewhere").as_uri()
        yield {"MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true"}, uri, set()
    elif request.param == "SQLite":
        uri = f"sqlite:///{tmp_path}/other.db"
        yield {"MLFLOW_TRACKING_URI": uri}, uri, {"mlruns"}
    else:
        (tmp_path / "server").mkdir()
        with tracking_server(tmp_path / "server") as uri:
            yield {"MLFLOW_TRACKING_URI": uri}, uri, set()


def test_run_can_be_rebuilt_from_its_record(store, tmp_path):
    variables, address, left = store
    own = tmp_path / "own"
    own.mkdir()
    done = train(own, **variables)
    assert done.returncode == 0, done.stdout
    client, recorded = the_run(address)
    assert f"C = 10 is run {recorded.info.run_id}" in done.stdout.splitlines()
    assert {path.name for path in own.iterdir()} == left
    assert recorded.info.status == "FINISHED" and recorded.info.run_name == "C=10"
    assert recorded.data.tags["mlflow.source.name"].endswith("train.py")
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


def test_mlflow_notes_the_commit_of_a_script(tmp_path):
    project = tmp_path / "project"
    for name in ("notebooks/train.py", "data/iris.csv"):
        (project / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, project / name)

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org"]
        return run(["git", *who, *arguments], cwd=project, check=True).stdout.strip()

    def noted(**variables: str) -> str | None:
        done = train(tmp_path, project / "notebooks" / "train.py", **variables)
        assert done.returncode == 0, done.stdout
        client, recorded = the_run(f"sqlite:///{tmp_path}/mlflow.db")
        client.delete_run(recorded.info.run_id)
        return recorded.data.tags.get("mlflow.source.git.commit")

    git("init", "--quiet")
    assert noted() is None, "there was no commit yet"
    git("add", "--all")
    git("commit", "--quiet", "--message=first")
    assert noted() == git("rev-parse", "HEAD")
    assert noted(PATH="") is None, "there was no git"


def test_a_database_of_a_newer_mlflow_is_refused_and_left_as_it_was(tmp_path):
    assert train(tmp_path).returncode == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = 'fffffffffff0'")
    before = (tmp_path / "mlflow.db").read_bytes()
    done = train(tmp_path)
    assert done.returncode == 1
    assert "Detected out-of-date database schema (found version fffffffffff0" in done.stdout
    upgrade = [sys.executable, "-m", "mlflow", "db", "upgrade", "sqlite:///mlflow.db"]
    done = run(upgrade, cwd=tmp_path)
    assert done.returncode == 1
    assert "Can't locate revision identified by 'fffffffffff0'" in done.stdout
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_database_of_an_older_mlflow_is_upgraded_unasked(tmp_path):
    database = f"sqlite:///{tmp_path}/mlflow.db"
    Base.metadata.create_all(sqlalchemy.create_engine(database))
    alembic.command.upgrade(_get_alembic_config(database), "da6fb0208061")  # as MLflow 3.13 has it
    done = train(tmp_path)
    assert done.returncode == 0, done.stdout
    with contextlib.closing(sqlite3.connect(tmp_path / "mlflow.db")) as upgraded:
        (version,) = upgraded.execute("SELECT version_num FROM alembic_version").fetchone()
    assert version == _get_latest_schema_revision()


def test_migration_asks_before_it_replaces_a_database(tmp_path):
    folder = {"MLFLOW_ALLOW_FILE_STORE": "true"}
    folder["MLFLOW_TRACKING_URI"] = (tmp_path / "mlruns").as_uri()
    assert train(tmp_path, **folder).returncode == 0
    migrate = [sys.executable, "-m", "mlflow", "migrate-filestore", "--source", "mlruns"]
    migrate += ["--target", "sqlite:///moved.db"]
    for answer, moved in (("", 1), ("n\n", 0), ("y\n", 1)):
        if not moved:
            (tmp_path / "moved.db").write_bytes(b"somebody's own")
        run(migrate, cwd=tmp_path, stdin=None, input=answer)
        kept = (tmp_path / "moved.db").read_bytes() == b"somebody's own"
        assert kept == (not moved)
    _, recorded = the_run(f"sqlite:///{tmp_path}/moved.db")
    assert recorded.data.params["C"] == "10.0"
