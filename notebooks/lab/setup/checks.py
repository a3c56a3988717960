"""What must be there before a lab can run: Python, the packages, the data, and a store that can be used.

Everything here looks and raises; nothing is changed.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import platform
import shutil
import sqlite3
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lab import store
from lab.cloudera import session
from lab.store import LabError

if TYPE_CHECKING:
    from requests import Response

PYTHON = ((3, 11), (3, 14))  # oldest that runs the labs, newest they were tested with
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
SERVER_SECONDS = 10  # between signs of life, while a server is slow
PATIENCE_SECONDS = 110  # until it is given up


def check_versions() -> list[str]:
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
    if session.in_session():
        # MLflow 3 in the session's own Python would break the platform's plugin.
        return (
            "run 'make kernel' in a terminal and choose the kernel 'MLflow labs'; or, to log to the Experiments tab with "
            "the session's own MLflow, 'pip install -r notebooks/lab/cloudera/requirements.txt'"
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


def check_data() -> list[str]:
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


def find_stray_database() -> list[str]:
    """Return a notice if MLflow was used in the notebooks' folder without `lab.start()`: it made a store of its own there."""
    stray = store.ROOT / "notebooks" / "mlflow.db"
    if not stray.exists() or store.labs_store().uri.endswith(stray.as_posix()):
        return []
    return [
        "notebooks/mlflow.db is another store than yours: MLflow made it for cells that ran before this one, or for a script that was "
        "told no store. Run those again, then delete that file (and the folder notebooks/mlruns, if there is one)."
    ]


def check_store() -> bool:
    """Raise if the store cannot be used; else return whether it is a server that keeps a room for each student.

    Raises:
        LabError: the folder cannot be written, or the server does not answer.
    """
    uri = store.labs_store().uri
    folder = store.labs_store().folder
    if folder is not None:
        _check_folder(folder)
    elif uri.startswith(store.SERVER_SCHEMES):
        return _check_server(uri)
    elif uri.startswith(store.DATABASE_SCHEMES):
        _check_database(uri)
    return False


def _check_database(uri: str) -> None:
    """Raise, before MLflow opens it, if a database is not of this MLflow: MLflow upgrades an older one, and there is no way back."""
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine, inspect, text
    from sqlalchemy.exc import SQLAlchemyError

    shown = store.labs_store().shown
    path = Path(uri.partition(":///")[2])
    if uri.startswith("sqlite"):
        if not path.is_file():  # MLflow makes it
            return
        only_read = f"{path.absolute().as_uri()}?mode=ro"
        engine = create_engine("sqlite://", creator=lambda: sqlite3.connect(only_read, uri=True))
    else:
        engine = create_engine(uri)
    try:
        tables = inspect(engine).get_table_names()
        with engine.connect() as connection:
            asked = text("SELECT version_num FROM alembic_version")
            found = connection.execute(asked).scalar() if "alembic_version" in tables else None
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0][:200]
        raise LabError(
            f"The database {shown} cannot be read ({reason}): correct LAB_TRACKING_URI."
        ) from None
    finally:
        engine.dispose()
    if tables and not {"experiments", "runs"} <= set(tables):
        raise LabError(
            f"The database {shown} holds other tables than MLflow's: name a file of its own in LAB_TRACKING_URI."
        )
    import mlflow

    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    expected = ScriptDirectory(str(migrations)).get_current_head()
    if tables and found != expected:
        raise LabError(
            f"The database {shown} is of another version of MLflow ({found}; MLflow {_installed_mlflow()} has {expected}), which might not "
            "be able to read it any more if it were used here: use a copy that 'mlflow db upgrade' has upgraded, or that version."
        )


def _check_folder(folder: Path) -> None:
    """Raise if the file store cannot be written, or its disk is full."""
    choose = "or name another folder in LAB_TRACKING_URI"
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        _require_store(folder)
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


def _require_store(folder: Path) -> None:
    """Raise if a folder holds something else than MLflow's runs, before MLflow opens it: that makes files in whatever it opens."""
    if store.is_unused(folder) or (folder / store.MARKER).is_file() or not folder.is_dir():
        return
    if not store.holds_experiments(folder):
        inside = folder / "mlruns"
        meant = (
            f"you may mean {inside}" if store.holds_experiments(inside) else "name an empty folder"
        )
        raise LabError(
            f"The folder {folder} holds other things than MLflow's runs: {meant} in LAB_TRACKING_URI, or move these away."
        )


def _check_server(uri: str) -> bool:
    """Raise unless a server answers and can keep what the labs log; return whether it has workspaces."""
    shown = store.labs_store().shown
    answer = _wait_for(f"{uri}/api/3.0/mlflow/server-info", shown)
    if answer.status_code == 403 and "Invalid Host" in answer.text:
        raise LabError(
            f"The tracking server {shown} does not want to be called by this name: start it with --allowed-hosts "
            f'"{urlsplit(uri).netloc.rpartition("@")[2]}", or use the name that it was started for.'
        )
    try:
        return bool(answer.json()["workspaces_enabled"])
    except (ValueError, KeyError, TypeError):
        # Older than MLflow 3.10, or no MLflow at all.
        _require_logged_models(uri, shown)
        return False


def _wait_for(address: str, shown: str) -> Response:
    """Return a server's answer; one that is slow is waited for, with a sign of life.

    Args:
        address: what to ask.
        shown: the server's address in words for the reader.
    """
    import requests

    begin = time.monotonic()
    while True:
        try:
            return requests.get(address, timeout=SERVER_SECONDS, allow_redirects=False)
        except requests.ReadTimeout:
            reason = "no answer in time"
            if time.monotonic() - begin < PATIENCE_SECONDS:
                print(f"Waiting for the tracking server {shown}, which is slow …", flush=True)
                continue
        except requests.RequestException:
            reason = "no connection"
        raise LabError(
            f"The tracking server {shown} does not answer ({reason}): start it, correct LAB_TRACKING_URI, or unset it to "
            "use the folder mlruns/."
        ) from None


def _require_logged_models(uri: str, shown: str) -> None:
    import requests

    with contextlib.suppress(requests.RequestException):
        asked = {"experiment_ids": ["0"]}
        address = f"{uri}/api/2.0/mlflow/logged-models/search"
        answer = requests.post(address, json=asked, timeout=SERVER_SECONDS)
        if answer.status_code == 404 and not _installed_mlflow().startswith("2."):
            raise LabError(
                f"The tracking server {shown} keeps no logged models, as it is older than MLflow 3: use a newer one, unset "
                "LAB_TRACKING_URI to use the folder mlruns/, or run the labs with MLflow 2.19 to 2.22."
            )
