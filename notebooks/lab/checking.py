"""`lab.check()` and `lab.progress()`: one judgement of an exercise, for the student's page and the class's report."""

from __future__ import annotations

import contextlib
import logging
import warnings
from dataclasses import dataclass

from lab import store
from lab.answers import Answers, Missing, Wrong, student
from lab.exercises import Exercise, all_exercises

DONE, TO_DO, NOT_RIGHT = "✅", "⬜", "❌"
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


def judge(exercise: Exercise, answers: Answers) -> Verdict:
    """Return the verdict on an exercise; an answer that cannot even be read is not right yet.

    Args:
        exercise: which one.
        answers: the student's runs.
    """
    try:
        return Verdict(exercise, DONE, exercise.check(answers))
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


def check(id: str | float) -> None:
    """Print whether an exercise is done, by what the store holds of this student's runs.

    Args:
        id: the number of the exercise, like "2.1".
    """
    id = str(id)
    exercises = all_exercises()
    if id not in exercises:
        print(f"There is no exercise '{id}'; there are {', '.join(exercises)}.")
        return
    answers = _answers_here()
    if answers is not None:
        with _quietly():
            verdict = judge(exercises[id], answers)
        print(verdict)


def progress() -> None:
    """Print all exercises of this student with their marks, lab by lab, and which is next."""
    answers = _answers_here()
    if answers is None:
        return
    with _quietly():
        verdicts = [judge(exercise, answers) for exercise in all_exercises().values()]
    for lab in sorted({verdict.exercise.id[0] for verdict in verdicts}):
        line = [f"{v.mark} {v.exercise.id}" for v in verdicts if v.exercise.id.startswith(lab)]
        print(f"Lab {lab}:  {'  '.join(line)}")
    undone = [verdict for verdict in verdicts if verdict.mark != DONE]
    print(f"{len(verdicts) - len(undone)} of {len(verdicts)} done.", end=" ")
    if undone:
        print(f"Next: {undone[0].exercise.id} · {undone[0].exercise.title}.")
    else:
        print("All of them. Well done!")


@contextlib.contextmanager
def _quietly():
    """Keep a check from being seen: what MLflow logs or warns of on the page, what autologging records in the store."""
    from mlflow.utils.autologging_utils import disable_autologging

    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), disable_autologging():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def _answers_here() -> Answers | None:
    """Return this student's answers, or None after saying why the store cannot be asked."""
    import mlflow

    from lab.preflight import check_store, use_store

    try:
        for notice in check_store():
            print(f"Note: {notice}")
        use_store(mlflow)
        return Answers(mlflow.MlflowClient(), student())
    except store.LabError as error:
        print(f"{TO_DO} The store cannot be asked. {error}")
    except mlflow.MlflowException as error:
        print(
            f"{TO_DO} The store cannot be asked ({str(error).splitlines()[0]}): run the first cell again."
        )
    return None
