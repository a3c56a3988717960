"""`lab.model_name()`: the name of a student's registered model, which nobody else's has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.room import room_of, student_name
from lab.store import LabError

if TYPE_CHECKING:
    from mlflow import MlflowClient


def model_name(what: str) -> str:
    """Return a name for a registered model: what it predicts, and the student's name.

    A registry has one list of names for all. On a server that several people share, two students' models must have two.

    Args:
        what: what the model predicts, in a word.

    Raises:
        LabError: a model of that name is somebody else's.
    """
    import mlflow

    name = name_for(what, student_name())
    me = student_name().casefold()
    owners = owners_of(mlflow.MlflowClient(), name)
    if others := {owner for owner in owners if owner.casefold() != me}:
        raise LabError(
            f"The name '{name}' is taken by a model of '{min(others)}': set LAB_STUDENT to another name, and start again."
        )
    return name


def name_for(what: str, student: str) -> str:
    """Return what `model_name` does, for any student."""
    return f"{what}-{room_of(student)}"


def owners_of(client: MlflowClient, name: str) -> set[str]:
    """Return the names of those whose runs made the versions of a registered model; maybe none."""
    from mlflow import MlflowException

    owners = set()
    for version in client.search_model_versions(f"name = '{name}'", max_results=10):
        try:
            run = client.get_run(version.run_id or "")
        except MlflowException:  # it is gone for good, or there never was one
            continue
        owners.add(run.data.tags.get("mlflow.user", ""))
    return owners - {""}
