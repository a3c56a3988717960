"""What `lab.check` said, noted in the student's store, so that the report of a class is one search.

A student's notes are the tags of one run, one tag an exercise, in an experiment of their own.
"""

from __future__ import annotations

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
_RUN_NAME = "what lab.check said"


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
    runs = _runs(client, student)
    before = _notes(runs).get(exercise)
    if before and before.mark == mark == DONE:
        return
    now = time.time()
    note = Note(
        mark, sentence, before.first if before else now, now, before.tries + 1 if before else 1
    )
    run = runs[0] if runs else _new_run(client, student)
    text = json.dumps(asdict(note), ensure_ascii=False)
    client.set_tag(run.info.run_id, _TAG + exercise, text)


def of_student(client: MlflowClient, student: str) -> dict[str, Note]:
    """Return a student's notes by the numbers of their exercises; maybe none."""
    return _notes(_runs(client, student))


def of_all(client: MlflowClient) -> dict[str, dict[str, Note]]:
    """Return the notes of all students in a store, by student and exercise."""
    runs_of: dict[str, list[Run]] = {}
    for run in _runs(client):
        runs_of.setdefault(run.data.tags.get("mlflow.user", "unknown"), []).append(run)
    return {student: _notes(runs) for student, runs in sorted(runs_of.items())}


def _notes(runs: list[Run]) -> dict[str, Note]:
    """Return the notes in some runs, the newest of each exercise: two notebooks at once may have made two runs."""
    found: dict[str, Note] = {}
    for run in runs:
        for tag, text in run.data.tags.items():
            if tag.startswith(_TAG) and (note := _read(text)):
                known = found.get(tag.removeprefix(_TAG))
                if known is None or known.last < note.last:
                    found[tag.removeprefix(_TAG)] = note
    return found


def _read(text: str) -> Note | None:
    """Return the note that a tag holds, None if it holds something else: a student can write there, too."""
    try:
        told = json.loads(text)
        note = Note(
            str(told["mark"]),
            str(told["sentence"]),
            float(told["first"]),
            float(told["last"]),
            int(told["tries"]),
        )
    except (ValueError, TypeError, KeyError):
        return None
    return note if note.mark in (DONE, TO_DO, NOT_RIGHT) else None


def _runs(client: MlflowClient, student: str | None = None) -> list[Run]:
    place = client.get_experiment_by_name(EXPERIMENT)
    if place is None:
        return []
    runs: list[Run] = []
    token = None
    while True:
        page = client.search_runs([place.experiment_id], max_results=1000, page_token=token)
        runs += page
        token = page.token
        if not token:
            break
    return [run for run in runs if student in (None, run.data.tags.get("mlflow.user"))]


def _new_run(client: MlflowClient, student: str) -> Run:
    from mlflow import MlflowException

    # The client's own calls: a run that the student has open must not be disturbed.
    try:
        text = "What lab.check() said, for lab.progress() and the report of a class."
        client.create_experiment(EXPERIMENT, tags={"mlflow.note.content": text})
    except MlflowException:  # it is there
        pass
    place = client.get_experiment_by_name(EXPERIMENT)
    assert place is not None
    run = client.create_run(place.experiment_id, run_name=_RUN_NAME, tags={"mlflow.user": student})
    client.set_terminated(run.info.run_id)
    return run
