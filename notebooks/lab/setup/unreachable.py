"""A tracking server that goes away in the middle of a notebook: one sentence in place of MLflow's page of traceback."""

from __future__ import annotations

from types import ModuleType, TracebackType
from typing import Any

from lab import store
from lab.store import LabError


def tell_in_a_sentence(mlflow: ModuleType) -> None:
    """Have the notebook show one sentence for a call that a server did not answer; all other errors look as ever.

    Args:
        mlflow: the imported package.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((mlflow.MlflowException,), _show)


def _show(
    shell: Any,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> None:
    told = sentence(error)
    if told:
        kind, error = LabError, LabError(told)
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset, running_compiled_code=True)


def sentence(error: BaseException) -> str:
    """Return what to tell of an error of MLflow's: empty unless a server gave no answer, or one that it cannot help.

    Args:
        error: what a call of MLflow's raised.
    """
    import requests

    no_whole_answer = (
        requests.ConnectionError,
        requests.Timeout,
        requests.exceptions.ChunkedEncodingError,
    )
    reason = error.__cause__ or error.__context__
    if isinstance(reason, requests.exceptions.RetryError):
        what = "fails at what it was asked (is its disk full?)"
    elif isinstance(reason, no_whole_answer):
        what = "does not answer any more"
    else:
        return ""
    return (
        f"The tracking server {store.labs_store().shown} {what}: tell your teacher, and run this cell again when it is "
        "mended. What was logged before is kept."
    )
