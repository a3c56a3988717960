"""What lab 10 asks of `lab`: a name of one student's, a registry that is mended and moved with its store, a served model."""

from __future__ import annotations

import os

import lab
import mlflow
import psutil
import pytest
from lab import LabError, servers
from lab.exercises import all_exercises
from lab.exercises.check import judge
from lab.exercises.student import Student
from lab.servers import answers
from mlflow import MlflowClient

pytestmark = pytest.mark.thorough

NAME = "diabetes-ada"
REGISTER = """
import lab, mlflow
from sklearn.linear_model import Ridge
lab.start()
model = Ridge().fit([[0.0], [1.0]], [0.0, 1.0])
options = {"pip_requirements": ["scikit-learn"], "registered_model_name": "diabetes-ada"}
with mlflow.start_run():
    info = mlflow.sklearn.log_model(model, name="m", input_example=[[0.0], [1.0]], **options)
mlflow.MlflowClient().set_registered_model_alias("diabetes-ada", "champion", info.registered_model_version)
"""
LOAD = f"import lab, mlflow\nlab.start()\nmlflow.pyfunc.load_model('models:/{NAME}@champion')"


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """Point the labs at an empty folder, and give back the environment as it was."""
    environment = dict(os.environ)
    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "mlruns"))
    monkeypatch.setenv("LAB_STUDENT", "ada")
    yield tmp_path / "mlruns"
    mlflow.tracking.fluent._active_experiment_id = None
    os.environ.clear()
    os.environ.update(environment)


def register() -> MlflowClient:
    """Register a small model, and make it champion."""
    exec(REGISTER, {})
    return MlflowClient()


def test_lab10_name_carries_the_students(monkeypatch):
    assert lab.model_name("diabetes") == NAME
    monkeypatch.setenv("LAB_STUDENT", "Zoë O'Hara")
    name = lab.model_name("diabetes")
    assert name.startswith("diabetes-zoe-o-hara-")
    lab.start()
    MlflowClient().create_registered_model(name)


def test_lab10_registry_of_another_student_never_counts():
    client = register()
    (version,) = client.search_model_versions(f"name = '{NAME}'")
    experiment = client.create_experiment("registry_experiment")
    run = client.create_run(experiment, run_name="my-challenger", tags={"mlflow.user": "ben"})
    client.set_terminated(run.info.run_id)
    ben = Student(client, "ben")

    def marks() -> list[str]:
        return [str(judge(all_exercises()[f"10.{number}"], ben)) for number in (1, 2, 3)]

    first, second, third = marks()
    assert first.startswith("⬜ 10.1 not done yet: no version of 'diabetes-ben' is from the run")
    assert second.startswith("⬜ 10.2 not done yet: no version of 'diabetes-ben' is from the run")
    assert third.startswith("⬜ 10.3 not done yet: there is no registered model 'diabetes-ben'")

    # Ada's model under Ben's name.
    client.create_registered_model("diabetes-ben")
    taken = client.create_model_version("diabetes-ben", version.source, version.run_id)
    client.update_model_version(
        "diabetes-ben", taken.version, "A model of eight words, or even of nine."
    )
    for alias in ("documented", "champion"):
        client.set_registered_model_alias("diabetes-ben", alias, taken.version)
    first, _, third = marks()
    assert "no version of 'diabetes-ben' is from the run 'my-challenger'" in first
    assert "found version 1 of 'diabetes-ben', which is from no run of yours" in third


def test_lab10_start_leaves_registered_models_and_finds_them_where_the_store_was_moved(
    capsys, own_store
):
    register()
    lab.start()
    assert "Note: mlruns/models" not in capsys.readouterr().out
    assert not own_store.with_name("mlruns-before-mending").exists()
    assert (own_store / "models" / NAME / "version-1" / "meta.yaml").exists()
    moved = own_store.with_name("elsewhere")
    own_store.rename(moved)
    os.environ["LAB_TRACKING_URI"] = str(moved)
    exec(LOAD, {})


def test_lab10_files_of_a_version(capsys, monkeypatch, tmp_path):
    client = register()
    client.set_model_version_tag(NAME, "1", "wanted_by", "the clinic")
    register()
    first, second = (client.get_model_version(NAME, number) for number in ("1", "2"))
    capsys.readouterr()
    lab.show_files(first)
    lab.show_files(second)
    assert capsys.readouterr().out.splitlines() == [
        f"mlruns/models/{NAME}/",
        "  meta.yaml",
        "  version-1/",
        "    meta.yaml",
        "    tags/",
        "      wanted_by  the clinic",
        f"mlruns/models/{NAME}/",
        "  meta.yaml",
        "  aliases/",
        "    champion   2",
        "  version-2/",
        "    meta.yaml",
    ]
    monkeypatch.setenv("LAB_TRACKING_URI", f"sqlite:///{tmp_path}/store.db")
    lab.show_files(second)
    assert capsys.readouterr().out.endswith(" keeps its registry in tables.\n")


def serve(version: str, *options: str) -> str:
    return " ".join(
        [f"mlflow models serve -m models:/{NAME}{version} --env-manager local", *options]
    )


def refusal(command: str) -> str:
    """Serve what must fail, and return why: one line, with nothing left behind."""
    before = set(psutil.Process().children(recursive=True))
    with pytest.raises(LabError) as caught:
        lab.serve(command)
    assert set(psutil.Process().children(recursive=True)) <= before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_lab10_one_server_at_a_time_and_an_interrupted_start_leaves_none(capsys, monkeypatch):
    register()
    first = lab.serve(serve("@champion"))
    second = lab.serve(serve("@champion"))
    assert first.guard.poll() is not None and first.address == second.address
    assert answers(f"{second.address}/ping")
    command = capsys.readouterr().out.splitlines()[-1]
    assert command == f"$ {serve('@champion', '--port', second.address.rpartition(':')[2])}"
    second.end()
    second.end()  # is no error

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(servers, "answers", interrupted)
    with pytest.raises(KeyboardInterrupt):
        lab.serve(serve("@champion"))
    assert not psutil.Process().children(recursive=True)


def test_lab10_what_cannot_be_served_is_told_in_a_sentence(monkeypatch, own_store):
    client = register()
    assert refusal("rm -r mlruns") == (
        "lab.serve starts 'mlflow server …' or 'mlflow models serve …', and was given: rm -r mlruns"
    )
    told = refusal(serve("@champoin"))
    assert told.startswith("The server did not start. Its last line: ")
    assert told.endswith("Registered model alias champoin not found.")
    with monkeypatch.context() as impatient:
        impatient.setattr(servers, "START_SECONDS", 0)
        told = refusal(serve("@champion", "--port 1"))
    assert told.startswith("The server does not answer after 0 s. ")
    (described,) = own_store.glob("*/models/*/artifacts/MLmodel")
    text = described.read_text()
    described.write_text(text.replace("loader_module: mlflow.sklearn", "loader_module: not_here"))
    told = refusal(serve("@champion"))
    assert told.endswith("ModuleNotFoundError: No module named 'not_here'")
    client.delete_model_version(NAME, "1")
    told = refusal(serve("/1"))
    assert told.endswith(f"Model Version (name={NAME}, version=1) not found")
