"""A class on one server at the same moment; `make test-class`, with STUDENTS=30 the full thirty."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import mlflow
import psutil
import pytest
from class_server import class_server, login, postgres
from kernel import Kernel, solve
from support import NOTEBOOKS, copy_project, free_port

pytestmark = pytest.mark.class_server

STUDENTS = int(os.environ.get("STUDENTS") or 0)
LAB_2, LAB_7 = (path for path in NOTEBOOKS if path.name[:2] in ("02", "07"))


def names(count: int) -> list[str]:
    return [f"student-{number:02}" for number in range(1, count + 1)]


class Patient(Kernel):
    """A kernel of a student who runs a cell again when the server was not there.

    Attributes:
        seconds: how long each cell of the class took.
        seen: what the class was told when the server was not there.
    """

    patience = 1800  # thirty at once, on two cores
    seconds: ClassVar[list[float]] = []
    seen: ClassVar[list[str]] = []

    def run(self, code: str) -> tuple[str, str]:
        deadline = time.monotonic() + 180
        while True:
            begin = time.monotonic()
            printed, error = super().run(code)
            self.seconds.append(time.monotonic() - begin)
            away = error.startswith("LabError: The tracking server")
            if not away and "The store cannot be asked" not in printed:
                return printed, error
            assert time.monotonic() < deadline, error
            self.seen.append(error or printed)
            time.sleep(2)


def all_at_once(project, labs, environments, meanwhile=None) -> None:
    """Have students do labs, each in processes of their own, and print how long their cells took.

    Args:
        project: a copy, whose notebooks are not changed.
        labs: the notebooks, one after the other.
        environments: the students' variables.
        meanwhile: called when they have begun.
    """
    Patient.seconds.clear()
    Patient.seen.clear()

    def do_the_labs(environment):
        for lab in labs:
            solve(project / "notebooks" / lab.name, environment, kernel_type=Patient)

    with ThreadPoolExecutor(len(environments)) as pool:
        begin = time.monotonic()
        done = [pool.submit(do_the_labs, environment) for environment in environments]
        if meanwhile:
            meanwhile()
        problems = [problem for each in done if (problem := each.exception())]
    assert not problems, f"{len(problems)} of {len(environments)}: {problems[0]}"
    assert meanwhile or not Patient.seen, Patient.seen
    twentieths = statistics.quantiles(Patient.seconds, n=20)
    print(
        f"\n{len(environments)} students, {time.monotonic() - begin:.0f} s: a cell takes {twentieths[9]:.2f} s (p50), "
        f"{twentieths[18]:.1f} s (p95), {max(Patient.seconds):.1f} s at worst; told {len(Patient.seen)} times: {set(Patient.seen)}"
    )


def runs_in(room: str | None) -> tuple[Counter, set[str]]:
    """Return how many runs with which end there are in each experiment of a room, and whose they are."""
    mlflow.set_workspace(room)
    client = mlflow.MlflowClient()
    runs, users = Counter(), set()
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id], max_results=1000):
            runs[experiment.name, run.info.status] += 1
            users.add(run.data.tags["mlflow.user"])
    return runs, users


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("class") / "project")


@pytest.fixture(scope="module")
def alone(project, tmp_path_factory):
    """What a student leaves in each lab who has a folder to themselves."""
    left = {}
    store = (tmp_path_factory.mktemp("alone") / "mlruns").as_uri()
    for lab in (LAB_2, LAB_7):
        all_at_once(project, [lab], [{"LAB_TRACKING_URI": store, "LAB_STUDENT": "alone"}])
        mlflow.set_tracking_uri(store)
        left[lab] = runs_in(None)[0] - sum(left.values(), Counter())
        assert left[lab].total() > 5
    return left


@pytest.fixture
def the_class(project, alone, monkeypatch):
    """Have students do labs; then each one's room holds what a student alone leaves in a folder, and there is nothing elsewhere."""

    def learn(server, class_of, labs, meanwhile=None):
        all_at_once(project, labs, [server.student(name) for name in class_of], meanwhile)
        expected = sum((alone[lab] for lab in labs), Counter())
        if (server.folder / "accounts.csv").exists():
            for name, value in server.student("teacher").items():
                monkeypatch.setenv(name, value)
        mlflow.set_tracking_uri(server.address)
        assert {room.name for room in mlflow.list_workspaces()} == {"default", *class_of}
        for name in class_of:
            found, users = runs_in(name)
            assert users == {name}
            # A cell that was run again has left its run twice.
            assert found >= expected if meanwhile else found == expected
        assert not runs_in("default")[0]

    for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"):
        monkeypatch.setenv(name, "")
    yield learn
    mlflow.set_workspace(None)


@pytest.mark.parametrize(
    ("kind", "count", "labs"),
    [("SQLite", 6, [LAB_2, LAB_7]), ("accounts", 2, [LAB_2]), ("PostgreSQL", 4, [LAB_2])],
    ids=["SQLite", "accounts", "PostgreSQL"],
)
def test_all_at_once(the_class, tmp_path, kind, count, labs):
    class_of = names(STUDENTS or count)
    with contextlib.ExitStack() as running:
        options = ()
        if kind == "accounts":
            options = login(tmp_path / "roster.csv", *class_of)
        if kind == "PostgreSQL":
            options = "--database", running.enter_context(postgres())
        the_class(running.enter_context(class_server(tmp_path / "data", *options)), class_of, labs)


def test_killed_and_started_again_in_the_middle(the_class, tmp_path):
    """Students wait, or are told in a sentence and run the cell again."""
    port = free_port()
    with contextlib.ExitStack() as servers:

        def start():
            return servers.enter_context(class_server(tmp_path / "data", port=port))

        def kill_and_start():
            while len(Patient.seconds) < 30:  # in the middle
                time.sleep(0.2)
            for process in first.processes():
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            time.sleep(15)
            start()

        first = start()
        the_class(first, names(3), [LAB_2], kill_and_start)
