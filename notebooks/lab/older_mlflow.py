"""Older versions of MLflow, which Cloudera's sessions and other platforms bring along: the labs' calls made to work there.

The lessons are written for the MLflow of requirements.txt. `lab.start()` calls `adapt()`, which changes nothing there. A
cell on something that only MLflow 3 has begins with the comment `# Needs MLflow 3: …` and prints that sentence on MLflow 2.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import json

NEEDS = "# Needs MLflow 3"
# What MLflow takes since it has the format skops: before, it always pickles scikit-learn's models, and trusts every type.
SKOPS_ARGUMENTS = ("serialization_format", "skops_trusted_types")
DATASET = ("name", "digest", "source_type", "source")
DATASET_TAG = "dataset."


def adapt(mlflow) -> None:
    """Make an older MLflow client take the calls of the labs; calling it again changes nothing.

    Args:
        mlflow: the imported package, of any version that `lab.start()` lets pass.
    """
    is_version_2 = mlflow.__version__.startswith("2.")
    knows_skops = hasattr(mlflow.sklearn, "SERIALIZATION_FORMAT_SKOPS")
    default = inspect.signature(mlflow.sklearn.log_model).parameters["serialization_format"].default
    if knows_skops and default is None:  # as the lessons expect it
        return
    if not is_version_2:
        _adapt(mlflow.models.Model, "log", lambda options: options, _remember_model)
    if knows_skops:
        _adapt(
            mlflow.sklearn, "log_model", lambda options: {"serialization_format": "skops"} | options
        )
        pytorch = importlib.import_module("mlflow.pytorch")
        _adapt(pytorch, "log_model", lambda options: {"serialization_format": "pt2"} | options)
        return

    def known(options: dict) -> dict:
        kept = {name: value for name, value in options.items() if name not in SKOPS_ARGUMENTS}
        if is_version_2 and "name" in kept:
            kept["artifact_path"] = kept.pop("name")
        return kept

    for flavor in ("sklearn", "pytorch", "pyfunc"):
        _adapt(importlib.import_module(f"mlflow.{flavor}"), "log_model", known)
    _adapt(mlflow.sklearn, "autolog", known)
    if is_version_2:
        mlflow.pyfunc.PyFuncModel.input_example = property(_input_example)
        _keep_datasets(mlflow)
        _print_no_addresses()
        _explain_cells_that_need_mlflow_3(mlflow.__version__)


def _adapt(module, name: str, change, then=lambda: None) -> None:
    """Replace a function of a module, unless that was done before.

    Args:
        module: where the function is.
        name: what it is called.
        change: takes the keyword arguments of a call, and returns those to call the function with.
        then: what to do after each call.
    """
    function = getattr(module, name)
    if getattr(function, "_is_adapted", False):
        return

    @functools.wraps(function)
    def adapted(*arguments, **options):
        result = function(*arguments, **change(options))
        then()
        return result

    adapted._is_adapted = True
    setattr(module, name, adapted)


def _remember_model() -> None:
    """Have the open run know the model that was just logged in it, so that metrics which follow are the model's too.

    MLflow 3.1 to 3.13 look for models in the run as it was when it was opened.
    """
    import mlflow

    run = mlflow.active_run()
    if run is not None:
        run._outputs = mlflow.get_run(run.info.run_id).outputs


def _print_no_addresses() -> None:
    """Leave out two lines with addresses after every run on a server, for which MLflow 2.19 has no switch."""
    from mlflow.tracking._tracking_service.client import TrackingServiceClient

    TrackingServiceClient._log_url = lambda client, run_id: None


def _input_example(model):
    """Return the example that a loaded model was logged with, which MLflow 3's models have as an attribute."""
    from mlflow.artifacts import download_artifacts

    meta = model.metadata
    folder = download_artifacts(f"runs:/{meta.run_id}/{meta.artifact_path}")
    return meta.load_input_example(folder)


def _keep_datasets(mlflow) -> None:
    """Note datasets in tags where the store has no place for them.

    A plugin older than `log_inputs` inherits it from MLflow's base class, where it does nothing: a dataset would be gone
    without a word. A tag keeps what the lessons read again: name, digest, source and context.
    """
    from mlflow.entities import Run
    from mlflow.store.tracking.abstract_store import AbstractStore
    from mlflow.tracking._tracking_service.utils import _get_store

    if type(_get_store()).log_inputs is not AbstractStore.log_inputs:
        return

    def log_inputs(client, run_id, datasets=None):
        for logged in datasets or []:
            kept = {name: getattr(logged.dataset, name) for name in DATASET}
            kept["context"] = next((tag.value for tag in logged.tags), "")
            client.set_tag(run_id, DATASET_TAG + logged.dataset.name, json.dumps(kept))

    mlflow.MlflowClient.log_inputs = log_inputs
    Run.inputs = property(_inputs_from_tags)


def _inputs_from_tags(run):
    from mlflow.entities import Dataset, DatasetInput, InputTag, RunInputs

    found = [json.loads(v) for k, v in sorted(run.data.tags.items()) if k.startswith(DATASET_TAG)]
    return RunInputs(
        [
            DatasetInput(
                Dataset(**{name: kept[name] for name in DATASET}),
                [InputTag("mlflow.data.context", kept["context"])] if kept["context"] else [],
            )
            for kept in found
        ]
    )


def _explain_cells_that_need_mlflow_3(version: str) -> None:
    """Have IPython print the first line of a cell that needs MLflow 3, instead of running the cell."""
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:
        return

    transformers = shell.input_transformers_cleanup
    others = [known for known in transformers if not isinstance(known, _Explain)]
    transformers[:] = [*others, _Explain(version)]


class _Explain:
    """Replaces a cell that needs MLflow 3 by one that says so; IPython calls it with the lines of each cell."""

    def __init__(self, version: str):
        self.version = version

    def __call__(self, lines: list[str]) -> list[str]:
        if not lines or not lines[0].startswith(NEEDS):
            return lines
        sentence = f"{lines[0].lstrip('# ').rstrip()} This is MLflow {self.version}: read on."
        return [f"print({sentence!r})\n"]
