"""Starting over where rooms are: what a student did goes out of sight, and no name of the labs is taken any more. Nothing is deleted."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from lab.exercises import notes
from lab.store import EXPERIMENTS

if TYPE_CHECKING:
    from mlflow import MlflowClient


def start_over(client: MlflowClient, lab: int = 0) -> str:
    """Move one lab's runs, registered models and noted marks out of sight, or everything that is there.

    An experiment gets another name first: a deleted one keeps its name, and `lab.start()` would restore it with all runs.

    Args:
        client: a client on the student's own store, or in the student's room.
        lab: the number of the lab; 0 for all.

    Returns:
        what was done, in a sentence.
    """
    from mlflow.entities import ViewType

    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    runs = 0
    for experiment in client.search_experiments(view_type=ViewType.ALL):
        name = experiment.name
        of_lab = EXPERIMENTS.get(name) == lab or (lab == 8 and "capstone" in experiment.tags)
        if re.search(r" until \d{4}-", name) or not (of_lab or lab == 0):
            continue
        if experiment.lifecycle_stage != "active":  # in the UI, and would come back
            client.restore_experiment(experiment.experiment_id)
        runs += len(notes.all_runs(client, [experiment.experiment_id]))
        client.rename_experiment(experiment.experiment_id, f"{name} until {stamp}")
        client.delete_experiment(experiment.experiment_id)
    for model in client.search_registered_models() if lab in (0, 10) else ():
        if not re.match(r"until \d{4}-", model.name):
            client.rename_registered_model(model.name, f"until {stamp} {model.name}")
    notes.forget(client, lab)
    what = f"lab {lab}" if lab else "all labs"
    told = f"{runs} run{'' if runs == 1 else 's'}, and what was noted of the exercises"
    return f"{what[0].upper()}{what[1:]}, moved out of sight: {told}. Nothing is deleted."
