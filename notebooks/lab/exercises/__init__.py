"""The exercises: for each a title, the run that it asks for, what that must hold, and a function for what is special.

`lab01.py` and so on hold them, one module a lab. An exercise reads like its task:

    @exercise("2.1", "A setting of your own", ("sklearn_experiment", "my-setting"), param={"C": 10}, metric={"log_loss": None})
    def a_setting_of_your_own(run: StudentRun) -> str:
        return f"C = 10 has a log loss of {run.metric('log_loss'):.3f}."
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.exercises.student import Student

    Check = Callable[[Any], str]


@dataclass(frozen=True)
class Exercise:
    """One exercise; its attributes are the arguments of `exercise`, and the function that this decorates."""

    id: str
    title: str
    check: Check
    run: tuple[str, str] | None
    on_own_server: bool
    asked: dict[str, Mapping[str, Any]]

    @property
    def lab(self) -> int:
        """The number of the lab."""
        return int(self.id.partition(".")[0])

    def ask(self, student: Student) -> str:
        """Return a sentence on what a student has done; raise if something is missing, wrong or unreadable."""
        if self.run is None:
            return self.check(student)
        run = student.run(*self.run)
        run.must_hold(**self.asked)
        return self.check(run)


_found: dict[str, Exercise] = {}


def exercise(
    id: str,
    title: str,
    run: tuple[str, str] | None = None,
    on_own_server: bool = False,
    **asked: Mapping[str, Any],
) -> Callable[[Check], Check]:
    """Make a function the check of an exercise: it asks for what is special, and returns a sentence on what was done.

    Args:
        id: the number of the lab and the place in it, like `2.1`.
        title: a few words, as in the notebook's heading.
        run: the experiment and the name of the run that is asked for, which the function gets as a `StudentRun`. None if
            there is more than one: then it gets the `Student`.
        on_own_server: whether the answer lies on a server that ends with the student's kernel; later, what `lab.check` has
            noted is all there is.
        asked: what the run must hold, looked at in this order: `tag`, `param`, `metric` and `dataset` with a value for each
            name, `text` with a function for each artifact's path, `only` with the kind of thing that a name must be. The
            methods of `StudentRun` that bear these names say more. A tuple gives them more arguments, like a hint.
    """

    def register(check: Check) -> Check:
        if id in _found and _found[id].check.__module__ != check.__module__:
            raise ValueError(f"There are two exercises {id}.")
        _found[id] = Exercise(id, title, check, run, on_own_server, asked)
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
