"""What students hand in: for each exercise answers that are accepted, and wrong or half-right ones with what they are told.

A file has a cell for each, as VS Code and Spyder divide a script (`# %%`): the exercise, the mark that the answer gets, and words
that it is told (✅: what is unusual about it). It is run in the notebook, below its lessons, as a student would do; what stands
above the first cell is run once. A cell of comments, `# this → that`, is the notebook's solution with that in place of this.

`slips.py` makes more wrong answers. What a check cannot see is said in the guide for teachers.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from kernel import solution_of


class Answer(NamedTuple):
    """One answer: the exercise, the mark it gets, words of the sentence it is told (✅: a remark), and the code."""

    exercise: str
    mark: str
    told: str
    code: str


def answers_of(notebook: Path) -> tuple[str, list[Answer]]:
    """Return what the answers to a lab's exercises share, and the answers."""
    text = (Path(__file__).parent / f"lab{notebook.name[:2]}.py").read_text(encoding="utf-8")
    shared, *cells = re.split(r"^# %% ", text, flags=re.MULTILINE)
    answers = []
    for head, _, code in (cell.partition("\n") for cell in cells):
        exercise, mark, told = head.split(" ", 2)
        if code.startswith("# "):
            code = changed(solution_of(notebook, exercise), code)
        answers.append(Answer(exercise, mark, told, code))
    return shared, answers


def changed(code: str, changes: str) -> str:
    """Return code after changes like `# this → that`, one a line."""
    for change in changes.strip().splitlines():
        this, _, that = change.removeprefix("# ").partition(" →")
        assert this in code, f"There is no {this} in this solution:\n{code}"
        code = code.replace(this, that.removeprefix(" "))
    return code
