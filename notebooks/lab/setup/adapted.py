"""All that the labs change in MLflow itself, and around it in the kernel: what it says, how it waits, what older ones take."""

from __future__ import annotations

import contextlib
import functools
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from packaging.version import Version

from lab.store import LabError, Store, labs_store

# Names of MLflow's that it does not document, and when the labs can do without; tests say when that day has come. Apart from
# these: the wait for autologging (`flush`), and what older MLflows lack (`run._outputs`, and lab.cloudera.mlflow2).
UNDOCUMENTED = {
    "mlflow.utils.autologging_utils.AUTOLOGGING_INTEGRATIONS": "MLflow says for what autologging is on, and can pause it",
    "mlflow.tracking._model_registry.fluent.eprint": "a model can be registered without a line on the page",
    "_MLFLOW_SERVER_ARTIFACT_ROOT": "a client can be told where artifacts go beside a database",
    "mlflow/store/db_migrations": "MLflow says whether a database is of its version, and does not upgrade it",
}
LEFT_OUT = {  # words of what MLflow says on the page, the first of a warning or line: why they are left out
    "log messages": {
        "contains a local version label": "torch 2.13.0+cpu is written to requirements.txt as 2.13.0, as a reader wants it",
        "in the pickle or cloudpickle format": "autologging's usual format of a model; lab 4 says what a pickle may do",
    },
    "warnings": {
        "The specified dataset source can be interpreted in multiple ways": "MLflow knows its local source by two names",
        "Failed to determine whether UCVolumeDatasetSource": "Databricks' volumes, asked whether ../data/iris.csv is one",
        "Hint: Inferred schema contains integer column": "lab 5 shows and explains it; here it comes with each dataset that is recorded",
        "`y_pred` was renamed to `y_proba`": "scikit-learn 1.9's new name, which MLflow does not use yet, at every autologged fit",
    },
    "lines on the registry (eprint)": {
        "Successfully registered model": "lab 10 shows what was registered; the line is another when it is run again",
        "Registered model '": "the same, when it is run again",
        "Created version '": "lab 10 prints the version itself",
    },
}
MESSAGES, WARNINGS, LINES = LEFT_OUT.values()
NEEDS_NO_CHANGE = Version("3.17")  # the oldest MLflow that takes the lessons' calls as they are


def adapt(store: Store) -> None:
    """Have MLflow's client do what the labs expect of it; calling it again changes nothing.

    Args:
        store: where runs go. A folder has one writer, so autologging waits for what it has sent from a second thread: it might read
            a file half made, and the run would have neither metrics nor a model ("Yaml file … does not exist").
    """
    from mlflow import MlflowException, __version__

    for handler in logging.getLogger("mlflow").handlers:
        handler.addFilter(_is_shown)
    for beginning in WARNINGS:
        warnings.filterwarnings("ignore", message=beginning)
    _replace(import_module("mlflow.tracking._model_registry.fluent"), "eprint", _print_the_rest)
    if store.folder is not None:
        client = import_module("mlflow.utils.autologging_utils.client")

        def wait(flush: Callable[..., Any], client: Any, synchronous: bool = True) -> Any:
            return flush(client, synchronous=True)

        _replace(client.MlflowAutologgingQueueingClient, "flush", wait)
    if store.is_server and (shell := notebook_shell()):
        shell.set_custom_exc((MlflowException,), _show)
    if Version(__version__) < NEEDS_NO_CHANGE:
        _adapt_older(Version(__version__).major)


def notebook_shell() -> Any:
    """Return the IPython that runs this notebook, None in a script."""
    return sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None


def _replace(owner: Any, name: str, by: Callable[..., Any]) -> None:
    """Replace a function of MLflow's, unless that was done before, by one that is given it as its first argument."""
    function = getattr(owner, name)
    if hasattr(function, "_replaced_by_the_labs"):
        return

    @functools.wraps(function)
    def replacement(*given: Any, **options: Any) -> Any:
        return by(function, *given, **options)

    vars(replacement)["_replaced_by_the_labs"] = True
    setattr(owner, name, replacement)


def _is_shown(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in MESSAGES)


def _print_the_rest(eprint: Callable[..., Any], *words: Any, **options: Any) -> None:
    if not str(words[0] if words else "").startswith(tuple(LINES)):
        eprint(*words, **options)


def stop_autologging() -> list[str]:
    """Switch autologging off where an earlier cell switched it on, and return a notice for each library."""
    for name in (on := _autologging()):
        import_module("mlflow" if name == "mlflow" else f"mlflow.{name}").autolog(disable=True)
    return [f"autologging of {name} was on; it is off now." for name in on]


@contextlib.contextmanager
def autologging_paused() -> Iterator[None]:
    """Let autologging record nothing in a block."""
    paused = _autologging().values()
    try:
        for options in paused:
            options["disable"] = True
        yield
    finally:
        for options in paused:
            options["disable"] = False


def _autologging() -> dict[str, dict[str, Any]]:
    """Return the options of autologging for each library for which it is on."""
    from mlflow.utils.autologging_utils import AUTOLOGGING_INTEGRATIONS

    return {k: v for k, v in AUTOLOGGING_INTEGRATIONS.items() if v.get("disable") is False}


def _show(shell: Any, kind: Any, error: Any, trace: Any, tb_offset: int | None = None) -> None:
    """Show one sentence for a call that a server did not answer, in place of MLflow's page; all other errors as ever."""
    if told := sentence_for(error):
        kind, error = LabError, LabError(told)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


def sentence_for(error: BaseException) -> str:
    """Return what to tell of an error of MLflow's: empty unless a server gave no answer, or one that it cannot help.

    Args:
        error: what a call of MLflow's raised.
    """
    from requests import exceptions as failed

    what = "does not answer any more"
    reason = error.__cause__ or error.__context__
    # MLflow asks a server first whether it has rooms, and wraps twice that there was no answer.
    while reason and not isinstance(reason, failed.RequestException):
        reason = reason.__cause__ or reason.__context__
    if isinstance(reason, failed.RetryError):
        what = "fails at what it was asked (is its disk full?)"
    elif not isinstance(
        reason, failed.ConnectionError | failed.Timeout | failed.ChunkedEncodingError
    ):
        return ""
    return (
        f"The tracking server {labs_store().shown} {what}: tell your teacher, and run this cell again when it is "
        "mended. What was logged before is kept."
    )


class _SkopsAlone:
    """Hides what `skops.io` would load for nothing while it is imported.

    `skops.io` asks scikit-learn for all of its estimators. That search imports every module of scikit-learn, and with them, where they
    are installed, PyTorch and Dask's arrays: a second or more, and some 180 MB in each kernel that logs a model of scikit-learn's.
    """

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> None:
        importing = getattr(sys.modules.get("skops.io"), "__spec__", None)
        if name.partition(".")[0] in ("torch", "dask") and getattr(
            importing, "_initializing", False
        ):
            raise ModuleNotFoundError(f"{name} is not needed by skops", name=name)


def import_skops_alone() -> None:
    """Prepare for its import; nothing is imported now, and where skops is missing nothing ever happens."""
    if _SkopsAlone not in sys.meta_path:
        sys.meta_path.insert(0, _SkopsAlone)


def _adapt_older(major: int) -> None:
    """Have an older MLflow, which some platforms bring along, take the calls of the lessons."""
    import mlflow

    MESSAGES["input example"] = "lab 5 logs a model without a signature to show what that means"
    # Before it has the format skops, MLflow always pickles scikit-learn's models, and trusts every type.
    knows_skops = hasattr(mlflow.sklearn, "SERIALIZATION_FORMAT_SKOPS")
    unknown = () if knows_skops else ("serialization_format", "skops_trusted_types")

    def call(usual: Any, function: Callable[..., Any], *given: Any, **options: Any) -> Any:
        options = {k: v for k, v in (usual | options).items() if k not in unknown}
        if major == 2 and "name" in options:
            options["artifact_path"] = options.pop("name")
        return function(*given, **options)

    def log(log: Callable[..., Any], *given: Any, **options: Any) -> Any:
        logged = log(*given, **options)
        # MLflow 3.1 to 3.13 look for the models of metrics in the run as it was when it was opened.
        if run := mlflow.active_run():
            run._outputs = mlflow.get_run(run.info.run_id).outputs
        return logged

    for name, format in (("sklearn", "skops"), ("pytorch", "pt2"), ("pyfunc", None)):
        usual = {"serialization_format": format} if format else {}
        flavor = import_module(f"mlflow.{name}")
        _replace(flavor, "log_model", functools.partial(call, usual))
    _replace(mlflow.sklearn, "autolog", functools.partial(call, {}))
    if major == 2:
        import_module("lab.cloudera.mlflow2").complete(MESSAGES, notebook_shell())
    else:
        _replace(mlflow.models.Model, "log", log)
