"""A class's server, as `make server` starts it, and a PostgreSQL for it, each started and ended by the test that uses it."""

from __future__ import annotations

import contextlib
import csv
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from support import ROOT, free_port, started


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

    def processes(self) -> list[psutil.Process]:
        """Return the process that was started, and all that it has started."""
        root = psutil.Process(self.pid)
        return [root, *root.children(recursive=True)]

    def student(self, name: str) -> dict[str, str]:
        """Return the variables of a student's line, on a server with accounts or without."""
        file = self.folder / "accounts.csv"
        if not file.exists():
            return {"LAB_TRACKING_URI": self.address, "LAB_STUDENT": name}
        with file.open(encoding="utf-8", newline="") as rows:
            lines = {row["user"]: shlex.split(row["line"]) for row in csv.DictReader(rows)}
        return dict(word.split("=", 1) for word in lines[name] if "=" in word)


def command(folder: Path, *options: str) -> list[str]:
    """Return what starts a class's server whose data lie in a folder."""
    return [sys.executable, "-m", "lab.classroom", "server", "--folder", str(folder), *options]


@contextlib.contextmanager
def class_server(
    folder: Path, *options: str, port: int | None = None, prefix: Sequence[str] = ()
) -> Iterator[ClassServer]:
    """Run a class's server until the block ends.

    Args:
        folder: where its data lie.
        options: of the command.
        port: where it answers; a free one by default.
        prefix: a command that starts this one.
    """
    port = port or free_port()
    line = [*prefix, *command(folder, "--port", str(port), *options)]
    environment = {"PYTHONPATH": str(ROOT / "notebooks")}
    with started(line, "Teacher: ", folder.parent, environment) as (process, printed, _):
        yield ClassServer(f"http://127.0.0.1:{port}", printed, folder, process.pid)


def login(file: Path, *names: str) -> tuple[str, ...]:
    """Write the list of a class, and return the options of a server with accounts for it."""
    rows = [f"{name},{name.title()}" for name in names]
    file.write_text("\n".join(["id,name", *rows, ""]), encoding="utf-8")
    return "--login", "--roster", str(file)


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Run an empty PostgreSQL that only this computer's own user reaches, by a socket in a folder; yield its address.

    It refuses to run as root, who hands it to the user nobody.

    Raises:
        FileNotFoundError: it is not installed; the message says how to.
    """
    # Debian keeps its programs out of everybody's PATH.
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    program = shutil.which("pg_ctl") or (debian and str(debian[-1]))
    if not program:
        raise FileNotFoundError(
            "There is no PostgreSQL here: install it with 'sudo apt install postgresql' (Debian, Ubuntu)."
        )
    # Short: a socket's path has 107 letters at most.
    with tempfile.TemporaryDirectory(prefix="pg") as folder:
        as_user: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody", "nogroup")
            as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]

        def control(*arguments: str) -> None:
            line = [*as_user, program, "--silent", f"--pgdata={folder}/data", *arguments]
            subprocess.run(line, check=True, timeout=120, cwd=folder)

        control("initdb", "--options=--username=runs --auth=trust --encoding=UTF8")
        options = f"--options=-k {folder} -c listen_addresses="
        control("start", "--wait", options, f"--log={folder}/postgres.log")
        try:
            yield f"postgresql://runs@/postgres?host={folder}"
        finally:
            control("stop", "--mode=fast")  # it ends its connections, and then itself
