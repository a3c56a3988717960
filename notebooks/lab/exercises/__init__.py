"""The exercises: for each a title, and a short function that asks the store for what the exercise asks of the student.

`lab01.py` to `lab07.py` hold them, one module a lab. A check reads like the task: it asks an `Answers` for runs,
parameters, metrics and so on, which end it with a sentence if they are missing or wrong, and returns what is done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        id: the number of the lab and the place in it, like `2.1`.
        title: a few words, as in the notebook's heading.
        check: asks an `Answers` for all that the exercise wants and returns a sentence on what was done.
    """

    id: str
    title: str
    check: Callable


_found: dict[str, Exercise] = {}


def exercise(id: str, title: str) -> Callable:
    """Make a function the check of an exercise.

    Args:
        id: see `Exercise`.
        title: see `Exercise`.
    """

    def register(check: Callable) -> Callable:
        if id in _found and _found[id].check.__module__ != check.__module__:
            raise ValueError(f"There are two exercises {id}.")
        _found[id] = Exercise(id, title, check)
        return check

    return register


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its id, in the order of the labs."""
    for lab in range(1, 8):
        import_module(f"lab.exercises.lab{lab:02}")
    return dict(sorted(_found.items()))
