"""What `lab.start()` mends, and says so: in the store, and in a kernel that has been used before."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lab import store
from lab.errors import LabError
from lab.settings import FOREIGN


def mend_files() -> list[str]:
    """Make a file store readable again that was moved, or in which something is broken.

    Returns:
        a notice for each thing that was mended.
    """
    folder = store.folder()
    if folder is None or not folder.exists():
        return []
    notices = [_set_aside(path, folder, "a broken meta.yaml") for path in _broken(folder)]
    notices += [_set_aside(path, folder, flaw) for path, flaw in _unreadable_metrics(folder)]
    return notices + _correct_addresses(folder)


def _broken(folder: Path) -> list[Path]:
    """Return the experiments and runs whose `meta.yaml` MLflow could not read: one of them fails every search."""
    experiments = [
        path for path in (*folder.glob("*/meta.yaml"), *folder.glob(".trash/*/meta.yaml"))
    ]
    broken = [path.parent for path in experiments if not _is_whole(path, "experiment_id")]
    no_runs = (folder / ".trash", folder / "models")  # the second holds registered models
    runs = [path for path in folder.glob("*/*/meta.yaml") if path.parents[1] not in no_runs]
    broken += [
        path.parent
        for path in runs
        if path.parent.parent not in broken and not _is_whole(path, "run_id")
    ]
    return sorted(broken)


def _is_whole(meta: Path, key: str) -> bool:
    """Return whether a `meta.yaml` is a mapping with an id; a file that is just being written gets a second look."""
    import yaml

    for wait in (0, 0.2):
        time.sleep(wait)
        with contextlib.suppress(OSError, UnicodeDecodeError, yaml.YAMLError):
            text = meta.read_text(encoding="utf-8")
            # MLflow writes these two keys into every file in this plain form; YAML itself is slow for 3,000 runs.
            if f"{key}: " in text and "\nlifecycle_stage: " in text and "\x00" not in text:
                return True
            content = yaml.safe_load(text)
            if isinstance(content, dict) and key in content and "lifecycle_stage" in content:
                return True
    return False


def _unreadable_metrics(folder: Path) -> Iterator[tuple[Path, str]]:
    """Find metrics with a step like 1.5: MLflow writes it, and from then on fails in every search.

    Yields:
        the file, and what is wrong with it, in words.
    """
    for place in (*folder.glob("*/*/metrics"), *folder.glob("*/models/*/metrics")):
        for file in filter(Path.is_file, place.rglob("*")):
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                step = line.split()[2:3]
                if step and not step[0].lstrip("-").isdigit():
                    yield file, f"the step {step[0]}, and steps must be whole numbers"
                    break


def _correct_addresses(folder: Path) -> list[str]:
    """Make a store that was moved or copied whole: MLflow writes into its files where their artifacts lie, in full.

    Returns:
        a notice for each place that the store came from.
    """
    moved_from = {}
    for meta in folder.glob("*/meta.yaml"):
        found = re.search(
            r"^artifact_location: (file:\S+)/(\d+)$", meta.read_text(encoding="utf-8"), re.MULTILINE
        )
        if found and found[2] == meta.parent.name:
            old = Path(url2pathname(urlsplit(found[1]).path))
            if not (old.exists() and old.samefile(folder)) and old != folder:
                moved_from[found[1]] = old
    for address in moved_from:
        for meta in folder.rglob("meta.yaml"):
            text = meta.read_text(encoding="utf-8")
            corrected = text.replace(f"{address}/", f"{folder.as_uri()}/")
            if corrected != text:
                meta.write_text(corrected, encoding="utf-8")
    return [
        f"this store was moved or copied from {old}; the addresses of its files, which MLflow writes down in full, now lead here."
        for old in moved_from.values()
    ]


def _set_aside(path: Path, folder: Path, flaw: str) -> str:
    """Move a broken file or folder next to the store, unchanged, and return a notice that says so."""
    aside = folder.with_name(f"{folder.name}-broken")
    target = aside / path.relative_to(folder)
    while target.exists():
        target = target.with_name(f"{target.name}-again")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(path, target)
    return (
        f"{folder.name}/{path.relative_to(folder).as_posix()} has {flaw}, which would stop MLflow; "
        f"it now lies unchanged in {aside.name}/, and the rest goes on."
    )


def restore_experiments(mlflow: ModuleType) -> list[str]:
    """Restore the labs' experiments that were deleted: MLflow keeps their names taken and would refuse them."""
    from mlflow.entities import ViewType

    client = mlflow.MlflowClient()
    try:
        deleted = client.search_experiments(view_type=ViewType.DELETED_ONLY)
    except mlflow.exceptions.MlflowException as error:
        message = str(error).splitlines()[0]
        raise LabError(
            f"The store {store.describe()} cannot be read ({message}): correct LAB_TRACKING_URI."
        ) from None
    if store.folder() is not None:
        _make_default_experiment(mlflow)
    notices = []
    for experiment in deleted:
        if experiment.name in ("Default", *store.EXPERIMENTS):
            client.restore_experiment(experiment.experiment_id)
            notices.append(f"the experiment '{experiment.name}' had been deleted; it is restored.")
    return notices


def _make_default_experiment(mlflow: ModuleType) -> None:
    """Make *Default* in a file store that lacks it: MLflow makes it only together with the store's folder."""
    from mlflow.tracking._tracking_service.utils import _get_store

    try:
        mlflow.get_experiment("0")
    except mlflow.MlflowException:
        _get_store()._create_experiment_with_id("Default", "0", None, None)


def forget_foreign_settings(mlflow: ModuleType, told: set[str]) -> list[str]:
    """Undo what the shell told MLflow, and return a notice for each of its settings.

    Args:
        mlflow: the imported package.
        told: addresses that MLflow was given by the labs, which it has put into the environment itself.
    """
    # set_experiment notes it in the environment too, and so does set_tracking_uri.
    ours = {store.tracking_uri(), mlflow.tracking.fluent._active_experiment_id, *told}
    if told:
        ours.add(mlflow.get_tracking_uri().rstrip("/"))
    foreign = {name: os.environ.pop(name, None) for name in FOREIGN}
    return [
        f"{name} is set in your environment; the labs do not follow it (LAB_TRACKING_URI is theirs)."
        for name, value in foreign.items()
        if value and value.rstrip("/") not in ours
    ]


def close_run(mlflow: ModuleType) -> list[str]:
    """Close the run that an earlier cell left open, and return a notice that names it."""
    run = mlflow.active_run()
    if run is None:
        return []
    while mlflow.active_run():
        mlflow.end_run("KILLED")
    return [f"the run '{run.info.run_name}' was still open; it is closed now."]


def forget_experiment(mlflow: ModuleType) -> str | None:
    """Return the id of the experiment that this notebook has chosen, and have MLflow forget it; None if there is none."""
    chosen: str | None = mlflow.tracking.fluent._active_experiment_id
    mlflow.tracking.fluent._active_experiment_id = None
    return chosen


def choose_again(mlflow: ModuleType, chosen: str | None) -> list[str]:
    """Choose the notebook's experiment again if it is still in the store, and return a notice that says so."""
    if chosen is None:
        return []
    with contextlib.suppress(mlflow.MlflowException):
        name = mlflow.set_experiment(experiment_id=chosen).name
        return [
            f"the experiment '{name}' is still chosen, and you can go on where you were; to begin afresh, restart the kernel."
        ]
    return ["no experiment is chosen any more: run the cell with mlflow.set_experiment again."]


def stop_autologging() -> list[str]:
    """Switch autologging off where an earlier cell switched it on, and return a notice for each library."""
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    on = [
        name
        for name, options in AUTOLOGGING_INTEGRATIONS.items()
        if options.get("disable") is False
    ]
    for name in on:
        import_module("mlflow" if name == "mlflow" else f"mlflow.{name}").autolog(disable=True)
    return [f"autologging of {name} was on; it is off now." for name in on]
