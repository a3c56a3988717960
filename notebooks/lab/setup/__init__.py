"""`lab.start()`: find what would go wrong later, say it in one sentence now, and point MLflow at the labs' store."""

from __future__ import annotations

import os
import platform
import sys

from lab import room
from lab.setup import adapted, checks, kernel, repair
from lab.setup.variables import ROOT, apply_settings, artifact_root
from lab.store import LabError, Store, is_own, labs_store

_told = False  # whether the labs told MLflow a store in this process: it notes addresses, rooms and experiments in the environment


def start() -> None:
    """Prepare MLflow for the labs; the first code cell of every notebook.

    Points MLflow at the store that `lab.store.labs_store` returns, switches telemetry and chatter off, restores a
    lab's experiment that was deleted, and prints the versions in use and where the runs go. Called again in the middle
    of a notebook, it closes a run that was left open and switches autologging off, says so, and keeps the experiment.
    `lab.settings(everything=True)` lists all that it sets.

    Raises:
        LabError: something is missing, too old, not writable or not reachable; the message says what to do.
    """
    was_used = _told or "mlflow" in sys.modules
    notices = [*checks.check_versions(), *checks.check_data()]
    store = labs_store()
    notices += [*checks.find_stray_database(store), *kernel.go_to_notebooks()]
    apply_settings()
    adapted.import_skops_alone()
    has_rooms = checks.check_store(store)
    notices += repair.mend_files(store)

    import mlflow

    foreign, chosen = kernel.forget_foreign_settings(store, was_used)
    notices += [] if _told else foreign
    notices += kernel.close_run()
    own_room, told = go_to_store(store, has_rooms)
    own = has_rooms or (store.folder is not None and is_own(store.folder))
    notices += told + repair.restore_experiments(store, own)
    notices += kernel.choose_experiment(chosen, has_rooms) + adapted.stop_autologging()

    place, name = f", in the room '{own_room}'" if own_room else "", room.chosen_name()
    print(f"MLflow {mlflow.__version__} on Python {platform.python_version()}")
    print(f"Runs go to {store}{place}" + (f", as {name}" if name else ""))
    for notice in notices:
        print(f"Note: {notice}")


def go_to_store(store: Store, has_rooms: bool) -> tuple[str, list[str]]:
    """Point MLflow at the labs' store in whatever process this is, and enter the student's room there.

    Args:
        store: the store, which `checks.check_store` has found in order.
        has_rooms: whether it keeps a room for each student.

    Returns:
        the name of the room, empty if there is none, and notices.

    Raises:
        LabError: the store is not there any more, or cannot be shared with who uses it already.
    """
    if store.folder is not None and not store.folder.is_dir():
        raise LabError(f"There is no {store}: run the first cell again, which makes it.")
    use_store(store)
    if has_rooms:
        return room.enter(store)
    if store.folder is None:
        room.require_to_be_alone(store)
    return "", []


def use_store(store: Store) -> None:
    """Point MLflow at a store, and have its client do what the labs expect of it."""
    import mlflow

    global _told
    _told = True
    if root := artifact_root(store):
        os.environ[ROOT] = root
    mlflow.set_tracking_uri(store.uri)
    # For programs that are started from here. MLflow notes it when it changes, and not when it was forgotten in between.
    os.environ["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    mlflow.set_registry_uri(store.uri)
    adapted.adapt(store)
