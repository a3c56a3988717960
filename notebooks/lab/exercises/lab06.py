"""Lab 6: artifacts whose content is right, and each thing logged as what it should be."""

import re
from collections.abc import Mapping

from lab.exercises import exercise
from lab.exercises.expected import MISCLASSIFIED, MISSED, PREDICTED, report
from lab.exercises.student import Missing, Student, require

EXPERIMENT = "artifact_experiment"


@exercise("6.1", "A conclusion in words")
def a_conclusion_in_words(student: Student) -> str:
    path = student.run(EXPERIMENT, "my-artifacts").artifact("notes/conclusion.txt")
    text = path.read_text(encoding="utf-8").strip()
    require(len(text.split()) >= 4, f"'{text}'", "a sentence of at least four words")
    require(
        not re.search(r"\b(not|never|no)\b|n't", text, re.IGNORECASE),
        f"a 'not' in '{text}'",
        "a sentence that says what is so",
        "A check cannot follow a negation.",
    )
    named, right = list(dict.fromkeys(re.findall(r"\d+", text))), [str(MISSED), str(PREDICTED)]
    if named == right[::-1]:
        hint = "These are the two; name the missed one first."
    elif named[:1] == right[:1] and len(named) == 2:
        hint = "The first is right, the second is not: look along its row."
    elif not named:
        hint = "Write the two digits as numerals, and no other numbers."
    else:
        hint = (
            "They mark the row and the column of the confusion matrix's largest number that is not on the "
            "diagonal; name no other numbers."
        )
    require(
        named == right,
        f"the numbers {', '.join(named)} in your conclusion" if named else "no numeral",
        "two digits, the one missed most often and what was predicted for it most often",
        hint,
    )
    return (
        f"of all digits, the {MISSED} is missed most often, and mostly predicted as a {PREDICTED}."
    )


@exercise("6.2", "All the mistakes")
def all_the_mistakes(student: Student) -> str:
    import pandas as pd

    table = pd.read_csv(student.run(EXPERIMENT, "all-mistakes").artifact("tables/mistakes.csv"))
    for name in ("row", "digit", "predicted"):
        if name not in table:
            there = ", ".join(map(str, table.columns))
            raise Missing(f"tables/mistakes.csv has no column '{name}', but {there}.")
    found = set(table[["row", "digit", "predicted"]].itertuples(index=False, name=None))
    right = set(MISCLASSIFIED)
    require(
        len(table) == len(right),
        f"{len(table)} rows",
        f"{len(right)}, one for each misclassified digit",
        "Take all rows in which digit and predicted differ, and no others.",
    )
    strange = min(found - right, default=None)
    require(
        strange is None,
        f"{strange} as row, digit and predicted",
        "only what the classifier got wrong",
        "Is 'row' the number of the row in the data, as index_label writes it, and digit what is drawn there?",
    )
    require(found == right, "a row that is there twice", "each misclassified digit once")
    return f"all {len(table)} misclassified digits."


@exercise("6.3", "Parameter, metric, tag or artifact?")
def parameter_metric_tag_or_artifact(student: Student) -> str:
    run = student.run(EXPERIMENT, "sorted-out")
    places: dict[str, Mapping[str, object]] = {
        "a parameter": run.params,
        "a metric": run.metrics,
        "a tag": run.tags,
    }
    belongs: dict[str, str] = {
        "max_iter": "a parameter",
        "mistakes": "a metric",
        "weakest_digit": "a tag",
        "report": "an artifact",
        "report.txt": "an artifact",
    }
    for name, kind in belongs.items():
        wrong = [place for place, values in places.items() if name in values and place != kind]
        require(
            not wrong,
            f"{name} as {' and '.join(wrong)}",
            f"it as {kind}",
            "Start a new run and log it there alone; section 6.5 has the rule.",
        )
    run.param("max_iter", 10_000)
    run.metric("mistakes", len(MISCLASSIFIED))
    run.tag("weakest_digit", str(MISSED))
    text = run.artifact("report.txt").read_text(encoding="utf-8")
    require(
        text.split() == report().split(),
        "another text in report.txt",
        "the report of section 6.2",
        "It is still there, as the variable report.",
    )
    return "a parameter, a metric, a tag and an artifact, each in its place."
