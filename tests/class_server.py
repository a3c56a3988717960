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
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import lab
import mlflow
import psutil
from lab.setup.variables import FOREIGN
from support import ROOT, free_port, run, started

WHO = ("LAB_STUDENT", "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")


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
        with file.open(encoding="utf-8-sig", newline="") as rows:
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


@contextlib.contextmanager
def entering(capsys) -> Iterator[Callable[[dict[str, str]], list[str]]]:
    """Lend what starts the labs as some student, in this process, and returns what that says."""

    def start(variables: dict[str, str]) -> list[str]:
        for name in (*WHO, *FOREIGN):
            os.environ.pop(name, None)
        os.environ.update(variables)
        mlflow.tracking.fluent._active_experiment_id = None  # as in a kernel of their own
        capsys.readouterr()
        lab.start()
        return capsys.readouterr().out.splitlines()[1:]

    with patch.dict(os.environ):
        yield start
        while mlflow.active_run():
            mlflow.end_run()
        mlflow.set_workspace(None)
        mlflow.tracking.fluent._active_experiment_id = None


def log_a_run(name: str) -> str:
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_metric("accuracy", 0.5)
        mlflow.log_text(f"by {name}", "note.txt")
    return run.info.run_id


def sentence_of(line: list[object], **variables: str) -> str:
    """Run a command that must refuse, and return the sentence that says why."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "notebooks")} | variables
    done = run(line, env=environment, timeout=60)
    (line,) = done.stdout.splitlines()
    assert done.returncode == 1 and line.startswith("Error: ") and line.endswith(".")
    return line


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
    # Short, and open to that user: a socket's path has 107 letters at most.
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as folder:
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
