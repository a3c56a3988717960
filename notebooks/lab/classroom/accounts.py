"""Accounts on the class's server: a user, a password and a room for each student of the list.

Source: MLflow's documentation, "Workspace permissions" (https://mlflow.org/docs/latest/self-hosting/workspaces/permissions/).
"""

from __future__ import annotations

import configparser
import contextlib
import csv
import os
import secrets
import shlex
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from lab.classroom.roster import TEACHER, Person
from lab.room import room_of
from lab.store import LabError

FILE = "accounts.csv"
COLUMNS = ["user", "password", "name", "line"]
# What a student may do in the student's own room: everything but letting others in. There is no grant for other rooms.
GRANTS = (("workspace", "USE"), ("experiment", "MANAGE"), ("registered_model", "MANAGE"))
ROLE = "student"
# After this time at most a password is proven anew, and a removed account refused.
CACHED_SECONDS = 30


def variables(folder: Path, people: list[Person]) -> dict[str, str]:
    """Return the environment variables of a server with accounts, and write the file of settings that they name.

    Args:
        folder: where the server's data lie; passwords are kept there, too.
        people: the students.

    Raises:
        LabError: the file with the passwords is gone, or all accounts would be removed.
    """
    known = _read(folder)
    if TEACHER not in known and (folder / "accounts.db").exists():
        raise LabError(
            f"{folder / FILE} with all passwords is gone, or the teacher's line in it: bring it back from your copy. If there "
            f"is none, delete {folder / 'accounts.db'}, and everybody gets a new line; the runs stay."
        )
    others = set(known) - {TEACHER}
    if others and not others & {person.account for person in people}:
        raise LabError(
            f"Nobody in the list has an account yet, and the {len(others)} of {folder / FILE} would be removed: correct ROSTER, "
            f"or for another class move the folder {folder} away."
        )
    settings = configparser.ConfigParser(interpolation=None)
    settings["mlflow"] = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": f"sqlite:///{folder / 'accounts.db'}",
        "admin_username": TEACHER,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
        "auth_cache_ttl_seconds": str(CACHED_SECONDS),
    }
    with _private(folder / "login.ini") as file:
        settings.write(file)
    secret = folder / "secret_key"
    if not secret.exists():
        with _private(secret) as file:
            file.write(secrets.token_hex())
    return {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "login.ini"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": _teachers_password(folder),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.read_text(encoding="utf-8"),
        "MLFLOW_RBAC_SEED_DEFAULT_ROLES": "false",
    }


def make(folder: Path, address: str, shown: str, people: list[Person]) -> tuple[Path, list[str]]:
    """Make the accounts and rooms that are missing, remove those of people who are not in the list, and write the file.

    Args:
        folder: where the server's data lie.
        address: where the server answers on this computer.
        shown: where students reach it.
        people: the students.

    Returns:
        the file with users, passwords and the line for each student; and the users that were removed.
    """
    import mlflow

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the web framework's own changes
        from mlflow.server.auth.client import AuthServiceClient

    known = _read(folder)
    os.environ["MLFLOW_TRACKING_USERNAME"] = TEACHER
    os.environ["MLFLOW_TRACKING_PASSWORD"] = known[TEACHER]["password"]
    mlflow.set_tracking_uri(address)
    client = AuthServiceClient(address)
    rooms = {workspace.name for workspace in mlflow.list_workspaces()}
    removed = sorted(set(known) - {TEACHER} - {person.account for person in people})
    for user in removed:
        with contextlib.suppress(mlflow.MlflowException):  # gone already
            client.delete_user(user)
        del known[user]
    for person in people:
        is_new = person.account not in known
        if is_new:
            password = secrets.token_urlsafe(12)
            known[person.account] = {
                "user": person.account,
                "password": password,
                "name": person.name,
            }
            # Kept before the account is made: a server that is ended in between goes on with the same password.
            _write(folder, shown, known)
        room = room_of(person.account)
        if room not in rooms:
            mlflow.create_workspace(room, description=f"the room of {person.name}")
        try:
            client.create_user(person.account, known[person.account]["password"])
        except mlflow.MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            if is_new:  # the line was deleted from the file
                client.update_user_password(person.account, known[person.account]["password"])
        if not any(role.workspace == room for role in client.list_user_roles(person.account)):
            role = next((r for r in client.list_roles(room) if r.name == ROLE), None)
            if role is None:
                role = client.create_role(room, ROLE)
                for kind, permission in GRANTS:
                    client.add_role_permission(role.id, kind, "*", permission)
            client.assign_role(person.account, role.id)
    return _write(folder, shown, known), removed


def _teachers_password(folder: Path) -> str:
    known = _read(folder)
    if TEACHER not in known:
        password = secrets.token_urlsafe(12)
        known[TEACHER] = {"user": TEACHER, "password": password, "name": ""}
        _write(folder, "", known)
    return known[TEACHER]["password"]


def _read(folder: Path) -> dict[str, dict[str, str]]:
    file = folder / FILE
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as rows:
        try:
            return {row["user"]: row for row in csv.DictReader(rows)}
        except (KeyError, UnicodeDecodeError):
            raise LabError(
                f"{file} has no column 'user': bring back the file that 'make server' wrote, as it holds the passwords."
            ) from None


def _write(folder: Path, shown: str, known: dict[str, dict[str, str]]) -> Path:
    file = folder / FILE
    with _private(file) as rows:
        writer = csv.DictWriter(rows, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for user in sorted(known, key=lambda user: (user != TEACHER, user)):
            account = known[user]
            login = f"MLFLOW_TRACKING_USERNAME={shlex.quote(user)} MLFLOW_TRACKING_PASSWORD={account['password']}"
            command = "make progress CLASS=1" if user == TEACHER else "make lab"
            line = f"LAB_TRACKING_URI={shown} {login} {command}"
            writer.writerow(account | {"line": line})
    return file


@contextlib.contextmanager
def _private(file: Path) -> Iterator[IO[str]]:
    """Open a file for writing that nobody else can read; what was there stays until all is written."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with open(
        os.open(new, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8", newline=""
    ) as text:
        yield text
    new.replace(file)
