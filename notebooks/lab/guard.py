"""A process between a notebook and a program that it started: it ends the program when the notebook's kernel is gone.

The kernel holds one end of this process's standard input, and the system closes that end when the kernel ends, even if it is
killed. That is so on Linux, macOS and Windows. On the first two it then ends what else the kernel has started, too: a process of
joblib's whose kernel is killed while it sends a trial waits for the rest of it for ever.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from lab import store
from lab.serving import end_tree

STOP_SECONDS = 20
RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from lab.guard import main; main()"


def start(
    command: list[str], printed: IO[bytes], environment: dict[str, str], folder: Path | None = None
) -> subprocess.Popen[bytes]:
    """Start a program that ends with this process at the latest, and return the process that stands between.

    Args:
        command: the program and its arguments; `mlflow` is that of this Python.
        printed: the file for what it prints.
        environment: its environment variables.
        folder: where it runs; here by default.
    """
    if command[0] == "mlflow":
        command = [sys.executable, "-m", *command]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(store.ROOT / "notebooks"), str(_own_session()), *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=printed,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # what interrupts or ends the kernel does not reach it
    )


def end(guard: subprocess.Popen[bytes]) -> None:
    """End a program by the process that `start` has returned; one that has ended already is no error."""
    assert guard.stdin is not None
    with contextlib.suppress(OSError, ValueError):
        guard.stdin.write(b"end")  # the kernel goes on
        guard.stdin.close()
    try:
        guard.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        guard.kill()


def main() -> None:
    """Run a command until it ends by itself, or standard input is closed; the arguments are `_own_session` and the command."""
    session = int(sys.argv.pop(1))
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
    ending = threading.Lock()  # whoever has it ends this process, too

    def leave_with_it() -> None:
        code = program.wait()
        with ending:
            end_tree(program.pid)
            os._exit(code)

    threading.Thread(target=leave_with_it, daemon=True).start()
    kernel_goes_on = sys.stdin.buffer.read()
    with ending:
        end_tree(program.pid)
        if not kernel_goes_on and session:
            _end_session(session)
        os._exit(0)


def _own_session() -> int:
    """Return the id of this process's session if it leads one, as a kernel does; 0 if it shares it with others, or has none."""
    leads = os.name == "posix" and os.getsid(0) == os.getpid()
    return os.getpid() if leads else 0


def _end_session(session: int) -> None:
    import psutil

    for pid in psutil.pids():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) == session:
                os.kill(pid, signal.SIGKILL)
