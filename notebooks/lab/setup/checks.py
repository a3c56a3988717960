"""What must be there before a lab can run: Python, the packages, the data, and a store that can be used.

Everything here looks and raises; nothing is changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from packaging.version import Version

from lab import store as stores
from lab.store import LabError, Store

PYTHON = ("3.11", "3.14")  # oldest that runs the labs, newest they were tested with
OLDEST_MLFLOW = "2.19"
PACKAGES = ("mlflow", "scikit-learn", "torch", "pandas", "matplotlib")  # of requirements.txt
DATA = {  # file in data/: rows, columns, sha256
    "iris.csv": (150, 5, "9cc1c345c71bcc9b486b74cbf6063fa66f4bb5e0f603a4b3c3471ec2e5e8e355"),
    "diabetes.csv": (442, 11, "85218d7846e79bc2fb4fbf30ef32baf65fb872191d2ffc7624aac05e6324ce36"),
    "digits.csv": (1797, 65, "592cc047d0a1cc7fdef9fd724514209dcb45a80aa147dc3ab375e3e1a9a380f4"),
}
FREE_BYTES = 50_000_000  # all labs together write less than half of this
PATIENCE = (10, 110)  # seconds until a server takes a call, and until it has answered


def check_versions() -> list[str]:
    """Raise if Python, MLflow or a package is missing or too old; return a notice for each that was not tested."""
    install = (
        "run 'make lab', or 'pip install -r requirements.txt' in the project's folder, "
        "and choose that environment's kernel"
    )
    if cloudera_session():  # MLflow 3 in the session's own Python would break the platform's plugin
        install = (
            "run 'make kernel' in a terminal and choose the kernel 'MLflow labs'; or, to log to the Experiments tab with "
            "the session's own MLflow, 'pip install -r notebooks/lab/cloudera/requirements.txt'"
        )
    python = "{}.{}.{}".format(*sys.version_info[:3])
    if Version(python) < Version(PYTHON[0]):
        raise LabError(
            f"The labs need Python {PYTHON[0]} or newer, and this kernel runs Python {python}: install a newer Python, "
            f"then {install}."
        )
    found = {name: installed(name) for name in PACKAGES}
    if missing := [name for name, known in found.items() if not known]:
        raise LabError(
            f"This kernel's Python ({sys.executable}) lacks {', '.join(missing)}: {install}."
        )
    if Version(found["mlflow"]) < Version(OLDEST_MLFLOW):
        raise LabError(
            f"The labs need MLflow {OLDEST_MLFLOW} or newer, and this kernel has {found['mlflow']}: {install}."
        )
    pins = (stores.ROOT / "requirements.txt").read_text(encoding="utf-8")
    notices = []
    for name, here, tested in (
        ("Python", python, PYTHON[1]),
        ("MLflow", found["mlflow"], pins.partition("mlflow==")[2].split()[0]),
    ):
        minor, known = (".".join(text.split(".")[:2]) for text in (here, tested))
        is_newer = Version(minor) > Version(known)
        if is_newer or (name == "MLflow" and minor != known):
            notices.append(
                f"{name} {minor} is {'newer' if is_newer else 'older'} than the {known} these labs were tested with; "
                "what you see may differ from the text."
            )
    return notices


def installed(package: str) -> str:
    """Return the version of a package, or of its smaller form `-skinny`; empty if there is none."""
    for name in (package, f"{package}-skinny"):
        with contextlib.suppress(PackageNotFoundError):
            return version(name)
    return ""


def cloudera_session() -> ModuleType | None:
    """Return what is particular to a Cloudera session, as a module; None elsewhere."""
    here = os.environ.get("CDSW_ENGINE_ID") and os.environ.get("CDSW_DOMAIN")
    return import_module("lab.cloudera.session") if here else None


def check_data() -> list[str]:
    """Raise if a data file is missing or cut short; return a notice for each that was changed."""
    notices = []
    for name, (rows, columns, checksum) in DATA.items():
        mend = f"restore it with 'git checkout data/{name}', or download the project again."
        try:
            content = (stores.ROOT / "data" / name).read_bytes().replace(b"\r\n", b"\n")
        except OSError as error:
            raise LabError(f"data/{name} cannot be read ({error.strerror}): {mend}") from None
        if hashlib.sha256(content).hexdigest() == checksum:
            continue
        whole = [line.count(b",") == columns - 1 for line in content.split(b"\n")[:-1]].count(True)
        if whole <= rows:
            raise LabError(
                f"data/{name} is cut short, with {max(whole - 1, 0)} whole rows of {rows}: {mend}"
            )
        notices.append(
            f"data/{name} differs from the original, so your numbers will too; to undo, {mend}"
        )
    return notices


def find_stray_database(store: Store) -> list[str]:
    """Return a notice if MLflow was used in the notebooks' folder without `lab.start()`: it made a store of its own there."""
    stray = stores.ROOT / "notebooks" / "mlflow.db"
    if not stray.exists() or store.uri.endswith(stray.as_posix()):
        return []
    return [
        "notebooks/mlflow.db is another store than yours: MLflow made it for cells that ran before this one, or for a script that was "
        "told no store. Run those again, then delete that file (and the folder notebooks/mlruns, if there is one)."
    ]


def check_store(store: Store) -> bool:
    """Raise if the store cannot be used; else return whether it is a server that keeps a room for each student.

    Raises:
        LabError: the folder cannot be written, or the server does not answer.
    """
    if store.folder is not None:
        _check_folder(store.folder)
    elif store.is_server:
        return _check_server(store)
    elif store.uri.startswith(stores.DATABASE_SCHEMES):
        _check_database(store)
    return False


def _check_folder(folder: Path) -> None:
    """Raise if a folder holds something else than runs, before MLflow makes files in it; if it cannot be written, or is full."""
    choose = "or name another folder in LAB_TRACKING_URI"
    with stores.must_be_writable(folder, "The store's folder", choose) as nearest:
        unused = stores.is_unused(folder) or (folder / stores.MARKER).is_file()
        if folder.is_dir() and not unused and not stores.holds_experiments(folder):
            inside = stores.holds_experiments(folder / "mlruns")
            meant = f"you may mean {folder / 'mlruns'}" if inside else "name an empty folder"
            raise LabError(
                f"The folder {folder} holds other things than MLflow's runs: {meant} in LAB_TRACKING_URI, or move these away."
            )
        if (free := shutil.disk_usage(nearest).free) < FREE_BYTES:
            raise LabError(
                f"The disk that holds the store {folder} has {free / 1e6:.0f} MB left and the labs want "
                f"{FREE_BYTES / 1e6:.0f}: free some space, {choose}."
            )


def _check_database(store: Store) -> None:
    """Raise, before MLflow opens it, if a database is not of this MLflow: MLflow upgrades an older one, and there is no way back."""
    import mlflow
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from sqlalchemy import create_engine, inspect
    from sqlalchemy.exc import SQLAlchemyError

    url = store.uri
    if url.startswith("sqlite"):
        path = Path(url.partition(":///")[2]).absolute()
        if not path.is_file():  # MLflow makes it
            return
        url = f"sqlite:///{path.as_uri()}?mode=ro&uri=true"
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            tables = set(inspect(connection).get_table_names())
            found = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        reason = str(error).splitlines()[0][:200]
        raise LabError(
            f"The database {store.shown} cannot be read ({reason}): correct LAB_TRACKING_URI."
        ) from None
    finally:
        engine.dispose()
    if tables and not {"experiments", "runs"} <= tables:
        raise LabError(
            f"The database {store.shown} holds other tables than MLflow's: name a file of its own in LAB_TRACKING_URI."
        )
    migrations = Path(mlflow.__file__).parent / "store" / "db_migrations"
    expected = ScriptDirectory(str(migrations)).get_current_head()
    if tables and found != expected:
        raise LabError(
            f"The database {store.shown} is of another version of MLflow ({found}; MLflow {mlflow.__version__} has {expected}), which might not "
            "be able to read it any more if it were used here: use a copy that 'mlflow db upgrade' has upgraded, or that version."
        )


def _check_server(store: Store) -> bool:
    """Raise unless a server answers and can keep what the labs log; return whether it has workspaces."""
    import requests

    shown, api = store.shown, f"{store.uri}/api"
    try:
        answer = requests.get(
            f"{api}/3.0/mlflow/server-info", timeout=PATIENCE, allow_redirects=False
        )
    except requests.RequestException as error:
        reason = "no answer in time" if isinstance(error, requests.ReadTimeout) else "no connection"
        raise LabError(
            f"The tracking server {shown} does not answer ({reason}): start it, correct LAB_TRACKING_URI, or unset it to "
            "use the folder mlruns/."
        ) from None
    if answer.status_code == 403 and "Invalid Host" in answer.text:
        raise LabError(
            f"The tracking server {shown} does not want to be called by this name: start it with --allowed-hosts "
            f'"{urlsplit(store.uri).netloc.rpartition("@")[2].lower()}", or use the name that it was started for.'
        )
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return bool(answer.json()["workspaces_enabled"])
    # Older than MLflow 3.10, or no MLflow at all.
    with contextlib.suppress(requests.RequestException):
        asked = {"experiment_ids": ["0"]}
        answer = requests.post(f"{api}/2.0/mlflow/logged-models/search", json=asked, timeout=10)
        if answer.status_code == 404 and not installed("mlflow").startswith("2."):
            raise LabError(
                f"The tracking server {shown} keeps no logged models, as it is older than MLflow 3: use a newer one, unset "
                "LAB_TRACKING_URI to use the folder mlruns/, or run the labs with MLflow 2.19 to 2.22."
            )
        if answer.ok and "html" in answer.headers.get("Content-Type", ""):
            raise LabError(
                f"At {shown} a web page answers instead of MLflow, such as a platform's login: correct LAB_TRACKING_URI, or "
                "ask who runs the server how programs reach it."
            )
    return False
