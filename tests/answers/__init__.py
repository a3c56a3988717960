"""What students hand in: for each exercise the RIGHT answers, and the WRONG or half-right ones with what they are told.

All are run in the notebook, below its lessons, as a student would run them; the solution that the notebook shows is one more
accepted answer. What a check cannot see is said in the guide for teachers.
"""

from typing import NamedTuple


class Attempt(NamedTuple):
    """One answer that is not accepted: the exercise, the mark it gets, words of the sentence it is told, and the code."""

    exercise: str
    mark: str
    told: str
    code: str


class Accepted(NamedTuple):
    """One answer that is accepted: the exercise, what is unusual about it, and the code."""

    exercise: str
    style: str
    code: str
