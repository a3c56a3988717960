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
import pytest
from class_server import class_server, postgres, roster, student
from kernel import Kernel, solve
from support import NOTEBOOKS, copy_project, free_port

pytestmark = pytest.mark.class_server

STUDENTS = int(os.environ.get("STUDENTS") or 0)
LAB_2, LAB_7 = (path for path in NOTEBOOKS if path.name[:2] in ("02", "07"))


def names(count: int) -> list[str]:
    return [f"student-{number:02}" for number in range(1, count + 1)]


class Measured(Kernel):
    """A kernel that notes how long each cell took, in `seconds`, a list of the class's."""

    patience = 1800  # thirty at once, on two cores
    seconds: ClassVar[list[tuple[float, str]]] = []

    def run(self, code: str) -> tuple[str, str]:
        begin = time.monotonic()
        done = super().run(code)
        self.seconds.append((time.monotonic() - begin, code))
        return done


class Patient(Measured):
    """A kernel of a student who runs a cell again when the server was not there; `seen` holds what was told."""

    seen: ClassVar[list[str]] = []

    def run(self, code: str) -> tuple[str, str]:
        deadline = time.monotonic() + 180
        while True:
            printed, error = super().run(code)
            away = error.startswith("LabError: The tracking server")
            if not away and "The store cannot be asked" not in printed:
                return printed, error
            assert time.monotonic() < deadline, error
            self.seen.append(error or printed)
            time.sleep(2)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("class") / "project")


def all_at_once(project, labs, environments, kernel_type, meanwhile=None) -> None:
    """Have students do labs, each in processes of their own, and print how long their cells took.

    Args:
        project: a copy, whose notebooks are not changed.
        labs: the notebooks, one after the other.
        environments: the students' variables.
        kernel_type: what runs the cells.
        meanwhile: called when they have begun.
    """
    kernel_type.seconds = []

    def do_the_labs(environment):
        for lab in labs:
            solve(project / "notebooks" / lab.name, environment, kernel_type=kernel_type)

    with ThreadPoolExecutor(len(environments)) as pool:
        begin = time.monotonic()
        done = [pool.submit(do_the_labs, environment) for environment in environments]
        if meanwhile:
            meanwhile()
        problems = [problem for each in done if (problem := each.exception())]
    assert not problems, f"{len(problems)} of {len(environments)}: {problems[0]}"
    tenths = statistics.quantiles([taken for taken, _ in kernel_type.seconds], n=20)
    worst, code = max(kernel_type.seconds)
    print(
        f"\n{len(environments)} students, {time.monotonic() - begin:.0f} s: a cell takes {tenths[9]:.2f} s (p50), "
        f"{tenths[18]:.1f} s (p95), {worst:.1f} s at worst ({code.splitlines()[0]} …)"
    )


def runs_in(room: str | None) -> tuple[Counter, set[str]]:
    """Return how many runs with which end there are in each experiment of a room, and whose they are."""
    mlflow.set_workspace(room)
    client = mlflow.MlflowClient()
    runs, users = Counter(), set()
    for place in client.search_experiments():
        for run in client.search_runs([place.experiment_id], max_results=1000):
            runs[place.name, run.info.status] += 1
            users.add(run.data.tags["mlflow.user"])
    return runs, users


@pytest.fixture(scope="module")
def alone(project, tmp_path_factory):
    """What a student leaves in each lab who has a folder to themselves."""
    store = tmp_path_factory.mktemp("alone") / "mlruns"
    environment = {"LAB_TRACKING_URI": store.as_uri(), "LAB_STUDENT": "alone"}
    left = {}
    for labs in ([LAB_2], [LAB_7]):
        all_at_once(project, labs, [environment], Measured)
        mlflow.set_tracking_uri(store.as_uri())
        left[labs[0]] = runs_in(None)[0] - sum(left.values(), Counter())
    assert all(found.total() > 10 for found in left.values())
    return left


@pytest.fixture(autouse=True)
def as_nobody(monkeypatch):
    """Forget whom this process has asked, and as whom."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    yield
    mlflow.set_workspace(None)


def look_through(server, class_of: list[str], expected: Counter, monkeypatch, at_least=False):
    """Each student's room holds what a student alone leaves in a folder, and nobody else's runs; there is nothing elsewhere."""
    if (server.folder / "accounts.csv").exists():
        for name, value in server.accounts()["teacher"].items():
            monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(server.address)
    assert {room.name for room in mlflow.list_workspaces()} == {"default", *class_of}
    for name in class_of:
        found, users = runs_in(name)
        assert users == {name}
        assert found >= expected if at_least else found == expected
    assert not runs_in("default")[0]


@pytest.fixture
def the_class(project, alone, monkeypatch):
    """Have some students do some labs, and look through what they left."""

    def learn(server, class_of, labs, kernel_type=Measured, meanwhile=None):
        environments = [student(server, name) for name in class_of]
        all_at_once(project, labs, environments, kernel_type, meanwhile)
        expected = sum((alone[lab] for lab in labs), Counter())
        look_through(server, class_of, expected, monkeypatch, at_least=meanwhile is not None)

    return learn


def test_all_at_once(the_class, tmp_path):
    with class_server(tmp_path / "data") as server:
        the_class(server, names(STUDENTS or 6), [LAB_2, LAB_7])


def test_all_at_once_with_accounts(the_class, tmp_path):
    class_of = names(STUDENTS or 2)
    file = roster(tmp_path / "roster.csv", *class_of)
    with class_server(tmp_path / "data", "--login", "--roster", str(file)) as server:
        the_class(server, class_of, [LAB_2])


def test_all_at_once_on_postgresql(the_class, tmp_path):
    with postgres() as database, class_server(tmp_path / "data", "--database", database) as server:
        the_class(server, names(STUDENTS or 4), [LAB_2])


def test_killed_and_started_again_in_the_middle(the_class, tmp_path):
    """Students wait, or are told in a sentence and run the cell again."""
    port = free_port()
    Patient.seen = []
    with contextlib.ExitStack() as servers:

        def start():
            return servers.enter_context(class_server(tmp_path / "data", port=port))

        def kill_and_start():
            while len(Patient.seconds) < 30:  # in the middle
                time.sleep(0.2)
            first.kill()
            time.sleep(15)
            start()

        first = start()
        the_class(first, names(3), [LAB_2], Patient, kill_and_start)
    print(f"told {len(Patient.seen)} times: {set(Patient.seen)}")
