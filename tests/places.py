"""A copy of the project in a folder that is not easily named, whose store has seen better days."""

from __future__ import annotations

import os
import signal
import sys
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


class Used:
    """A copy of the project, with 500 foreign runs in its store, and with runs that a killed kernel left open.

    Attributes:
        project: the copy.
        store: its store.
        log: where connections to other machines are noted, one a line.
        replayed: the notebooks that were replayed.
        before: the files that were there before anything was replayed.
    """

    def __init__(self, folder: Path):
        """Copy the project into an empty folder, and fill its store."""
        self.project = copy_project(folder / "MLflow läb")
        self.store, self.log = self.project / "mlruns", folder / "connections.txt"
        self.replayed: set[Path] = set()
        settings = {"MLFLOW_TRACKING_URI": self.store.as_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
        command = [sys.executable, "-c", FOREIGN_RUNS]
        done = run(command, env=self.environment() | settings, cwd=self.project)
        assert done.returncode == 0, done.stdout
        with Kernel(self.project / "notebooks", self.environment()) as kernel:
            printed, _ = kernel.run(HALF_A_RUN.format(experiments=EXPERIMENTS))
            assert "in the middle of a run" in printed
            os.kill(kernel.manager.provisioner.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        self.before = self.files()

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

    def replay(self, notebook: Path, variables: dict[str, str]) -> None:
        """Run a notebook and compare every output, without a network and without root's rights.

        Args:
            notebook: the original; labs 1 to 7 are run with their solutions, which stay.
            variables: what to add to the environment.

        Raises:
            AssertionError: an output differs; the message holds what pytest printed.
        """
        if notebook.name < "08":
            fill_in_solutions(self.project / "notebooks" / notebook.name)
        prefix = [*without_network(), *without_privileges()]
        environment = self.environment() | variables
        done = nbval(self.project, [notebook.name], prefix=prefix, env=environment)
        assert done.returncode == 0, done.stdout[-5000:]
        self.replayed.add(notebook)
