"""What the labs set for MLflow, one reason each: `lab.start()` makes these settings, and `lab.settings()` shows them."""

from __future__ import annotations

import os
from urllib.request import getproxies

from lab import store
from lab.room import given_name
from lab.setup.quiet import KEPT_QUIET, PRINTS_KEPT_QUIET, WARNINGS_KEPT_QUIET

# Environment variables that MLflow reads when it is first imported: value, and what would happen without it.
REASONS = {
    "MLFLOW_ALLOW_FILE_STORE": ("true", "MLflow refuses a folder as its store, since version 3.13"),
    "MLFLOW_DISABLE_TELEMETRY": ("true", "MLflow sends notes on its use to its makers"),
    "DO_NOT_TRACK": ("true", "the same, for whatever else respects this name"),
    "MLFLOW_LOGGING_LEVEL": ("WARNING", "a line for every experiment or table that is created"),
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": ("true", "two addresses after each run on a server"),
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": ("false", "a progress bar for every file that is read"),
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": ("4", "a server that is gone is told after four minutes"),
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": (
        "3",
        "then after 28 s, and a server's restart may take as long",
    ),
    "GIT_PYTHON_REFRESH": ("quiet", "a warning where git is not installed"),
    "PYTHON_COLORS": ("0", "colour codes in what started programs print (Python 3.13)"),
}
SETTINGS = {name: value for name, (value, _) in REASONS.items()}
# The linear algebra of NumPy, scikit-learn and PyTorch. The labs' models are so small that several threads spend their time
# waiting for one another: a grid search took nine times as long with two, on two busy cores.
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
LOOPBACK = ("127.0.0.1", "localhost")
FOREIGN = (  # would send runs elsewhere, or add them to some other run
    "MLFLOW_TRACKING_URI",
    "MLFLOW_REGISTRY_URI",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_RUN_ID",
    "MLFLOW_WORKSPACE",
)


def apply_settings() -> None:
    """Set the environment variables that MLflow and the numeric libraries read; your own numbers of threads are kept."""
    os.environ.update(SETTINGS)
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    spared = os.environ.get("NO_PROXY") or os.environ.get("no_proxy", "")
    if getproxies() and spared != "*" and not set(LOOPBACK) <= set(spared.split(",")):
        spared = ",".join(filter(None, [spared, *LOOPBACK]))
        os.environ.update({"NO_PROXY": spared, "no_proxy": spared})


def settings(messages: bool = False) -> None:
    """Print all that `lab.start()` sets, as you would set it yourself, beside what happens without it.

    Args:
        messages: whether to list the messages of MLflow that are not shown, too.
    """
    rows = [
        ("mlflow.set_tracking_uri(uri)", "runs go to mlflow.db in the folder you are in"),
        ("mlflow.set_registry_uri(uri)", "so do registered models"),
    ]
    rows += [(f"{name}={value}", without) for name, (value, without) in REASONS.items()]
    rows += [(f"{name}=1", "threads that wait for one another") for name in ONE_THREAD]
    rows.append(
        (
            "autologging writes in turn",
            "it may trip over a half-made file of its own; not in a database",
        )
    )
    rows.append(("skops is imported alone", "it loads PyTorch for nothing: a second, and 180 MB"))
    if getproxies():
        rows.append(
            (f"NO_PROXY={','.join(LOOPBACK)}", "your proxy is asked for servers of this computer")
        )
    student = given_name()
    if student:
        rows.append((f"LOGNAME={student}", "runs carry the name of the computer's account"))
    width = max(len(setting) for setting, _ in rows)
    print(f"uri = {_address()!r}")
    print(f"{'set by lab.start()':{width}}  without it")
    for setting, without in rows:
        print(f"{setting:{width}}  {without}")
    print(
        "\nCapitals: environment variables, set before MLflow is imported; your own numbers of threads stay."
    )
    if messages:
        print("\nThese messages of MLflow are not shown:")
        for words, reason in (KEPT_QUIET | WARNINGS_KEPT_QUIET | PRINTS_KEPT_QUIET).items():
            print(f"“{words}”: {reason}")


def _address() -> str:
    """Return the address of the labs' store: the folder as a notebook would name it, if it is the project's own."""
    if store.labs_store().folder == store.DEFAULT_FOLDER:
        return "../mlruns"
    return store.without_password(store.labs_store().uri)
