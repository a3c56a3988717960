"""`lab.start()`: find what would go wrong later, say it in one sentence now, and point MLflow at the labs' store."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from types import ModuleType

from lab import room, store
from lab.setup import autologging, checks, imports, older_mlflow, quiet, repair, unreachable
from lab.setup.variables import apply_settings
from lab.store import LabError

# Addresses that MLflow was given here; it has put them into the environment itself.
_told: set[str] = set()


def start() -> None:
    """Prepare MLflow for the labs; the first code cell of every notebook.

    Points MLflow at the store that `lab.store.labs_store` returns, switches telemetry and chatter off, restores a
    lab's experiment that was deleted, and prints the versions in use and where the runs go. Called again in the middle
    of a notebook, it closes a run that was left open and switches autologging off, says so, and keeps the experiment.

    Raises:
        LabError: something is missing, too old, not writable or not reachable; the message says what to do.
    """
    notices = [
        *checks.check_versions(),
        *checks.check_data(),
        *checks.find_stray_database(),
        *repair.go_to_notebooks(),
    ]
    apply_settings()
    imports.import_skops_alone()
    if name := room.given_name():
        # The first place where getpass.getuser(), which MLflow asks, looks.
        os.environ["LOGNAME"] = name
    has_rooms = checks.check_store()
    notices += repair.mend_files()

    import mlflow

    if store.labs_store().is_server:
        unreachable.tell_in_a_sentence(mlflow)
    notices += repair.forget_foreign_settings(mlflow, _told)
    chosen = repair.forget_experiment(mlflow)
    notices += repair.close_run(mlflow)
    use_store(mlflow)
    own_room = ""
    if has_rooms:
        own_room, told = room.enter(mlflow)
        _told.add(own_room)
        notices += told
    folder = store.labs_store().folder
    own = has_rooms or (folder is not None and store.is_own(folder))
    notices += repair.restore_experiments(mlflow, own)
    if has_rooms:
        _told.add(room.choose_default(mlflow))
    elif folder is None:
        room.require_to_be_alone(mlflow.MlflowClient())
    notices += repair.choose_again(mlflow, chosen)
    notices += repair.stop_autologging()

    print(f"MLflow {mlflow.__version__} on Python {platform.python_version()}")
    place = f", in the room '{own_room}'" if own_room else ""
    print(f"Runs go to {store.labs_store()}{place}" + (f", as {name}" if name else ""))
    for notice in notices:
        print(f"Note: {notice}")


def go_to_store(mlflow: ModuleType) -> None:
    """Point MLflow at the labs' store in whatever process this is, and enter the student's room there.

    Raises:
        LabError: the store cannot be used, or is not there any more.
    """
    has_rooms = checks.check_store()
    folder = store.labs_store().folder
    if folder is not None and not folder.is_dir():
        raise LabError(
            f"There is no {store.labs_store()}: run the first cell again, which makes it."
        )
    use_store(mlflow)
    if has_rooms:
        own_room, _ = room.enter(mlflow)
        _told.add(own_room)
    elif store.labs_store().folder is None:
        room.require_to_be_alone(mlflow.MlflowClient())


def use_store(mlflow: ModuleType) -> None:
    """Point MLflow at the labs' store, and have its client do what the labs expect of it."""
    _keep_artifacts_beside_a_database()
    _told.add(store.labs_store().uri)
    mlflow.set_tracking_uri(store.labs_store().uri)
    # For programs that are started from here. MLflow notes it when it changes, and not when it was forgotten in between.
    os.environ["MLFLOW_TRACKING_URI"] = mlflow.get_tracking_uri()
    mlflow.set_registry_uri(store.labs_store().uri)
    older_mlflow.adapt(mlflow)
    autologging.write_in_turn()
    quiet.keep_quiet()


def _keep_artifacts_beside_a_database() -> None:
    """Have MLflow put artifacts beside an SQLite file, and not into ./mlruns of whichever folder a process happens to run in."""
    uri = store.labs_store().uri
    if uri.startswith("sqlite:///"):
        database = Path(uri.removeprefix("sqlite:///")).absolute()
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = (database.parent / "mlartifacts").as_uri()
