"""A class that does not exist, for the tests of the teacher's page and for its picture: students by number, at lab 3."""

from __future__ import annotations

import random
from typing import Any

from lab.classroom.report import Standing
from lab.exercises import all_exercises
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO, Note

# What students of labs 2 and 3 are told, as their checks word it.
TOLD = {
    "2.3": [
        (NOT_RIGHT, "found log_loss = {loss} in the run 'rebuilt', expected 0.74051683, as recorded. Use every parameter of "
                    "the record, the split's seed too."),
        (TO_DO, "the run 'rebuilt' has no tag 'rebuilt_from'."),
    ],
    "3.1": [
        (NOT_RIGHT, "found train_loss at the steps 0 to {step} in the run 'faster', expected the steps 1 to 150. Train for "
                    "150 epochs."),
        (NOT_RIGHT, "found learning_rate = 0.01 in the run 'faster', expected learning_rate = 0.1."),
        (TO_DO, "there is no run 'faster' of yours in the experiment 'pytorch_experiment'."),
    ],
    "3.2": [(TO_DO, "the run '{run}' has no metric 'val_rmse'.")],
}  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "loss": [0.72, 0.81, 0.9],
    "step": [99, 149],
    "run": ["mlp", "linear"],
}


def students(count: int, now: float) -> list[Standing]:
    """Return so many students, the same every time; the last one of them has not come."""
    chance = random.Random(3)
    ids = list(all_exercises())
    made = []
    for number in range(1, count):
        notes = {}
        at = ids.index(chance.choice(["2.3", "3.1", "3.1", "3.1", "3.2", "3.2", "4.1"]))
        for place, id in enumerate(ids):
            first = now - 60 * max(75 - 12 * place + chance.randint(0, 8), 3)
            if place < at and (id != "2.3" or chance.random() < 0.85):
                notes[id] = Note(DONE, "done.", first, first + 90, chance.randint(1, 3))
            elif id in TOLD and place <= at:
                mark, text = chance.choice(TOLD[id])
                text = text.format(**{name: chance.choice(some) for name, some in VALUES.items()})
                last = now - 60 * chance.randint(0, 9)
                notes[id] = Note(mark, text, first, last, chance.choice([1, 1, 1, 2, 3, 5]))
        made.append(Standing(f"student-{number:02}", f"student-{number:02}", notes))
    return [*made, Standing(f"student-{count:02}", f"student-{count:02}", {})]
