"""`lab.start()`: find what would go wrong later, say it in one sentence now, and point MLflow at the labs' store."""

from __future__ import annotations

import contextlib
import csv
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lab import cloudera, older_mlflow, quiet, store
from lab.store import LabError

PYTHON = ((3, 11), (3, 13))  # oldest that runs the labs, newest they were tested with
MLFLOW = (3, 17)  # the version that the notebooks' outputs come from
OLDEST_MLFLOW = (2, 19)
OTHERS_TRIED = ((2, 19), (2, 22), (3, 0), (3, 5), (3, 13))  # all labs and solutions run on these
PACKAGES = {  # import name: name to install
    "mlflow": "mlflow",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "pandas": "pandas",
    "matplotlib": "matplotlib",
}
DATA = {  # file in data/: rows, columns, sha256
    "iris.csv": (150, 5, "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"),
    "diabetes.csv": (442, 11, "85218d7846e79bc2fb4fbf30ef32baf65fb872191d2ffc7624aac05e6324ce36"),
    "digits.csv": (1797, 65, "592cc047d0a1cc7fdef9fd724514209dcb45a80aa147dc3ab375e3e1a9a380f4"),
}
FREE_BYTES = 50_000_000  # all labs together write less than half of this
SERVER_SECONDS = 4  # for the whole answer; MLflow's own retries would take minutes

SETTINGS = {  # read by MLflow when it is first imported
    "MLFLOW_ALLOW_FILE_STORE": "true",  # the file store needs this opt-in since MLflow 3.13
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",  # "Experiment … does not exist. Creating …" and the like
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SKIP_PIP_REQUIREMENTS_CHECK": "true",  # 1.5 s of each kernel, for pins that the labs give by hand
    "GIT_PYTHON_REFRESH": "quiet",  # no warning where git is not installed
}
# One thread each for the linear algebra of NumPy, scikit-learn and PyTorch. The labs' models are so small that several
# threads spend their time waiting for one another: a grid search took nine times as long with two, on two busy cores.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
FOREIGN = (  # would send runs elsewhere, or add them to some other run
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
)


def start() -> None:
    """Prepare MLflow for the labs; the first code cell of every notebook.

    Points MLflow at the store that `lab.store.tracking_uri` names, switches telemetry and chatter off, restores a
    lab's experiment that was deleted, and prints the versions in use and where the runs go. Called again in the middle
    of a notebook, it closes a run that was left open and switches autologging off, says so, and keeps the experiment.

    Raises:
        LabError: something is missing, too old, not writable or not reachable; the message says what to do.
    """
    notices = [*_check_versions(), *_check_data(), *_find_stray_database()]
    apply_settings()
    name = _name_student()
    notices += check_store()

    import mlflow

    notices += _forget_foreign_settings(mlflow)
    chosen = _forget_experiment(mlflow)
    notices += _close_run(mlflow)
    use_store(mlflow)
    notices += _restore_experiments(mlflow)
    notices += _choose_again(mlflow, chosen)
    notices += _stop_autologging()

    print(f"MLflow {mlflow.__version__} on Python {platform.python_version()}")
    print(f"Runs go to {store.describe()}" + (f", as {name}" if name else ""))
    for notice in notices:
        print(f"Note: {notice}")


def apply_settings() -> None:
    """Set the environment variables that MLflow and the numeric libraries read; your own numbers of threads are kept."""
    os.environ.update(SETTINGS)
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")


# Addresses that MLflow was given here; it has put them into the environment itself.
_told: set[str] = set()


def use_store(mlflow) -> None:
    """Point MLflow at the labs' store, and make an older client take the calls of the labs."""
    _told.add(store.tracking_uri())
    mlflow.set_tracking_uri(store.tracking_uri())
    mlflow.set_registry_uri(store.tracking_uri())
    older_mlflow.adapt(mlflow)
    quiet.keep_quiet()


def check_store() -> list[str]:
    """Raise if the store cannot be used; mend a file store that was moved or is broken, and return a notice for each.

    Raises:
        LabError: the folder cannot be written, or the server does not answer.
    """
    uri = store.tracking_uri()
    folder = store.folder()
    if folder is not None:
        return _check_folder(folder)
    if uri.startswith(store.SERVER_SCHEMES):
        _check_server(uri)
    if uri.startswith("sqlite:///"):
        # MLflow would put artifacts into ./mlruns of whichever folder a process happens to run in.
        database = Path(uri.removeprefix("sqlite:///")).absolute()
        os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = (database.parent / "mlartifacts").as_uri()
    return []


def _name_student() -> str:
    """Have MLflow tag runs with the student's name where all share one account of the computer, and return the name."""
    name = os.environ.get("LAB_STUDENT", "").strip()
    if name:
        os.environ["LOGNAME"] = (
            name  # the first place where getpass.getuser(), which MLflow asks, looks
        )
    return name


def _check_versions() -> list[str]:
    """Raise if Python, MLflow or a package is missing or too old; return a notice for each that is newer than tested."""
    install = _how_to_install()
    (oldest, newest) = PYTHON
    if sys.version_info[:2] < oldest:
        raise LabError(
            f"The labs need Python {_dotted(oldest)} or newer, and this kernel runs Python "
            f"{platform.python_version()}: install a newer Python, then {install}."
        )
    missing = [name for module, name in PACKAGES.items() if find_spec(module) is None]
    if missing:
        raise LabError(
            f"This kernel's Python ({sys.executable}) lacks {', '.join(missing)}: {install}."
        )
    found = _installed_mlflow()
    mlflow_version = tuple(int(part) for part in found.split(".")[:2])
    if mlflow_version < OLDEST_MLFLOW:
        raise LabError(
            f"The labs need MLflow {_dotted(OLDEST_MLFLOW)} or newer, and this kernel has {found}: {install}."
        )
    notices = [
        f"{name} {_dotted(current)} is newer than the {_dotted(tested)} these labs were tested with; "
        "what you see may differ from the text."
        for name, current, tested in (
            ("Python", sys.version_info[:2], newest),
            ("MLflow", mlflow_version, MLFLOW),
        )
        if current > tested
    ]
    if mlflow_version < MLFLOW:
        tried = "run on it" if mlflow_version in OTHERS_TRIED else "were not tried with it"
        notices.append(
            f"MLflow {_dotted(mlflow_version)} is older than the {_dotted(MLFLOW)} these labs were written for. They {tried}; "
            "where a message or a file's name differs from the text, that is why."
        )
    return notices


def _how_to_install() -> str:
    if (
        cloudera.in_session()
    ):  # MLflow 3 in the session's own Python would break the platform's plugin
        return (
            "run 'make kernel' in a terminal and choose the kernel 'MLflow labs'; or, to log to the Experiments tab with "
            "the session's own MLflow, 'pip install -r notebooks/requirements-cloudera.txt'"
        )
    return (
        "run 'make lab', or 'pip install -r requirements.txt' in the project's folder, "
        "and choose that environment's kernel"
    )


def _installed_mlflow() -> str:
    try:
        return version("mlflow")
    except PackageNotFoundError:
        return version("mlflow-skinny")


def _dotted(numbers: tuple[int, ...]) -> str:
    return ".".join(map(str, numbers))


def _check_data() -> list[str]:
    """Raise if a data file is missing or cut short; return a notice for each that was changed."""
    notices = []
    for name, (rows, columns, checksum) in DATA.items():
        path = store.ROOT / "data" / name
        mend = f"restore it with 'git checkout data/{name}', or download the project again."
        try:
            content = path.read_bytes().replace(b"\r\n", b"\n")
        except OSError as error:
            raise LabError(f"data/{name} cannot be read ({error.strerror}): {mend}") from None
        if hashlib.sha256(content).hexdigest() == checksum:
            continue
        table = list(csv.reader(content.decode("utf-8", errors="replace").splitlines()))
        whole = sum(len(row) == columns for row in table) - 1
        if whole < rows or not content.endswith(b"\n"):
            raise LabError(
                f"data/{name} is cut short, with {max(whole, 0)} whole rows of {rows}: {mend}"
            )
        notices.append(
            f"data/{name} differs from the original, so your numbers will too; to undo, {mend}"
        )
    return notices


def _find_stray_database() -> list[str]:
    """Return a notice if MLflow was used in the notebooks' folder without `lab.start()`: it made a store of its own there."""
    stray = store.ROOT / "notebooks" / "mlflow.db"
    if not stray.exists() or store.tracking_uri().endswith(stray.as_posix()):
        return []
    return [
        "notebooks/mlflow.db holds runs that were made before this cell was run. They are not in your store: run their "
        "cells again, then delete that file (and the folder notebooks/mlruns, if there is one)."
    ]


def _check_folder(folder: Path) -> list[str]:
    """Raise if the file store cannot be written; mend what was moved or is broken and return a notice for each."""
    choose = "or name another folder in LAB_TRACKING_URI"
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        free = shutil.disk_usage(nearest).free
        if free < FREE_BYTES:
            raise LabError(
                f"The disk that holds the store {folder} has {free / 1e6:.0f} MB left and the labs want "
                f"{FREE_BYTES / 1e6:.0f}: free some space, {choose}."
            )
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"can runs be written here?")
    except OSError as error:
        raise LabError(
            f"The store's folder {folder} cannot be written ({error.strerror}): make it writable, {choose}."
        ) from None
    if not folder.exists():
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
    runs = [
        path for path in folder.glob("*/*/meta.yaml") if not path.is_relative_to(folder / ".trash")
    ]
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


def _check_server(uri: str) -> None:
    """Raise unless something at the address answers a request within a few seconds."""
    import requests

    try:
        # A stream ends after the headers: any answer will do, also "404" or "log in first".
        requests.get(uri, timeout=SERVER_SECONDS / 2, stream=True, allow_redirects=False).close()
    except requests.RequestException as error:
        reason = "no answer in time" if isinstance(error, requests.Timeout) else "no connection"
        raise LabError(
            f"The tracking server {store.describe().split()[0]} does not answer ({reason}): start it, correct "
            "LAB_TRACKING_URI, or unset it to use the folder mlruns/."
        ) from None
    models = f"{uri}/api/2.0/mlflow/logged-models/search"
    with contextlib.suppress(requests.RequestException):
        answer = requests.post(models, json={"experiment_ids": ["0"]}, timeout=SERVER_SECONDS)
        if answer.status_code == 403 and "Invalid Host" in answer.text:
            raise LabError(
                f"The tracking server {store.describe().split()[0]} does not want to be called by this name: start it "
                f'with --allowed-hosts "{urlsplit(uri).netloc.rpartition("@")[2]}", or use the name that it was started for.'
            )
        if answer.status_code == 404 and not _installed_mlflow().startswith("2."):
            raise LabError(
                f"The tracking server {store.describe().split()[0]} keeps no logged models, as it is older than MLflow 3: "
                "use a newer one, unset LAB_TRACKING_URI to use the folder mlruns/, or run the labs with MLflow 2.19 to 2.22."
            )


def _forget_foreign_settings(mlflow) -> list[str]:
    """Undo what the shell told MLflow, and return a notice for each of its settings."""
    # set_experiment notes it in the environment too.
    ours = {store.tracking_uri(), mlflow.tracking.fluent._active_experiment_id, *_told}
    foreign = {name: os.environ.pop(name, None) for name in FOREIGN}
    return [
        f"{name} is set in your environment; the labs do not follow it (LAB_TRACKING_URI is theirs)."
        for name, value in foreign.items()
        if value and value.rstrip("/") not in ours
    ]


def _close_run(mlflow) -> list[str]:
    """Close the run that an earlier cell left open, and return a notice that names it."""
    run = mlflow.active_run()
    if run is None:
        return []
    while mlflow.active_run():
        mlflow.end_run("KILLED")
    return [f"the run '{run.info.run_name}' was still open; it is closed now."]


def _forget_experiment(mlflow) -> str | None:
    """Return the id of the experiment that this notebook has chosen, and have MLflow forget it; None if there is none."""
    chosen = mlflow.tracking.fluent._active_experiment_id
    mlflow.tracking.fluent._active_experiment_id = None
    return chosen


def _choose_again(mlflow, chosen: str | None) -> list[str]:
    """Choose the notebook's experiment again if it is still in the store, and return a notice that says so."""
    if chosen is None:
        return []
    with contextlib.suppress(mlflow.MlflowException):
        name = mlflow.set_experiment(experiment_id=chosen).name
        return [
            f"the experiment '{name}' is still chosen, and you can go on where you were; to begin afresh, restart the kernel."
        ]
    return ["no experiment is chosen any more: run the cell with mlflow.set_experiment again."]


def _stop_autologging() -> list[str]:
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


def _restore_experiments(mlflow) -> list[str]:
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


def _make_default_experiment(mlflow) -> None:
    """Make *Default* in a file store that lacks it: MLflow makes it only together with the store's folder."""
    from mlflow.tracking._tracking_service.utils import _get_store

    try:
        mlflow.get_experiment("0")
    except mlflow.MlflowException:
        _get_store()._create_experiment_with_id("Default", "0", None, None)
