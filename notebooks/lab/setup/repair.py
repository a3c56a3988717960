"""What `lab.start()` mends, and says so: the labs' own store, and a kernel that has been used before.

Own is the project's folder `mlruns/`, and a folder that `lab.start()` made or `make adopt` marked. In every other store nothing is
changed. What is changed here is kept as it was beside the store, under the same path.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from lab import room, store
from lab.setup.variables import FOREIGN
from lab.store import LabError

NO_META = "no meta.yaml"
NOT_RUNS = ("tags", "datasets", "traces", "models")  # other folders of an experiment
NEEDED = ("metrics", "params", "artifacts")  # in a run's folder; git and zip keep no empty ones
ADDRESSES = ("artifact_location", "artifact_uri", "source", "storage_location")


def mend_files() -> list[str]:
    """Make the labs' own file store, or make it whole again; in another's, only look.

    Returns:
        a notice for each thing that was mended, or that `make adopt` would mend.

    Raises:
        LabError: a file in another's store fails every search, or the labs' own cannot be written.
    """
    folder = store.labs_store().folder
    if folder is None:
        return []
    flaws = set(_flaws(folder))
    if flaws:  # a file that is just being written gets a second look
        time.sleep(0.2)
        flaws &= set(_flaws(folder))
    incomplete = [run for run in _records(folder, runs=True) if _missing(run)]
    if not store.is_own(folder):
        return _look_at(flaws, bool(incomplete or _moved_from(folder)))
    try:
        notices = [_set_aside(path, folder, flaw) for path, flaw in sorted(flaws)]
        _make_default_experiment(folder)
        for path in [path for run in incomplete if run.exists() for path in _missing(run)]:
            path.mkdir()
        if incomplete:
            notices.append(
                f"{len(incomplete)} runs had lost empty folders, which git and zip do not keep; they are made again."
            )
        return notices + _correct_addresses(folder) + _mark(folder)
    except OSError as error:
        raise LabError(
            f"The store {folder} cannot be mended ({error}): make that writable or free some space, and run this cell again."
        ) from None


def _look_at(flaws: set[tuple[Path, str]], can_be_mended: bool) -> list[str]:
    adopt = "if the store is yours, 'make adopt' keeps a copy of it and mends it"
    for path, flaw in sorted(flaws):
        # MLflow passes over a folder without that file, if its name could be an experiment's.
        if flaw != NO_META or not re.fullmatch(r"[a-zA-Z0-9][\w-]{0,63}", path.name):
            raise LabError(
                f"{path} in your store has {flaw}, and MLflow then fails in every search: move it away; or, {adopt}."
            )
    moved = "this store, which the labs did not make, was moved or copied, and its runs or their files may not be found"
    return [f"{moved}; {adopt}."] if can_be_mended else []


def _records(folder: Path, runs: bool = False) -> list[Path]:
    """Return the folders of all experiments in a store, or of all runs in them, also the deleted ones."""
    if not runs:
        found = [*folder.glob("*/"), *folder.glob(".trash/*/")]
        return [path for path in found if path.is_dir() and path.name not in (".trash", "models")]
    found = [meta.parent for place in _records(folder) for meta in place.glob("*/meta.yaml")]
    return [path for path in found if path.name not in NOT_RUNS]


def _flaws(folder: Path) -> Iterator[tuple[Path, str]]:
    """Find what MLflow's file store cannot read, as its source says: one such file fails every search.

    Yields:
        the file or folder, and what is wrong with it, in words that follow "has".
    """
    broken = set()
    for experiment in _records(folder):
        if flaw := _flaw_of_meta(experiment, "name", "artifact_location", "lifecycle_stage"):
            broken.add(experiment)
            yield experiment, flaw
        for path in experiment.glob("tags/**/*"):
            yield from _unreadable(path, experiment / "tags")
    models = [
        meta.parent for place in _records(folder) for meta in place.glob("models/*/meta.yaml")
    ]
    for record, fields in [
        *((run, (2, 3, 5)) for run in _records(folder, runs=True)),
        *((model, (4, 6)) for model in models),
    ]:
        if broken.intersection(record.parents):
            continue
        if flaw := _flaw_of_meta(record, "experiment_id", "user_id" if 3 in fields else "status"):
            yield record, flaw
            continue
        for name in ("params", "tags", "metrics"):
            for path in record.glob(f"{name}/**/*"):
                yield from _unreadable(path, record / name, fields if name == "metrics" else ())
        for entry in (*record.glob("inputs/*"), *record.glob("outputs/*")):
            if flaw := _flaw_of_meta(entry):
                yield entry, flaw


def _content(record: Path) -> dict[str, Any]:
    """Return what a `meta.yaml` holds; raise OSError, TypeError or ValueError if it is no mapping."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is there
    try:
        return dict(yaml.load((record / "meta.yaml").read_text(encoding="utf-8"), loader))
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def _flaw_of_meta(record: Path, *keys: str) -> str:
    if not (record / "meta.yaml").is_file():
        return NO_META
    with contextlib.suppress(OSError, ValueError, TypeError):
        if _content(record).keys() >= set(keys):
            return ""
    return "a broken meta.yaml"


def _unreadable(path: Path, kind: Path, fields: tuple[int, ...] = ()) -> Iterator[tuple[Path, str]]:
    """Yield a parameter, metric or tag that MLflow cannot read; `fields` is how many words a metric's line may have."""
    if path.is_dir():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        yield path, "content that is no text"
        return
    if not re.fullmatch(r"[/\w.\- :]*", path.relative_to(kind).as_posix()):
        yield path, "a name that MLflow does not take"
    elif fields and not lines:
        yield path, "no value in it"
    for line in lines if fields else []:
        words = line.strip().split(" ")
        try:
            int(words[0]), float(words[1]), [int(step) for step in words[2:3]]
            known = len(words) in fields
        except (ValueError, IndexError):
            known = False
        if not known:
            yield (
                path,
                f"the line '{line.strip()[:60]}', where MLflow reads time, value and step, the first and last whole numbers",
            )
            return


def _keep(path: Path, folder: Path) -> Path:
    """Return where something in the store is kept as it was: beside the store, under the same path, and over nothing."""
    target = folder.with_name(f"{folder.name}-before-mending") / path.relative_to(folder)
    while target.exists():
        target = target.with_name(f"{target.name}-again")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _set_aside(path: Path, folder: Path, flaw: str) -> str:
    shutil.move(path, _keep(path, folder))
    shown = path.relative_to(folder).as_posix()
    return (
        f"{folder.name}/{shown} has {flaw}, which stops MLflow; it now lies unchanged under the same path in "
        f"{folder.name}-before-mending/, and the rest goes on."
    )


def _make_default_experiment(folder: Path) -> None:
    """Make the store, or *Default* in it: MLflow makes that only together with the store's folder."""
    (folder / ".trash").mkdir(parents=True, exist_ok=True)
    if (folder / "0").exists():
        return
    from mlflow.store.tracking.file_store import FileStore

    # MLflow passes over a folder whose name ends so. A second notebook may do the same at this moment.
    with tempfile.TemporaryDirectory(dir=folder, suffix=".trash") as new:
        FileStore(f"{new}/store", folder.as_uri())
        try:
            Path(new, "store", "0").rename(folder / "0")
        except OSError:
            if not (folder / "0").exists():
                raise


def _missing(run: Path) -> list[Path]:
    return [run / name for name in NEEDED if not (run / name).is_dir()]


def _moved_from(folder: Path) -> list[str]:
    """Return the addresses of other folders in which artifacts are said to be that lie here: others are elsewhere on purpose."""
    found: dict[str, None] = {}
    for experiment in _records(folder):
        with contextlib.suppress(OSError, ValueError, TypeError):
            old, _, id = str(_content(experiment)["artifact_location"]).rpartition("/")
            here = (*experiment.glob("*/artifacts/*"), *experiment.glob("models/*/artifacts/*"))
            if here and id == experiment.name and old not in (folder.as_uri(), str(folder)):
                found[old] = None
    return list(found)


def _correct_addresses(folder: Path) -> list[str]:
    """Make a store whole that was moved or copied: MLflow writes into its files where their artifacts lie, in full.

    Returns:
        a notice for each place that the store came from.
    """
    import yaml

    moved_from = _moved_from(folder)
    if not moved_from:
        return []
    experiments = _records(folder)
    records = [path for place in [*experiments, folder] for path in place.glob("models/*")]
    records += [*folder.glob("models/*/version-*"), *_records(folder, runs=True)]
    records += experiments  # last, as they tell where the store came from, should this be cut off
    for meta in [path for record in records if (path := record / "meta.yaml").is_file()]:
        content = _content(meta.parent)
        for key, old in [(key, old) for key in ADDRESSES for old in moved_from]:
            if str(content.get(key)).startswith(f"{old}/"):
                content[key] = folder.as_uri() + content[key].removeprefix(old)
        if content != _content(meta.parent):
            shutil.copy2(meta, _keep(meta, folder))
            new = meta.with_name("meta.yaml.new")
            new.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
            new.replace(meta)
    return [
        f"this store was moved or copied from {old.removeprefix('file://')}; the addresses of its files, which MLflow writes down in full, now lead here "
        f"({folder.name}-before-mending/ has them as they were)."
        for old in moved_from
    ]


def _mark(folder: Path) -> list[str]:
    """Note that a store is the labs' own and whose runs are in it; return a notice if it is another student's."""
    marker, me = folder / store.MARKER, room.student_name()
    owner = marker.read_text(encoding="utf-8").strip() if marker.is_file() else ""
    if not owner:
        marker.write_text(f"{me}\n", encoding="utf-8")
    if owner in ("", me):
        return []
    return [
        f"this store has runs of '{owner}', and you are '{me}' here: checks count your own runs alone. If you are the same person, set "
        f"LAB_STUDENT={owner}; if not, name a folder of your own in LAB_TRACKING_URI."
    ]


def restore_experiments(mlflow: ModuleType, own: bool) -> list[str]:
    """Restore the labs' experiments that were deleted, as MLflow keeps their names taken and would refuse them.

    Args:
        mlflow: the imported package.
        own: whether the store, or the room, is the student's; elsewhere a notice says what is deleted.

    Raises:
        LabError: the store cannot be read.
    """
    from mlflow.entities import ViewType

    client = mlflow.MlflowClient()
    try:
        deleted = client.search_experiments(view_type=ViewType.DELETED_ONLY)
        taken = {experiment.name for experiment in client.search_experiments()}
    except mlflow.exceptions.MlflowException as error:
        message = str(error).splitlines()[0]
        raise LabError(
            f"The store {store.labs_store()} cannot be read ({message}): correct LAB_TRACKING_URI."
        ) from None
    notices = []
    for experiment in deleted:
        name, id = experiment.name, experiment.experiment_id
        if name in taken or name not in ("Default", *store.EXPERIMENTS):
            continue
        taken.add(name)
        if not own:
            notices.append(
                f"the experiment '{name}' is deleted in this store, which is not the labs' to change: restore it in the MLflow UI, "
                "or use another store."
            )
            continue
        stay = _deleted_one_by_one(id)
        client.restore_experiment(id)
        for run_id in stay:
            client.delete_run(run_id)
        for run in client.search_runs([id], "attributes.status = 'RUNNING'"):  # when it was deleted
            client.set_terminated(run.info.run_id, "KILLED")
        notices.append(f"the experiment '{name}' had been deleted; it is restored.")
    return notices


def _deleted_one_by_one(experiment_id: str) -> list[str]:
    """Return the runs that had been deleted before their experiment was; a database does not tell them apart."""
    folder = store.labs_store().folder
    if folder is None:
        return []
    experiment = folder / ".trash" / experiment_id
    together = _content(experiment).get("last_update_time")
    runs = [meta.parent for meta in experiment.glob("*/meta.yaml")]
    return [run.name for run in runs if _content(run).get("deleted_time") != together]


def forget_foreign_settings(mlflow: ModuleType, told: set[str]) -> list[str]:
    """Undo what the shell told MLflow, and return a notice for each of its settings.

    Args:
        mlflow: the imported package.
        told: addresses that MLflow was given by the labs, which it has put into the environment itself.
    """
    # set_experiment notes it in the environment too, and so does set_tracking_uri.
    ours = {store.labs_store().uri, mlflow.tracking.fluent._active_experiment_id, *told}
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
        # Its experiment, or the store, may have been deleted: then there is nothing to close. MLflow forgets the run first.
        with contextlib.suppress(Exception):
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


def go_to_notebooks() -> list[str]:
    """Go to the notebooks' folder if this is a notebook that an editor has started elsewhere, and return a notice."""
    from IPython import get_ipython

    notebooks = store.ROOT / "notebooks"
    if get_ipython() is None or Path("..", "data", "iris.csv").exists():
        return []
    started = Path.cwd()
    os.chdir(notebooks)
    return [
        f"this notebook was started in {started}; it now runs in {notebooks}, where its paths begin."
    ]
