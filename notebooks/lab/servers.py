"""Servers: start one, wait until it answers, and end it with all that it has started.

Between this process and the server stands a guard, which ends the server when this process is gone, a notebook's kernel for example.
This process holds one end of the guard's standard input, and the system closes that end when it ends, even if it is killed: on Linux,
macOS and Windows. On the first two the guard then ends what else the kernel has started, too: a process of joblib's whose kernel is
killed while it sends a trial waits for the rest of it for ever.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from lab import store
from lab.setup.variables import FOREIGN, SETTINGS
from lab.store import LabError

HOST = "127.0.0.1"
ANY_HOST = "0.0.0.0"
START_SECONDS = 120  # a first start on a slow disk; usually about ten
STOP_SECONDS = 20
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from lab.servers import guard; guard()"
_served: dict[tuple[str, str], Server] = {}  # by command and folder
# A server that no variable names any more must not be collected: its guard would take that for the end of this process.
_started: list[Server] = []


@dataclass(frozen=True)
class Server:
    """A server that this process has started.

    Attributes:
        address: where it answers.
        guard: the process that ends it.
        log: what it has printed.
    """

    address: str
    guard: subprocess.Popen[bytes]
    log: IO[bytes]

    def end(self) -> None:
        """End the server and all that it has started; one that has ended already is no error."""
        if self.guard.poll() is None:
            try:
                self.guard.communicate(b"end", STOP_SECONDS)  # a word, as this process goes on
            except subprocess.TimeoutExpired:
                end_tree(self.guard.pid)


def serve(command: str, folder: str | Path = ".") -> Server:
    """Start `mlflow server …` or `mlflow models serve …` as in a terminal of its own, and wait until the server answers.

    The command is printed. A server that the same command started in the same folder is ended first, and the new one gets its
    port. When the notebook's kernel ends, however it ends, so does the server.

    Args:
        command: what one would type; a port that is free is added, in place of one that it names.
        folder: where it runs.

    Returns:
        the server, with its `address`, and `end()`.

    Raises:
        LabError: the server does not come up; the message holds MLflow's last line.
    """
    words = shlex.split(command)
    models = words[:3] == ["mlflow", "models", "serve"]
    if not models and words[:2] != ["mlflow", "server"]:
        raise LabError(
            f"lab.serve starts 'mlflow server …' or 'mlflow models serve …', and was given: {command}"
        )
    host = words[words.index("--host") + 1] if "--host" in words else HOST
    key = (command, str(Path(folder).resolve()))
    port = any_port(host)
    if before := _served.pop(key, None):
        before.end()
        own = urlsplit(before.address).port or port
        port = own if is_free(own, host) else port
    words += ["--port", str(port)]
    print(f"$ {shlex.join(words)}")
    # MLflow looks for uvicorn on the path, where the programs of a kernel's Python need not be.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = dict(os.environ) if models else server_environment()
    until = f"http://{host}:{port}/{'ping' if models else 'health'}"
    _served[key] = in_background(words, folder, until, environment | {"PATH": path})
    return _served[key]


def run_until_stopped(
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
    for asked in (signal.SIGINT, signal.SIGTERM):  # as Ctrl-C
        signal.signal(asked, signal.default_int_handler)
    address = f"http://{HOST if host == ANY_HOST else host}:{port}"
    command = ["mlflow", "server", "--host", host, "--port", str(port), *options]
    environment = server_environment() | (variables or {})
    print(f"Starting {name[0].lower()}{name[1:]} …", flush=True)
    server = None
    try:
        # A relative path in a database's address starts in notebooks/, as it does for the notebooks.
        folder = store.ROOT / "notebooks"
        server = in_background(command, folder, f"{address}/health", environment, name)
        when_ready(address)
        server.guard.wait()
        raise _complaint("ended by itself", server.log, name)
    except KeyboardInterrupt:
        print(f"\n{name} has ended.")
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C is impatience
        if server:
            server.end()


def in_background(
    command: list[str],
    folder: str | Path,
    until: str,
    environment: dict[str, str] | None = None,
    name: str = "",
) -> Server:
    """Start a server that ends with this process at the latest, and wait until it answers.

    Args:
        command: the program, as one would type it; `mlflow` is that of this Python.
        folder: where it runs.
        until: an address at which it answers when it is ready.
        environment: its environment variables; without it, this process's as `mlflow server` is to have them.
        name: what it is called in messages.

    Raises:
        LabError: the server does not come up; the message holds its last line, or lines.
    """
    if command[0] == "mlflow":
        command = [sys.executable, "-m", *command]
    # A kernel leads a session; another process may share one with what is not to end with it.
    session = os.getpid() if os.name == "posix" and os.getsid(0) == os.getpid() else 0
    log = tempfile.TemporaryFile()  # noqa: SIM115, as the server goes on writing into it
    guarded = subprocess.Popen(
        [sys.executable, "-c", RUN, str(store.ROOT / "notebooks"), str(session), *command],
        cwd=folder,
        env=server_environment() if environment is None else environment,
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # what interrupts or ends this process does not reach it
    )
    server = Server(f"http://{urlsplit(until).netloc}", guarded, log)
    _started.append(server)
    try:
        wait_for(guarded, lambda: answers(until) and _listens(guarded.pid, urlsplit(until).port))
    except BaseException as error:  # an interrupt, too
        server.end()
        if isinstance(error, ChildProcessError | TimeoutError):
            raise _complaint(str(error), log, name) from None
        raise
    return server


def _listens(pid: int, port: int | None) -> bool:
    """Return whether a process or a descendant listens on a port: who answers there may be another's, started at the same moment."""
    import psutil

    try:
        root = psutil.Process(pid)
        found = [one.net_connections() for one in (root, *root.children(recursive=True))]
    except psutil.Error as error:  # one has just ended; or the system does not tell
        return isinstance(error, psutil.AccessDenied)
    return any(
        c.status == psutil.CONN_LISTEN and c.laddr.port == port for some in found for c in some
    )


def guard() -> None:
    """Run a command until it ends, or standard input does; the arguments are the session of who started this, and the command."""
    import psutil

    session = int(sys.argv[1])
    program = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
    threads = ThreadPoolExecutor(2)
    said = threads.submit(sys.stdin.buffer.read)
    wait([said, threads.submit(program.wait)], return_when=FIRST_COMPLETED)
    end_tree(program.pid)
    if session and said.done() and not said.result():
        for pid in psutil.pids():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getsid(pid) == session:
                    os.kill(pid, signal.SIGKILL)
    os._exit(program.poll() or 0)  # without waiting for the other thread


def end_tree(pid: int) -> None:
    """End a process that leads a session, and all its descendants; those that have not ended after five seconds are killed."""
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


def _complaint(problem: str, log: IO[bytes], name: str) -> LabError:
    """Return the error of a server with its last lines; for one without a name, the one line that says most."""
    log.seek(0)
    lines = log.read().decode("utf-8", errors="replace").splitlines()
    if name:
        return LabError("\n".join([f"{name} {problem}. Its last lines:", *lines[-15:]]))
    errors = [line for line in lines if "error" in line.lower() or "Exception: " in line]
    # The command's own complaint, that its child has ended, comes last and says nothing.
    told = [line for line in errors if "returned non zero return code" not in line]
    last = (told or lines or ["none"])[-1].strip()
    return LabError(f"The server {problem}. Its last line: {last}")


def wait_for(server: subprocess.Popen[bytes], ready: Callable[[], Any]) -> Any:
    """Wait until a function finds a server that was just started ready, and return what the function returned.

    Raises:
        ChildProcessError: the process has ended before.
        TimeoutError: it is not ready after `START_SECONDS`, or longer where more programs run than there are processors.
    """
    import psutil

    begin = time.monotonic()
    while True:
        ended = server.poll() is not None  # asked first: what it said last counts too
        if said := ready():
            return said
        if ended:
            raise ChildProcessError("did not start")
        # Thirty who start one at the same moment on one computer would each be ended shortly before the end, and begin again.
        share = max(1, psutil.getloadavg()[0] / (os.cpu_count() or 1))
        if (waited := time.monotonic() - begin) > START_SECONDS * share:
            raise TimeoutError(f"does not answer after {waited:.0f} s")
        time.sleep(0.2)


def answers(url: str) -> bool:
    """Return whether somebody answers at an address, and not with an error."""
    import requests

    try:
        # A proxy in the environment is not for this computer's own addresses.
        return requests.get(url, timeout=60, proxies={"http": ""}).ok
    except requests.RequestException:
        return False


def server_environment() -> dict[str, str]:
    """Return this process's environment variables as `mlflow server` is to have them."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    # No jobs for language models: they would be three more processes.
    return kept | SETTINGS | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def require_mlflow(command: str) -> None:
    """Raise if this Python lacks MLflow; the message names the command of the Makefile that has it."""
    if find_spec("mlflow") is None:
        raise LabError(
            f"This Python ({sys.executable}) lacks mlflow: use '{command}', or the Python in .venv."
        )


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


def any_port(host: str = HOST) -> int:
    """Return a port that nobody listens on, another one each time: two that ask at once must not get the same."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(port: int, host: str = HOST) -> bool:
    """Return whether nobody listens on a port of this computer, and it may be used."""
    with contextlib.suppress(OSError), socket.create_server((host, port)):
        return True
    return False
