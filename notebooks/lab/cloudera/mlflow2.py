"""MLflow 2, which Cloudera's sessions bring along: what it lacks, as far as the labs read it.

A cell on something that only MLflow 3 has begins with the comment `# Needs MLflow 3: …`, and prints that sentence here.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

NEEDS_MLFLOW_3 = "# Needs MLflow 3"
DATASET_FIELDS = ("name", "digest", "source_type", "source", "profile")
DATASET_TAG = "dataset."


def complete(messages: dict[str, str], shell: Any) -> None:
    """Add to MLflow 2 what the labs read of MLflow 3; calling it again changes nothing.

    Args:
        messages: words of what MLflow logs and the page leaves out, with the reason; one is added.
        shell: the notebook's, None elsewhere.
    """
    import mlflow
    from mlflow.tracking._tracking_service.client import TrackingServiceClient

    messages["is known to be compatible with"] = "MLflow 2.19 was tested with an older PyTorch"
    logging.getLogger("mlflow").setLevel(logging.WARNING)  # it does not know MLFLOW_LOGGING_LEVEL
    # Nor has MLflow 2.19 a switch for two lines with addresses after every run on a server.
    setattr(TrackingServiceClient, "_log_url", lambda client, run_id: None)  # noqa: B010
    mlflow.pyfunc.PyFuncModel.input_example = property(_input_example)
    _keep_datasets()
    if shell is not None and _explain not in shell.input_transformers_cleanup:
        shell.input_transformers_cleanup.append(_explain)


def _input_example(model: Any) -> Any:
    """Return the example that a loaded model was logged with, which MLflow 3's models have as an attribute."""
    from mlflow.artifacts import download_artifacts

    meta = model.metadata
    folder = download_artifacts(f"runs:/{meta.run_id}/{meta.artifact_path}")
    return meta.load_input_example(folder)


def _keep_datasets() -> None:
    """Note datasets in tags where the store has no place for them.

    A plugin older than `log_inputs` inherits it from MLflow's base class, where it does nothing: a dataset would be gone
    without a word. A tag keeps what the lessons read again: name, digest, source, number of rows and context.
    """
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.store.tracking.abstract_store import AbstractStore
    from mlflow.tracking._tracking_service.utils import _get_store

    if type(_get_store()).log_inputs is not AbstractStore.log_inputs:
        return

    def log_inputs(client: Any, run_id: str, datasets: Iterable[Any] | None = None) -> None:
        for logged in datasets or []:
            kept = {name: getattr(logged.dataset, name) for name in DATASET_FIELDS}
            kept["context"] = next((tag.value for tag in logged.tags), "")
            client.set_tag(run_id, DATASET_TAG + logged.dataset.name, json.dumps(kept))

    setattr(MlflowClient, "log_inputs", log_inputs)  # noqa: B010
    setattr(Run, "inputs", property(_inputs_from_tags))  # noqa: B010


def _inputs_from_tags(run: Any) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag, RunInputs

    found = [json.loads(v) for k, v in sorted(run.data.tags.items()) if k.startswith(DATASET_TAG)]
    return RunInputs(
        [
            DatasetInput(
                Dataset(**{name: kept.get(name) for name in DATASET_FIELDS}),
                [InputTag("mlflow.data.context", kept["context"])] if kept["context"] else [],
            )
            for kept in found
        ]
    )


def _explain(lines: list[str]) -> list[str]:
    """Print the first line of a cell that needs MLflow 3, instead of running it; IPython calls this with each cell."""
    from mlflow import __version__

    if not lines or not lines[0].startswith(NEEDS_MLFLOW_3):
        return lines
    sentence = f"{lines[0].lstrip('# ').rstrip()} This is MLflow {__version__}: read on."
    return [f"print({sentence!r})\n"]
