"""Several students on one store: each in a room of their own on `make server`, or told that they are not alone."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from pathlib import Path

import mlflow
import pytest
import requests
from class_server import class_server, command, entering, log_a_run, login, sentence_of
from lab import LabError
from lab.classroom.roster import read_roster
from lab.room import room_of
from lab.setup import adapted
from mlflow import MlflowClient
from support import free_port, run, tracking_server, without_privileges

pytestmark = pytest.mark.thorough

API = "/api/2.0/mlflow"
V3 = "/api/3.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
NOT_LET_IN = "start with the line that your teacher gave you, or set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    with class_server(tmp_path_factory.mktemp("open") / "data") as server:
        yield server


@pytest.fixture(scope="module")
def login_server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("login")
    options = login(folder / "roster.csv", "ann", "ben")
    (folder / "data").mkdir(mode=0o755)  # as after restoring it
    with class_server(folder / "data", *options) as server:
        yield server


@pytest.fixture
def enter(capsys):
    with entering(capsys) as start:
        yield start


def sentence(enter, variables: dict[str, str]) -> str:
    with pytest.raises(LabError) as caught:
        enter(variables)
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def all_runs():
    return mlflow.search_runs(search_all_experiments=True)


def test_same_names_in_two_rooms_are_two_things(enter, open_server):
    made = {}
    for name in ("ann", "ben"):
        at = f"{open_server.address} (a tracking server), in the room '{name}'"
        assert enter(open_server.student(name)) == [f"Runs go to {at}, as {name}"]
        made[name] = log_a_run(name)
        assert MlflowClient().create_registered_model("flower").name == "flower"
        assert all_runs()["run_id"].tolist() == [made[name]]
        assert mlflow.artifacts.load_text(f"runs:/{made[name]}/note.txt") == f"by {name}"
    with pytest.raises(mlflow.MlflowException, match="not found"):
        mlflow.get_run(made["ann"])
    MlflowClient().delete_registered_model("flower")
    enter(open_server.student("ann"))
    assert [model.name for model in MlflowClient().search_registered_models()] == ["flower"]
    assert len(list(open_server.folder.glob("artifacts/workspaces/*/*/*/artifacts/note.txt"))) == 2


def test_deleted_restored_and_started_again(enter, open_server):
    cleo = open_server.student("cleo")
    first = enter(cleo)
    kept = log_a_run("kept")
    mlflow.delete_experiment(mlflow.get_run(kept).info.experiment_id)
    restored = "Note: the experiment 'sklearn_experiment' had been deleted; it is restored, with every run that was deleted in it."
    assert enter(cleo) == [*first, restored]
    assert enter(cleo) == first
    assert mlflow.set_experiment("sklearn_experiment")
    assert mlflow.search_runs()["run_id"].tolist() == [kept]
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "sklearn_experiment"


def test_who_are_you(enter, open_server, monkeypatch):
    address = {"LAB_TRACKING_URI": open_server.address}
    for unsaid in ({}, {"LAB_STUDENT": " "}):
        assert "set LAB_STUDENT to your name" in sentence(enter, address | unsaid)
    assert "without quotation marks" in sentence(enter, address | {"LAB_STUDENT": 'a"b'})
    for name in ("Zoë O'Hara", "王小明", "a/b"):
        (told,) = enter(address | {"LAB_STUDENT": name})
        assert f"in the room '{room_of(name)}', as {name}" in told
        log_a_run("mine")
        assert all_runs()["tags.mlflow.user"].tolist() == [name]
    mlflow.set_workspace(None)
    mlflow.create_workspace("dora", description="made on the computer 'elsewhere'")
    assert enter(address | {"LAB_STUDENT": "dora"})[1] == (
        "Note: the room 'dora' was made on the computer 'elsewhere'; if that was not you, choose another LAB_STUDENT."
    )
    with monkeypatch.context() as older:
        older.delattr(mlflow, "set_workspace")
        message = sentence(enter, address | {"LAB_STUDENT": "ann"})
    assert "keeps a room for each student, which MLflow" in message and "3.10 or newer" in message


def test_names_that_need_other_letters_get_rooms_of_their_own():
    names = ["ann", "Zoë", "zoe", "a/b", "a-b", "a'b", "王小明", "王大明", "default", "x", "-"]
    rooms = [room_of(name) for name in names]
    assert len(set(rooms)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])", room) for room in rooms)
    assert room_of("Ann") == room_of("ann") == "ann"


def test_wrong_password_and_another_s_room(enter, login_server):
    ann = login_server.student("ann")
    assert "in the room 'ann', as ann" in enter(ann)[0]
    address = {"LAB_TRACKING_URI": login_server.address}
    wrong = ann | {"MLFLOW_TRACKING_PASSWORD": "guessed-it-maybe"}
    for variables in (wrong, address, address | {"LAB_STUDENT": "ann"}):
        assert NOT_LET_IN in sentence(enter, variables)
    other = sentence(enter, ann | {"LAB_STUDENT": "ben"})
    assert "the account 'ann' has no room 'ben'" in other


@pytest.fixture(scope="module")
def ask(login_server):
    """Ask the server something as some user, in some room, with an address that nothing has tidied."""

    def ask(user, method, path, room=None, content=None, data=None):
        account = user, login_server.student(user)["MLFLOW_TRACKING_PASSWORD"]
        headers = {"X-MLFLOW-WORKSPACE": room} if room else {}
        address = f"{login_server.address}{path}"
        request = requests.Request(method, address, headers, json=content, data=data, auth=account)
        prepared = request.prepare()
        prepared.url = address
        return requests.Session().send(prepared, timeout=60)

    return ask


@pytest.fixture(scope="module")
def belongings(ask):
    """What a student makes on the server: the ids of an experiment, a run and a logged model."""

    def make(user, name):
        def post(path, content):
            return ask(user, "POST", f"{API}/{path}", user, content).json()

        experiment = post("experiments/create", {"name": name})["experiment_id"]
        run_id = post("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]
        file = f"{FILES}/{experiment}/{run_id}/artifacts/secret.txt"
        ask(user, "PUT", file, user, data=b"top secret" if user == "ben" else b"mine")
        post("registered-models/create", {"name": name})
        model = post("logged-models", {"experiment_id": experiment, "name": name})
        return experiment, run_id, model["model"]["info"]["model_id"]

    return {user: make(user, name) for user, name in (("ann", "hers"), ("ben", "bens"))}


def test_students_reach_nothing_of_another_s_and_administer_nothing(ask, belongings, login_server):
    own, hers, _ = belongings["ann"]
    place, run_id, model = belongings["ben"]
    metric = {"key": "x", "value": 1, "timestamp": 1, "step": 0}
    password = "long-enough-12345"
    everything = {"resource_type": "workspace", "resource_pattern": "*", "permission": "MANAGE"}
    grant = {"resource_type": "experiment", "resource_pattern": place, "permission": "MANAGE"}
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
        # what administrators do
        ("POST", f"{API}/users/create", {"username": "eve", "password": password}),
        ("POST", f"{API}/users/create-ui", {"username": "eve", "password": password}),
        ("GET", "/signup", None),
        ("PATCH", f"{API}/users/update-admin", {"username": "ann", "is_admin": True}),
        ("PATCH", f"{API}/users/update-password", {"username": "ben", "password": password}),
        ("DELETE", f"{API}/users/delete", {"username": "ben"}),
        ("POST", f"{V3}/roles/create", {"name": "mine", "workspace": "ann"}),
        ("POST", f"{V3}/roles/create", {"name": "mine", "workspace": "ben"}),
        ("POST", f"{V3}/roles/assign", {"username": "ann", "role_id": 2}),
        *(("POST", f"{V3}/roles/permissions/add", everything | {"role_id": role}) for role in (1, 2)),
        ("POST", f"{V3}/users/permissions/grant", grant | {"username": "ann"}),
        ("POST", f"{V3}/workspaces", {"name": "hers"}),
        ("PATCH", f"{V3}/workspaces/ben", {"description": "mine"}),
        ("DELETE", f"{V3}/workspaces/ben", None),
        ("POST", f"{API}/webhooks", {"name": "x", "url": "https://example.org", "events": []}),
        ("POST", f"{V3}/mlflow/gateway/secrets/create", {"secret_name": "x"}),
    ]  # fmt: skip
    let_through = []
    for room in (None, "ann", "ben", "default"):
        for method, path, content in attempts:
            answer = ask("ann", method, path, room, content)
            secrets = (run_id, model, "top secret", "root:", "MLFLOW_TRACKING")
            # A search over several places may answer, with what is her own.
            if answer.ok and ("search" not in path or any(word in answer.text for word in secrets)):
                let_through.append(f"{method} {path} in {room}: {answer.text[:80]}")
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
    users = ask("teacher", "GET", f"{API}/users/list").json()["users"]
    admins = {user["username"]: user["is_admin"] for user in users}
    assert admins == {"teacher": True, "ann": False, "ben": False}
    for user, rooms in (("teacher", {"default", "ann", "ben"}), ("ann", {"ann"})):
        shown = ask(user, "GET", f"{V3}/workspaces").json()["workspaces"]
        assert {room["name"] for room in shown} == rooms


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps files private in its own way")
def test_passwords_are_kept_where_nobody_else_reads_them(login_server, belongings):
    users = ("teacher", "ann", "ben")
    passwords = [login_server.student(user)["MLFLOW_TRACKING_PASSWORD"] for user in users]
    assert len(set(passwords)) == 3 and all(len(password) >= 12 for password in passwords)
    files = [path for path in login_server.folder.rglob("*") if path.is_file()]
    private = {"accounts.csv", "accounts.db", "login.ini", "runs.db", "secret_key"}
    assert private <= {path.name for path in files}
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert oct(login_server.folder.stat().st_mode & 0o777) == "0o700"
    lines = [" ".join(process.cmdline()) for process in login_server.processes()]
    assert len(lines) > 2
    for password in passwords:
        assert password not in login_server.printed
        assert not any(password in line for line in lines)


def test_accounts_come_and_go_with_the_list_and_the_file(tmp_path, enter):
    """Who leaves loses the account, and not the runs; a lost password has a way on; no wrong list removes all."""
    folder, file = tmp_path / "data", tmp_path / "data" / "accounts.csv"
    both = login(tmp_path / "both.csv", "ann", "ben")
    port = free_port()
    with class_server(folder, *both, port=port) as server:
        ann, ben = server.student("ann"), server.student("ben")
        enter(ben)
        kept = log_a_run("kept")
    others = refused(folder, *login(tmp_path / "others.csv", "cleo"))
    assert "Nobody in the list has an account yet, and the 2 of" in others

    # Ben's line is deleted from the file.
    assert b"\r" not in file.read_bytes()
    file.write_text("".join(file.read_text(encoding="utf-8").splitlines(True)[:-1]))
    with class_server(folder, *both, port=port) as server:
        assert NOT_LET_IN in sentence(enter, ben)
        enter(server.student("ben"))
        assert mlflow.get_run(kept).info.run_name == "kept"
        assert server.student("ann") == ann
        teacher = server.student("teacher")

    with class_server(folder, *login(tmp_path / "one.csv", "ann"), port=port) as server:
        told = "The account 'ben' is not in the list any more: removed. Its runs stay."
        assert told in server.printed and "ben" not in file.read_text(encoding="utf-8")
        assert NOT_LET_IN in sentence(enter, ben)
        assert (server.student("ann"), server.student("teacher")) == (ann, teacher)
        os.environ.update(teacher)
        mlflow.set_workspace("ben")
        assert MlflowClient(server.address).get_run(kept).info.run_name == "kept"

    file.unlink()
    assert "with all passwords is gone" in refused(folder, *both) and not file.exists()
    (folder / "accounts.db").unlink()
    with class_server(folder, *both, port=port) as server:
        enter(server.student("ben"))
        assert mlflow.get_run(kept).info.run_name == "kept"


# Stores without rooms.


@pytest.fixture(params=["a server without rooms", "a database"])
def shared(request, tmp_path):
    """The address of a store on which two students are in each other's way."""
    if request.param == "a database":
        uri = f"sqlite:///{tmp_path}/shared.db"
        MlflowClient(uri).search_experiments()  # makes its tables
        yield uri
        return
    with tracking_server(tmp_path) as address:
        yield address


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
    if "--port" not in options:
        options = (*options, "--port", str(free_port()))
    return sentence_of([*prefix, *command(folder, *options)], **variables)


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
    people = read_roster(tmp_path / "roster.csv").people
    names = ["O'Hara; Zoë", "A/B", "王小明", "Ann (ann)", "Ann (ann2)"]
    assert [person.name for person in people] == names
    accounts = [person.account for person in people]
    assert len(set(accounts)) == 5 and all(account.isascii() for account in accounts)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_list_as_excel_writes_it(tmp_path, encoding, delimiter):
    text = "id,name\r\n1,Zoë\r\n2,Jürgen €\r\n".replace(",", delimiter)
    (tmp_path / "roster.csv").write_bytes(text.encode(encoding))
    roster = read_roster(tmp_path / "roster.csv")
    assert [person.name for person in roster.people] == ["Zoë", "Jürgen €"]
    assert ["CSV UTF-8" in told for told in roster.notices] == [True] * (encoding == "cp1252")
    (tmp_path / "roster.csv").write_bytes(b"id,name\n1,\x81\x8d\n")
    with pytest.raises(LabError, match="save it as 'CSV UTF-8'"):
        read_roster(tmp_path / "roster.csv")


# From Moodle's language packs for 4.5: first name, last name, ID number, e-mail address, roles, student, teacher.
MOODLE = """\
en;First name;Last name;ID number;Email address;Roles;Student;Teacher
de;Vorname;Nachname;ID-Nummer;E-Mail-Adresse;Rollen;Teilnehmer/in;Trainer/in
fr;Prénom;Nom de famille;Numéro d’identification;Adresse de courriel;Rôles;Étudiant;Enseignant
es;Nombre;Apellido(s);Número de ID;Dirección de correo;Roles;Estudiante;Profesor
it;Nome;Cognome;Codice identificativo;Indirizzo email;Ruoli;Studente;Docente
nl;Voornaam;Achternaam;Nummer (ID);E-mailadres;Rollen;Leerling;Leraar
ca;Nom;Cognoms;Número ID;Adreça electrònica;Rols;Estudiant;Professor
"""


@pytest.mark.parametrize(
    "language", [line.split(";") for line in MOODLE.splitlines()], ids=lambda words: words[0]
)
def test_list_as_moodle_exports_it(tmp_path, language):
    """With an empty *ID number*, the account is the e-mail address; teachers are left out, and named."""
    _, *heads, student, teacher = language
    rows = [
        heads,
        ["Ann", "Amsel", "", "ann@example.org", student],
        ["Ben", "Buntspecht", "", "ben@example.org", f"{teacher}, {student}"],
        ["Tom", "Taube", "", "tom@example.org", teacher],
        ["Cleo", "Specht", "", "cleo@example.org", student],
    ]
    (tmp_path / "roster.csv").write_text("\n".join(map(";".join, rows)), encoding="utf-8")
    roster = read_roster(tmp_path / "roster.csv")
    assert [(person.user, person.name) for person in roster.people] == [
        ("ann@example.org", "Ann Amsel"),
        ("ben@example.org", "Ben Buntspecht"),
        ("cleo@example.org", "Cleo Specht"),
    ]
    assert roster.notices == [f"Left out, as not '{student}' in {tmp_path}/roster.csv: Tom Taube."]


def test_server_that_cannot_start_as_asked(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "no.db").write_text("no database " * 1000)
    away = "postgresql://runs:top/secret@127.0.0.1:9/runs"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for options, told in {
            ("--port", port): f"Port {port} of 127.0.0.1 is taken",
            ("--host", "192.0.2.1"): "is no address of this computer",
            ("--host", "no such host"): "is no address of this computer",
            ("--port", "x"): "The port is 'x'",
            ("--database", "runs.db"): "DATABASE is 'runs.db'",
            ("--database", f"sqlite:///{folder}/no.db"): "file is not a database",
            ("--login",): "LOGIN=1 needs the students",
            ("--login", "--roster", "gone.csv"): "cannot be read (No such file or directory): correct ROSTER",
        }.items():  # fmt: skip
            assert told in refused(folder, *options)
    told = refused(folder, DATABASE=away)
    assert "The database postgresql+psycopg2://runs:***@127.0.0.1:9/runs cannot be used" in told
    assert "Connection refused" in told and "secret" not in told
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    prefix = without_privileges()
    told = refused(folder, "--artifacts", str(closed), prefix=prefix)
    assert f"The folder {closed} cannot be written (Permission denied)" in told
    assert f"The folder {closed}/data cannot" in refused(closed / "data", prefix=prefix)
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
                file, tag = ("x" * 500_000, f"{number}.txt"), (f"t{number}", "x" * 4000)
                for log, arguments in ((mlflow.log_text, file), (mlflow.set_tag, tag)):
                    try:
                        log(*arguments)
                    except mlflow.MlflowException as error:
                        told.add(adapted.sentence_for(error))
        assert len(told) == 1, told
        (sentence,) = told
        assert sentence.startswith(f"The tracking server {server.address} fails at what it was")
        assert MlflowClient().get_run(kept).data.metrics == {"accuracy": 0.5}
        assert mlflow.artifacts.load_text(f"runs:/{kept}/note.txt") == "by kept"
        assert mlflow.get_run(run_of_ann.info.run_id).data.tags["t0"]


@pytest.mark.parametrize("room", [None, "ann"])  # of which MLflow asks the server first
def test_server_that_ends_in_the_middle_of_an_answer(room, monkeypatch):
    monkeypatch.setenv("MLFLOW_WORKSPACE", room or "")
    with socket.create_server(("127.0.0.1", 0)) as server:

        def break_off():
            line, _ = server.accept()
            with line:
                line.recv(10_000)
                line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")

        threading.Thread(target=break_off, daemon=True).start()
        with pytest.raises(mlflow.MlflowException) as raised:
            MlflowClient(f"http://127.0.0.1:{server.getsockname()[1]}").get_experiment("1")
    assert " does not answer any more: " in adapted.sentence_for(raised.value)
