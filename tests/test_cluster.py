"""Lab 9 on a cluster that is not its own, what is said of one that cannot be used, and that nothing is left running."""

from __future__ import annotations

import contextlib
import copy
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kernel import Kernel, solve
from lab import LabError, check_workers, cluster, scheduler
from lab.cluster import VARIABLE
from lab.servers import HOST, is_free
from lab.setup.variables import SETTINGS
from mlflow import MlflowClient
from support import NOTEBOOKS, ROOT, copy_project, free_port, run, started

pytestmark = pytest.mark.thorough

(LAB,) = [path for path in NOTEBOOKS if path.name.startswith("09")]
# Processes of Python's and of joblib's that end with the kernel.
WITH_THE_KERNEL = ("resource_tracker", "semaphore_tracker", "popen_loky")


@contextlib.contextmanager
def a_cluster(folder: Path, *workers: str) -> Iterator[str]:
    """Run a scheduler and workers as an administrator would, and lend the scheduler's address.

    The workers run in a folder of theirs, and cannot import the package `lab`, as on another computer.
    """
    address = f"tcp://{HOST}:{free_port()}"
    dask = [sys.executable, "-m", "dask"]
    (folder / "lab.py").write_text("raise ImportError('another computer has no package lab')")
    elsewhere = SETTINGS | {"PYTHONPATH": str(folder)}
    with contextlib.ExitStack() as running:
        command = [*dask, "scheduler", "--host", address, "--no-dashboard"]
        running.enter_context(started(command, r"Scheduler at:", folder, {}))
        for name in workers:
            command = [*dask, "worker", address, "--name", name, "--nthreads=1", "--no-dashboard"]
            running.enter_context(started(command, r"Registered to:", folder, elsewhere))
        yield address


def left_over(pid: int) -> list[str]:
    """Return the command lines of what a process has started and what still runs."""
    lines = []
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    return [line for line in lines if line and not any(name in line for name in WITH_THE_KERNEL)]


class Watched(Kernel):
    """A kernel that says what still runs when its last cell was run."""

    left: list[str]

    def __exit__(self, *problem: object) -> None:
        Watched.left = left_over(self.manager.provisioner.pid)
        super().__exit__(*problem)


def test_lab_and_solutions_on_a_cluster_that_is_there(tmp_path):
    """Each cell twice and, before the end, again, on a scheduler with two workers; they are there afterwards, nothing of the lab's is."""
    project = copy_project(tmp_path / "project")
    (elsewhere := tmp_path / "elsewhere").mkdir()
    with a_cluster(elsewhere, "ann", "ben") as address:
        store = f"sqlite:///{tmp_path}/store.db"
        again = {"again": ("at once", "in the end"), "client": MlflowClient(store)}
        environment = {"LAB_TRACKING_URI": store, VARIABLE: address}
        printed = solve(project / "notebooks" / LAB.name, environment, kernel_type=Watched, **again)
        assert Watched.left == []
        code = f"from distributed import Client; print(len(Client('{address}').nthreads()))"
        assert run([sys.executable, "-c", code]).stdout.split() == ["2"]
    assert "✅ 9.1 done: 12 trials by 2 workers" in printed["check-9-1"]


# What lab 9 starts, and a process of the student's that does not end by itself.
ALL_THAT_RUNS = """
import subprocess, sys
from dask.distributed import Client
from joblib import Parallel, delayed
from lab.servers import in_background
command = [sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1"]
server = in_background(command, ".", "http://127.0.0.1:{port}")
client = Client(n_workers=2, threads_per_worker=1, dashboard_address="127.0.0.1:0")
stuck = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
Parallel(n_jobs=2)(delayed(abs)(number) for number in range(4))
"""


# The second death is so late that the worker starts anew when Dask asks, 15 s after the first one, whether it is there.
TWO_DEATHS = """
import os, time, lab
from dask.distributed import Client
lab.scheduler()
client = Client(n_workers=1, threads_per_worker=1, dashboard_address="127.0.0.1:0", silence_logs="CRITICAL")
client.run(os._exit, 1, on_error="ignore")
first = time.monotonic()
client.wait_for_workers(1, timeout=14)
time.sleep(first + 14.85 - time.monotonic())
client.run(os._exit, 1, on_error="ignore")
time.sleep(5)  # a nanny that is told to close closes its worker when that has started
client.wait_for_workers(1, timeout=30)
"""


def test_worker_that_dies_twice_comes_back_twice(tmp_path):
    with Kernel(tmp_path, {"PYTHONPATH": str(ROOT / "notebooks")}) as kernel:
        _, error = kernel.run(TWO_DEATHS)
        assert not error, error


def test_nothing_is_left_when_the_kernel_is_killed(tmp_path):
    with Kernel(tmp_path, {"PYTHONPATH": str(ROOT / "notebooks")}) as kernel:
        _, error = kernel.run(ALL_THAT_RUNS.format(port=free_port()))
        assert not error
        pid = kernel.manager.provisioner.pid
        tree = psutil.Process(pid).children(recursive=True)
        shown = " ".join(word for process in tree for word in process.cmdline())
        assert all(name in shown for name in ("http.server", "spawn_main", "loky", "time.sleep"))
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        deadline = time.monotonic() + 60
        while any(map(still_runs, tree)) and time.monotonic() < deadline:
            time.sleep(0.2)
        left = [process.cmdline() for process in tree if still_runs(process)]
        assert not left


def still_runs(process: psutil.Process) -> bool:
    """Return whether a process has not ended; one that nobody has asked for its end, in a container without init, has."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def told(monkeypatch):
    """A function that returns the sentence with which the address of a cluster is refused."""
    monkeypatch.setattr(cluster, "SECONDS", 2)

    def told(address: str) -> str:
        monkeypatch.setenv(VARIABLE, address)
        with pytest.raises(LabError) as refused:
            scheduler()
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return told


def test_without_a_cluster_the_lab_uses_this_computer_and_needs_dask(monkeypatch, told):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert scheduler() == (None, HOST)
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    lacks = "Lab 9 needs Dask, and this kernel's Python lacks dask and distributed: run 'make lab'"
    assert lacks in told("")


@pytest.mark.parametrize("address", ["10.0.0.1:8786", "tcp://10.0.0.1", "tcp://a:b", "http://a:1"])
def test_no_address(address, told):
    assert f"write {VARIABLE} like tcp://127" in told(address)


def test_nobody_or_somebody_else_answers(told, tmp_path):
    port = free_port()
    address = f"tcp://{HOST}:{port}"
    refused = f"The scheduler {address} does not answer (Connection refused): start it"
    assert refused in told(address)
    command = [sys.executable, "-m", "http.server", str(port), "--bind", HOST]
    with started(command, lambda _: not is_free(port), tmp_path, {}):
        assert "somebody answers who is no scheduler of this Dask" in told(address)


def test_no_workers_and_other_versions(told, monkeypatch, tmp_path):
    with a_cluster(tmp_path) as address:
        assert f"The scheduler {address} has no workers: start some" in told(address)
        found = cluster._ask(address)
    found["workers"] = {"tcp://w:1": copy.deepcopy(found["scheduler"])}
    for side, package, other, shown in (
        (found["scheduler"], "python", "3.9.1.final.0", "runs Python 3.9, and this notebook 3."),
        (found["workers"]["tcp://w:1"], "dask", "2024.1.0", "runs Dask 2024.1.0, and this noteb"),
    ):
        answer = copy.deepcopy(side)
        side["packages"][package] = other
        monkeypatch.setattr(cluster, "_ask", lambda _: found)
        assert shown in told(address)
        side.update(answer)
    found["client"]["packages"]["python"] = f"3.{sys.version_info.minor}.99.final.0"
    assert scheduler() == (address, HOST), "a patch release of Python is no other Python"


def test_worker_that_lacks_something(monkeypatch):
    from distributed import Client

    here = {"processes": False, "n_workers": 1, "silence_logs": "ERROR"}
    here |= {"dashboard_address": f"{HOST}:0", "worker_dashboard_address": f"{HOST}:0"}
    with Client(**here) as client:
        nowhere = f"http://{HOST}:{free_port()}"
        with pytest.raises(LabError, match=r"cannot reach the tracking server .*refused.*: open"):
            check_workers(client, nowhere)
        monkeypatch.setitem(cluster.NEEDED, "not_there", "not-there")
        with pytest.raises(LabError, match=r"The worker .* lacks not-there: install there"):
            check_workers(client, nowhere)


def test_check_of_an_answer_whose_server_has_gone(capsys, monkeypatch, tmp_path):
    """What was found done is remembered, also when every other answer is judged anew."""
    import lab
    import mlflow
    from lab.exercises import notes
    from lab.room import student_name

    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "mlruns"))
    lab.start()
    capsys.readouterr()
    lab.check("9.1", f"http://{HOST}:{free_port()}")
    lab.check("9.1")
    gone, later = capsys.readouterr().out.splitlines()
    assert gone.startswith("⬜ The store cannot be asked. The tracking server http://127")
    assert later.startswith("⬜ 9.1 not done yet: the answer is on the server that lab 9 starts")
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    notes.write(client, student_name(), "9.1", notes.DONE, "it was done.")
    lab.progress(verify=True)
    assert "\nLab 9:  ✅ 9.1  ⬜ 9.2" in capsys.readouterr().out
