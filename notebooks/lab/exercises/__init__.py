"""The exercises: for each a title, and a short function that asks the store for what the exercise asks of the student.

`lab01.py` and so on hold them, one module a lab. A check reads like the task: it asks a `Student` for runs, parameters,
metrics and so on, which end it with a sentence if they are missing or wrong, and returns a sentence on what was done.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lab.exercises.student import Student

    Check = Callable[[Student], str]


@dataclass(frozen=True)
class Exercise:
    """One exercise.

    Attributes:
        id: the number of the lab and the place in it, like `2.1`.
        title: a few words, as in the notebook's heading.
        check: asks a `Student` for all that the exercise wants and returns a sentence on what was done.
        on_own_server: whether the answer lies on a server that ends with the student's kernel; later, what `lab.check` has
            noted is all there is.
    """

    id: str
    title: str
    check: Check
    on_own_server: bool = False

    @property
    def lab(self) -> int:
        """The number of the lab."""
        return int(self.id.partition(".")[0])


_found: dict[str, Exercise] = {}


def exercise(id: str, title: str, on_own_server: bool = False) -> Callable[[Check], Check]:
    """Make a function the check of an exercise.

    Args:
        id: see `Exercise`.
        title: see `Exercise`.
        on_own_server: see `Exercise`.
    """

    def register(check: Check) -> Check:
        if id in _found and _found[id].check.__module__ != check.__module__:
            raise ValueError(f"There are two exercises {id}.")
        _found[id] = Exercise(id, title, check, on_own_server)
        return check

    return register


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise by its id, in the order of the labs."""
    for module in iter_modules(__path__):
        if module.name.startswith("lab"):
            import_module(f"{__name__}.{module.name}")
    return dict(sorted(_found.items(), key=lambda item: [int(part) for part in item[0].split(".")]))


def ids_by_lab() -> dict[int, list[str]]:
    """Return the ids of the exercises by the number of their lab, in the order of the labs."""
    labs: dict[int, list[str]] = {}
    for exercise in all_exercises().values():
        labs.setdefault(exercise.lab, []).append(exercise.id)
    return labs
