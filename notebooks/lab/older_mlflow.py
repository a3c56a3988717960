"""Older versions of MLflow, which Cloudera's sessions and other platforms bring along: the labs' calls made to work there.

The lessons are written for the MLflow of requirements.txt. `lab.start()` calls `adapt()`, which changes nothing there. A
cell on something that only MLflow 3 has begins with the comment `# Needs MLflow 3: …` and prints that sentence on MLflow 2.
"""

from __future__ import annotations

import functools
import importlib
import json
import logging
import warnings

NEEDS = "# Needs MLflow 3"
# What MLflow takes since it has the format skops: before, it always pickles scikit-learn's models, and trusts every type.
SKOPS_ARGUMENTS = ("serialization_format", "skops_trusted_types")
DATASET = ("name", "digest", "source_type", "source")
DATASET_TAG = "dataset."
CHATTER = (
    "is known to be compatible with",  # PyTorch is newer than 2.19 was tested with
    "one run will be omitted",  # lab 4 says so in its own words
    "Failed to validate serving input example",  # 2.19 asks for flask, which no lab needs
    "input example",
)


def adapt(mlflow) -> None:
    """Make an older MLflow client take the calls of the labs; calling it again changes nothing.

    Args:
        mlflow: the imported package, of any version that `lab.start()` lets pass.
    """
    is_version_2 = mlflow.__version__.startswith("2.")
    if is_version_2 or not hasattr(mlflow.sklearn, "SERIALIZATION_FORMAT_SKOPS"):
        functions = [(flavor, "log_model") for flavor in ("sklearn", "pytorch", "pyfunc")]
        for flavor, name in [*functions, ("sklearn", "autolog")]:
            module = importlib.import_module(f"mlflow.{flavor}")
            setattr(module, name, _adapted(getattr(module, name), is_version_2))
    if not is_version_2:
        return
    mlflow.pyfunc.PyFuncModel.input_example = property(_input_example)
    _keep_datasets(mlflow)
    _keep_quiet()
    _explain_cells_that_need_mlflow_3(mlflow.__version__)


def _adapted(function, is_version_2: bool):
    """Return a function that takes the arguments of the labs: without those of skops, and MLflow 2's `artifact_path` as `name`."""
    if getattr(function, "_is_adapted", False):
        return function

    @functools.wraps(function)
    def adapted(*arguments, **options):
        options = {name: value for name, value in options.items() if name not in SKOPS_ARGUMENTS}
        if is_version_2 and "name" in options:
            options["artifact_path"] = options.pop("name")
        return function(*arguments, **options)

    adapted._is_adapted = True
    return adapted


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


class _NoChatter(logging.Filter):
    """Drops the messages of `CHATTER` and lets every other one through."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(words in record.getMessage() for words in CHATTER)


def _keep_quiet() -> None:
    # 2.19 does not know MLFLOW_LOGGING_LEVEL.
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    for handler in logging.getLogger("mlflow").handlers:
        if not any(isinstance(known, _NoChatter) for known in handler.filters):
            handler.addFilter(_NoChatter())
    # 2.19 prints two lines with addresses after every run on a server, and has no switch for them.
    from mlflow.tracking._tracking_service.client import TrackingServiceClient

    TrackingServiceClient._log_url = lambda client, run_id: None
    # Databricks' volumes, asked whether ../data/iris.csv is one of them.
    warnings.filterwarnings("ignore", message="Failed to determine whether UCVolumeDatasetSource")


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
