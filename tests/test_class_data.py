"""What a class leaves on its server: begun anew, put under the right name, taken home, deleted; on SQLite, and on PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from argparse import Namespace

import lab
import lab.__main__ as commands
import mlflow
import pandas
import pytest
from class_server import class_server, entering, log_a_run, login, postgres, sentence_of
from lab import store
from lab.classroom import server
from lab.classroom.report import standings
from lab.exercises import notes
from lab.room import room_of
from lab.servers import in_background
from lab.store import LabError
from mlflow import MlflowClient
from sklearn.linear_model import LinearRegression
from support import ROOT, free_port, run, status, tracking_server


@pytest.fixture(scope="module")
def login_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("login")
    with class_server(folder / "data", *login(folder / "roster.csv", "ann", "ben")) as server:
        yield server


@pytest.fixture
def enter(capsys):
    with entering(capsys) as start:
        yield start


def teach(command: str, *words: object, **variables: str) -> str:
    """Run a command of the teacher's, and return what it says."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "notebooks")} | variables
    line = [sys.executable, "-m", "lab.classroom", command, *words]
    done = run(line, env=environment, timeout=120)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.thorough
def test_computers_name_opens_the_server_to_scripts_and_to_browsers(monkeypatch, tmp_path):
    """As they send it, in small letters; a browser that shows the server's own UI sends an origin, too."""
    given: list[str] = []
    monkeypatch.setattr(server.socket, "gethostname", lambda: "Teachers-MacBook.local")
    monkeypatch.setattr(server, "is_free", lambda *_: True)
    monkeypatch.setattr(server.os, "umask", lambda _: None)
    monkeypatch.setattr(
        server, "run_until_stopped", lambda name, options, *_: given.extend(options)
    )
    nothing = dict.fromkeys(("port", "login", "roster", "database", "artifacts"))
    server.run(Namespace(host="0.0.0.0", folder=tmp_path / "class", **nothing))
    names = given[given.index("--allowed-hosts") :]
    with tracking_server(tmp_path, *names) as address:
        search = f"{address}/ajax-api/2.0/mlflow/runs/search", {"experiment_ids": ["0"]}
        for name, answer in {"teachers-macbook.local:5000": 200, "elsewhere.example": 403}.items():
            assert status(*search, Host=name) == answer
            assert status(*search, Host="localhost:5000", Origin=f"http://{name}") == answer


def work(name: str) -> str:
    """Leave what labs 2 and 10 leave: a run with a dataset and a registered model, and marks; return the run's id."""
    run_id = log_a_run("mine")
    table = pandas.DataFrame({"x": [1.0, 2.0], "y": [2.0, 4.0]})
    with mlflow.start_run(run_id):
        mlflow.log_input(mlflow.data.from_pandas(table, name="numbers"))
        model = LinearRegression().fit(table[["x"]], table["y"])
        registered = lab.model_name("diabetes")
        mlflow.sklearn.log_model(
            model, name="m", registered_model_name=registered, pip_requirements=["scikit-learn"]
        )
    MlflowClient().set_registered_model_alias(registered, "champion", "1")
    for id in ("2.1", "10.1"):
        notes.write(MlflowClient(), name, id, notes.DONE, "done.")
    return run_id


def left(name: str) -> tuple[set[str], list[str], list[str]]:
    """Return which marks, runs of lab 2 and registered models a student has."""
    marks = set(notes.of_student(MlflowClient(), name))
    found = mlflow.search_runs(experiment_names=["sklearn_experiment"])
    models = MlflowClient().search_registered_models()
    names = [model.name for model in models if not model.name.startswith("until ")]
    return marks, found["run_id"].tolist() if len(found) else [], names


@pytest.mark.thorough
@pytest.mark.parametrize("by", ["student", "teacher"])
def test_lab_or_all_of_them_begun_anew(enter, login_server, by, monkeypatch):
    """Also what was deleted in the UI, which would come back with all its runs."""
    ann = login_server.student("ann")
    teacher = login_server.student("teacher")

    def reset(number: int) -> None:
        if by == "teacher":
            words = ("--student", "Ann", *(("--lab", str(number)) if number else ()))
            assert "moved out of sight" in teach("reset", *words, **teacher)
        else:
            commands.reset(number)
        enter(ann)

    enter(ann)
    run_id = work("ann")
    reset(2)
    assert left("ann") == ({"10.1"}, [], ["diabetes-ann"])
    second = work("ann")
    mlflow.delete_experiment(mlflow.get_run(second).info.experiment_id)
    reset(0)
    assert left("ann") == (set(), [], [])
    assert mlflow.get_run(run_id).info.lifecycle_stage == "deleted"  # and not gone
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/note.txt") == "by mine"
    third = work("ann")
    assert left("ann")[0] == {"2.1", "10.1"} and left("ann")[1] == [third]
    teach("forget", "--student", "ann", "--folder", login_server.folder)
    with pytest.raises(
        LabError, match=r"the room of 'ann' was deleted; your teacher's server makes"
    ):
        enter(ann)
    for name, value in teacher.items():  # as the server does when it is started again
        os.environ[name] = value
    mlflow.set_workspace(None)
    mlflow.create_workspace("ann", description="the room of Ann")
    enter(ann)
    assert left("ann") == (set(), [], [])


def test_one_lab_begun_anew_in_a_folder(enter, tmp_path, monkeypatch):
    at = {"LAB_TRACKING_URI": str(tmp_path / "mlruns"), "LAB_STUDENT": "ann"}
    enter(at)
    log_a_run("mine")
    mlflow.set_experiment("pytorch_experiment")
    with mlflow.start_run():
        notes.write(MlflowClient(), "ann", "3.1", notes.DONE, "done.")
    commands.reset(2)
    enter(at)
    assert left("ann") == ({"3.1"}, [], [])
    assert len(mlflow.search_runs(experiment_names=["pytorch_experiment"])) == 1
    client = MlflowClient()  # in a folder it cannot rename a model whose versions have tags
    client.create_registered_model("diabetes-ann")
    client.create_model_version("diabetes-ann", "somewhere")
    client.set_model_version_tag("diabetes-ann", "1", "gate", "passed")
    commands.reset(10)
    assert client.search_registered_models() == []
    assert len(list(tmp_path.glob("mlruns-models-*/diabetes-ann/version-1/tags/gate"))) == 1
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "my_results.csv").touch()
    monkeypatch.setattr(store, "ROOT", tmp_path)  # where the tables of lab 1 lie
    commands.reset(1)
    (moved,) = (tmp_path / "notebooks").iterdir()
    assert moved.name.startswith("my_results-until-")


@pytest.fixture(
    params=[
        pytest.param("SQLite", marks=pytest.mark.thorough),
        pytest.param("PostgreSQL", marks=pytest.mark.class_server),
    ]
)
def kept(request, tmp_path):
    """A server, and what the teacher's commands on its data are told."""
    with contextlib.ExitStack() as stack:
        database = stack.enter_context(postgres()) if request.param == "PostgreSQL" else ""
        options = ("--database", database) if database else ()
        server = stack.enter_context(class_server(tmp_path / "data", *options))
        yield server, ("--folder", server.folder, *options)


def test_room_merged_taken_home_and_deleted(enter, kept, tmp_path):
    server, options = kept
    made = {}
    for name in ("anm", "ann", "ben"):
        enter(server.student(name))
        made[name] = work(name)
    enter(server.student("eve"))  # and does nothing
    mlflow.set_workspace(None)
    mlflow.create_workspace("fay", description="the room of Fay, who has not come")
    seen = {student.name: student.last_seen() for student in standings()}
    assert seen.keys() == {"anm", "ann", "ben", "eve", "fay"} and seen["fay"] is None
    assert all(time.time() - when < 900 for name, when in seen.items() if name != "fay")
    teach("forget", "--student", "eve", *options)
    teach("forget", "--student", "fay", *options)
    told = teach("merge", "--student", "anm", "--into", "ann", *options)
    assert told == "What 'anm' did is now in the room 'ann', as ann's.\n"
    mlflow.set_workspace(None)
    assert {room.name for room in mlflow.list_workspaces()} == {"default", "ann", "ben"}
    enter(server.student("ann"))
    marks, runs, models = left("ann")
    assert marks == {"2.1", "10.1"} and set(runs) == {made["anm"], made["ann"]}
    assert set(models) == {"diabetes-ann", "diabetes-anm"}  # as both had one
    for run_id in runs:
        found = mlflow.get_run(run_id)
        assert found.data.tags["mlflow.user"] == "ann"
        assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["numbers"]
        assert mlflow.artifacts.load_text(f"runs:/{run_id}/note.txt") == "by mine"
        assert mlflow.sklearn.load_model(f"runs:/{run_id}/m").predict([[3.0]]) == pytest.approx([6])
    assert mlflow.sklearn.load_model("models:/diabetes-anm@champion")
    assert not list(server.folder.glob("artifacts/workspaces/anm*"))
    teach("merge", "--student", "ann", "--into", "Zoë", *options)  # to a room that is not there yet
    enter(server.student("Zoë"))
    marks, runs, models = left("Zoë")
    assert len(runs) == 2 and f"diabetes-{room_of('Zoë')}" in models

    home = tmp_path / "home"
    teach("take-home", "--student", "Zoë", "--to", home, *options)
    (folder,) = home.iterdir()
    address = f"http://127.0.0.1:{free_port()}"
    command = ["mlflow", "server", "--workers=1", f"--port={address.rpartition(':')[2]}"]
    at_home = in_background(command, folder, f"{address}/health")  # as lab 8 opens it
    try:
        os.environ |= {"LAB_TRACKING_URI": address, "LAB_STUDENT": "Zoë"}
        mlflow.set_workspace(None)
        assert "in the room" not in enter({"LAB_TRACKING_URI": address, "LAB_STUDENT": "Zoë"})[0]
        assert left("Zoë")[1] == runs
        assert mlflow.artifacts.load_text(f"runs:/{runs[0]}/note.txt") == "by mine"
        assert mlflow.sklearn.load_model(f"models:/diabetes-{room_of('Zoë')}@champion")
        with mlflow.start_run():
            mlflow.log_text("goes on", "note.txt")
    finally:
        at_home.end()

    line = [sys.executable, "-m", "lab.classroom", "forget", "--student", "bne", *options]
    assert "There is no room of 'bne': there are those of ben." in sentence_of(line)
    teach("forget", "--student", "Zoë", *options)
    enter(server.student("ben"))
    assert left("ben") == ({"2.1", "10.1"}, [made["ben"]], ["diabetes-ben"])
    assert mlflow.artifacts.load_text(f"runs:/{made['ben']}/note.txt") == "by mine"
    assert [path.name for path in server.folder.glob("artifacts/workspaces/*")] == ["ben"]
    for path in server.folder.rglob("*"):
        if path.is_file():
            found = [word for word in (*runs, "Zoë") if word.encode() in path.read_bytes()]
            assert not found, f"{path} still has {found}"
