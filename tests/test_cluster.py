"""Lab 9 on clusters that are not its own, what is said of one that cannot be used, and that nothing is left running."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kernel import Kernel, cells_of, solve
from lab.background import in_background
from lab.cluster import VARIABLE, check_workers, scheduler
from lab.serving import HOST
from lab.setup.variables import SETTINGS
from lab.store import LabError
from support import NOTEBOOKS, copy_project, free_port, run, started

pytestmark = pytest.mark.thorough

(LAB,) = [path for path in NOTEBOOKS if path.name.startswith("09")]
TRACKERS = (
    "resource_tracker",
    "semaphore_tracker",
)  # of Python's and loky's; they end with the kernel


def dask(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dask", *arguments]


@contextlib.contextmanager
def a_scheduler(folder: Path, *options: str) -> Iterator[str]:
    """Run a scheduler as an administrator would, and lend its address."""
    address = f"tcp://{HOST}:{free_port()}"
    command = dask("scheduler", "--host", address, "--no-dashboard", *options)
    with started(command, r"Scheduler at:", folder, {}):
        yield address


@contextlib.contextmanager
def two_workers(address: str, folder: Path) -> Iterator[None]:
    with contextlib.ExitStack() as running:
        for name in ("ann", "ben"):
            command = dask("worker", address, "--name", name, "--nthreads", "1", "--no-dashboard")
            ready = r"Registered to:"
            running.enter_context(started(command, ready, folder, SETTINGS))
        yield


def left_over(pid: int) -> list[str]:
    """Return the command lines of what a process has started and what still runs."""
    found = psutil.Process(pid).children(recursive=True)
    lines = []
    for process in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(" ".join(process.cmdline()))
    return [line for line in lines if line and not any(name in line for name in TRACKERS)]


def still_runs(process: psutil.Process) -> bool:
    """Return whether a process has not ended; one that nobody has asked for its end, in a container without init, has."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Watched(Kernel):
    """A kernel that says what still runs when its last cell was run."""

    left: list[str]

    def __exit__(self, *problem: object) -> None:
        Watched.left = left_over(self.manager.provisioner.pid)
        super().__exit__(*problem)


def test_lab_and_solutions_on_a_cluster_that_is_there(tmp_path):
    """Unchanged, on a scheduler with two workers; they are still there afterwards, and nothing of the lab's is."""
    project = copy_project(tmp_path / "project")
    with a_scheduler(tmp_path) as address, two_workers(address, tmp_path):
        environment = {"LAB_TRACKING_URI": f"sqlite:///{tmp_path}/store.db", VARIABLE: address}
        printed = solve(project / "notebooks" / LAB.name, environment, kernel_type=Watched)
        assert Watched.left == []
        code = f"from distributed import Client; print(len(Client('{address}').nthreads()))"
        assert run([sys.executable, "-c", code]).stdout.split() == ["2"]
    assert "✅ 9.1 done: 12 trials by 2 workers" in printed["check-9-1"]


def test_nothing_is_left_when_the_kernel_is_killed(tmp_path):
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": str(tmp_path / "mlruns")}
    with Kernel(project / "notebooks", environment) as kernel:
        for cell in cells_of(LAB).values():
            if cell.cell_type == "code":
                _, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}"
            if cell.id == "dask":
                break
        kernel.run(cells_of(LAB)["joblib"].source)  # its processes may have ended by now
        # One of joblib's that waits for the rest of a trial does not end by itself.
        kernel.run(
            "stuck = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
        )
        pid = kernel.manager.provisioner.pid
        tree = psutil.Process(pid).children(recursive=True)
        shown = " ".join(left_over(pid))
        assert all(name in shown for name in ("mlflow", "spawn_main", "loky", "time.sleep"))
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        deadline = time.monotonic() + 60
        while any(map(still_runs, tree)) and time.monotonic() < deadline:
            time.sleep(0.2)
        left = [process.cmdline() for process in tree if still_runs(process)]
        assert not left


def told(address: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the sentence with which an address is refused."""
    monkeypatch.setenv(VARIABLE, address or "")
    with pytest.raises(LabError) as refused:
        scheduler()
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_without_a_cluster_the_lab_uses_this_computer(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert scheduler() is None


def test_no_dask(monkeypatch):
    monkeypatch.setattr("lab.cluster.find_spec", lambda name: None)
    assert (
        "Lab 9 needs Dask, and this kernel's Python lacks dask and distributed: run 'make lab'"
        in (told(None, monkeypatch))
    )


@pytest.mark.parametrize("address", ["10.0.0.1:8786", "tcp://10.0.0.1", "tcp://:8786", "tcp://a:b"])
def test_no_address(address, monkeypatch):
    assert f"'{address}', which is no scheduler's address: write it like tcp://127" in (
        told(address, monkeypatch)
    )


def test_nobody_answers(monkeypatch):
    address = f"tcp://{HOST}:{free_port()}"
    assert f"The scheduler {address} does not answer (Connection refused): start it" in (
        told(address, monkeypatch)
    )


def test_somebody_else_answers(monkeypatch, tmp_path):
    monkeypatch.setattr("lab.cluster.SECONDS", 2)
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", HOST]
    with started(command, lambda _: not run_free(port), tmp_path, {}):
        assert "somebody answers who is no scheduler of this Dask" in (
            told(f"tcp://{HOST}:{port}", monkeypatch)
        )


def run_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def test_no_workers_and_other_versions(monkeypatch, tmp_path):
    import distributed

    monkeypatch.setattr("lab.cluster.SECONDS", 2)
    with a_scheduler(tmp_path) as address:
        assert f"The scheduler {address} has no workers: start some" in told(address, monkeypatch)

        versions = distributed.Client.get_versions
        for package, other, shown in (
            ("python", "3.9.1.final.0", "runs Python 3.9, and this notebook 3."),
            ("distributed", "2024.1.0", "runs Distributed 2024.1.0, and this notebook 20"),
        ):

            def answer(client, check, package=package, other=other):
                found = versions(client, check=check)
                found["scheduler"]["packages"][package] = other
                return found

            monkeypatch.setattr(distributed.Client, "get_versions", answer)
            assert shown in told(address, monkeypatch)


def test_worker_that_lacks_something(monkeypatch):
    from distributed import Client

    here = {
        "processes": False,
        "n_workers": 1,
        "dashboard_address": "127.0.0.1:0",
        "worker_dashboard_address": "127.0.0.1:0",
        "silence_logs": "ERROR",
    }
    with Client(**here) as client:
        nowhere = f"http://{HOST}:{free_port()}"
        with pytest.raises(LabError, match=r"cannot reach the tracking server .*refused.*: open"):
            check_workers(client, nowhere)
        monkeypatch.setattr("lab.cluster.NEEDED", ("mlflow", "not_there"))
        with pytest.raises(LabError, match=r"The worker .* lacks not_there: install there"):
            check_workers(client, nowhere)


def test_port_that_is_taken_and_program_that_fails(tmp_path):
    before = set(psutil.Process().children(recursive=True))
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = taken.getsockname()[1]
        command = ["mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1"]
        command += ["--backend-store-uri", "sqlite:///team.db"]
        with pytest.raises(LabError, match=f"Port {port} is taken: choose another") as refused:
            in_background(command, tmp_path, f"http://{HOST}:{port}/health")
    assert "\n" not in str(refused.value)
    with pytest.raises(LabError, match=r"did not start\. Its last line: .*No such option"):
        in_background(["mlflow", "server", "--nonsense"], tmp_path, f"http://{HOST}:9/health")
    assert set(psutil.Process().children(recursive=True)) <= before


# Three hosts: a bridge and three network namespaces. `one` has the scheduler and the notebook, `two` and `three` a worker each.
HOSTS = {"one": "10.77.9.1", "two": "10.77.9.2", "three": "10.77.9.3"}
ON_HOST_ONE = """
import sys
from pathlib import Path
from kernel import Kernel, cells_of
from test_cluster import LAB

LOST = '''
with mlflow.start_run(experiment_id=experiment_id, run_name="link cut") as parent:
    here = sweep | {"parent_run_id": parent.info.run_id}
    futures = client.map(train, trials, dataset=dataset, sweep=here, pause=1, pure=False)
    while len(runs := children_of(parent)) == 0 or runs["tags.worker"].nunique() < 2:
        time.sleep(0.1)
    subprocess.run(["ip", "-n", "lab9-three", "link", "set", "eth0", "down"], check=True)
    accuracies = client.gather(futures)
runs = children_of(parent)
'''
LOOK = '''
runs = children_of(parent)
finished = runs[runs["status"] == "FINISHED"]
assert not finished.duplicated(["params.C", "params.components"]).any()
default = len(mlflow.search_runs(["0"]))
explained = runs.loc[runs["status"] == "KILLED", "tags.closed_because"].notna().all()
print(len(finished), default, sorted(set(runs["status"])), explained, address)
'''
cells = cells_of(LAB)
wanted = ["start", "temporary", "host", "server", "use", "data", "accuracy", "worker-name", "train", "loop", "children",
          "client", "dask", "dask-runs", "plug"]
with Kernel(LAB.parent, {}) as kernel:
    kernel.run("import mlflow, subprocess")  # as the cells that are left out do
    for name in wanted:
        printed, error = kernel.run(cells[name].source)
        assert not error, f"{name}: {error}"
    for code in (LOST, cells["lost"].source, cells["close"].source, LOOK):
        printed, error = kernel.run(code)
        assert not error, f"{code}: {error}"
    print(printed)
"""


def ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run(["ip", *arguments])


@pytest.fixture
def three_hosts():
    """Commands that run something on one of three hosts, which are joined by a switch."""
    if not shutil.which("ip") or os.name != "posix" or os.geteuid() != 0:
        pytest.skip("three hosts need root and the command ip, to make network namespaces")
    names = [f"lab9-{name}" for name in (*HOSTS, "switch")]
    try:
        for name in names:
            made = ip("netns", "add", name)
            if made.returncode:
                pytest.skip(f"no network namespaces can be made here: {made.stdout.strip()}")
        ip("-n", "lab9-switch", "link", "add", "switch", "type", "bridge")
        if ip("-n", "lab9-switch", "link", "set", "switch", "up").returncode:
            pytest.skip("no bridge can be made in a network namespace here")
        for name, address in HOSTS.items():
            host = f"lab9-{name}"
            ip(
                "-n",
                host,
                "link",
                "add",
                "eth0",
                "type",
                "veth",
                "peer",
                name,
                "netns",
                "lab9-switch",
            )
            ip("-n", "lab9-switch", "link", "set", name, "master", "switch", "up")
            ip("-n", host, "address", "add", f"{address}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                ip("-n", host, "link", "set", link, "up")
        yield {name: ["ip", "netns", "exec", f"lab9-{name}"] for name in HOSTS}
    finally:
        for name in names:
            ip("netns", "del", name)


def test_three_hosts_and_a_link_that_is_cut(three_hosts, tmp_path):
    """Every trial is there once, none in *Default*, and each run that was left open says why it was closed."""
    soon = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "15s"}
    soon |= {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "8s"}
    address = f"tcp://{HOSTS['one']}:8786"
    project = copy_project(tmp_path / "project")
    with contextlib.ExitStack() as running:
        command = [*three_hosts["one"], *dask("scheduler", "--host", address, "--no-dashboard")]
        running.enter_context(started(command, r"Scheduler at:", tmp_path, soon))
        for name in ("two", "three"):
            command = [*three_hosts[name], *dask("worker", address, "--nthreads", "1")]
            command += ["--host", HOSTS[name], "--no-dashboard", "--name", name]
            running.enter_context(started(command, r"Registered to:", tmp_path, soon | SETTINGS))
        code = [sys.executable, "-c", ON_HOST_ONE]
        environment = os.environ | soon | {VARIABLE: address}
        environment |= {"LAB_TRACKING_URI": str(tmp_path / "mlruns")}
        folders = (project / "notebooks", project / "tests", project / "tests" / "tools")
        environment |= {"PYTHONPATH": os.pathsep.join(map(str, folders))}
        done = run([*three_hosts["one"], *code], env=environment, cwd=project)
    assert done.returncode == 0, done.stdout[-5000:]
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("12 0 ['FINISHED', 'KILLED'] True http://10.77.9.1:"), last


def test_what_ends_with_a_program(tmp_path):
    """A program in the background ends with all that it has started, whoever ends it."""
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    port = free_port()
    code += f"import http.server as h; h.HTTPServer(('{HOST}', {port}), h.SimpleHTTPRequestHandler).serve_forever()"
    program = in_background([sys.executable, "-c", code], tmp_path, f"http://{HOST}:{port}")
    tree = [psutil.Process(program.process.pid)]
    tree += tree[0].children(recursive=True)
    assert len(tree) == 3
    program.end()
    program.end()
    psutil.wait_procs(tree, timeout=10)
    assert not any(map(still_runs, tree))


def test_check_of_an_answer_on_another_server(capsys, monkeypatch, tmp_path):
    """The notebook's MLflow stays where it was, and what was found done is remembered when the server has gone."""
    import lab
    import mlflow
    from lab.exercises import notes
    from lab.room import student_name

    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "mlruns"))
    lab.start()
    own = f"sqlite:///{tmp_path}/own.db"
    mlflow.set_tracking_uri(own)
    capsys.readouterr()
    lab.check("9.1", own)
    assert mlflow.get_tracking_uri() == own
    lab.check("9.1", f"http://{HOST}:{free_port()}")
    lab.check("9.1")
    empty, gone, later = capsys.readouterr().out.splitlines()
    assert empty.startswith("⬜ 9.1 not done yet: there is no run 'my-sweep' of yours")
    assert gone.startswith("⬜ The store cannot be asked. The tracking server http://127")
    assert later.startswith("⬜ 9.1 not done yet: the answer is on the server that lab 9 starts")
    client = mlflow.MlflowClient((tmp_path / "mlruns").as_uri())
    notes.write(client, student_name(), "9.1", notes.DONE, "it was done.")
    lab.check("9.1")
    lab.progress(verify=True)
    noted, *labs = capsys.readouterr().out.splitlines()
    assert noted == "✅ 9.1 done: it was done."
    assert any(line.startswith("Lab 9:  ✅ 9.1  ⬜ 9.2") for line in labs)
