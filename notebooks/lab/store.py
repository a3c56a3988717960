"""Where the labs' runs go: the one rule that notebooks, `make ui`, `make reset` and the tests share."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname


class LabError(Exception):
    """A problem the reader can mend, in one sentence that says how. Notebooks show it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this method before it formats a traceback of its own.
        return [f"{type(self).__name__}: {self}"]


ROOT = Path(__file__).resolve().parents[2]
DEFAULT_FOLDER = ROOT / "mlruns"
MARKER = ".made-by-the-labs"  # a file in each folder that the labs may mend; MLflow passes over it
EXPERIMENTS = {  # and the lab that makes each
    "sklearn_experiment": 2,
    "pytorch_experiment": 3,
    "autolog_experiment": 4,
    "signature_experiment": 5,
    "artifact_experiment": 6,
    "search_experiment": 7,
    "careless_experiment": 7,
    "script_experiment": 8,
    "registry_experiment": 10,
    "answers_by_hand": 1,
    "exercise_checks": 0,
}

SERVER_SCHEMES = ("http", "https")
COMPLETE_ADDRESS = r"https?://([^/]*@)?(\[[^]/]+\]|[^][/:@]+)(:[1-9]\d{0,4})?(/.*)?"
PLATFORM_SCHEME = "cml"  # the plugin of Cloudera's sessions
DATABASE_SCHEMES = ("sqlite", "postgresql", "mysql", "mssql")


@dataclass(frozen=True)
class Store:
    """A place where runs go.

    Attributes:
        uri: as MLflow takes it: `file:///…`, `sqlite:///…`, `http://…` and so on.
    """

    uri: str

    def __str__(self) -> str:
        """Return where the runs go, in words for a reader: `mlruns/ (a file store)`."""
        kind = "a tracking server" if self.is_server else "a database"
        if self.uri.startswith(f"{PLATFORM_SCHEME}:"):
            kind = "the project's Experiments tab"
        return f"{self.shown} ({kind if self.folder is None else 'a file store'})"

    @property
    def folder(self) -> Path | None:
        """The folder of a file store, None if the runs go to a database or a server."""
        uri = urlsplit(self.uri)
        return Path(url2pathname(uri.path)) if uri.scheme == "file" else None

    @property
    def is_server(self) -> bool:
        """Whether a tracking server keeps the runs."""
        return self.uri.startswith(SERVER_SCHEMES)

    @property
    def shown(self) -> str:
        """The address for a reader: without a password, and short where the folder lies in the project."""
        if self.folder is None:
            return without_password(self.uri)
        within = self.folder.is_relative_to(ROOT)
        return f"{self.folder.relative_to(ROOT).as_posix() if within else self.folder}/"


def labs_store() -> Store:
    """Return the store of the labs: `LAB_TRACKING_URI` if it is set, else the folder `mlruns/` of the repository.

    A plain path counts as a file store; a relative one starts at the repository's root.

    Raises:
        LabError: the variable holds something that is neither a path nor a URI of a known scheme, or looks like a slip.
    """
    value = os.environ.get("LAB_TRACKING_URI", "").strip()
    if not value:
        return Store(DEFAULT_FOLDER.as_uri())
    if meant := _probably_meant(value):
        raise LabError(
            f"LAB_TRACKING_URI is '{value}', and you probably mean {meant}: write it like that."
        )
    scheme = re.match(r"([A-Za-z][\w+.-]+):", value)  # two letters at least: C:\mlruns is a path
    if scheme is None:
        return Store((ROOT / Path(value).expanduser()).resolve().as_uri())
    name = scheme[1].lower()
    if name == "file":
        return Store(_file_uri(value))
    if name in SERVER_SCHEMES:
        if re.fullmatch(COMPLETE_ADDRESS, value, re.IGNORECASE) is None:
            raise LabError(
                f"LAB_TRACKING_URI is '{value}', which is no complete address: write it like http://127.0.0.1:5000."
            )
        return Store(value.rstrip("/"))
    plugins = {entry.name for entry in entry_points(group="mlflow.tracking_store")}
    if name.split("+")[0] in DATABASE_SCHEMES or name in plugins:
        return Store(value)
    if name == PLATFORM_SCHEME:
        raise LabError(
            f"LAB_TRACKING_URI is '{value}', Cloudera's Experiments tab, which only the session's own Python reaches: "
            "choose the session's kernel, or unset LAB_TRACKING_URI to use the folder mlruns/."
        )
    raise LabError(
        f"LAB_TRACKING_URI is '{value}', and '{name}' is not a kind of store that MLflow knows here: "
        "use a folder, file:///…, sqlite:///… or http://…, or unset it to use the folder mlruns/."
    )


def is_own(folder: Path) -> bool:
    """Return whether a folder is the labs' own to mend: the project's, one that they made, or one in which nothing is yet."""
    return folder == DEFAULT_FOLDER or (folder / MARKER).is_file() or is_unused(folder)


def is_unused(folder: Path) -> bool:
    """Return whether a folder is yet to be made, or is empty."""
    return not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))


def holds_experiments(folder: Path) -> bool:
    """Return whether MLflow has made an experiment in a folder; nothing but `meta.yaml` in folders of it is looked at."""
    metas = (*folder.glob("*/meta.yaml"), *folder.glob(".trash/*/meta.yaml"))
    texts = (path.read_text("utf-8", errors="replace") for path in metas if path.is_file())
    return any("experiment_id:" in text and "artifact_location:" in text for text in texts)


@contextlib.contextmanager
def must_be_writable(folder: Path, name: str, advice: str) -> Iterator[Path]:
    """Raise if a block fails at a folder, or nothing can be written there afterwards, or where it is to be made, which it gets.

    Args:
        folder: which one.
        name: what it is called in the message.
        advice: what else to do than to make it writable.

    Raises:
        LabError: what the system says against it.
    """
    try:
        nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
        yield nearest
        with tempfile.TemporaryFile(dir=nearest) as probe:
            probe.write(b"can runs be written here?")
    except OSError as error:
        raise LabError(
            f"{name} {folder} cannot be written ({error.strerror}): make it writable, {advice}."
        ) from None


def without_password(uri: str) -> str:
    """Return an address without the user and password in it."""
    return re.sub(r"//[^/]*@", "//", uri)


def _probably_meant(value: str) -> str | None:
    """Return what somebody wanted to write who wrote this, None if it may be meant as it is."""
    unquoted = value.strip("'\"“”„‘’")
    if unquoted != value:
        return unquoted
    if re.search(r"\$\{?\w|^[^:]*%[A-Za-z_]+%", value):
        expanded = os.path.expandvars(value)
        return expanded if expanded != value else "the path in full, without a variable"
    if re.fullmatch(r"[\w.-]{2,}:\d+(/.*)?", value):
        return f"http://{value}"
    if os.name == "posix" and (windows := re.match(r"([A-Za-z]):[\\/]", value)):
        return f"/mnt/{windows[1].lower()}/" + value[3:].replace("\\", "/")
    if re.search(r"\.(db|sqlite3?)$", value) and ":" not in value:
        return f"sqlite:///{(ROOT / Path(value).expanduser()).resolve().as_posix()}"
    return None


def _file_uri(value: str) -> str:
    """Return a file URI in the one spelling MLflow and `Path.as_uri` agree on."""
    uri = urlsplit(value)
    if uri.netloc not in ("", "localhost") or not unquote(uri.path).strip("/"):
        raise LabError(
            f"LAB_TRACKING_URI is '{value}', which names no folder on this computer: "
            "write file:///full/path/to/mlruns (three slashes), or just the path."
        )
    return Path(url2pathname(uri.path)).absolute().as_uri()
