"""`make server`: a tracking server for a class, with a room for each student.

By default everything lies in the folder `class-server/` of the project, and only this computer can reach the server.
"""

from __future__ import annotations

import os
import re
import socket
from argparse import Namespace
from importlib.util import find_spec
from pathlib import Path

from lab import store
from lab.classroom.accounts import Accounts
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


def run(options: Namespace) -> None:
    """Serve until Ctrl-C, as the options of the command line say.

    Raises:
        LabError: the server cannot start as asked; the message says why.
    """
    folder, database, artifacts = kept_at(options)
    require_mlflow("make server")
    port = port_from(options.port) or 5000
    if not is_free(port, options.host):
        raise LabError(
            f"Port {port} of {options.host} is taken, or {options.host} is no address of this computer: end what runs "
            "there, or name others with PORT= and HOST=."
        )
    if options.login and not options.roster:
        raise LabError("LOGIN=1 needs the students: name their list with ROSTER=roster.csv.")
    if options.login and find_spec("flask_wtf") is None:
        raise LabError(
            "Accounts need a package more: 'make server LOGIN=1' installs it, or "
            "'pip install -r notebooks/lab/classroom/requirements.txt'."
        )
    roster = read_roster(options.roster) if options.login else None
    os.umask(0o077)  # what is written here is nobody else's to read
    folders = [folder, *filter(None, [store.Store(artifacts).folder])]
    for missing in folders:
        with store.must_be_writable(missing, "The folder", "or name another"):
            missing.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)  # one that was restored from a copy may be open to others
    shown_database = _require_database(database)

    arguments = ["--workers=2", "--enable-workspaces", f"--artifacts-destination={artifacts}"]
    arguments += ["--default-artifact-root=mlflow-artifacts:/"]
    name = name_of_this_computer() if options.host == ANY_HOST else options.host
    if options.host != HOST:
        # The names that students call it by, as clients send them: in small letters. MLflow refuses others, and to a browser
        # that shows its own UI by such a name it refuses the runs, too, unless the name is listed as an origin.
        hosts = sorted({known.lower() for known in (name, HOST, "localhost", socket.gethostname())})
        origins = [f"http://{known}:{port}" for known in hosts]
        arguments += ["--allowed-hosts", ",".join(f"{known}:*" for known in hosts)]
        arguments += ["--cors-allowed-origins", ",".join(origins)]
    shown = f"http://{name}:{port}"
    variables = {
        "MLFLOW_BACKEND_STORE_URI": database,
        # The gateway to language models would let students have the server ask other hosts.
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        # A worker answers up to 40 requests at a time, each with a connection of its own to the database. MLflow's default is
        # 15 connections, and a request that gets none within 30 seconds fails for good.
        "MLFLOW_SQLALCHEMYSTORE_POOL_SIZE": "10",
        "MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW": "30",
    }
    accounts = Accounts(folder, roster.people, shown) if roster else None
    if accounts:
        arguments += ["--app-name", "basic-auth"]
        variables |= accounts.variables()

    def tell(address: str) -> None:
        for notice in roster.notices if roster else ():
            print(notice)
        print(f"The class server answers at {shown} (Ctrl-C ends it; started again, it goes on).")
        print(f"Runs are kept in {shown_database}, files in {artifacts}.")
        to = "this computer alone (HOST=0.0.0.0 opens it)"
        print(f"It is open to {to if options.host == HOST else 'all who reach this address'}.")
        if accounts is None:
            print("Without LOGIN=1, whoever reaches it can read and change the runs of all.")
            print(f"Student: LAB_TRACKING_URI={shown} LAB_STUDENT=your-name make lab")
            own = f"LAB_TRACKING_URI={shown} make progress CLASS=1"
        else:
            for gone in accounts.make(address):
                print(f"The account '{gone}' is not in the list any more: removed. Its runs stay.")
            print(f"Students: each has a line in {accounts.file}, which nobody but you can read.")
            print(f"To print and cut apart: {accounts.file.with_name('slips.html')}.")
            own = "your line is the first in that file; it ends in 'make progress CLASS=1' and shows all."
        print(f"Teacher: {own}", flush=True)

    run_until_stopped("The class server", arguments, port, tell, options.host, variables)


def kept_at(options: Namespace) -> tuple[Path, str, str]:
    """Return the folder of a class's server, its database, and the address of its files, as the command line says."""
    folder = options.folder.expanduser().resolve()
    artifacts = options.artifacts or str(folder / "artifacts")
    if re.match(r"\w\w+:", artifacts) is None:
        artifacts = Path(artifacts).expanduser().resolve().as_uri()
    # Not among the arguments, which all users of the computer can list: it may hold a password.
    database = options.database or os.environ.get("DATABASE") or f"sqlite:///{folder / 'runs.db'}"
    # Without a driver's name, SQLAlchemy 2.1 takes another than the one of this folder's requirements.txt.
    return folder, re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", database), artifacts


def _require_database(database: str) -> str:
    """Return a database's address without its password; raise if it cannot be reached with what is installed here, or not at all."""
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    try:
        url = make_url(database)
        if url.get_backend_name() not in store.DATABASE_SCHEMES or not url.database:
            raise ArgumentError
        shown = url.render_as_string()
        with create_engine(url).connect() as connection:
            if database.startswith("sqlite"):
                # Readers and a writer need not wait for one another; the file remembers it.
                connection.execute(text("PRAGMA journal_mode = WAL"))
    except (ArgumentError, ValueError):
        raise LabError(
            f"DATABASE is '{store.without_password(database)}': write it like postgresql://user:password@host/name, or "
            "leave it out."
        ) from None
    except ModuleNotFoundError as error:
        raise LabError(
            f"The database {shown} needs the package {error.name}: 'pip install -r "
            "notebooks/lab/classroom/requirements.txt' has PostgreSQL's."
        ) from None
    except SQLAlchemyError as error:
        reason = " ".join(str(error).split("\n(Background")[0].split())
        raise LabError(
            f"The database {shown} cannot be used ({reason}): start it, or correct DATABASE."
        ) from None
    return shown


def name_of_this_computer() -> str:
    """Return the address by which others in the network reach this computer, its name if there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: it only chooses the interface
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()
