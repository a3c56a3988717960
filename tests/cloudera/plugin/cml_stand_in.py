"""A stand-in for Cloudera's plugin `mlflow-CML-plugin` 0.0.1, which only runs inside a Cloudera workbench.

It keeps runs in MLflow 2.19's own file store and shows them with the traits that public sources report of the plugin:

- run ids like `okr9-rhho-k5mj-0qyd`, experiment ids that are no numbers, the status `EXPERIMENT_RUN_FINISHED`, an
  `artifact_uri` that is a plain path under `/home/cdsw/.experiments/`, an additional tag `engineID`: outputs of notebooks
  run on Cloudera that their authors published.
- parameter values cut at 250 characters: reported once, by a user.
- MLflow 3 does not work (`unexpected keyword argument 'run_uuid'`): reported by users; the stand-in needs MLflow 2 as well.
- nothing is said of datasets. The plugin is older than `log_inputs`, whose default in MLflow's base class does nothing, so
  the stand-in keeps no datasets either: the worse of the two possibilities.
"""

import os
import random
import string
from pathlib import Path

from mlflow.entities import Param, Run, RunTag
from mlflow.store.model_registry.file_store import FileStore as Registry
from mlflow.store.tracking import file_store
from mlflow.store.tracking.abstract_store import AbstractStore
from mlflow.store.tracking.file_store import FileStore

LONGEST = 250  # characters of a parameter's value
LETTERS = string.ascii_lowercase + string.digits


def _new_id() -> str:
    draw = random.SystemRandom()
    return "-".join("".join(draw.choices(LETTERS, k=4)) for _ in range(4))


class _Ids:
    """Takes the place of the module `uuid` in MLflow's file store."""

    @property
    def hex(self) -> str:
        return _new_id()

    def uuid4(self):
        return self


def _root() -> str:
    return str(Path.home() / ".experiments")


def registry(store_uri=None, **_):
    """Return a model registry; the labs register no model."""
    return Registry(_root())


class ExperimentsStore(FileStore):
    """The runs of a project, as its Experiments tab has them."""

    def __init__(self, store_uri=None, artifact_uri=None):
        file_store.uuid = _Ids()
        file_store._generate_unique_integer_id = _new_id
        super().__init__(_root(), _root())

    def create_run(self, experiment_id, user_id, start_time, tags, run_name):
        tags = [*(tags or []), RunTag("engineID", os.environ.get("CDSW_ENGINE_ID", ""))]
        return _shown(super().create_run(experiment_id, user_id, start_time, tags, run_name))

    def get_run(self, run_id):
        return _shown(super().get_run(run_id))

    def _search_runs(self, *arguments):
        runs, token = super()._search_runs(*arguments)
        return [_shown(run) for run in runs], token

    def log_param(self, run_id, param):
        return super().log_param(run_id, Param(param.key, str(param.value)[:LONGEST]))

    def log_batch(self, run_id, metrics, params, tags):
        short = [Param(param.key, str(param.value)[:LONGEST]) for param in params]
        return super().log_batch(run_id, metrics, short, tags)

    log_inputs = AbstractStore.log_inputs


def _shown(run: Run) -> Run:
    if not run.info.status.startswith("EXPERIMENT_RUN_"):
        run.info._status = f"EXPERIMENT_RUN_{run.info.status}"
    return Run(run.info, run.data)
