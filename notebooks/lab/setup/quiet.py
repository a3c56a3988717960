"""What MLflow says that no lesson talks about, kept off the page: these messages, for these reasons, and no others."""

from __future__ import annotations

import logging
import warnings
from importlib import import_module
from typing import Any

KEPT_QUIET = {  # words of a message in MLflow's log: why it is left out
    "contains a local version label": "torch 2.13.0+cpu is written to requirements.txt as 2.13.0, as a reader wants it",
    "Passing a Python object as `python_model`": "lab 5 says in its own words that a model's class is pickled",
    # Older versions of MLflow.
    "in the pickle or cloudpickle format": "the only format of scikit-learn's models there",
    "input example": "lab 5 logs a model without a signature to show what that means",
    "Failed to validate serving input example": "MLflow 2.19 asks for flask, which no lab needs",
    "is known to be compatible with": "MLflow 2.19 was tested with an older PyTorch",
    "one run will be omitted": "lab 4 says it in its own words",
}
WARNINGS_KEPT_QUIET = {  # the beginning of a Python warning: why it is left out
    "The specified dataset source can be interpreted in multiple ways": "MLflow knows its local source by two names",
    "Failed to determine whether UCVolumeDatasetSource": "Databricks' volumes, asked whether ../data/iris.csv is one",
    "Hint: Inferred schema contains integer column": "lab 5 shows and explains it; here it comes with each dataset that is recorded",
}

PRINTS_KEPT_QUIET = {  # the beginning of a line that MLflow prints about the registry: why it is left out
    "Successfully registered model": "lab 10 shows what was registered; the line is another when it is run again",
    "Registered model '": "the same, when it is run again",
    "Created version '": "lab 10 prints the version itself",
}


class _KeptQuiet(logging.Filter):
    """Drops the messages of `KEPT_QUIET` and lets every other one through."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not any(words in record.getMessage() for words in KEPT_QUIET)


def keep_quiet() -> None:
    """Leave out what the three lists name; called after MLflow was imported, once or more often."""
    logger = logging.getLogger("mlflow")
    logger.setLevel(logging.WARNING)  # MLflow before 3 does not know MLFLOW_LOGGING_LEVEL
    for handler in logger.handlers:
        if not any(isinstance(known, _KeptQuiet) for known in handler.filters):
            handler.addFilter(_KeptQuiet())
    for beginning in WARNINGS_KEPT_QUIET:
        warnings.filterwarnings("ignore", message=beginning)
    registry = import_module("mlflow.tracking._model_registry.fluent")
    print_line = registry.eprint
    if not hasattr(print_line, "_keeps_quiet"):

        def eprint(*words: Any, **options: Any) -> None:
            if not str(words[0] if words else "").startswith(tuple(PRINTS_KEPT_QUIET)):
                print_line(*words, **options)

        vars(eprint)["_keeps_quiet"] = True
        setattr(registry, "eprint", eprint)  # noqa: B010
