"""Each row of the table "Traps" in the help, and what the lessons say of other stores, tried: a row whose trap is gone can go, too."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from contextlib import nullcontext
from datetime import timedelta
from decimal import Decimal

import lab
import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
import torch
import yaml
from mlflow import MlflowClient
from mlflow.models import infer_signature
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    GradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from support import ROOT
from test_start import _own_store, log_a_run  # noqa: F401
from torch import nn

pytestmark = pytest.mark.thorough

X, Y = np.array([[0.0], [1.0]] * 10), np.array([0, 1] * 10)


@pytest.fixture(autouse=True)
def started():
    lab.start()
    yield
    mlflow.sklearn.autolog(disable=True)


@pytest.fixture
def database(tmp_path):
    return MlflowClient(f"sqlite:///{tmp_path}/runs.db")


def test_the_help_has_a_row_for_each_trap_and_no_other():
    text = (ROOT / "notebooks" / "lab" / "README.md").read_text(encoding="utf-8")
    table = text.partition("## Traps\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?!---|you )", table, re.MULTILINE)
    traps = [name for name in globals() if name.startswith("test_trap_")]
    assert len(rows) == len(traps)


def test_trap_a_classifier_answers_with_labels_unless_it_is_logged_otherwise(own_store):
    model = LogisticRegression().fit(X, Y)
    for options, shape in (({}, (20,)), ({"pyfunc_predict_fn": "predict_proba"}, (20, 2))):
        mlflow.sklearn.save_model(
            model, str(own_store / str(shape)), pip_requirements=[], **options
        )
        loaded = mlflow.pyfunc.load_model(str(own_store / str(shape)))
        assert loaded.predict(X).shape == shape
        own = mlflow.sklearn.load_model(str(own_store / str(shape)))
        assert own.predict_proba(X).shape == (20, 2)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_trap_skops_wants_a_list_for_some_models_and_for_others_none(own_store):
    searched = GridSearchCV(LogisticRegression(), {"C": [1.0]}, cv=2)
    voting = VotingClassifier([("a", LogisticRegression())])
    refused = [DecisionTreeClassifier(), RandomForestClassifier(2), GradientBoostingClassifier()]
    refused += [KNeighborsClassifier(1), MLPClassifier(2, max_iter=1), voting, searched]
    taken = [LogisticRegression(), SVC(), GaussianNB(), PCA(1), StandardScaler()]
    for number, model in enumerate([*refused, SimpleImputer(), *taken]):
        folder = str(own_store / f"model-{number}")
        with nullcontext() if model in taken else pytest.raises(Exception, match="ntrusted types"):
            mlflow.sklearn.save_model(model.fit(X, Y), folder, pip_requirements=[])


def test_trap_a_metric_of_a_dataset_loses_its_steps_in_a_folder(database):
    for client, steps in ((MlflowClient(), {0}), (database, {1, 2})):
        run = client.create_run("0")
        for step in (1, 2):
            client.log_metric(
                run.info.run_id, "loss", 0.5, step=step, dataset_name="d", dataset_digest="1"
            )
        assert {point.step for point in client.get_metric_history(run.info.run_id, "loss")} == steps
    run = MlflowClient().create_run("0")
    MlflowClient().log_metric(
        run.info.run_id, "loss", 0.5, dataset_name="two words", dataset_digest="1"
    )
    with pytest.raises(mlflow.MlflowException, match="'loss' is malformed"):
        mlflow.search_runs(["0"])


def test_trap_a_folder_in_which_a_value_stands_twice_cannot_be_migrated(own_store, tmp_path):
    run_id = log_a_run("sklearn_experiment")
    (metric,) = own_store.glob(f"*/{run_id}/metrics/accuracy")
    metric.write_text(metric.read_text() * 2)

    def migrate() -> str:
        command = [sys.executable, "-m", "mlflow", "migrate-filestore", "--source", str(own_store)]
        command += ["--target", f"sqlite:///{tmp_path}/moved.db"]
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8"}
        return subprocess.run(command, input="y\n", **options, check=False).stdout

    assert "UNIQUE constraint failed: metrics" in migrate()
    metric.write_text("".join(dict.fromkeys(metric.read_text().splitlines(keepends=True))))
    migrate()
    assert MlflowClient(f"sqlite:///{tmp_path}/moved.db").get_run(run_id).data.metrics


def test_trap_a_database_keeps_a_models_nan_as_zero(database):
    place = database.create_experiment("diverged")
    model = database.create_logged_model(place, name="m")
    run = database.create_run(place)
    database.log_metric(run.info.run_id, "loss", float("nan"), model_id=model.model_id)
    assert np.isnan(database.get_run(run.info.run_id).data.metrics["loss"])
    (found,) = database.search_logged_models([place])
    assert [metric.value for metric in found.metrics] == [0.0]


def test_trap_a_second_seed_of_one_name_is_refused():
    with mlflow.start_run():
        mlflow.log_param("random_state", 0)
        with pytest.raises(mlflow.MlflowException, match="Changing param values is not allowed"):
            mlflow.log_param("random_state", 1)


def test_trap_runs_whose_metric_is_nan_come_last_and_are_not_found(database):
    for client in (MlflowClient(), database):
        place = client.create_experiment("diverged runs")
        for loss in (float("nan"), 1.0):
            client.log_metric(client.create_run(place).info.run_id, "loss", loss)
        for order in ("ASC", "DESC"):
            runs = client.search_runs([place], order_by=[f"metrics.loss {order}"])
            assert [run.data.metrics["loss"] == 1 for run in runs] == [True, False]
        for comparison in ("< 2", "> 0"):
            found = client.search_runs([place], f"metrics.loss {comparison}")
            assert [run.data.metrics["loss"] for run in found] == [1.0]


def test_trap_a_misspelt_experiment_is_an_empty_table_and_a_misspelt_metric_no_order():
    mlflow.set_experiment("a question")
    assert len(mlflow.search_runs(experiment_names=["a qestion"])) == 0
    for accuracy in (0.9, 0.5):
        with mlflow.start_run():
            mlflow.log_metric("accuracy", accuracy)
        time.sleep(0.002)
    for order, best in (("accuracy", 0.9), ("acuracy", 0.5)):
        found = mlflow.search_runs(order_by=[f"metrics.{order} DESC"], max_results=1)
        assert list(found["metrics.accuracy"]) == [best]


def test_trap_json_has_no_nan():
    rows = pd.DataFrame({"a": [1.0, None]})
    with pytest.raises(requests.exceptions.InvalidJSONError, match="Out of range float values"):
        requests.Request("POST", "http://x", json=rows.to_dict("split")).prepare()
    sent = rows.astype(object).where(rows.notna(), None).to_dict("split")
    assert b"null" in requests.Request("POST", "http://x", json=sent).prepare().body


def test_trap_one_file_of_a_model_is_not_found_by_the_models_id():
    with mlflow.start_run() as run:
        model = LogisticRegression().fit(X, Y)
        info = mlflow.sklearn.log_model(model, name="own", pip_requirements=[])
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/own/MLmodel")
    with pytest.raises(mlflow.MlflowException, match=f"Model with name={info.model_id} not found"):
        mlflow.artifacts.load_text(f"{info.model_uri}/MLmodel")


def test_trap_renaming_a_registered_model_in_a_folder_loses_its_aliases():
    client = MlflowClient()
    client.create_registered_model("old")
    client.create_model_version("old", "somewhere")
    client.set_registered_model_alias("old", "champion", "1")
    client.rename_registered_model("old", "new")
    assert client.get_registered_model("new").aliases == {}


def test_trap_a_column_whose_type_is_inferred_and_then_refused():
    days = pd.to_datetime(["2026-01-01", "2026-01-02"])
    for column in (
        pd.Series(["a", "b"], dtype="category"),
        pd.Series(days.tz_localize("Europe/Berlin")),
        pd.Series([1, None], dtype="Int64"),
    ):
        frame = pd.DataFrame({"x": column})
        schema = infer_signature(frame).inputs
        with pytest.raises((mlflow.MlflowException, ValueError), match=r"Incompatible|convert"):
            mlflow.models.utils._enforce_schema(frame, schema)


def test_trap_one_column_of_an_unknown_type_switches_all_others_off():
    for value in (timedelta(1), Decimal(1), np.uint64(1)):
        schema = infer_signature(pd.DataFrame({"a": [1.0], "x": [value]})).inputs
        assert "any" in str(schema).lower()


def test_trap_whole_numbers_pass_as_floats_while_they_are_0_or_1():
    schema = infer_signature(pd.DataFrame({"a": [0.5, 1.5]})).inputs
    enforce = mlflow.models.utils._enforce_schema
    enforce(pd.DataFrame({"a": [0, 1]}), schema)
    with pytest.raises(mlflow.MlflowException, match="Can not safely convert int64"):
        enforce(pd.DataFrame({"a": [0, 2]}), schema)


def test_trap_autologging_does_not_see_metric_functions_imported_before_it():
    mlflow.sklearn.autolog(log_models=False)
    with mlflow.start_run() as run:
        model = LogisticRegression().fit(X, Y)
    accuracy_score(Y, model.predict(X))
    names = set(mlflow.get_run(run.info.run_id).data.metrics)
    assert not any(name.startswith("accuracy_score") for name in names)


def test_trap_autologging_does_not_see_other_processes():
    mlflow.sklearn.autolog(log_models=False)
    cross_val_score(LogisticRegression(), X, Y, cv=2, n_jobs=2)
    assert len(mlflow.search_runs(search_all_experiments=True)) == 0


def test_trap_a_checkpoint_cut_short_cannot_be_loaded(tmp_path):
    whole, cut = tmp_path / "epoch-1.pt", tmp_path / "epoch-2.pt"
    torch.save(nn.Sequential(nn.Linear(10, 64), nn.Linear(64, 10)).state_dict(), whole)
    said = r"PytorchStreamReader failed|^$|\[Errno 22\] Invalid argument"
    for share in (0, 0.1, 0.5, 0.9, 0.999):
        cut.write_bytes(whole.read_bytes()[: int(share * whole.stat().st_size)])
        with pytest.raises((RuntimeError, EOFError, OSError), match=said):
            torch.load(cut)
    assert len(torch.load(whole)) == 4


def test_trap_what_is_trained_again_stands_twice_in_the_history(database):
    for client in (MlflowClient(), database):
        id = client.create_run(client.create_experiment("resumed")).info.run_id
        for value in (0.5, 0.4):
            client.log_metric(id, "loss", value, step=3)
            time.sleep(0.002)
        history = client.get_metric_history(id, "loss")
        assert [(point.step, point.value) for point in history] == [(3, 0.5), (3, 0.4)]


def test_trap_numbers_of_numpy_are_no_numbers_in_a_dictionary():
    with mlflow.start_run() as run:
        for name in ("a.json", "a.yaml", "plain.yaml"):
            number = 8 if name == "plain.yaml" else np.int64(8)
            mlflow.log_dict({"digit": number}, name)
    uri = f"runs:/{run.info.run_id}"
    assert mlflow.artifacts.load_dict(f"{uri}/a.json") == {"digit": "8"}
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(mlflow.artifacts.load_text(f"{uri}/a.yaml"))
    with pytest.raises(mlflow.MlflowException, match="JSON"):
        mlflow.artifacts.load_dict(f"{uri}/plain.yaml")


def test_trap_a_model_has_the_metrics_of_its_own_step(tmp_path):
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    mlflow.set_experiment("steps")
    for own, carried in (({}, ["later"]), ({"step": 2}, ["loss"])):
        with mlflow.start_run():
            for epoch in (1, 2, 3):
                mlflow.log_metric("loss", 1 / epoch, step=epoch)
            model = LogisticRegression().fit(X, Y)
            info = mlflow.sklearn.log_model(model, name="model", pip_requirements=[], **own)
            mlflow.log_metric("later", 0.5)
        logged = mlflow.get_logged_model(info.model_id)
        assert [metric.key for metric in logged.metrics] == carried


def test_trap_files_of_a_new_experiment_go_where_it_was_created(tmp_path, monkeypatch):
    monkeypatch.delenv("_MLFLOW_SERVER_ARTIFACT_ROOT", raising=False)  # which the labs set
    code = f"import mlflow; mlflow.set_tracking_uri('sqlite:///{tmp_path.as_posix()}/runs.db'); mlflow.set_experiment(name)"
    client = MlflowClient(f"sqlite:///{tmp_path}/runs.db")
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        start = [sys.executable, "-c", f"name = '{name}'; {code}"]
        subprocess.run(start, cwd=tmp_path / name, check=True)
        place = client.get_experiment_by_name(name).artifact_location
        assert place.startswith(f"{tmp_path}/{name}/mlruns/")


def test_trap_the_digest_of_a_table_leaves_columns_out():
    def digest(column) -> str:
        return mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2], "b": column})).digest

    one, other = pd.to_datetime(["2026-01-01", "2026-01-02"]), pd.to_datetime(["1999-01-01"] * 2)
    assert digest(one) == digest(other)
    assert digest(one.astype(str)) != digest(other.astype(str))
    assert digest([True, False]) == digest([False, True])
    assert digest(["x", None]) == digest(["y", None])
    assert digest(["x", ""]) != digest(["y", ""])


def test_trap_the_source_of_a_dataset_is_a_path(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    table = pd.DataFrame({"a": [1.0, 2.0]})
    table.to_csv("table.csv", index=False)
    dataset = mlflow.data.from_pandas(table, source="table.csv")
    monkeypatch.chdir("elsewhere")
    with pytest.raises(mlflow.MlflowException, match="No such artifact"):
        pd.read_csv(dataset.source.load())
    again = mlflow.data.from_pandas(pd.read_csv("../table.csv"))
    with pytest.raises(NotImplementedError):
        again.source.load()
    assert again.digest == dataset.digest
