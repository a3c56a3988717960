"""Wrong and half-right answers to the exercises, each with the mark it must get and words of the sentence meant for it.

An attempt is run in the notebook, below its lessons, as a student would run it.
"""

from typing import NamedTuple


class Attempt(NamedTuple):
    """One wrong answer: the exercise, the mark it gets, words of the sentence it is told, and the code."""

    exercise: str
    mark: str
    told: str
    code: str
