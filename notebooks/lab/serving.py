"""A server that this process starts, waits for, and ends with all that it has started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import IO, TypeVar
from urllib.request import ProxyHandler, Request, build_opener

from lab import store
from lab.setup.variables import FOREIGN, SETTINGS
from lab.store import LabError

HOST = "127.0.0.1"
ANY_HOST = "0.0.0.0"
PORTS_TO_TRY = 50
START_SECONDS = 120  # a first start on a slow disk; usually about ten
Answer = TypeVar("Answer")
STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def serve(
    name: str,
    options: list[str],
    port: int,
    when_ready: Callable[[str], None],
    host: str = HOST,
    variables: dict[str, str] | None = None,
) -> None:
    """Run MLflow's server until Ctrl-C or a request to stop.

    Args:
        name: what it is called in messages, like `The MLflow UI`.
        options: what to pass to `mlflow server` besides the port.
        port: the port to use, which nobody listens on.
        when_ready: called with the server's address on this computer once it answers.
        host: the network address to listen on.
        variables: environment variables for the server, besides the labs' settings.

    Raises:
        LabError: the server does not start or ends early; the message holds its last lines.
    """
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _interrupt)
    address = f"http://{HOST if host == ANY_HOST else host}:{port}"
    options = ["--host", host, "--port", str(port), *options]
    print(f"Starting {name[0].lower()}{name[1:]} …", flush=True)
    with tempfile.TemporaryFile() as log:
        server = _start(options, variables or {}, log)
        try:
            _wait_until_ready(name, server, address, log)
            when_ready(address)
            server.wait()
            raise LabError(f"{name} ended by itself. Its last lines:\n{_tail(log)}")
        except KeyboardInterrupt:
            print(f"\n{name} has ended.")
        finally:
            for number in STOP_SIGNALS:  # a second Ctrl-C must not leave half of it running
                signal.signal(number, signal.SIG_IGN)
            end_tree(server.pid)


def port_from(text: str | None) -> int | None:
    """Return the port that an option of a command names, None if it was not given.

    Raises:
        LabError: it is no port.
    """
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise LabError(f"The port is '{text}': give a number between 1 and 65535.")
    return int(text)


def require_mlflow(command: str) -> None:
    """Raise if this Python lacks MLflow; the message names the command of the Makefile that has it."""
    if find_spec("mlflow") is None:
        raise LabError(
            f"This Python ({sys.executable}) lacks mlflow: use '{command}', or the Python in .venv."
        )


def free_port(first: int) -> int:
    """Return the first port from `first` on that nobody listens on.

    Args:
        first: the port to try first.

    Raises:
        LabError: none of the next `PORTS_TO_TRY` ports is free.
    """
    for port in range(first, min(first + PORTS_TO_TRY, 65536)):
        if is_free(port):
            return port
    raise LabError(
        f"Port {first} and the {PORTS_TO_TRY} after it are taken or not allowed: name another with PORT=."
    )


def any_port() -> int:
    """Return a port that nobody listens on, another one each time: two that ask at once must not get the same."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether nobody listens on a port of this computer, and it may be used."""
    with socket.socket() as probe:
        if os.name == "posix":  # else a port stays taken for a minute after its server has ended
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def server_environment() -> dict[str, str]:
    """Return this process's environment variables as `mlflow server` is to have them."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    # No jobs for language models: they would be three more processes.
    return kept | SETTINGS | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def wait_for(server: subprocess.Popen[bytes], ready: Callable[[], Answer]) -> Answer:
    """Wait until a server that was just started is ready, and return what says so.

    Args:
        server: the process.
        ready: called again and again, until what it returns is true.

    Raises:
        ChildProcessError: the process has ended before.
        TimeoutError: it is not ready after `START_SECONDS`.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        ended = server.poll() is not None  # asked first: what it said last counts too
        if said := ready():
            return said
        if ended:
            raise ChildProcessError("did not start")
        if time.monotonic() > deadline:
            raise TimeoutError(f"does not answer after {START_SECONDS} s")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Return whether somebody answers at an address, and not with an error."""
    try:
        ask(url)
    except OSError:
        return False
    return True


def end_tree(pid: int) -> None:
    """End a process and all its descendants; those that do not end within five seconds are killed.

    Args:
        pid: a process started in a session of its own; one that has ended already is no error.
    """
    import psutil

    tree = []
    with contextlib.suppress(psutil.NoSuchProcess):
        root = psutil.Process(pid)
        tree = [*root.children(recursive=True), root]
    for stop in (psutil.Process.terminate, psutil.Process.kill):
        for process in tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                stop(process)
        _, tree = psutil.wait_procs(tree, timeout=5)
    if os.name == "posix":  # descendants whose parent had ended before
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def ask(url: str, question: object = None, **headers: str) -> bytes:
    """Return what a server on this computer answers.

    Args:
        url: where to ask.
        question: what to post, as JSON; None gets the page.
        headers: further headers of the request.

    Raises:
        OSError: nobody answers, or the answer is an error: an `HTTPError` with its status as `code`.
    """
    body = None if question is None else json.dumps(question).encode()
    request = Request(url, body, {"Content-Type": "application/json"} | headers)
    # A proxy in the environment is not for this computer's own addresses.
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        return bytes(answer.read())


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def _start(
    options: list[str], variables: dict[str, str], log: IO[bytes]
) -> subprocess.Popen[bytes]:
    # A relative path in a database's address starts in notebooks/, as it does for the notebooks.
    return subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *options],
        cwd=store.ROOT / "notebooks",
        env=server_environment() | variables,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait_until_ready(
    name: str, server: subprocess.Popen[bytes], address: str, log: IO[bytes]
) -> None:
    try:
        wait_for(server, lambda: answers(f"{address}/health"))
    except (ChildProcessError, TimeoutError) as error:
        raise LabError(f"{name} {error}. Its last lines:\n{_tail(log)}") from None


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode("utf-8", errors="replace").splitlines()[-15:])
