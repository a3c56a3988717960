"""What `lab.start()` mends, and says so: the labs' own store.

Own is the project's folder `mlruns/`, and a folder that `lab.start()` made or `make adopt` marked. In every other store nothing is
changed. What is changed here is kept as it was beside the store, under the same path.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lab import store as stores
from lab.room import student_name
from lab.store import EXPERIMENTS, MARKER, LabError, Store

NO_META = "no meta.yaml"
NEEDED = ("metrics", "params", "artifacts")  # in a run's folder; git and zip keep no empty ones
ADDRESSES = ("artifact_location", "artifact_uri", "source", "storage_location")
# Where MLflow's file store has records, what it needs in their meta.yaml, and how many words a line of their metrics may have.
RECORDS = (
    ("*/", ("name", "artifact_location", "lifecycle_stage"), ()),
    ("*/*/meta.yaml", ("experiment_id", "user_id"), (2, 3, 5)),
    ("*/models/*/meta.yaml", ("experiment_id", "status"), (4, 6)),
    ("*/*/inputs/*", (), ()),
    ("*/*/outputs/*", (), ()),
)


def mend_files(store: Store) -> list[str]:
    """Make the labs' own file store, or make it whole again; in another's, only look.

    Returns:
        a notice for each thing that was mended, or that `make adopt` would mend.

    Raises:
        LabError: a file in another's store fails every search, or the labs' own cannot be written.
    """
    folder = store.folder
    if folder is None:
        return []
    flaws = dict(_flaws(folder))
    if flaws:  # a file that is just being written gets a second look
        time.sleep(0.2)
        flaws = dict(flaws.items() & set(_flaws(folder)))
    runs = _records(folder, "*/*/meta.yaml")
    lost = [run / name for run in runs for name in NEEDED if not (run / name).is_dir()]
    if not stores.is_own(folder):
        return _look_at(flaws, bool(lost or _moved_from(folder)))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # First, as another notebook that starts now must not take the folder for somebody's.
        (folder / MARKER).touch()
        notices = [_set_aside(path, folder, flaws[path]) for path in sorted(flaws)]
        _make_default_experiment(folder)
        for path in [path for path in lost if path.parent.exists()]:
            path.mkdir(exist_ok=True)
        if lost:
            notices.append(
                f"{len({path.parent for path in lost})} runs had lost empty folders, which git and zip do not keep; they are made again."
            )
        return notices + _correct_addresses(folder) + _mark(folder)
    except OSError as error:
        raise LabError(
            f"The store {folder} cannot be mended ({error}): make that writable or free some space, and run this cell again."
        ) from None


def _look_at(flaws: dict[Path, str], can_be_mended: bool) -> list[str]:
    adopt = "if the store is yours, 'make adopt' keeps a copy of it and mends it"
    for path, flaw in sorted(flaws.items()):
        # MLflow passes over a folder without that file, if its name could be an experiment's.
        if flaw != NO_META or not re.fullmatch(r"[a-zA-Z0-9][\w-]{0,63}", path.name):
            raise LabError(
                f"{path} in your store has {flaw}, and MLflow then fails in every search: move it away; or, {adopt}."
            )
    moved = "this store, which the labs did not make, was moved or copied, and its runs or their files may not be found"
    return [f"{moved}; {adopt}."] if can_be_mended else []


def _records(folder: Path, pattern: str) -> list[Path]:
    """Return the folders, or files, that match a pattern of `RECORDS` in a store, also the deleted ones."""
    found = []
    for place in (folder, folder / ".trash"):
        for path in place.glob(pattern):
            record = path.parent if path.name == "meta.yaml" else path
            experiment, *within = record.relative_to(place).parts
            if experiment not in (".trash", "models") and within not in NOT_RUNS:
                found.append(record)
    return found


NOT_RUNS = [["tags"], ["datasets"], ["traces"], ["models"]]  # other folders of an experiment


def _flaws(folder: Path) -> Iterator[tuple[Path, str]]:
    """Find what MLflow's file store cannot read, as its source says: one such file fails every search.

    Yields:
        the file or folder, and what is wrong with it, in words that follow "has".
    """
    broken: set[Path] = set()
    for pattern, keys, words in RECORDS:
        for record in _records(folder, pattern):
            if broken.intersection(record.parents):
                continue
            if flaw := _flaw_of_meta(record, keys):
                broken.add(record)
                yield record, flaw
                continue
            for kind in ("params", "tags", "metrics"):
                for path in record.glob(f"{kind}/**/*"):
                    name = path.relative_to(record / kind).as_posix()
                    if flaw := _flaw_of_value(path, name, words if kind == "metrics" else ()):
                        yield path, flaw


def _content(record: Path) -> dict[str, Any]:
    """Return what a `meta.yaml` holds; raise OSError, TypeError or ValueError if it is no mapping."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast, where it is there
    try:
        return dict(yaml.load((record / "meta.yaml").read_text(encoding="utf-8"), loader))
    except yaml.YAMLError as error:
        raise ValueError(error) from None


def _write(record: Path, content: dict[str, Any]) -> None:
    import yaml

    new = record / "meta.yaml.new"
    new.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    new.replace(record / "meta.yaml")


def _flaw_of_meta(record: Path, keys: tuple[str, ...]) -> str:
    if not (record / "meta.yaml").is_file():
        return NO_META
    with contextlib.suppress(OSError, ValueError, TypeError):
        if _content(record).keys() >= set(keys):
            return ""
    return "a broken meta.yaml"


def _flaw_of_value(path: Path, name: str, words: tuple[int, ...]) -> str:
    """Return why MLflow cannot read a parameter, metric or tag; `words` is how many a metric's line may have."""
    if path.is_dir():
        return ""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return "content that is no text"
    if not re.fullmatch(r"[/\w.\- :]*", name):
        return "a name that MLflow does not take"
    if words and not lines:
        return "no value in it"
    for line in lines if words else ():
        found = line.strip().split(" ")
        with contextlib.suppress(ValueError, IndexError):
            int(found[0]), float(found[1]), [int(step) for step in found[2:3]]
            if len(found) in words:
                continue
        return f"the line '{line.strip()[:60]}', where MLflow reads time, value and step, the first and last whole numbers"
    return ""


def _keep(path: Path, folder: Path) -> Path:
    """Return where something in the store is kept as it was: beside the store, under the same path, and over nothing."""
    target = folder.with_name(f"{folder.name}-before-mending") / path.relative_to(folder)
    while target.exists():
        target = target.with_name(f"{target.name}-again")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _set_aside(path: Path, folder: Path, flaw: str) -> str:
    shutil.move(path, _keep(path, folder))
    return (
        f"{folder.name}/{path.relative_to(folder).as_posix()} has {flaw}, which stops MLflow; it now lies unchanged under the same "
        f"path in {folder.name}-before-mending/, and the rest goes on."
    )


def _make_default_experiment(folder: Path) -> None:
    """Make the store, or *Default* in it: MLflow makes that only together with the store's folder."""
    (folder / ".trash").mkdir(parents=True, exist_ok=True)
    if (folder / "0").exists():
        return
    content = {"artifact_location": f"{folder.as_uri()}/0", "experiment_id": "0", "name": "Default"}
    times = dict.fromkeys(("creation_time", "last_update_time"), int(time.time() * 1000))
    # MLflow passes over a folder whose name ends so. A second notebook may do the same at this moment.
    with tempfile.TemporaryDirectory(dir=folder, suffix=".trash") as new:
        Path(new, "0").mkdir()
        _write(Path(new, "0"), content | times | {"lifecycle_stage": "active"})
        try:
            Path(new, "0").rename(folder / "0")
        except OSError:
            if not (folder / "0").exists():
                raise


def _moved_from(folder: Path) -> list[str]:
    """Return the addresses of other folders in which artifacts are said to be that lie here: others are elsewhere on purpose."""
    found: dict[str, None] = {}
    for experiment in _records(folder, "*/"):
        with contextlib.suppress(OSError, ValueError, TypeError):
            old, _, id = str(_content(experiment).get("artifact_location")).rpartition("/")
            here = (*experiment.glob("*/artifacts/*"), *experiment.glob("models/*/artifacts/*"))
            if here and id == experiment.name and old not in (folder.as_uri(), str(folder)):
                found[old] = None
    return list(found)


def _correct_addresses(folder: Path) -> list[str]:
    """Make a store whole that was moved or copied: MLflow writes into its files where their artifacts lie, in full.

    Returns:
        a notice for each place that the store came from.
    """
    if not (moved_from := _moved_from(folder)):
        return []
    experiments = _records(folder, "*/")
    metas = [m for m in folder.rglob("meta.yaml") if "artifacts" not in m.relative_to(folder).parts]
    # Those of experiments last, as they tell where the store came from, should this be cut off.
    for meta in sorted(metas, key=lambda meta: meta.parent in experiments):
        with contextlib.suppress(ValueError, TypeError):  # the name of a tag, perhaps
            content = _content(meta.parent)
            new = dict(content)
            for key, old in itertools.product(ADDRESSES, moved_from):
                if str(content.get(key)).startswith(f"{old}/"):
                    new[key] = folder.as_uri() + content[key].removeprefix(old)
            if new != content:
                shutil.copy2(meta, _keep(meta, folder))
                _write(meta.parent, new)
    return [
        f"this store was moved or copied from {old.removeprefix('file://')}; the addresses of its files, which MLflow writes down in full, now lead here "
        f"({folder.name}-before-mending/ has them as they were)."
        for old in moved_from
    ]


def _mark(folder: Path) -> list[str]:
    """Note that a store is the labs' own and whose runs are in it; return a notice if it is another student's."""
    marker, me = folder / MARKER, student_name()
    owner = marker.read_text(encoding="utf-8").strip() if marker.is_file() else ""
    if not owner:
        marker.write_text(f"{me}\n", encoding="utf-8")
    if owner in ("", me):
        return []
    return [
        f"this store has runs of '{owner}', and you are '{me}' here: checks count your own runs alone. If you are the same person, set "
        f"LAB_STUDENT={owner}; if not, name a folder of your own in LAB_TRACKING_URI."
    ]


def restore_experiments(store: Store, own: bool) -> list[str]:
    """Restore the labs' experiments that were deleted, as MLflow keeps their names taken and would refuse them.

    Args:
        store: where they are.
        own: whether the store, or the room, is the student's; elsewhere a notice says what is deleted.

    Raises:
        LabError: the store cannot be read.
    """
    from mlflow import MlflowClient, MlflowException
    from mlflow.entities import ViewType

    client = MlflowClient()
    try:
        deleted = client.search_experiments(view_type=ViewType.DELETED_ONLY)
        taken = {experiment.name for experiment in client.search_experiments()}
    except MlflowException as error:
        message = str(error).splitlines()[0]
        raise LabError(
            f"The store {store} cannot be read ({message}): correct LAB_TRACKING_URI."
        ) from None
    notices = []
    ids = {e.name: e.experiment_id for e in reversed(deleted) if e.name not in taken}
    for name in [name for name in ("Default", *EXPERIMENTS) if name in ids]:
        if not own:
            notices.append(
                f"the experiment '{name}' is deleted in this store, which is not the labs' to change: restore it in the MLflow UI, "
                "or use another store."
            )
            continue
        stay = _deleted_one_by_one(store.folder / ".trash" / ids[name]) if store.folder else []
        client.restore_experiment(ids[name])
        for run_id in stay:
            client.delete_run(run_id)
        # Those that were open when it was deleted.
        for run in client.search_runs([ids[name]], "attributes.status = 'RUNNING'"):
            client.set_terminated(run.info.run_id, "KILLED")
        # A server does not tell which runs had been deleted before.
        all_of_it = "" if store.folder else ", with every run that was deleted in it"
        notices.append(f"the experiment '{name}' had been deleted; it is restored{all_of_it}.")
    return notices


def _deleted_one_by_one(experiment: Path) -> list[str]:
    """Return the runs that had been deleted before their experiment was; a database does not tell them apart."""
    together = _content(experiment).get("last_update_time")
    runs = [meta.parent for meta in experiment.glob("*/meta.yaml")]
    return [run.name for run in runs if _content(run).get("deleted_time") != together]
