"""What several test modules share: where things are, and how to run a notebook or a command on its own."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import requests
from lab.servers import HOST, any_port, end_tree, in_background, wait_for

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
UI_ADDRESS = r"The MLflow UI shows .+: open (http://127\.0\.0\.1:\d+)"
free_port = any_port  # of this computer
GENERATED = shutil.ignore_patterns(
    ".git", ".venv", "mlruns*", "build", "__pycache__", ".*_cache", ".ipynb_checkpoints"
)


def copy_project(target: Path, installed: bool = False) -> Path:
    """Copy the project without anything generated, and return where it now is.

    Args:
        target: the folder, which is made.
        installed: whether the copy's .venv is the environment of these tests.
    """
    shutil.copytree(ROOT, target, ignore=GENERATED)
    if installed:
        (target / ".venv").symlink_to(sys.prefix)
    return target


def make(target: str, *arguments: str) -> list[str]:
    """Return the command for a target on a free port, with the environment of these tests taken as installed."""
    done = [part for name in ("labs", "html", "tests") for part in ("-o", f".venv/{name}.done")]
    return ["make", *done, target, f"PORT={free_port()}", *arguments]


def execute(notebook: Path, environment: dict[str, str]) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in a kernel of its own and return it, leaving the file as it is.

    Args:
        notebook: the file to run, in its own folder.
        environment: what to add to this process's environment for the kernel.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell raised.
    """
    from nbclient import NotebookClient

    content = nbformat.read(notebook, as_version=4)
    runner = NotebookClient(
        content, timeout=300, resources={"metadata": {"path": str(notebook.parent)}}
    )
    return runner.execute(env=os.environ | environment)


def nbval(
    project: Path, notebooks: list[str], *options: str, prefix: Sequence[str] = (), **arguments: Any
) -> subprocess.CompletedProcess[str]:
    """Run notebooks of a copied project as `make test` does, with that project's own configuration.

    Where no tests are named, all write to the store that `LAB_TRACKING_URI` names, or to the copy's own.

    Args:
        project: the copy, as `copy_project` returns it.
        notebooks: names of files in its folder `notebooks`.
        options: further options of pytest.
        prefix: a command that starts this one, as `without_privileges` returns it.
        arguments: passed on to `subprocess.run`.
    """
    command = [sys.executable, "-m", "pytest", f"--rootdir={project}", f"-c{project}/.pytest.ini"]
    command += ["-p", "no:cacheprovider", "--numprocesses=0", "--color=no", *options]
    if all(name.endswith(".ipynb") for name in notebooks):
        command += ["-p", "no:running"]  # which gives each notebook a store of its own
    files = [project / "notebooks" / name for name in notebooks]
    return run([*prefix, *command, *files], cwd=project, **arguments)


def run(command: list[Any], **arguments: Any) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, within ten minutes, and return it with everything it printed."""
    usual: dict[str, Any] = {"timeout": 600, "encoding": "utf-8", "stdin": subprocess.DEVNULL}
    usual |= {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    done: subprocess.CompletedProcess[str] = subprocess.run(command, **usual | arguments)
    return done


@cache
def without_privileges() -> tuple[str, ...]:
    """Return the start of a command that runs the rest without root's power to write everywhere.

    Root keeps its name, and so can still read an interpreter in its own home, but loses every capability.
    """
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ()
    return ("setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


@cache
def without_network() -> tuple[str, ...]:
    """Return the start of a command that runs the rest with no network but loopback, empty where that cannot be had."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        return ()
    isolate = ("unshare", "--net") if os.geteuid() == 0 else ("unshare", "--map-root-user", "--net")
    start = (*isolate, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
    return start if run([*start, "true"]).returncode == 0 else ()


@contextlib.contextmanager
def started(
    command: list[str],
    ready: str | Callable[[str], object],
    folder: Path,
    environment: dict[str, str],
) -> Iterator[tuple[subprocess.Popen[bytes], str, Any]]:
    """Start a program, wait until it is ready, and end it with all its descendants.

    Args:
        command: what starts it.
        ready: a regular expression that it prints then; or what says so, when asked with what it has printed.
        folder: where it runs.
        environment: what to add to this process's environment.

    Yields:
        the process, what it has printed so far, and the match, or whatever else `ready` returned.

    Raises:
        AssertionError: it ended before it was ready, or took too long; the message holds its last lines.
    """
    search = re.compile(ready).search if isinstance(ready, str) else ready
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as own:
        log = Path(own) / "printed.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

        def printed() -> str:
            return log.read_text(encoding="utf-8", errors="replace")

        try:
            try:
                found = wait_for(process, lambda: search(printed()))
            except (ChildProcessError, TimeoutError) as error:
                raise AssertionError(f"{command} {error}:\n{printed()[-3000:]}") from None
            yield process, printed(), found
        finally:
            end_tree(process.pid)


@contextlib.contextmanager
def tracking_server(folder: Path, *options: str) -> Iterator[str]:
    """Run an MLflow tracking server, as a class would share it, and lend its address.

    Args:
        folder: for its database, `server.db`, and its artifacts.
        options: further options of `mlflow server`.
    """
    address = f"http://{HOST}:{(port := free_port())}"
    command = ["mlflow", "server", f"--host={HOST}", f"--port={port}", "--workers=1"]
    command += [f"--backend-store-uri=sqlite:///{folder}/server.db"]
    command += [f"--artifacts-destination={(folder / 'served').as_uri()}", *options]
    server = in_background(command, folder, f"{address}/health")
    try:
        yield address
    finally:
        server.end()


def status(url: str, question: Any = None, **headers: str) -> int:
    """Return the status of what a server of this computer answers to a question in JSON, or without one."""
    method = "GET" if question is None else "POST"
    options: dict[str, Any] = {"headers": headers, "timeout": 60, "proxies": {"http": ""}}
    return requests.request(method, url, json=question, **options).status_code


def chromium() -> dict[str, Any]:
    """Return Playwright's options for starting a Chromium that keeps to this computer: Debian's, or Playwright's own.

    Raises:
        FileNotFoundError: there is none; the message says what to install.
    """
    from playwright.sync_api import sync_playwright

    options = ["--disable-quic", "--disable-background-networking", "--disable-component-update"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium has no other way to run as root
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or playwright.chromium.executable_path
    if not Path(path).exists():
        raise FileNotFoundError(
            "There is no Chromium here: install it with 'sudo apt install chromium' (Debian), or with "
            "'.venv/bin/python -m playwright install --with-deps chromium'."
        )
    return {"executable_path": path, "args": options}
