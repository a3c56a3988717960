"""`make ui`: serve the MLflow UI on exactly the store that the notebooks write."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from typing import IO
from urllib.request import ProxyHandler, Request, build_opener

from lab import cloudera, store
from lab.preflight import FOREIGN, SETTINGS
from lab.store import LabError

HOST = "127.0.0.1"
DEFAULT_PORT = 5000
PORTS = 50  # how many to try before giving up
START_SECONDS = 120  # a first start on a slow disk; usually about ten
FIRST = "notebooks/02_sklearn_tracking.ipynb"  # the first lab that logs a run
STOP_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]


def main() -> None:
    """Serve the UI until Ctrl-C; the command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.ui", description="Serve the MLflow UI on the labs' store."
    )
    parser.add_argument("--port", help="the first port to try (default: 5000)")
    port = parser.parse_args().port
    if port is not None and (not port.isdecimal() or not 0 < int(port) < 65536):
        raise LabError(f"The port is '{port}': give a number between 1 and 65535.")
    if os.environ.get("LAB_TRACKING_URI", "").startswith(f"{store.PLATFORM_SCHEME}:"):
        print("The runs go to the project's Experiments tab, which is their UI: open that.")
        return
    if store.tracking_uri().startswith(store.SERVER_SCHEMES):
        print(f"The runs go to {store.describe()}, which has its own UI: open that address.")
        return
    if find_spec("mlflow") is None:
        raise LabError(
            f"This Python ({sys.executable}) lacks mlflow: use 'make ui', or the Python in .venv."
        )
    if port is None and cloudera.in_session():
        serve(*cloudera.place(is_free))
    else:
        serve(free_port(int(port or DEFAULT_PORT)))


def serve(port: int, public_host: str | None = None) -> None:
    """Start MLflow's server on the labs' store, say where it answers, and end it on Ctrl-C or a request to stop.

    Args:
        port: the port of this computer to use, which nobody listens on.
        public_host: the name under which a proxy in front of this computer serves that port, if there is one.

    Raises:
        LabError: the server does not start or ends early; the message holds its last lines.
    """
    for number in STOP_SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:  # as nohup asks
            signal.signal(number, _interrupt)
    address = f"http://{HOST}:{port}"
    shown = f"https://{public_host}" if public_host else address
    print("Starting the MLflow UI …", flush=True)
    with tempfile.TemporaryFile() as log:
        server = _start_server(port, public_host, log)
        try:
            _wait_until_ready(server, address, log)
            print(
                f"The MLflow UI shows {store.describe()}: open {shown} (Ctrl-C ends it)",
                flush=True,
            )
            for notice in _notices(address):
                print(f"Note: {notice}", flush=True)
            server.wait()
            raise LabError(f"The MLflow UI ended by itself. Its last lines:\n{_tail(log)}")
        except KeyboardInterrupt:
            print("\nThe MLflow UI has ended.")
        finally:
            for number in STOP_SIGNALS:  # a second Ctrl-C must not leave half of it running
                signal.signal(number, signal.SIG_IGN)
            end_tree(server.pid)


def free_port(first: int) -> int:
    """Return the first port from `first` on that nobody listens on.

    Args:
        first: the port to try first.

    Raises:
        LabError: none of the next `PORTS` ports is free.
    """
    for port in range(first, min(first + PORTS, 65536)):
        if is_free(port):
            return port
    raise LabError(
        f"Port {first} and the {PORTS} after it are taken or not allowed: name another with PORT=."
    )


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of this computer, and it may be used."""
    with socket.socket() as probe:
        if os.name == "posix":  # else a port stays taken for a minute after its server has ended
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
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


def _interrupt(signum, frame) -> None:
    raise KeyboardInterrupt


def _start_server(port: int, public_host: str | None, log: IO[bytes]) -> subprocess.Popen:
    uri = store.tracking_uri()
    environment = {
        name: value for name, value in os.environ.items() if name not in FOREIGN
    } | SETTINGS
    # No jobs for language models here: they would be three more processes.
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    command = [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", uri]
    command += ["--host", HOST, "--port", str(port), "--workers", "1"]
    # Otherwise an experiment created in the UI would keep its artifacts where only this server finds them.
    command += ["--no-serve-artifacts"]
    if public_host:  # requests come with the name that the browser used, and MLflow refuses names it does not know
        hosts = [public_host, f"{HOST}:{port}", f"localhost:{port}"]
        command += ["--allowed-hosts", ",".join(hosts)]
        command += ["--cors-allowed-origins", f"https://{public_host},http://{public_host}"]
    # A relative path in a database's address starts in notebooks/, as it does for the notebooks.
    folder = store.ROOT / "notebooks"
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _wait_until_ready(server: subprocess.Popen, address: str, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise LabError(f"The MLflow UI did not start. Its last lines:\n{_tail(log)}")
        try:
            _ask(f"{address}/health")
            return
        except OSError:  # not yet: nobody listens, or the answer is an error
            time.sleep(0.2)
    raise LabError(
        f"The MLflow UI does not answer after {START_SECONDS} s. Its last lines:\n{_tail(log)}"
    )


def _notices(address: str) -> list[str]:
    """Return what a reader of the UI should know: there is no run yet, or the store is damaged."""
    api = f"{address}/api/2.0/mlflow"
    try:
        found = json.loads(_ask(f"{api}/experiments/search", max_results=1000))
        ids = [experiment["experiment_id"] for experiment in found.get("experiments", [])]
        answer = json.loads(_ask(f"{api}/runs/search", experiment_ids=ids, max_results=1))
    except OSError:
        return [
            "the store cannot be read as a whole; the first cell of any lab says what is wrong and sets it aside."
        ]
    return (
        []
        if answer.get("runs")
        else [f"there is no run yet: run {FIRST} first, then reload the page."]
    )


def _ask(url: str, **question: object) -> bytes:
    """Return the server's answer; raise an `OSError` if there is none or it is an error."""
    request = Request(
        url,
        json.dumps(question).encode() if question else None,
        {"Content-Type": "application/json"},
    )
    # A proxy in the environment is not for this computer's own addresses.
    with build_opener(ProxyHandler({})).open(request, timeout=60) as answer:
        return answer.read()


def _tail(log: IO[bytes]) -> str:
    log.seek(0)
    return "\n".join(log.read().decode("utf-8", errors="replace").splitlines()[-15:])


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
