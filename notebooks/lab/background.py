"""`lab.in_background()`: a server that a notebook starts, and that ends when the notebook's kernel does, however that ends."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from lab import guard
from lab.serving import HOST, answers, is_free, server_environment, wait_for
from lab.store import LabError


@dataclass(frozen=True)
class Server:
    """A server that this notebook has started.

    Attributes:
        address: where it answers.
        process: the process that ends it, see `lab.guard`.
    """

    address: str
    process: subprocess.Popen[bytes]

    def end(self) -> None:
        """End the server and all that it has started; one that has ended already is no error."""
        guard.end(self.process)


def in_background(command: list[str], folder: Path, until: str) -> Server:
    """Start a server that ends with this process at the latest, and wait until it answers.

    Args:
        command: the program, as one would type it; `mlflow` is that of this Python.
        folder: where it runs.
        until: an address at which it answers when it is ready.

    Raises:
        LabError: the port is taken, or the server does not come up; the message holds its last line.
    """
    where = urlsplit(until)
    if not is_free(where.port or 80, where.hostname or HOST):
        raise LabError(
            f"Port {where.port} is taken: choose another, or end what uses it, and run this cell again."
        )
    return start(command, server_environment(), until, folder)


def start(
    command: list[str], environment: dict[str, str], until: str, folder: Path | None = None
) -> Server:
    """Start a server on a port that is free; the arguments, and what is raised, are those of `in_background`.

    Args:
        command: the program.
        environment: its environment variables.
        until: an address at which it answers when it is ready.
        folder: where it runs; here by default.
    """
    log = tempfile.TemporaryFile()  # noqa: SIM115, as the server goes on writing into it
    address = f"http://{urlsplit(until).netloc}"
    server = Server(address, guard.start(command, log, environment, folder))
    try:
        wait_for(server.process, lambda: answers(until))
    except (ChildProcessError, TimeoutError) as error:
        server.end()
        raise LabError(f"The server {error}. Its last line: {_last_line(log)}") from None
    except BaseException:  # the cell was interrupted
        server.end()
        raise
    return server


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = log.read().decode("utf-8", errors="replace").splitlines()
    errors = [line for line in lines if "error" in line.lower() or "Exception: " in line]
    # The command's own complaint, that its child has ended, comes last and says nothing.
    told = [line for line in errors if "returned non zero return code" not in line]
    return (told or lines or ["none"])[-1].strip()
