"""Lab 6: artifacts whose content is right, and each thing logged as what it should be."""

import io
import re

from lab.exercises import exercise
from lab.exercises.expected import MISCLASSIFIED, MISSED, PREDICTED, report
from lab.exercises.student import StudentRun, columns, reading, require

EXPERIMENT = "artifact_experiment"


def names_the_two_digits(text: str) -> None:
    text = text.strip()
    require(len(text.split()) >= 4, f"'{text}'", "a sentence of at least four words")
    turned = re.search(r"\b(not|never|no|least|seldom|rarely)\b|n't", text, re.IGNORECASE)
    hint = "A check cannot follow a negation."
    found = f"a '{turned[0]}' in '{text}'" if turned else ""
    require(not turned, found, "a sentence that says what is so", hint)
    digits = re.findall(r"\d+", re.sub(r"\d+\.\d+", "", text))  # 6.1 is a section
    named, right = list(dict.fromkeys(digits)), [str(MISSED), str(PREDICTED)]
    hint = "They mark the row and the column of the confusion matrix's largest number that is not on the diagonal; name no other numbers."
    if named == right[::-1]:
        hint = "These are the two; name the missed one first."
    elif named[:1] == right[:1] and len(named) == 2:
        hint = "The first is right, the second is not: look along its row."
    elif not named:
        hint = "Write the two digits as numerals, and no other numbers."
    found = f"the numbers {', '.join(named)} in your conclusion" if named else "no numeral"
    expected = "two digits, the one missed most often and what was predicted for it most often"
    require(named == right, found, expected, hint)


@exercise(
    "6.1",
    "A conclusion in words",
    (EXPERIMENT, "my-artifacts"),
    text={"notes/conclusion.txt": names_the_two_digits},
)
def a_conclusion_in_words(run: StudentRun) -> str:
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
