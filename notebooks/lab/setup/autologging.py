"""Autologging that waits for what it has sent, as a folder has one writer.

MLflow sends parameters and data from a second thread, and reads the run at the same moment to log the model. In a folder it may
find the data's file half made; then it gives up, and the run has neither metrics nor a model ("Yaml file … does not exist").
"""

from __future__ import annotations

from importlib import import_module

from lab.setup.wrap import wrap


def write_in_turn() -> None:
    """Have MLflow's autologging go on only when what it has sent is written; called once or more often."""
    client = import_module("mlflow.utils.autologging_utils.client").MlflowAutologgingQueueingClient
    wrap(client, "flush", lambda options: options | {"synchronous": True})
