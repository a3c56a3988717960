"""`make server`: a tracking server for a class, with a room for each student.

By default everything lies in the folder `class-server/` of the project, and only this computer can reach the server.
"""

from __future__ import annotations

import argparse
import os
import re
import socket
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from lab import store
from lab.classroom import accounts
from lab.classroom.roster import read_roster
from lab.servers import (
    ANY_HOST,
    HOST,
    is_free,
    port_from,
    require_mlflow,
    run_until_stopped,
)
from lab.store import LabError

FOLDER = store.ROOT / "class-server"
DEFAULT_PORT = 5000
WORKERS = 2
# A worker answers up to 40 requests at a time, each with a connection of its own to the database. MLflow's default is 15 connections,
# and a request that gets none within 30 seconds fails for good.
CONNECTIONS = {
    "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "10",
    "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "30",
}


def main() -> None:
    """Serve until Ctrl-C; the command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m lab.classroom.server", description=__doc__)
    parser.add_argument("--host", default=HOST, help="the address to listen on (0.0.0.0: all)")
    parser.add_argument("--port", help="the port (default: 5000)")
    parser.add_argument(
        "--database", help="where runs are kept, like postgresql://… (or in DATABASE)"
    )
    parser.add_argument("--folder", default=FOLDER, type=Path, help="where all of it lies")
    parser.add_argument("--artifacts", help="where files are kept: a folder, or s3://…")
    parser.add_argument("--login", action="store_true", help="accounts, from --roster")
    parser.add_argument("--roster", metavar="FILE", help="CSV of the students")
    options = parser.parse_args()
    folder = options.folder.expanduser().resolve()
    require_mlflow("make server")
    port = port_from(options.port) or DEFAULT_PORT
    if not is_free(port, options.host):
        raise LabError(
            f"Port {port} of {options.host} is taken, or {options.host} is no address of this computer: end what runs "
            "there, or name others with PORT= and HOST=."
        )
    students = None
    if options.login:
        if not options.roster:
            raise LabError("LOGIN=1 needs the students: name their list with ROSTER=roster.csv.")
        students = read_roster(Path(options.roster))
        if find_spec("flask_wtf") is None:
            raise LabError(
                "Accounts need a package more: 'make server LOGIN=1' installs it, or "
                "'pip install -r notebooks/lab/classroom/requirements.txt'."
            )
    os.umask(0o077)  # what is written here is nobody else's to read
    _make_writable(folder)
    folder.chmod(0o700)  # one that was restored from a copy may be open to others
    # Not among the arguments, which all users of the computer can list: it may hold a password.
    database = options.database or os.environ.get("DATABASE") or f"sqlite:///{folder / 'runs.db'}"
    # Without a driver's name, SQLAlchemy 2.1 takes another than the one of this folder's requirements.txt.
    database = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", database)
    _require_database(database)
    artifacts = options.artifacts or str(folder / "artifacts")
    if re.match(r"\w\w+:", artifacts) is None:
        _make_writable(place := Path(artifacts).expanduser().resolve())
        artifacts = place.as_uri()

    arguments = ["--workers", str(WORKERS), "--enable-workspaces"]
    arguments += ["--artifacts-destination", artifacts]
    arguments += ["--default-artifact-root", "mlflow-artifacts:/"]
    name = _name_of_this_computer() if options.host == ANY_HOST else options.host
    if options.host != HOST:
        # The names that students call it by; MLflow refuses others.
        hosts = {f"{known}:*" for known in (name, HOST, "localhost", socket.gethostname())}
        arguments += ["--allowed-hosts", ",".join(sorted(hosts))]
    # The gateway to language models would let students have the server ask other hosts.
    variables = {"MLFLOW_BACKEND_STORE_URI": database, "MLFLOW_ENABLE_AI_GATEWAY": "false"}
    variables |= CONNECTIONS
    if students is not None:
        arguments += ["--app-name", "basic-auth"]
        variables |= accounts.variables(folder, students)
    shown = f"http://{name}:{port}"

    def tell(address: str) -> None:
        print(f"The class server answers at {shown} (Ctrl-C ends it; started again, it goes on).")
        print(f"Runs are kept in {_shown(database)}, files in {artifacts}.")
        to = "this computer alone (HOST=0.0.0.0 opens it)"
        print(f"It is open to {to if options.host == HOST else 'all who reach this address'}.")
        if students is None:
            print("Without LOGIN=1, whoever reaches it can read and change the runs of all.")
            print(f"Student: LAB_TRACKING_URI={shown} LAB_STUDENT=your-name make lab")
        else:
            file, removed = accounts.make(folder, address, shown, students)
            for gone in removed:
                print(f"The account '{gone}' is not in the list any more: removed. Its runs stay.")
            print(f"Students: each has a line in {file}, which nobody but you can read.")
        own = f"LAB_TRACKING_URI={shown} make progress CLASS=1"
        if students is not None:
            own = "your line is the first in that file; it ends in 'make progress CLASS=1' and shows all."
        print(f"Teacher: {own}", flush=True)

    run_until_stopped("The class server", arguments, port, tell, options.host, variables)


def _make_writable(folder: Path) -> None:
    """Make a folder if it is missing; raise if it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"can the class's runs be kept here?")
    except OSError as error:
        raise LabError(
            f"The folder {folder} cannot be written ({error.strerror}): make it writable, or name another."
        ) from None


def _require_database(database: str) -> None:
    """Raise if the database cannot be reached with what is installed here, or not at all."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    if not database.startswith(("sqlite:///", "postgresql", "mysql", "mssql")):
        raise LabError(
            f"DATABASE is '{store.without_password(database)}': write it like postgresql://user:password@host/name, or "
            "leave it out."
        )
    try:
        with create_engine(database).connect() as connection:
            if database.startswith("sqlite"):
                # Readers and a writer need not wait for one another; the file remembers it.
                connection.execute(text("PRAGMA journal_mode = WAL"))
    except ModuleNotFoundError as error:
        raise LabError(
            f"The database {_shown(database)} needs the package {error.name}: 'pip install -r "
            "notebooks/lab/classroom/requirements.txt' has PostgreSQL's."
        ) from None
    except SQLAlchemyError as error:
        reason = " ".join(str(error).split("\n(Background")[0].split())
        raise LabError(
            f"The database {_shown(database)} cannot be used ({reason}): start it, or correct DATABASE."
        ) from None


def _shown(database: str) -> str:
    """Return a database's address with its password hidden."""
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(database).render_as_string()
    except (ArgumentError, ValueError):
        return store.without_password(database)


def _name_of_this_computer() -> str:
    """Return the address by which others in the network reach this computer, its name if there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the interface
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
