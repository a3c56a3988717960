"""`lab.check()` and `lab.progress()`: an exercise judged by what the store holds."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab import store
from lab.exercises import Exercise, all_exercises, ids_by_lab, notes
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO
from lab.exercises.student import Missing, Student, Unreadable, Wrong
from lab.room import student_name
from lab.servers import answers
from lab.setup import go_to_store
from lab.setup.adapted import autologging_paused
from lab.setup.checks import check_store
from lab.store import LabError

OURS = "🔧"  # a mistake of the course: never noted, and no grade changes
WORDS = {DONE: "done", TO_DO: "not done yet", NOT_RIGHT: "not right yet", OURS: "not judged"}


@dataclass(frozen=True)
class Verdict:
    """What became of one exercise.

    Attributes:
        exercise: the exercise.
        mark: `DONE`, `TO_DO` or `NOT_RIGHT`, or `OURS` if the check itself failed.
        sentence: what was done, what is missing, or what was found and expected.
    """

    exercise: Exercise
    mark: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.mark} {self.exercise.id} {WORDS[self.mark]}: {self.sentence}"


def judge(exercise: Exercise, student: Student) -> Verdict:
    """Return the verdict on an exercise: an answer that cannot be read is not right yet, any other error is ours.

    Args:
        exercise: which one.
        student: whose runs are looked at.
    """
    from mlflow import MlflowException

    try:
        with quietly(), tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as student.scratch:
            return Verdict(exercise, DONE, exercise.ask(student))
    except (Missing, Wrong) as found:
        return Verdict(exercise, TO_DO if isinstance(found, Missing) else NOT_RIGHT, str(found))
    except (MlflowException, OSError) as error:
        cause = error.__cause__ if isinstance(error, Unreadable) else error
        sentence = (
            f"what is there could not be read ({_shown(cause)}): compare it with the task, and run the first cell again, which "
            "sets aside what is broken."
        )
        return Verdict(exercise, NOT_RIGHT, sentence)
    except Exception as error:
        *_, last = traceback.extract_tb(error.__traceback__)
        where = f"{Path(last.filename).name}, line {last.lineno}"
        return Verdict(
            exercise,
            OURS,
            f"the course has a mistake here, and your answer may be right; nothing was noted. Please report it with the form "
            f'"An exercise\'s check is wrong", with these words: {_shown(error)}, in {where}.',
        )


def _shown(error: BaseException | None) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def check(id: str | float, tracking_uri: str | None = None) -> None:
    """Print whether an exercise is done, by what the store holds of this student's runs.

    Args:
        id: the number of the exercise, like "2.1".
        tracking_uri: another store than the labs', in which the answer is; all its runs count as the student's.
    """
    import mlflow

    exercises = all_exercises()
    exercise = exercises.get(str(id))
    if exercise is None:
        print(f"There is no exercise '{id}'; there are {', '.join(exercises)}.")
        return
    with _coming_back():
        if tracking_uri and (told := _why_not_there(tracking_uri)):
            print(f"{TO_DO} The store cannot be asked. {told}")
            return
        verdict = judge(exercise, _student_at(tracking_uri)) if tracking_uri else None
        if (student := _student_here()) is None:
            return
        # What was right before stays noted: when the lab is run again, it is on a server that has ended.
        note = _notes_of(student).get(exercise.id) if exercise.on_own_server else None
        was_done = note is not None and note.mark == DONE
        if verdict is None and note is not None and was_done:
            verdict = Verdict(exercise, DONE, note.sentence)
        elif verdict is None and exercise.on_own_server:
            ask = f'ask there, with lab.check("{exercise.id}", address).'
            told = f"the answer is on the server that lab {exercise.lab} starts: {ask}"
            verdict = Verdict(exercise, TO_DO, told)
        elif not was_done:
            verdict = verdict or judge(exercise, student)
            _note(student, verdict)
        assert verdict is not None
        print(verdict)
        if verdict.mark != DONE and "end_run" not in verdict.sentence and mlflow.active_run():
            print("A run is open, as after a log call below a block: mlflow.end_run() closes it.")


def progress(verify: bool = False) -> None:
    """Print all exercises of this student with their marks, lab by lab, and which is next.

    Args:
        verify: whether to look anew also at those that a check has found done.
    """
    with _coming_back():
        if (student := _student_here()) is None:
            return
        noted = _notes_of(student)
        marks: dict[str, str] = {}
        for exercise in all_exercises().values():
            note = noted.get(exercise.id)
            was_done = note is not None and note.mark == DONE
            if exercise.on_own_server or (was_done and not verify):
                marks[exercise.id] = DONE if was_done else TO_DO
                continue
            verdict = judge(exercise, student)
            if verdict.mark == DONE:
                _note(student, verdict)
            is_ours = verdict.mark == OURS
            marks[exercise.id] = note.mark if note and is_ours else verdict.mark
    for lab, ids in ids_by_lab().items():
        print(f"Lab {lab}:  {'  '.join(f'{marks[id]} {id}' for id in ids)}")
    undone = [id for id, mark in marks.items() if mark != DONE]
    print(f"{len(marks) - len(undone)} of {len(marks)} done.", end=" ")
    if undone:
        print(f"Next: {undone[0]} · {all_exercises()[undone[0]].title}.")
    else:
        print("All of them. Well done!")


def _notes_of(student: Student) -> dict[str, notes.Note]:
    from mlflow import MlflowException

    # Notes that cannot be read are no reason to say nothing: the answers themselves are judged.
    with contextlib.suppress(MlflowException, OSError, ValueError):
        return notes.of_student(student.client, str(student.name))
    return {}


def _note(student: Student, verdict: Verdict) -> None:
    from mlflow import MlflowException

    # A note that cannot be written must not keep the student from reading it.
    with quietly(), contextlib.suppress(MlflowException, OSError, ValueError):
        if verdict.mark != OURS:
            words = verdict.exercise.id, verdict.mark, verdict.sentence
            notes.write(student.client, str(student.name), *words)


def _why_not_there(tracking_uri: str) -> str:
    """Return why another store cannot be asked, empty if it can be: MLflow would make a file or folder that is missing."""
    if tracking_uri.startswith(store.SERVER_SCHEMES) and not answers(f"{tracking_uri}/health"):
        return f"The tracking server {tracking_uri} does not answer: start it again."
    path = tracking_uri.removeprefix("sqlite:///")
    folder = store.Store(tracking_uri).folder
    if folder is None and "://" in path:
        return ""
    file = folder or Path(path)
    if path == tracking_uri and file.is_file():
        return f"{path} is a file: if it is a database, write sqlite:///{path}."
    if file.is_dir() and (path != tracking_uri or not any(file.glob("*/meta.yaml"))):
        like = f"sqlite:///{file.as_posix()}/mlflow.db"
        return f"{file} is a folder: name the database in it, like {like}."
    if file.exists():
        return ""
    return f"There is no file {file.absolute()}: correct its name."


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


def _student_at(tracking_uri: str) -> Student:
    """Return whoever has runs in another store than the labs', as its only student."""
    import mlflow

    mlflow.set_tracking_uri(tracking_uri)  # artifacts are asked for there, too
    if hasattr(mlflow, "set_workspace"):
        mlflow.set_workspace(None)
    with quietly():
        client = mlflow.MlflowClient(tracking_uri, tracking_uri)
        if engine := getattr(client._tracking_client.store, "engine", None):
            engine.dispose()  # or an SQLite file that was deleted and made anew is read as it was
        return Student(client, None)


def _student_here() -> Student | None:
    """Return the student at this computer, or None after saying why the store cannot be asked."""
    import mlflow

    try:
        labs = store.labs_store()
        go_to_store(labs, check_store(labs))
        return Student(mlflow.MlflowClient(), student_name())
    except LabError as error:
        print(f"{TO_DO} The store cannot be asked. {error}")
    except mlflow.MlflowException as error:
        reason = str(error).splitlines()[0]
        print(f"{TO_DO} The store cannot be asked ({reason}): run the first cell again.")
    return None
