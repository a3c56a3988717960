"""A kernel that was used before its first cell was run (again), that the shell told something, or that an editor started elsewhere."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from lab import store as stores
from lab.setup.adapted import notebook_shell
from lab.setup.variables import FOREIGN
from lab.store import Store


def go_to_notebooks() -> list[str]:
    """Go to the notebooks' folder if this is a notebook that an editor has started elsewhere, and return a notice."""
    notebooks, started = stores.ROOT / "notebooks", Path.cwd()
    if notebook_shell() is None or Path("..", "data", "iris.csv").exists():
        return []
    os.chdir(notebooks)
    told = f"it now runs in {notebooks}, where its paths begin."
    return [f"this notebook was started in {started}; {told}"]


def forget_foreign_settings(store: Store, was_used: bool) -> tuple[list[str], str]:
    """Undo what the shell told MLflow, and what MLflow notes in the environment itself.

    Args:
        store: where runs go.
        was_used: whether MLflow was used here before, so that the experiment there is this notebook's.

    Returns:
        a notice for each of the shell's settings, and the id of the experiment that this notebook had chosen, if any.
    """
    foreign = {name: os.environ.pop(name, "") for name in FOREIGN}
    chosen = foreign.pop("MLFLOW_EXPERIMENT_ID") if was_used else ""
    if chosen and foreign["MLFLOW_TRACKING_URI"].rstrip("/") != store.uri:
        chosen = "of another store"  # databases number theirs alike
    return [
        f"{name} is set in your environment; the labs do not follow it (LAB_TRACKING_URI is theirs)."
        for name, value in foreign.items()
        if value.rstrip("/") not in ("", store.uri)
    ], chosen


def close_run() -> list[str]:
    """Close the run that an earlier cell left open, and return a notice that names it."""
    import mlflow

    if (run := mlflow.active_run()) is None:
        return []
    while mlflow.active_run():
        # Its experiment, or the store, may have been deleted: then there is nothing to close. MLflow forgets the run first.
        with contextlib.suppress(Exception):
            mlflow.end_run("KILLED")
    return [f"the run '{run.info.run_name}' was still open; it is closed now."]


def choose_experiment(chosen: str, has_rooms: bool) -> list[str]:
    """Choose the notebook's experiment again if it is still in the store, else *Default*; return a notice that says so.

    Args:
        chosen: the experiment's id, empty if none was chosen.
        has_rooms: whether the store keeps a room for each student. MLflow knows *Default* by the id 0, which belongs to none of them.
    """
    import mlflow

    if has_rooms:
        with contextlib.suppress(mlflow.MlflowException):  # it is there
            mlflow.create_experiment("Default")
    if chosen:
        with contextlib.suppress(mlflow.MlflowException):
            name = mlflow.set_experiment(experiment_id=chosen).name
            told = "and you can go on where you were; to begin afresh, restart the kernel."
            return [] if name == "Default" else [f"the experiment '{name}' is still chosen, {told}"]
    default = mlflow.get_experiment_by_name("Default") if chosen or has_rooms else None
    if default and default.lifecycle_stage == "active":
        mlflow.set_experiment(experiment_id=default.experiment_id)
    told = "no experiment is chosen any more: run the cell with mlflow.set_experiment again."
    return [told] if chosen else []
