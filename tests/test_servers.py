"""A server that a notebook starts ends with all that it has started, whoever ends it; what cannot start is told in a sentence."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from lab import LabError, servers
from lab.servers import HOST, in_background
from support import ROOT, free_port, started

# A server with a child in a session of its own, and with an orphan: its parent has ended. Both do not end when they are asked to.
SERVER = """
import http.server as h, subprocess, sys
sleep = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
subprocess.Popen(child := [sys.executable, "-c", sleep, sys.argv[1]], start_new_session=True)
subprocess.run([sys.executable, "-c", f"import subprocess; subprocess.Popen({child})", "parent"])
h.HTTPServer(("127.0.0.1", int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()
"""
# As a kernel does it, which leads a session and has started something else, too.
KERNEL = """
import subprocess, sys, time
from pathlib import Path
from lab.servers import in_background
port, server = sys.argv[1:]
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)", port])
in_background([sys.executable, "-m", "http.server", port], Path(), f"http://127.0.0.1:{port}").end()
in_background([sys.executable, "-c", server, port], Path(), f"http://127.0.0.1:{port}")
print("serves", flush=True)
time.sleep(600)
"""


def alive(port: int) -> list[list[str]]:
    """Return the command lines of the processes that were given a port, this one aside."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words = process.info["cmdline"] or []
        if str(port) in words and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found


def test_a_server_that_no_variable_names_any_more_goes_on(tmp_path):
    """A cell that starts it was run twice, and Python collects the first: its guard must not take that for the kernel's end."""
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port)]
    server = in_background(command, tmp_path, f"http://{HOST}:{port}")
    guard = server.guard.pid
    dropped = [server]
    dropped.append(dropped)
    del server, dropped
    gc.collect()
    time.sleep(1)
    assert alive(port)
    servers.end_tree(guard)


def test_a_server_has_more_time_where_a_class_starts_at_once(monkeypatch):
    monkeypatch.setattr(servers, "START_SECONDS", 0.5)
    monkeypatch.setattr(psutil, "getloadavg", lambda: (15 * os.cpu_count(), 0, 0))
    answers = iter([False] * 5 + [True])
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as server:
        assert servers.wait_for(server, lambda: next(answers))


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no sessions, and no orphans")
def test_a_server_ends_with_all_that_it_has_started(tmp_path):
    port = free_port()
    server = in_background(
        [sys.executable, "-c", SERVER, str(port)], tmp_path, f"http://{HOST}:{port}"
    )
    assert len(alive(port)) == 4  # with the guard
    server.end()
    assert not alive(port)
    server.end()  # is no error


@pytest.mark.skipif(os.name != "posix", reason="Windows knows no sessions, and no orphans")
def test_a_server_ends_with_a_kernel_that_is_killed_and_so_does_what_else_it_started(tmp_path):
    port = free_port()
    kernel = [sys.executable, "-c", KERNEL, str(port), SERVER]
    environment = {"PYTHONPATH": str(ROOT / "notebooks")}
    with started(kernel, "serves", tmp_path, environment) as (process, _, _):
        assert len(alive(port)) == 6
        process.send_signal(signal.SIGKILL)
        process.wait()
        deadline = time.monotonic() + 30
        while alive(port) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not alive(port)


def test_a_server_that_cannot_start_is_told_in_a_sentence_and_leaves_nothing(tmp_path):
    def refusal(command: list[str], port: int) -> str:
        with pytest.raises(LabError) as refused:
            in_background(command, tmp_path, f"http://{HOST}:{port}")
        assert not alive(port)
        return str(refused.value)

    port = str(free_port())
    fails = "print('Error: no such model'); print('Command returned non zero return code'); exit(1)"
    assert refusal([sys.executable, "-c", fails, port], int(port)) == (
        "The server did not start. Its last line: Error: no such model"
    )
    told = refusal([str(Path(port, "missing")), port], int(port))
    assert "did not start. Its last line: FileNotFoundError" in told
