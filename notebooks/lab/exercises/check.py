"""`lab.check()` and `lab.progress()`: an exercise judged by what the store holds."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from lab import store
from lab.exercises import Exercise, all_exercises, notes
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO
from lab.exercises.student import Missing, Student, Wrong
from lab.room import student_name
from lab.servers import answers
from lab.setup import go_to_store
from lab.setup.adapted import autologging_paused
from lab.store import LabError

WORDS = {DONE: "done", TO_DO: "not done yet", NOT_RIGHT: "not right yet"}


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise.

    Attributes:
        exercise: the exercise.
        mark: `DONE`, `TO_DO` or `NOT_RIGHT`.
        sentence: what was done, what is missing, or what was found and expected.
    """

    exercise: Exercise
    mark: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.mark} {self.exercise.id} {WORDS[self.mark]}: {self.sentence}"


def judge(exercise: Exercise, student: Student) -> Verdict:
    """Return the verdict on an exercise; an answer that cannot even be read is not right yet.

    Args:
        exercise: which one.
        student: whose runs are looked at.
    """
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as student.scratch:
            return Verdict(exercise, DONE, exercise.check(student))
    except Missing as missing:
        return Verdict(exercise, TO_DO, str(missing))
    except Wrong as wrong:
        return Verdict(exercise, NOT_RIGHT, str(wrong))
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        return Verdict(
            exercise,
            NOT_RIGHT,
            f"what is there could not be read ({type(error).__name__}: {reason}); compare it with the task.",
        )


def check(id: str | float, tracking_uri: str | None = None) -> None:
    """Print whether an exercise is done, by what the store holds of this student's runs.

    Args:
        id: the number of the exercise, like "2.1".
        tracking_uri: another store than the labs', in which the answer is; all its runs count as the student's.
    """
    id = str(id)
    exercises = all_exercises()
    if id not in exercises:
        print(f"There is no exercise '{id}'; there are {', '.join(exercises)}.")
        return
    exercise = exercises[id]
    with _coming_back():
        if tracking_uri:
            _check_elsewhere(exercise, tracking_uri)
            return
        student = _student_here()
        if student is None:
            return
        if exercise.on_own_server:
            print(_noted(exercise, student))
        else:
            print(_judge_and_note(exercise, student))


def _check_elsewhere(exercise: Exercise, tracking_uri: str) -> None:
    """Judge an answer that lies in another store than the labs', and note the verdict in the labs'."""
    if tracking_uri.startswith(store.SERVER_SCHEMES) and not answers(f"{tracking_uri}/health"):
        print(
            f"{TO_DO} The store cannot be asked. The tracking server {tracking_uri} does not answer: start it again."
        )
        return
    verdict = _judge_at(exercise, tracking_uri)
    student = _student_here()
    if student is not None:
        # When the lab is run again, what was right is on a server that has ended.
        if not (exercise.on_own_server and _noted(exercise, student).mark == DONE):
            _note(student, verdict)
        print(verdict)


def _judge_at(exercise: Exercise, tracking_uri: str) -> Verdict:
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)  # artifacts are asked for there, too
    if hasattr(mlflow, "set_workspace"):
        mlflow.set_workspace(None)
    with quietly():
        return judge(exercise, Student(mlflow.MlflowClient(tracking_uri, tracking_uri), None))


def _noted(exercise: Exercise, student: Student) -> Verdict:
    """Return what an earlier check has noted of an answer that can no longer be looked at."""
    from mlflow import MlflowException

    with contextlib.suppress(MlflowException, OSError, ValueError):
        note = notes.of_student(student.client, str(student.name)).get(exercise.id)
        if note and note.mark == DONE:
            return Verdict(exercise, DONE, note.sentence)
    return Verdict(
        exercise,
        TO_DO,
        f'the answer is on the server that lab {exercise.lab} starts: ask there, with lab.check("{exercise.id}", address).',
    )


@contextlib.contextmanager
def _coming_back() -> Iterator[None]:
    """Let a block lead MLflow to other stores, and lead it back to where the notebook had it, if that was anywhere."""
    import mlflow

    if not mlflow.is_tracking_uri_set():
        yield
        return
    uris = mlflow.get_tracking_uri(), mlflow.get_registry_uri()
    room = os.environ.get("MLFLOW_WORKSPACE")
    try:
        yield
    finally:
        mlflow.set_tracking_uri(uris[0])
        mlflow.set_registry_uri(uris[1])
        if hasattr(mlflow, "set_workspace"):
            mlflow.set_workspace(room)


def progress(verify: bool = False) -> None:
    """Print all exercises of this student with their marks, lab by lab, and which is next.

    Args:
        verify: whether to look anew also at those that a check has found done.
    """
    with _coming_back():
        student = _student_here()
        if student is not None:
            _show_progress(student, verify)


def _show_progress(student: Student, verify: bool) -> None:
    from mlflow import MlflowException

    exercises = all_exercises().values()
    noted: dict[str, notes.Note] = {}
    # Notes that cannot be read are no reason to say nothing: the answers themselves are judged.
    with contextlib.suppress(MlflowException, OSError, ValueError):
        noted = {} if verify else notes.of_student(student.client, str(student.name))
    marks = {exercise.id: noted[exercise.id].mark for exercise in exercises if exercise.id in noted}
    for exercise in exercises:
        if exercise.on_own_server:
            marks[exercise.id] = _noted(exercise, student).mark
        elif marks.get(exercise.id) != DONE:
            marks[exercise.id] = _judge_and_note(exercise, student, only=DONE).mark
    for lab in dict.fromkeys(exercise.lab for exercise in exercises):
        line = [f"{marks[e.id]} {e.id}" for e in exercises if e.lab == lab]
        print(f"Lab {lab}:  {'  '.join(line)}")
    undone = [exercise for exercise in exercises if marks[exercise.id] != DONE]
    print(f"{len(marks) - len(undone)} of {len(marks)} done.", end=" ")
    if undone:
        print(f"Next: {undone[0].id} · {undone[0].title}.")
    else:
        print("All of them. Well done!")


def _judge_and_note(exercise: Exercise, student: Student, only: str | None = None) -> Verdict:
    """Return the verdict on an exercise, and note it in the labs' store.

    Args:
        exercise: which one.
        student: whose it is.
        only: note no other mark than this one.
    """
    with quietly():
        verdict = judge(exercise, student)
        if only in (None, verdict.mark):
            _note(student, verdict)
    return verdict


def _note(student: Student, verdict: Verdict) -> None:
    from mlflow import MlflowException

    # A note that cannot be written must not keep the student from reading it.
    with quietly(), contextlib.suppress(MlflowException, OSError, ValueError):
        notes.write(
            student.client, str(student.name), verdict.exercise.id, verdict.mark, verdict.sentence
        )


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep a check from being seen: what MLflow logs or warns of on the page, what autologging records in the store."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), autologging_paused():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _student_here() -> Student | None:
    """Return the student at this computer, or None after saying why the store cannot be asked."""
    import mlflow

    try:
        go_to_store()
        return Student(mlflow.MlflowClient(), student_name())
    except LabError as error:
        print(f"{TO_DO} The store cannot be asked. {error}")
    except mlflow.MlflowException as error:
        reason = str(error).splitlines()[0]
        print(f"{TO_DO} The store cannot be asked ({reason}): run the first cell again.")
    return None
