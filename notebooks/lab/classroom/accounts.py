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
import string
import warnings
from pathlib import Path

from lab.classroom.grades import as_text
from lab.classroom.roster import TEACHER, Person, read_table
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

VARIABLES = ("LAB_TRACKING_URI", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")
STARTS = (
    ("lab", "jupyter lab notebooks/01_bad_example.ipynb"),
    ("progress CLASS=1", "lab.classroom progress"),  # the teacher
)
# Read from paper and typed: none that looks like another. No spreadsheet takes letters for a formula.
LETTERS = "".join(sorted(set(string.ascii_letters) - set("lIoO")))
SLIPS = """\
<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>Lines to start with</title>
<style>section { break-inside: avoid; border-bottom: 1px dashed; padding: 0.6em 0; font-family: sans-serif } code { overflow-wrap: anywhere }</style>
{% for row in rows %}<section><b>{{ row.name or row.user }}</b>: user <code>{{ row.user }}</code>, password <code>{{ row.password }}</code><br>
Linux, macOS: <code>{{ row.line }}</code><br>Windows, PowerShell: <code>{{ row.powershell }}</code></section>
{% endfor %}</html>
"""


class Accounts:
    """The accounts of a class.

    Attributes:
        file: users, passwords and the line that each user starts with; the teacher's is the first.
    """

    def __init__(self, folder: Path, people: list[Person], shown: str):
        """Read the accounts that there are; those of a new class are written down at once.

        Args:
            folder: where the server's data lie; passwords are kept there, too.
            people: the students.
            shown: where students reach the server.

        Raises:
            LabError: the file with the passwords is gone, or all accounts would be removed.
        """
        self.file = folder / "accounts.csv"
        self._folder = folder
        self._people = people
        self._shown = shown
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
                "or for another class name another folder with FOLDER=."
            )
        self._new = ({TEACHER} | {person.account for person in people}) - set(self._known)
        for user in self._new:
            name = next((person.name for person in people if person.account == user), "")
            password = "".join(secrets.choice(LETTERS) for _ in range(14))
            self._known[user] = {"user": user, "password": password, "name": name}
        if TEACHER in self._new:
            self._write()

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

    def make(self, address: str) -> list[str]:
        """Make the accounts and rooms that are missing, and write the file.

        Args:
            address: where the server answers on this computer.

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
            for known in client.list_roles(room_of(user)):
                client.delete_role(known.id)
            del self._known[user]
        for person in self._people:
            user, room = person.account, room_of(person.account)
            if room not in rooms:
                mlflow.create_workspace(room, description=f"the room of {person.name}")
            password = self._known[user]["password"]
            try:
                client.create_user(user, password)
            except mlflow.MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # The line was deleted from the file, or the server was ended before the file was written.
                if user in self._new:
                    client.update_user_password(user, password)
            if not any(role.workspace == room for role in client.list_user_roles(user)):
                role = next((role for role in client.list_roles(room) if role.name == ROLE), None)
                if role is None:
                    role = client.create_role(room, ROLE)
                    for kind, permission in GRANTS:
                        client.add_role_permission(role.id, kind, "*", permission)
                client.assign_role(user, role.id)
        self._write()
        return sorted(removed)

    def _write(self) -> None:
        import jinja2

        rows = []
        for user in sorted(self._known, key=lambda user: (user != TEACHER, user)):
            row = {name: self._known[user][name] for name in ("user", "password", "name")}
            values = dict(zip(VARIABLES, (self._shown, user, row["password"]), strict=True))
            line = " ".join(f"{name}={shlex.quote(text)}" for name, text in values.items())
            doubled = {name: text.replace("'", "''") for name, text in values.items()}
            shell = " ".join(f"$env:{name}='{text}';" for name, text in doubled.items())
            make, module = STARTS[user == TEACHER]
            row |= {"name": as_text(row["name"]), "line": f"{line} make {make}"}
            rows.append(row | {"powershell": f"{shell} .venv\\Scripts\\python -m {module}"})
        table = io.StringIO(newline="")
        writer = csv.DictWriter(table, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_private(self.file, f"\ufeff{table.getvalue()}")  # the mark by which Excel knows UTF-8
        slips = jinja2.Template(SLIPS, autoescape=True).render(rows=rows[1:])
        write_private(self._folder / "slips.html", slips)


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
    (heads, *rows), _ = read_table(file)
    if not {"user", "password", "name"} <= set(heads):
        raise LabError(
            f"{file} has no column 'user': bring back the file that 'make server' wrote, as it holds the passwords."
        )
    return {row["user"]: row for row in (dict(zip(heads, row, strict=False)) for row in rows)}
