"""Accounts on the class's server: a user, a password and a room for each student of the list.

Source: MLflow's documentation, "Workspace permissions" (https://mlflow.org/docs/latest/self-hosting/workspaces/permissions/).
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import secrets
import shlex
import warnings
from pathlib import Path

from lab.classroom.roster import TEACHER, Person
from lab.room import room_of
from lab.store import LabError

# What a student may do in the student's own room: everything but letting others in. There is no grant for other rooms.
GRANTS = (("workspace", "USE"), ("experiment", "MANAGE"), ("registered_model", "MANAGE"))
ROLE = "student"
# After the last of these, in seconds, at most a password is proven anew, and a removed account refused.
SETTINGS = """\
[mlflow]
default_permission = NO_PERMISSIONS
database_uri = sqlite:///{database}
admin_username = {teacher}
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 30
"""


class Accounts:
    """The accounts of a class.

    Attributes:
        file: users, passwords and the line that each user starts with; the teacher's is the first.
    """

    def __init__(self, folder: Path, people: list[Person]):
        """Read the accounts that there are; only the teacher's is made.

        Args:
            folder: where the server's data lie; passwords are kept there, too.
            people: the students.

        Raises:
            LabError: the file with the passwords is gone, or all accounts would be removed.
        """
        self.file = folder / "accounts.csv"
        self._folder = folder
        self._people = people
        self._known = _read(self.file)
        others = set(self._known) - {TEACHER}
        if TEACHER not in self._known and (folder / "accounts.db").exists():
            raise LabError(
                f"{self.file} with all passwords is gone, or the teacher's line in it: bring it back from your copy. If there "
                f"is none, delete {folder / 'accounts.db'}, and everybody gets a new line; the runs stay."
            )
        if others and not others & {person.account for person in people}:
            raise LabError(
                f"Nobody in the list has an account yet, and the {len(others)} of {self.file} would be removed: correct ROSTER, "
                f"or for another class move the folder {folder} away."
            )
        if TEACHER not in self._known:
            self._add(TEACHER, "", "")

    def variables(self) -> dict[str, str]:
        """Return the environment variables of a server with accounts, and write the file of settings that they name."""
        settings, secret = self._folder / "login.ini", self._folder / "secret_key"
        database = self._folder / "accounts.db"
        write_private(settings, SETTINGS.format(database=database, teacher=TEACHER))
        if not secret.exists():
            write_private(secret, secrets.token_hex())
        return {
            "MLFLOW_AUTH_CONFIG_PATH": str(settings),
            "MLFLOW_AUTH_ADMIN_PASSWORD": self._known[TEACHER]["password"],
            "MLFLOW_FLASK_SERVER_SECRET_KEY": secret.read_text(encoding="utf-8"),
            "MLFLOW_RBAC_SEED_DEFAULT_ROLES": "false",
        }

    def make(self, address: str, shown: str) -> list[str]:
        """Make the accounts and rooms that are missing, and write the file.

        Args:
            address: where the server answers on this computer.
            shown: where students reach it.

        Returns:
            the users who are not in the list any more; their accounts are removed.
        """
        import mlflow

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the web framework's own changes
            from mlflow.server.auth.client import AuthServiceClient

        os.environ["MLFLOW_TRACKING_USERNAME"] = TEACHER
        os.environ["MLFLOW_TRACKING_PASSWORD"] = self._known[TEACHER]["password"]
        mlflow.set_tracking_uri(address)
        mlflow.set_workspace(None)  # whatever MLFLOW_WORKSPACE says
        client = AuthServiceClient(address)
        rooms = {workspace.name for workspace in mlflow.list_workspaces()}
        removed = set(self._known) - {TEACHER} - {person.account for person in self._people}
        for user in removed:
            with contextlib.suppress(mlflow.MlflowException):  # gone already
                client.delete_user(user)
            del self._known[user]
        for person in self._people:
            user, room = person.account, room_of(person.account)
            is_new = user not in self._known
            if is_new:
                # Kept before the account is made: a server that is ended in between goes on with the same password.
                self._add(user, person.name, shown)
            if room not in rooms:
                mlflow.create_workspace(room, description=f"the room of {person.name}")
            password = self._known[user]["password"]
            try:
                client.create_user(user, password)
            except mlflow.MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                if is_new:  # the line was deleted from the file
                    client.update_user_password(user, password)
            if not any(role.workspace == room for role in client.list_user_roles(user)):
                role = next((role for role in client.list_roles(room) if role.name == ROLE), None)
                if role is None:
                    role = client.create_role(room, ROLE)
                    for kind, permission in GRANTS:
                        client.add_role_permission(role.id, kind, "*", permission)
                client.assign_role(user, role.id)
        self._write(shown)
        return sorted(removed)

    def _add(self, user: str, name: str, shown: str) -> None:
        self._known[user] = {"user": user, "password": secrets.token_urlsafe(12), "name": name}
        self._write(shown)

    def _write(self, shown: str) -> None:
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, ["user", "password", "name", "line"], lineterminator="\n")
        writer.writeheader()
        for user in sorted(self._known, key=lambda user: (user != TEACHER, user)):
            row = self._known[user]
            login = f"MLFLOW_TRACKING_USERNAME={shlex.quote(user)} MLFLOW_TRACKING_PASSWORD={row['password']}"
            command = "make progress CLASS=1" if user == TEACHER else "make lab"
            writer.writerow(row | {"line": f"LAB_TRACKING_URI={shown} {login} {command}"})
        write_private(self.file, table.getvalue())


def write_private(file: Path, text: str) -> None:
    """Write a file that nobody else can read; what was there stays until all is written."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    new.touch(0o600)
    new.write_text(text, encoding="utf-8", newline="")
    new.replace(file)


def _read(file: Path) -> dict[str, dict[str, str]]:
    if not file.exists():
        return {}
    with file.open(encoding="utf-8", newline="") as rows:
        try:
            return {row["user"]: row for row in csv.DictReader(rows)}
        except (KeyError, UnicodeDecodeError):
            raise LabError(
                f"{file} has no column 'user': bring back the file that 'make server' wrote, as it holds the passwords."
            ) from None
