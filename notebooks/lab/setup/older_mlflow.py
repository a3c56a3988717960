"""Older versions of MLflow, which some platforms bring along: the labs' calls made to work there.

The lessons are written for the MLflow of requirements.txt. `lab.start()` calls `adapt()`, which changes nothing there.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType
from typing import Any

from lab.cloudera import mlflow2
from lab.setup.wrap import wrap

# What MLflow takes since it has the format skops: before, it always pickles scikit-learn's models, and trusts every type.
SKOPS_ARGUMENTS = ("serialization_format", "skops_trusted_types")


def adapt(mlflow: ModuleType) -> None:
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
        wrap(mlflow.models.Model, "log", lambda options: options, _remember_model)
    if knows_skops:
        wrap(
            mlflow.sklearn, "log_model", lambda options: {"serialization_format": "skops"} | options
        )
        pytorch = importlib.import_module("mlflow.pytorch")
        wrap(pytorch, "log_model", lambda options: {"serialization_format": "pt2"} | options)
        return

    def known(options: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in options.items() if name not in SKOPS_ARGUMENTS}
        if is_version_2 and "name" in kept:
            kept["artifact_path"] = kept.pop("name")
        return kept

    for flavor in ("sklearn", "pytorch", "pyfunc"):
        wrap(importlib.import_module(f"mlflow.{flavor}"), "log_model", known)
    wrap(mlflow.sklearn, "autolog", known)
    if is_version_2:
        mlflow2.complete(mlflow)


def _remember_model() -> None:
    """Have the open run know the model that was just logged in it, so that metrics which follow are the model's too.

    MLflow 3.1 to 3.13 look for models in the run as it was when it was opened.
    """
    import mlflow

    run = mlflow.active_run()
    if run is not None:
        run._outputs = mlflow.get_run(run.info.run_id).outputs
