"""Copies of the project in a folder that is not easily named, and one among them whose store has seen better days."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import dataclass, field
from pathlib import Path

from kernel import Kernel, fill_in_solutions
from lab.store import EXPERIMENTS
from support import copy_project, nbval, run, without_network, without_privileges

FOREIGN_RUNS = """
import time
from mlflow import MlflowClient
from mlflow.entities import Metric, Param
client, now = MlflowClient(), int(time.time() * 1000)
places = [client.create_experiment(name) for name in ("somebody_else", "sklearn_experiment", "search_experiment")]
for number in range(500):
    tags = {"mlflow.user": "somebody else"}
    run = client.create_run(places[number % 3], tags=tags, run_name=f"foreign-{number}").info.run_id
    metrics = [Metric("accuracy", number / 600, now, 0), Metric("log_loss", 0.001, now, 0)]
    client.log_batch(run, metrics, [Param("C", "7"), Param("components", "3")])
    client.set_terminated(run)
"""

HALF_A_RUN = """
import lab, mlflow
lab.start()
for name in {experiments}:
    mlflow.set_experiment(name)
    mlflow.start_run(run_name="killed", nested=True)
    mlflow.log_param("C", 1.0)
    mlflow.log_metric("accuracy", 0.5)
print("in the middle of a run")
"""


@dataclass
class Place:
    """A copy of the project and what belongs to it.

    Attributes:
        project: the copy.
        store: its store.
        log: where connections to other machines are noted, one a line.
        solved: the notebooks that were replayed with their solutions.
        before: the files that were there before anything was replayed.
    """

    project: Path
    store: Path
    log: Path
    solved: set[str] = field(default_factory=set)
    before: set[Path] = field(default_factory=set)

    def environment(self) -> dict[str, str]:
        """Return this process's environment, with what the labs need to work here."""
        return os.environ | {
            "PYTHONPATH": str(self.project / "tests" / "other_computer"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OFFLINE_LOG": str(self.log),
            "LAB_TRACKING_URI": self.store.as_uri(),
        }

    def files(self) -> set[Path]:
        """Return all files that are there, but for the store."""
        paths = self.project.rglob("*")
        return {path.relative_to(self.project) for path in paths if "mlruns" not in path.parts}

    def replay(self, name: str, solve: bool, variables: dict[str, str]) -> None:
        """Run a notebook and compare every output, without a network and without root's rights.

        Args:
            name: the notebook's file.
            solve: whether its solutions are put in before, to stay.
            variables: what to add to the environment.

        Raises:
            AssertionError: an output differs; the message holds what pytest printed.
        """
        if solve:
            fill_in_solutions(self.project / "notebooks" / name)
        prefix = [*without_network(), *without_privileges()]
        done = nbval(self.project, [name], prefix=prefix, env=self.environment() | variables)
        assert done.returncode == 0, done.stdout[-5000:]
        if solve:
            self.solved.add(name)


def new_place(folder: Path) -> Place:
    """Copy the project into an empty folder."""
    project = copy_project(folder / "MLflow läb")
    return Place(project, project / "mlruns", folder / "connections.txt")


def use(place: Place) -> None:
    """Fill the store of a place with 500 foreign runs, and with runs that a killed kernel left open."""
    settings = {"MLFLOW_TRACKING_URI": place.store.as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
    command = [sys.executable, "-c", FOREIGN_RUNS]
    done = run(command, env=place.environment() | settings, cwd=place.project)
    assert done.returncode == 0, done.stdout
    kill_a_kernel(place)
    place.before = place.files()


def kill_a_kernel(place: Place) -> None:
    """Run half a lab in a kernel and kill it, so that a run of each experiment stays open for ever."""
    with Kernel(place.project / "notebooks", place.environment()) as kernel:
        printed, _ = kernel.run(HALF_A_RUN.format(experiments=EXPERIMENTS))
        assert "in the middle of a run" in printed
        os.kill(kernel.manager.provisioner.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
