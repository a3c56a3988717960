"""`lab.serve()`: a model behind an address, served by MLflow's own command for as long as the notebook lives."""

from __future__ import annotations

import os
import shlex
import sys
from itertools import pairwise
from pathlib import Path

from lab import background
from lab.background import Server
from lab.serving import HOST, any_port, is_free, port_from
from lab.store import LabError

_running: list[Server] = []


def serve(command: str) -> Server:
    """Start `mlflow models serve …`, print the command as for a terminal, and wait until the server answers.

    A server that was started here before is ended first. When the notebook's kernel ends, however it ends, so does the server.

    Args:
        command: what one would type; a port that is free is added if it names none.

    Returns:
        the server, with its `address`, and `end()`.

    Raises:
        LabError: the port is taken, or the server does not come up; the message holds MLflow's last line.
    """
    words = shlex.split(command)
    if words[:3] != ["mlflow", "models", "serve"]:
        raise LabError(f"lab.serve starts 'mlflow models serve …', and was given: {command}")
    while _running:
        _running.pop().end()
    named = [after for before, after in pairwise(words) if before in ("--port", "-p")]
    port = port_from(named[0]) if named else None
    if port is None:
        port = any_port()
        words += ["--port", str(port)]
    elif not is_free(port):
        raise LabError(f"Port {port} is taken: leave --port out, and a free one is found.")
    print(f"$ {shlex.join(words)}")
    # MLflow looks for uvicorn on the path, where the programs of a kernel's Python need not be.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    server = background.start(words, os.environ | {"PATH": path}, f"http://{HOST}:{port}/ping")
    _running.append(server)
    return server
