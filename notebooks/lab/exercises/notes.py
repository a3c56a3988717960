"""What `lab.check` said, noted in the student's store, so that the report of a class is one search.

A student's notes are the tags of one run, one tag an exercise, in an experiment of their own.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

EXPERIMENT = "exercise_checks"
DONE, TO_DO, NOT_RIGHT = "✅", "⬜", "❌"
_TAG = "check."
_TYPES = {"mark": str, "sentence": str, "first": float, "last": float, "tries": int}


@dataclass(frozen=True)
class Note:
    """What was said of one exercise of one student.

    Attributes:
        mark: `DONE`, `TO_DO` or `NOT_RIGHT`, as the last check found.
        sentence: what it said.
        first: when the exercise was first checked, in seconds since 1970.
        last: when it was last checked; if it is done, when it was first found so.
        tries: how many checks that took.
    """

    mark: str
    sentence: str
    first: float
    last: float
    tries: int


def write(client: MlflowClient, student: str, exercise: str, mark: str, sentence: str) -> None:
    """Note what a check said; an exercise that is done stays as it was first noted.

    Args:
        client: a client on the student's store.
        student: whose exercise it is.
        exercise: its number, like `2.1`.
        mark: see `Note`.
        sentence: see `Note`.
    """
    runs = _runs_by_student(client).get(student)
    now = time.time()
    before = _notes(runs or []).get(exercise, Note("", "", now, now, 0))
    if before.mark == mark == DONE:
        return
    note = Note(mark, sentence, before.first, now, before.tries + 1)
    run = runs[0] if runs else new_run(client, EXPERIMENT, "what lab.check said", student)
    text = json.dumps(asdict(note), ensure_ascii=False)
    client.set_tag(run.info.run_id, _TAG + exercise, text)


def of_student(client: MlflowClient, student: str) -> dict[str, Note]:
    """Return a student's notes by the numbers of their exercises; maybe none."""
    return _notes(_runs_by_student(client).get(student, []))


def of_all(client: MlflowClient) -> dict[str, dict[str, Note]]:
    """Return the notes of all students in a store, by student and exercise."""
    return {student: _notes(runs) for student, runs in sorted(_runs_by_student(client).items())}


def forget(client: MlflowClient, lab: int) -> None:
    """Take back what was noted of a lab's exercises in a store; what was noted of all goes with the notes' experiment."""
    for run in (run for runs in _runs_by_student(client).values() for run in runs):
        for tag in run.data.tags:
            if tag.startswith(f"{_TAG}{lab}."):
                client.delete_tag(run.info.run_id, tag)


def all_runs(client: MlflowClient, experiment_ids: list[str]) -> list[Run]:
    """Return all runs of some experiments, newest first; maybe none.

    Of two runs that began together, the finished one comes first: the client asks again if the server's reply was lost, and
    then an empty one stays open.
    """
    order = ["attributes.start_time DESC", "attributes.end_time DESC"]
    runs: list[Run] = []
    token = None if experiment_ids else ""
    while token != "":
        page = client.search_runs(experiment_ids, order_by=order, page_token=token)
        runs, token = runs + page, page.token or ""
    return runs


def new_run(client: MlflowClient, experiment: str, name: str, student: str) -> Run:
    """Make a finished run by the client's own calls, so that a run which the student has open is not disturbed.

    Args:
        client: a client on the student's store.
        experiment: the name of the run's experiment, which is made if it is missing.
        name: the run's name.
        student: whose it is.
    """
    from mlflow import MlflowException

    with contextlib.suppress(MlflowException):  # it is there
        text = "What lab.check() keeps, for lab.progress() and the report of a class."
        client.create_experiment(experiment, tags={"mlflow.note.content": text})
    found = client.get_experiment_by_name(experiment)
    assert found is not None
    run = client.create_run(found.experiment_id, run_name=name, tags={"mlflow.user": student})
    client.set_terminated(run.info.run_id)
    return run


def _runs_by_student(client: MlflowClient) -> dict[str, list[Run]]:
    found = client.get_experiment_by_name(EXPERIMENT)
    runs: dict[str, list[Run]] = {}
    for run in all_runs(client, [found.experiment_id] if found else []):
        runs.setdefault(run.data.tags.get("mlflow.user", "unknown"), []).append(run)
    return runs


def _notes(runs: list[Run]) -> dict[str, Note]:
    """Return the notes in some runs, the newest of each exercise: two notebooks at once may have made two runs.

    What else a tag holds is passed over: a student can write there, too.
    """
    found: dict[str, Note] = {}
    for run in runs:
        for tag, text in run.data.tags.items():
            if tag.startswith(_TAG):
                with contextlib.suppress(ValueError, TypeError, KeyError):
                    told = json.loads(text)
                    note = Note(**{name: kind(told[name]) for name, kind in _TYPES.items()})
                    known = found.setdefault(tag.removeprefix(_TAG), note)
                    if known.last < note.last:
                        found[tag.removeprefix(_TAG)] = note
    return found
