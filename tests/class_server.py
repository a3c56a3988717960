"""A class's server, as `make server` starts it, and a PostgreSQL for it, each started and ended by the test that uses it."""

from __future__ import annotations

import contextlib
import csv
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from support import ROOT, free_port, started

HOW_TO_GET_POSTGRES = "install it with 'sudo apt install postgresql' (Debian, Ubuntu)"


@dataclass
class ClassServer:
    """A server that runs.

    Attributes:
        address: where it answers.
        printed: what it has said.
        folder: where its data lie.
        pid: the process that was started.
    """

    address: str
    printed: str
    folder: Path
    pid: int

    def kill(self) -> None:
        """End it and all that it has started without a chance to clean up."""
        root = psutil.Process(self.pid)
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def accounts(self) -> dict[str, dict[str, str]]:
        """Return the variables that each line of the file of accounts sets, by account."""
        with (self.folder / "accounts.csv").open(encoding="utf-8", newline="") as rows:
            return {
                row["user"]: dict(
                    word.split("=", 1) for word in shlex.split(row["line"]) if "=" in word
                )
                for row in csv.DictReader(rows)
            }


@contextlib.contextmanager
def class_server(
    folder: Path, *options: str, port: int | None = None, prefix: Sequence[str] = ()
) -> Iterator[ClassServer]:
    """Run `python -m lab.classroom.server` until the block ends.

    Args:
        folder: where its data lie.
        options: of the command.
        port: where it answers; a free one by default.
        prefix: a command that starts this one.
    """
    port = port or free_port()
    command = [*prefix, sys.executable, "-m", "lab.classroom", "server", "--folder", str(folder)]
    command += ["--port", str(port), *options]
    environment = {"PYTHONPATH": str(ROOT / "notebooks")}
    with started(command, "Teacher: ", folder.parent, environment) as (process, printed, _):
        yield ClassServer(f"http://127.0.0.1:{port}", printed, folder, process.pid)


def student(server: ClassServer, name: str) -> dict[str, str]:
    """Return the variables of a student's line, on a server with accounts or without."""
    if (server.folder / "accounts.csv").exists():
        return server.accounts()[name]
    return {"LAB_TRACKING_URI": server.address, "LAB_STUDENT": name}


def roster(file: Path, *names: str) -> Path:
    """Write the list of a class, and return where."""
    rows = [f"{name},{name.title()}" for name in names]
    file.write_text("\n".join(["id,name", *rows, ""]), encoding="utf-8")
    return file


def postgres_program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs: Debian keeps them out of everybody's PATH.

    Raises:
        FileNotFoundError: it is not installed; the message says how to.
    """
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    found = shutil.which(name) or (debian and str(debian[-1]))
    if not found:
        raise FileNotFoundError(f"There is no PostgreSQL here: {HOW_TO_GET_POSTGRES}.")
    return found


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run an empty PostgreSQL that only this computer's own user reaches, by a socket in a folder; yield its address.

    It refuses to run as root, who hands it to the user nobody.
    """
    initdb, program = postgres_program("initdb"), postgres_program("postgres")
    folder = Path(tempfile.mkdtemp(prefix="pg"))  # short: a socket's path has 107 letters at most
    as_user: list[str] = []
    if os.geteuid() == 0:
        shutil.chown(folder, "nobody", "nogroup")
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    log = (folder / "postgres.log").open("wb")
    arguments: dict[str, Any] = {"cwd": folder, "stdout": log, "stderr": subprocess.STDOUT}
    try:
        data = str(folder / "data")
        make = [initdb, "--pgdata", data, "--username=runs", "--auth=trust", "--encoding=UTF8"]
        subprocess.run([*as_user, *make], check=True, timeout=120, **arguments)
        command = [*as_user, program, "-D", data, "-k", str(folder), "-c", "listen_addresses="]
        server = subprocess.Popen(command, **arguments)
        try:
            _wait_for(folder / ".s.PGSQL.5432", server)
            yield f"postgresql://runs@/postgres?host={folder}"
        finally:
            server.send_signal(signal.SIGINT)  # it ends its connections, and then itself
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
    finally:
        log.close()
        shutil.rmtree(folder)


def _wait_for(socket: Path, server: subprocess.Popen[bytes]) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    for _ in range(300):
        assert server.poll() is None, (socket.parent / "postgres.log").read_text()
        with contextlib.suppress(OperationalError):
            create_engine(
                f"postgresql+psycopg2://runs@/postgres?host={socket.parent}"
            ).connect().close()
            return
        time.sleep(0.1)
    raise AssertionError((socket.parent / "postgres.log").read_text())
