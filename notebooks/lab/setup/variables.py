"""What the labs set for MLflow, one reason each: `lab.start()` makes these settings, and `lab.settings(everything=True)` shows all that it does."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.request import getproxies

from lab.room import chosen_name
from lab.setup.adapted import LEFT_OUT
from lab.store import DEFAULT_FOLDER, Store, labs_store, without_password

# Environment variables that MLflow reads when it is first imported: value, and what would happen without it.
REASONS = {
    "MLFLOW_ALLOW_FILE_STORE": ("true", "MLflow refuses a folder as its store, since version 3.13"),
    "MLFLOW_DISABLE_TELEMETRY": ("true", "MLflow sends usage data to its developers"),
    "MLFLOW_LOGGING_LEVEL": ("WARNING", "a line for every experiment or table that is created"),
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": ("true", "two addresses after each run on a server"),
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": ("false", "a progress bar for every file that is read"),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": ("4", "a server that is gone is tried for four minutes"),
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": ("3", "with both for 45 s, enough for a restart"),
    "GIT_PYTHON_REFRESH": ("quiet", "a warning where git is not installed"),
    "PYTHON_COLORS": ("0", "colour codes in what started programs print (Python 3.13)"),
}
MET_IN_A_PROJECT = 5  # of the rows of `settings`: the store, and the first of the variables
SETTINGS = {name: value for name, (value, _) in REASONS.items()}
# The linear algebra of NumPy, scikit-learn and PyTorch. The labs' models are so small that several threads spend their time
# waiting for one another: a grid search took nine times as long with two, on two busy cores.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
LOOPBACK = ("127.0.0.1", "localhost")
REMOVED = {  # what these would do that the shell may hold; MLflow itself notes there what a notebook tells it
    "MLFLOW_EXPERIMENT_NAME": "runs go into the experiment that your shell names",
    "MLFLOW_EXPERIMENT_ID": "the same",
    "MLFLOW_RUN_ID": "what is logged goes into the run that your shell names",
    "MLFLOW_WORKSPACE": "runs go into the room that your shell names",
}
FOREIGN = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", *REMOVED)
ROOT = "_MLFLOW_SERVER_ARTIFACT_ROOT"  # where MLflow puts artifacts beside a database


def apply_settings() -> None:
    """Set the environment variables that MLflow and the numeric libraries read; your own numbers of threads are kept."""
    os.environ.update(SETTINGS)
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    spared = os.environ.get("NO_PROXY") or os.environ.get("no_proxy", "")
    if getproxies() and spared != "*" and not set(LOOPBACK) <= set(spared.split(",")):
        spared = ",".join(filter(None, [spared, *LOOPBACK]))
        os.environ.update({"NO_PROXY": spared, "no_proxy": spared})
    if name := chosen_name():
        # The first place where getpass.getuser(), which MLflow asks, looks.
        os.environ["LOGNAME"] = name


def artifact_root(store: Store) -> str:
    """Return where artifacts go beside an SQLite file, not into ./mlruns of whichever folder a process runs in; empty elsewhere."""
    if not store.uri.startswith("sqlite:///"):
        return ""
    database = Path(store.uri.removeprefix("sqlite:///")).absolute()
    return (database.parent / "mlartifacts").as_uri()


def settings(everything: bool = False) -> None:
    """Print what `lab.start()` sets, as you would set it yourself, beside what happens without it.

    Args:
        everything: whether to list all of it, and the messages of MLflow that are not shown; otherwise what a project of
            your own meets.
    """
    store = labs_store()
    rows = _rows(store)
    # A folder as a notebook would name it, if it is the project's own.
    uri = "../mlruns" if store.folder == DEFAULT_FOLDER else without_password(store.uri)
    print(f"uri = {uri!r}")
    shown = rows if everything else rows[:MET_IN_A_PROJECT]
    width = max(len(setting) for setting, _ in shown)
    print(f"{'set by lab.start()':{width}}  without it")
    for setting, without in shown:
        print(f"{setting:{width}}  {without}")
    if not everything:
        print("All of it: lab.settings(everything=True)")
        return
    print(
        "\nCapitals: environment variables; MLflow reads most when it is imported. Your own numbers of threads stay.\n"
        "What it mends, restores or ends (a store, an experiment, a run, autologging), it says each time."
    )
    print("\nThese messages of MLflow are not shown:")
    for kept in LEFT_OUT.values():
        print(*(f"“{words}”: {reason}" for words, reason in kept.items()), sep="\n")


def _rows(store: Store) -> list[tuple[str, str]]:
    """Return all that `lab.start()` sets on a store, each with what happens without it."""
    rows = [
        ("mlflow.set_tracking_uri(uri)", "runs go to mlflow.db in the folder you are in"),
        ("MLFLOW_TRACKING_URI=uri, in full", "programs that you start from here use another store"),
    ]
    rows += [(f"{name}={value}", without) for name, (value, without) in REASONS.items()]
    rows += [
        ("mlflow.set_registry_uri(uri)", "registered models go to mlflow.db, too"),
        ("MLFLOW_REGISTRY_URI=uri, in full", "and those of programs that you start from here"),
    ]
    rows += [(f"{name}=1", "threads that wait for one another") for name in ONE_THREAD]
    proxy, name, root = getproxies(), chosen_name(), artifact_root(store)
    own = "your proxy is asked for servers of this computer"
    rows += [(f"NO_PROXY={','.join(LOOPBACK)}", own)] * bool(proxy)
    rows += [(f"LOGNAME={name}", "runs carry the name of the computer's account")] * bool(name)
    rows += [(f"{ROOT}={root}", "artifacts go to mlruns in the folder you are in")] * bool(root)
    rows += [(f"{name} removed", without) for name, without in REMOVED.items()]
    rows += [
        ("MLFLOW_WORKSPACE=room, if there are any", "your runs are in all others' room"),
        ("one sentence for a server that is gone", "a page of traceback"),
    ] * store.is_server
    shown = "they are shown; listed below"
    rows += [(f"{len(kept)} {kind} left out", shown) for kind, kept in LEFT_OUT.items()]
    waits = "it may trip over a half-made file of its own; not in a database"
    rows += [("autologging writes in turn (client.flush)", waits)] * (store.folder is not None)
    return [
        *rows,
        ("skops is imported alone", "it loads PyTorch for nothing: a second, and 180 MB"),
    ]
