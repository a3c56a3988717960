"""Several students on one store: each in a room of their own on `make server`, or told that they are not alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import lab
import mlflow
import psutil
import pytest
import requests
from class_server import class_server, roster, student
from lab import LabError
from lab.classroom.roster import read_roster
from lab.room import room_of
from lab.setup import adapted
from lab.setup.variables import FOREIGN
from mlflow import MlflowClient
from support import ROOT, free_port, run, tracking_server, without_privileges

pytestmark = pytest.mark.thorough

API = "/api/2.0/mlflow"
V3 = "/api/3.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    with class_server(tmp_path_factory.mktemp("open") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def login_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("login")
    file = roster(folder / "roster.csv", "ann", "ben")
    (folder / "data").mkdir(mode=0o755)  # as after restoring it
    with class_server(folder / "data", "--login", "--roster", str(file)) as server:
        yield server


@pytest.fixture(autouse=True)
def environment_as_it_was():
    before = dict(os.environ)
    yield
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_workspace(None)
    mlflow.tracking.fluent._active_experiment_id = None
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def enter(monkeypatch, capsys):
    """Start the labs as some student, and return what that says."""

    def start(variables: dict[str, str]) -> list[str]:
        for name in (
            "LAB_STUDENT",
            "MLFLOW_TRACKING_USERNAME",
            "MLFLOW_TRACKING_PASSWORD",
            *FOREIGN,
        ):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        mlflow.tracking.fluent._active_experiment_id = None  # as in a kernel of their own
        capsys.readouterr()
        lab.start()
        return capsys.readouterr().out.splitlines()[1:]

    return start


def sentence(enter, variables: dict[str, str]) -> str:
    with pytest.raises(LabError) as caught:
        enter(variables)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def log_a_run(name: str) -> str:
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_metric("accuracy", 0.5)
        mlflow.log_text(f"by {name}", "note.txt")
    return run.info.run_id


def test_same_names_in_two_rooms_are_two_things(enter, open_server):
    made = {}
    for name in ("ann", "ben"):
        (line,) = enter(student(open_server, name))
        assert (
            line
            == f"Runs go to {open_server.address} (a tracking server), in the room '{name}', as {name}"
        )
        made[name] = log_a_run(name)
        assert MlflowClient().create_registered_model("flower").name == "flower"
        assert mlflow.search_runs(search_all_experiments=True)["run_id"].tolist() == [made[name]]
        assert mlflow.artifacts.load_text(f"runs:/{made[name]}/note.txt") == f"by {name}"
    with pytest.raises(mlflow.MlflowException, match="not found"):
        mlflow.get_run(made["ann"])
    MlflowClient().delete_registered_model("flower")
    enter(student(open_server, "ann"))
    assert [model.name for model in MlflowClient().search_registered_models()] == ["flower"]
    assert len(list(open_server.folder.glob("artifacts/workspaces/*/*/*/artifacts/note.txt"))) == 2


def test_deleted_restored_and_started_again(enter, open_server):
    cleo = student(open_server, "cleo")
    first = enter(cleo)
    kept = log_a_run("kept")
    mlflow.delete_experiment(mlflow.get_run(kept).info.experiment_id)
    assert enter(cleo) == [
        *first,
        "Note: the experiment 'sklearn_experiment' had been deleted; it is restored.",
    ]
    assert enter(cleo) == first
    assert mlflow.set_experiment("sklearn_experiment") and mlflow.search_runs()[
        "run_id"
    ].tolist() == [kept]
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "sklearn_experiment"


def test_who_are_you(enter, open_server, monkeypatch):
    address = {"LAB_TRACKING_URI": open_server.address}
    assert "set LAB_STUDENT to your name" in sentence(enter, address)
    assert "set LAB_STUDENT to your name" in sentence(enter, address | {"LAB_STUDENT": " "})
    assert "without quotation marks" in sentence(enter, address | {"LAB_STUDENT": 'a"b'})
    for name in ("Zoë O'Hara", "王小明", "a/b"):
        assert (
            f"in the room '{room_of(name)}', as {name}" in enter(address | {"LAB_STUDENT": name})[0]
        )
        log_a_run("mine")
        assert mlflow.search_runs(search_all_experiments=True)["tags.mlflow.user"].tolist() == [
            name
        ]
    mlflow.set_workspace(None)
    mlflow.create_workspace("dora", description="made on the computer 'elsewhere'")
    told = enter(address | {"LAB_STUDENT": "dora"})
    assert told[1] == (
        "Note: the room 'dora' was made on the computer 'elsewhere'; if that was not you, choose another LAB_STUDENT."
    )
    monkeypatch.delattr(mlflow, "set_workspace")
    message = sentence(enter, address | {"LAB_STUDENT": "ann"})
    assert "keeps a room for each student, which MLflow" in message and "3.10 or newer" in message
    monkeypatch.undo()


def test_names_that_need_other_letters_get_rooms_of_their_own():
    names = ["ann", "Zoë", "zoe", "a/b", "a-b", "a'b", "王小明", "王大明", "default", "x", "-"]
    rooms = [room_of(name) for name in names]
    assert len(set(rooms)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])", room) for room in rooms)
    assert room_of("Ann") == room_of("ann") == "ann"


def test_wrong_password_and_another_s_room(enter, login_server):
    ann = student(login_server, "ann")
    assert "in the room 'ann', as ann" in enter(ann)[0]
    wrong = sentence(enter, ann | {"MLFLOW_TRACKING_PASSWORD": "guessed-it-maybe"})
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in wrong
    nobody = {"LAB_TRACKING_URI": login_server.address, "LAB_STUDENT": "ann"}
    assert "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in sentence(enter, nobody)
    told = sentence(enter, {"LAB_TRACKING_URI": login_server.address})
    assert "start with the line that your teacher gave you" in told
    other = sentence(enter, ann | {"LAB_STUDENT": "ben"})
    assert "the account 'ann' has no room 'ben'" in other


@pytest.fixture(scope="module")
def ask(login_server):
    """Ask the server something as some user, in some room, with an address that nothing has tidied."""
    accounts = login_server.accounts()

    def ask(user, method, path, room=None, content=None, data=None):
        variables = accounts[user]
        login = variables["MLFLOW_TRACKING_USERNAME"], variables["MLFLOW_TRACKING_PASSWORD"]
        headers = {"X-MLFLOW-WORKSPACE": room} if room else {}
        address = f"{login_server.address}{path}"
        request = requests.Request(method, address, headers, json=content, data=data, auth=login)
        prepared = request.prepare()
        prepared.url = address
        return requests.Session().send(prepared, timeout=60)

    return ask


@pytest.fixture(scope="module")
def bens(ask):
    """What Ben has on the server: the ids of an experiment, a run and a logged model."""

    def make(path, content):
        return ask("ben", "POST", path, "ben", content).json()

    place = make(f"{API}/experiments/create", {"name": "bens"})["experiment_id"]
    run_id = make(f"{API}/runs/create", {"experiment_id": place})["run"]["info"]["run_id"]
    ask("ben", "PUT", f"{FILES}/{place}/{run_id}/artifacts/secret.txt", "ben", data=b"top secret")
    make(f"{API}/registered-models/create", {"name": "bens"})
    model = make(f"{API}/logged-models", {"experiment_id": place, "name": "bens"})
    return place, run_id, model["model"]["info"]["model_id"]


def test_students_reach_nothing_of_another_s(ask, bens, login_server):
    place, run_id, model = bens
    metric = {"key": "x", "value": 1, "timestamp": 1, "step": 0}
    own = ask("ann", "POST", f"{API}/experiments/create", "ann", {"name": "hers"}).json()[
        "experiment_id"
    ]
    hers = ask("ann", "POST", f"{API}/runs/create", "ann", {"experiment_id": own}).json()["run"][
        "info"
    ]["run_id"]
    ask("ann", "POST", f"{API}/registered-models/create", "ann", {"name": "hers"})
    bens_files = f"workspaces/ben/{place}/{run_id}/artifacts"
    attempts = [
        ("GET", f"{API}/runs/get?run_id={run_id}", None),
        ("GET", f"{API}/experiments/get?experiment_id={place}", None),
        ("GET", f"{API}/experiments/get-by-name?experiment_name=bens", None),
        ("POST", f"{API}/runs/search", {"experiment_ids": [place, own]}),
        ("POST", f"{API}/experiments/search", {"max_results": 100}),
        ("POST", f"{API}/runs/log-metric", {"run_id": run_id} | metric),
        ("POST", f"{API}/runs/log-batch", {"run_id": run_id, "metrics": [metric]}),
        ("POST", f"{API}/runs/set-tag", {"run_id": run_id, "key": "x", "value": "1"}),
        ("POST", f"{API}/runs/update", {"run_id": run_id, "status": "FAILED"}),
        ("POST", f"{API}/runs/delete", {"run_id": run_id}),
        ("POST", f"{API}/runs/create", {"experiment_id": place}),
        ("POST", f"{API}/runs/outputs", {"run_id": hers, "models": [{"model_id": model, "step": 0}]}),
        ("POST", f"{API}/runs/log-metric", {"run_id": hers, "model_id": model} | metric),
        ("POST", f"{API}/experiments/delete", {"experiment_id": place}),
        ("GET", f"{API}/metrics/get-history?run_id={run_id}&metric_key=x", None),
        ("GET", f"{API}/logged-models/{model}", None),
        ("DELETE", f"{API}/logged-models/{model}", None),
        ("POST", f"{API}/logged-models/search", {"experiment_ids": [place]}),
        ("GET", f"{API}/registered-models/get?name=bens", None),
        ("DELETE", f"{API}/registered-models/delete", {"name": "bens"}),
        # files, by names that climb
        ("GET", f"{API}/artifacts/list?run_id={run_id}", None),
        ("GET", f"{API}/artifacts/list?run_id={hers}&path=../../../ben", None),
        ("GET", f"/get-artifact?path=secret.txt&run_uuid={run_id}", None),
        ("GET", f"/get-artifact?path=..%2f..%2f..%2f..%2f{bens_files}%2fsecret.txt&run_uuid={hers}", None),
        ("GET", f"/get-artifact?path=/etc/passwd&run_uuid={hers}", None),
        *(
            ("GET", f"{FILES}/{path}", None)
            for path in (
                f"{bens_files}/secret.txt",
                f"{place}/{run_id}/artifacts/secret.txt",
                f"workspaces/ann/../ben/{place}/{run_id}/artifacts/secret.txt",
                f"..%2fben/{place}/{run_id}/artifacts/secret.txt",
                f"..%2f..%2f{bens_files}/secret.txt",
                f"%252e%252e%252fben/{place}/{run_id}/artifacts/secret.txt",
                f"..%5cben%5c{place}%5c{run_id}%5cartifacts%5csecret.txt",
                "%2fetc%2fpasswd",
                "file:%2f%2f%2fetc%2fpasswd",
                "..%2faccounts.csv",
                "..%2f..%2f..%2faccounts.csv",
            )
        ),
        ("GET", f"{FILES}?path=../ben", None),
        ("GET", f"{FILES}?path=workspaces/ben/{place}", None),
        ("DELETE", f"{FILES}/{bens_files}/secret.txt", None),
        ("DELETE", f"{FILES}/..%2fben%2f{place}/{run_id}/artifacts/secret.txt", None),
        # a place or a model that is somebody else's, or the server's own
        *(
            ("POST", f"{API}/experiments/create", {"name": f"at {number}", "artifact_location": location})
            for number, location in enumerate(
                ["mlflow-artifacts:/workspaces/ben", login_server.folder.as_uri(), "file:///etc"]
            )
        ),
        *(
            ("POST", f"{API}/model-versions/create", {"name": "hers", "run_id": hers, "source": source})
            for source in (
                f"mlflow-artifacts:/{bens_files}",
                f"runs:/{run_id}/secret.txt",
                login_server.folder.as_uri(),
                "models:/bens/1",
            )
        ),
    ]  # fmt: skip
    let_through = []
    for room in (None, "ann", "ben", "default"):
        for method, path, content in attempts:
            answer = ask("ann", method, path, room, content)
            found = {"top secret", run_id, model, "root:", "MLFLOW_TRACKING"} & {
                word for word in (run_id, model, "top secret", "root:", "MLFLOW_TRACKING")
                if word in answer.text and answer.ok
            }  # fmt: skip
            # A search over several places may answer, with what is her own.
            if found or (answer.ok and "search" not in path):
                let_through.append(
                    f"{method} {path} in {room}: {answer.status_code} {answer.text[:80]}"
                )
        for path in (bens_files, f"..%2fben%2f{place}/{run_id}/artifacts", "..%2f.."):
            if ask("ann", "PUT", f"{FILES}/{path}/b.txt", room, data=b"hers").ok:
                let_through.append(f"PUT {path} in {room}")
    assert not let_through, "\n".join(let_through)
    assert not list(login_server.folder.rglob("b.txt"))

    # Nothing has changed, and the teacher sees it.
    for user in ("ben", "teacher"):
        run = ask(user, "GET", f"{API}/runs/get?run_id={run_id}", "ben").json()["run"]
        assert run["info"]["status"] == "RUNNING" and "metrics" not in run["data"]
        path = f"{FILES}/{bens_files}/secret.txt"
        assert ask(user, "GET", path, "ben").text == "top secret"
        assert ask(user, "GET", f"{API}/registered-models/get?name=bens", "ben").ok
    rooms = ask("teacher", "GET", f"{V3}/workspaces").json()["workspaces"]
    assert {"ann", "ben"} <= {room["name"] for room in rooms}
    assert [
        room["name"] for room in ask("ann", "GET", f"{V3}/workspaces").json()["workspaces"]
    ] == ["ann"]


def test_students_administer_nothing(ask, bens):
    password = "long-enough-12345"
    grant = {"username": "ann", "resource_type": "experiment", "resource_pattern": bens[0]}
    attempts = [
        ("POST", f"{API}/users/create", {"username": "eve", "password": password}),
        ("POST", f"{API}/users/create-ui", {"username": "eve", "password": password}),
        ("GET", "/signup", None),
        ("PATCH", f"{API}/users/update-admin", {"username": "ann", "is_admin": True}),
        ("PATCH", f"{API}/users/update-password", {"username": "ben", "password": password}),
        ("DELETE", f"{API}/users/delete", {"username": "ben"}),
        ("POST", f"{V3}/roles/create", {"name": "mine", "workspace": "ann"}),
        ("POST", f"{V3}/roles/create", {"name": "mine", "workspace": "ben"}),
        ("POST", f"{V3}/roles/assign", {"username": "ann", "role_id": 2}),
        ("POST", f"{V3}/users/permissions/grant", grant | {"permission": "MANAGE"}),
        ("POST", f"{V3}/workspaces", {"name": "hers"}),
        ("PATCH", f"{V3}/workspaces/ben", {"description": "mine"}),
        ("DELETE", f"{V3}/workspaces/ben", None),
        ("POST", f"{API}/webhooks", {"name": "x", "url": "https://example.org", "events": []}),
        ("POST", f"{V3}/mlflow/gateway/secrets/create", {"secret_name": "x"}),
    ]
    for role in (1, 2):
        permission = {"role_id": role, "resource_type": "workspace", "resource_pattern": "*"}
        attempts.append(
            ("POST", f"{V3}/roles/permissions/add", permission | {"permission": "MANAGE"})
        )
    for room in (None, "ann", "ben"):
        for method, path, content in attempts:
            answer = ask("ann", method, path, room, content)
            assert not answer.ok, f"{method} {path} in {room}: {answer.text}"
    users = ask("teacher", "GET", f"{API}/users/list").json()["users"]
    assert {user["username"]: user["is_admin"] for user in users} == {
        "teacher": True,
        "ann": False,
        "ben": False,
    }


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files private in its own way")
def test_passwords_are_kept_where_nobody_else_reads_them(login_server, bens):
    passwords = [
        variables["MLFLOW_TRACKING_PASSWORD"] for variables in login_server.accounts().values()
    ]
    assert len(set(passwords)) == 3 and all(len(password) >= 12 for password in passwords)
    files = [path for path in login_server.folder.rglob("*") if path.is_file()]
    assert {"accounts.csv", "accounts.db", "login.ini", "runs.db", "secret_key"} <= {
        path.name for path in files
    }
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert oct(login_server.folder.stat().st_mode & 0o777) == "0o700"
    root = psutil.Process(login_server.pid)
    lines = [" ".join(process.cmdline()) for process in [root, *root.children(recursive=True)]]
    assert len(lines) > 2
    for password in passwords:
        assert password not in login_server.printed
        assert not any(password in line for line in lines)


def test_account_that_is_not_in_the_list_any_more(tmp_path, enter):
    with_ben = "--login", "--roster", str(roster(tmp_path / "with.csv", "ann", "ben"))
    with class_server(tmp_path / "data", *with_ben) as server:
        ben = student(server, "ben")
        enter(ben)
        kept = log_a_run("kept")
        before = server.accounts()
    without = "--login", "--roster", str(roster(tmp_path / "without.csv", "ann"))
    port = int(server.address.rpartition(":")[2])
    with class_server(tmp_path / "data", *without, port=port) as server:
        assert (
            "The account 'ben' is not in the list any more: removed. Its runs stay."
            in server.printed
        )
        assert server.accounts() == {name: before[name] for name in ("teacher", "ann")}
        assert "set MLFLOW_TRACKING_USERNAME" in sentence(enter, ben)
        for name, value in server.accounts()["teacher"].items():
            os.environ[name] = value
        mlflow.set_workspace("ben")
        assert MlflowClient(server.address).get_run(kept).info.run_name == "kept"


def test_passwords_that_are_lost(tmp_path, enter):
    """A line deleted from the file gives a new password; without the file there is a way on; no wrong list removes all."""
    options = "--login", "--roster", str(roster(tmp_path / "roster.csv", "ann", "ben"))
    folder = tmp_path / "data"
    with class_server(folder, *options) as server:
        enter(student(server, "ben"))
        kept = log_a_run("kept")
        before = server.accounts()
    file = folder / "accounts.csv"
    assert b"\r" not in file.read_bytes()
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(True)[:-1]))
    port = "--port", str(free_port())
    others = "--login", "--roster", str(roster(tmp_path / "others.csv", "cleo"))
    assert "and the 1 of" in refused(folder, *others, *port)
    with class_server(folder, *options, port=int(server.address.rpartition(":")[2])) as server:
        assert "set MLFLOW_TRACKING_USERNAME" in sentence(enter, before["ben"])
        enter(student(server, "ben"))
        assert mlflow.get_run(kept).info.run_name == "kept"
        assert server.accounts()["ann"] == before["ann"]
    file.unlink()
    told = refused(folder, *options, *port)
    assert "with all passwords is gone" in told and not file.exists()
    (folder / "accounts.db").unlink()
    with class_server(folder, *options) as server:
        enter(student(server, "ben"))
        assert mlflow.get_run(kept).info.run_name == "kept"


# Stores without rooms.


@pytest.fixture
def plain_server(tmp_path):
    with tracking_server(tmp_path) as address:
        yield address


@pytest.fixture(params=["a server without rooms", "a database"])
def shared(request, tmp_path):
    if request.param == "a database":
        uri = f"sqlite:///{tmp_path}/shared.db"
        MlflowClient(uri).search_experiments()  # makes its tables
        return uri
    return request.getfixturevalue("plain_server")


def test_who_comes_after_another_s_first_run_is_told_and_nothing_is_written_before(enter, shared):
    for name in ("ann", "ben"):
        enter({"LAB_TRACKING_URI": shared, "LAB_STUDENT": name})
        assert [place.name for place in mlflow.search_experiments()] == ["Default"]
    log_a_run("kept")  # ben's
    mlflow.delete_experiment(mlflow.create_experiment("exercise_checks"))
    told = sentence(enter, {"LAB_TRACKING_URI": shared, "LAB_STUDENT": "ann"})
    assert told.startswith(f"'ben' uses the labs on {shared}") and "'make server'" in told
    enter({"LAB_TRACKING_URI": shared, "LAB_STUDENT": "ben"})


# What a teacher gets wrong.


def refused(folder: Path, *options: str, prefix=(), **variables) -> str:
    """Start the server in a way that it must refuse, and return the sentence that says why."""
    command = [
        *prefix,
        sys.executable,
        "-m",
        "lab.classroom.server",
        "--folder",
        str(folder),
        *options,
    ]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "notebooks")} | variables
    done = run(command, env=environment, timeout=60)
    (line,) = done.stdout.splitlines()
    assert done.returncode == 1 and line.startswith("Error: ") and line.endswith(".")
    return line


ROSTERS = {
    "": "is empty",
    "id,name\n": "has no student",
    "name,points\nAnn,3\n": "has no column that names a student",
    "id,name\n1,Ann\n,Ben\n": "has no 'id' in line 3 (Ben)",
    "id,name\nann,Ann\nAnn,Another Ann\n": "has the id 'Ann' twice (Ann; Another Ann)",
    "id;name\n7;Ann\n7;Ben\n": "has the id '7' twice (Ann; Ben)",
    'id,name\n"a""b",Ann\n': "write it without quotation marks",
    "id,name\na:b,Ann\n": "write it without quotation marks, colons",
    "id,name\nteacher,Ann\n": "which is your own account",
}


@pytest.mark.parametrize("text, told", ROSTERS.items())
def test_list_that_cannot_be_used(tmp_path, text, told):
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LabError) as caught:
        read_roster(tmp_path / "roster.csv")
    assert told in str(caught.value) and "\n" not in str(caught.value)


def test_list_with_names_of_all_kinds(tmp_path):
    text = 'name;id\n"O\'Hara; Zoë";zoë\nA/B;a/b\n王小明;王小明\nAnn;ann\nAnn;ann2\n'
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8-sig")
    people = read_roster(tmp_path / "roster.csv")
    assert [person.name for person in people] == ["O'Hara; Zoë", "A/B", "王小明", "Ann", "Ann"]
    accounts = [person.account for person in people]
    assert len(set(accounts)) == 5 and all(account.isascii() for account in accounts)
    (tmp_path / "roster.csv").write_text("id,name\n1,Zoë\n", encoding="latin-1")
    with pytest.raises(LabError, match="it is not UTF-8"):
        read_roster(tmp_path / "roster.csv")


def test_server_that_cannot_start_as_asked(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port} of 127.0.0.1 is taken" in refused(folder, "--port", str(port))
    free = "--port", str(free_port())
    assert "is no address of this computer" in refused(folder, *free, "--host", "192.0.2.1")
    assert "is no address of this computer" in refused(folder, *free, "--host", "no such host")
    assert "The port is 'x'" in refused(folder, "--port", "x")
    assert "DATABASE is 'runs.db'" in refused(folder, *free, "--database", "runs.db")
    away = "postgresql://runs:top/secret@127.0.0.1:9/runs"
    told = refused(folder, *free, DATABASE=away)
    assert "The database postgresql+psycopg2://runs:***@127.0.0.1:9/runs cannot be used" in told
    assert "Connection refused" in told and "secret" not in told
    (folder / "no.db").write_text("no database " * 1000)
    told = refused(folder, *free, "--database", f"sqlite:///{folder}/no.db")
    assert "file is not a database" in told
    assert "LOGIN=1 needs the students" in refused(folder, *free, "--login")
    gone = refused(folder, *free, "--login", "--roster", str(tmp_path / "gone.csv"))
    assert "cannot be read (No such file or directory): correct ROSTER" in gone
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o555)
    prefix = without_privileges()
    told = refused(folder, *free, "--artifacts", str(closed), prefix=prefix)
    assert f"The folder {closed} cannot be written (Permission denied)" in told
    assert f"The folder {closed}/data cannot" in refused(closed / "data", *free, prefix=prefix)
    assert not list(folder.glob("accounts*"))


def test_disk_of_the_server_that_is_full(tmp_path, enter, monkeypatch):
    """The student is told in a sentence, and nothing that was logged before is lost."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    script = 'mount -t tmpfs -o size=8m tmpfs "$0" && exec "$@"'
    prefix = (*mount, "sh", "-c", script, str(disk))
    if not shutil.which("unshare") or run([*prefix, "true"]).returncode:
        pytest.skip("a full disk is imitated with a small tmpfs, which needs the right to mount")
    with class_server(disk / "data", prefix=prefix) as server:
        enter({"LAB_TRACKING_URI": server.address, "LAB_STUDENT": "ann"})
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        kept = log_a_run("kept")
        told = set()
        with mlflow.start_run(run_name="too much") as run_of_ann:
            for number in range(60):
                for log in (
                    lambda: mlflow.log_text("x" * 500_000, f"{number}.txt"),  # noqa: B023
                    lambda: mlflow.set_tag(f"t{number}", "x" * 4000),  # noqa: B023
                ):
                    try:
                        log()
                    except mlflow.MlflowException as error:
                        told.add(adapted.sentence_for(error))
        (sentence,) = told
        assert sentence.startswith(f"The tracking server {server.address} fails at what it was")
        assert MlflowClient().get_run(kept).data.metrics == {"accuracy": 0.5}
        assert mlflow.artifacts.load_text(f"runs:/{kept}/note.txt") == "by kept"
        assert mlflow.get_run(run_of_ann.info.run_id).data.tags["t0"]


def test_server_that_ends_in_the_middle_of_an_answer():
    class Breaks(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()

        def log_message(self, *message):
            pass

    with HTTPServer(("127.0.0.1", 0), Breaks) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(mlflow.MlflowException) as raised:
            MlflowClient(f"http://127.0.0.1:{server.server_port}").get_experiment("1")
        server.shutdown()
    assert " does not answer any more: " in adapted.sentence_for(raised.value)
