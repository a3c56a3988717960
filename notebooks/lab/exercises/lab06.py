"""Lab 6: artifacts whose content is right, and each thing logged as what it should be."""

import contextlib
import io
import json
from typing import Any

from lab.exercises import exercise
from lab.exercises.expected import MISCLASSIFIED, MISSED, PREDICTED, report
from lab.exercises.student import Missing, StudentRun, columns, reading, require

EXPERIMENT = "artifact_experiment"


def names_the_two_digits(text: str) -> None:
    told: Any = None
    with contextlib.suppress(ValueError):
        told = json.loads(text)
    hint = "'log_dict' stores one."
    require(isinstance(told, dict), "no dictionary in notes/conclusion.json", "one", hint)
    for key in ("missed", "predicted"):
        if key not in told:
            raise Missing(f"notes/conclusion.json has no '{key}', but {', '.join(told)}.")
    found = {key: told[key] for key in ("missed", "predicted")}
    digits = [str(digit) for digit in found.values()]
    right = [str(MISSED), str(PREDICTED)]
    hint = "They mark the row and the column of the confusion matrix's largest number that is not on the diagonal."
    if digits == right[::-1]:
        hint = "These are the two, the other way round."
    elif digits[0] == right[0]:
        hint = "The first is right, the second is not: look along its row."
    expected = "the digit missed most often, and what was predicted for it most often"
    require(digits == right, str(found), expected, hint)
    numbers = all(isinstance(digit, int) for digit in found.values())
    hint = "A number of NumPy's becomes a text there: int(…) makes a plain one of it."
    require(numbers, str(found), "numbers, not texts", hint)


@exercise(
    "6.1",
    "A conclusion that a program can read",
    (EXPERIMENT, "my-artifacts"),
    text={"notes/conclusion.json": names_the_two_digits},
)
def a_conclusion_that_a_program_can_read(run: StudentRun) -> str:
    return (
        f"of all digits, the {MISSED} is missed most often, and mostly predicted as a {PREDICTED}."
    )


def lists_the_mistakes(text: str) -> None:
    import pandas as pd

    with reading():
        everything = pd.read_csv(io.StringIO(text))
    table = columns(everything, "tables/mistakes.csv", "row", "digit", "predicted")
    expected = f"{len(MISCLASSIFIED)}, one for each misclassified digit"
    hint = "Take all rows in which digit and predicted differ, and no others."
    require(len(table) == len(MISCLASSIFIED), f"{len(table)} rows", expected, hint)
    found, right = set(table.itertuples(index=False, name=None)), set(MISCLASSIFIED)
    with reading():  # texts and numbers have no order
        strange = min(found - right, default=None)
    expected = "only what the classifier got wrong"
    hint = "Is 'row' the number of the row in the data, as index_label writes it, and digit what is drawn there?"
    require(strange is None, f"{strange} as row, digit and predicted", expected, hint)
    require(found == right, "a row that is there twice", "each misclassified digit once")


@exercise(
    "6.2",
    "All the mistakes",
    (EXPERIMENT, "all-mistakes"),
    text={"tables/mistakes.csv": lists_the_mistakes},
)
def all_the_mistakes(run: StudentRun) -> str:
    return f"all {len(MISCLASSIFIED)} misclassified digits."


def is_the_report(text: str) -> None:
    hint = "It is still there, as the variable report."
    same = text.split() == report().split()
    require(same, "another text in report.txt", "the report of section 6.2", hint)


@exercise(
    "6.3",
    "Parameter, metric, tag or artifact?",
    (EXPERIMENT, "sorted-out"),
    only={
        "max_iter": "a parameter",
        "mistakes": "a metric",
        "weakest_digit": "a tag",
        "report": "an artifact",
        "report.txt": "an artifact",
    },
    param={"max_iter": 10_000},
    metric={"mistakes": len(MISCLASSIFIED)},
    tag={"weakest_digit": MISSED},
    text={"report.txt": is_the_report},
)
def parameter_metric_tag_or_artifact(run: StudentRun) -> str:
    return "a parameter, a metric, a tag and an artifact, each in its place."
