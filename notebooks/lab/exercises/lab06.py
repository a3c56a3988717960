"""Lab 6: artifacts whose content is right, and each thing logged as what it should be."""

import re

from lab.answers import Answers, Missing, require
from lab.exercises import exercise
from lab.exercises.truth import misread

EXPERIMENT = "artifact_experiment"


@exercise("6.1", "A conclusion in words")
def a_conclusion_in_words(answers: Answers) -> str:
    path = answers.run(EXPERIMENT, "my-artifacts").artifact("notes/conclusion.txt")
    text = path.read_text(encoding="utf-8").strip()
    require(len(text.split()) >= 4, f"'{text}'", "a sentence of at least four words")
    counts = misread().value_counts()
    missed, taken_for = map(str, misread().value_counts().idxmax())
    named = re.findall(r"\d", text)
    require(
        named == [missed, taken_for],
        f"the digits {', '.join(named) or 'none'} in your conclusion",
        "two, the one missed most often and what it was taken for",
        "Look for the largest number of the confusion matrix that is not on the diagonal.",
    )
    return f"the {missed} was taken for a {taken_for} {counts.max()} times."


@exercise("6.2", "All the mistakes")
def all_the_mistakes(answers: Answers) -> str:
    import pandas as pd

    table = pd.read_csv(answers.run(EXPERIMENT, "all-mistakes").artifact("tables/mistakes.csv"))
    for name in ("row", "digit", "predicted"):
        if name not in table:
            raise Missing(f"tables/mistakes.csv has no column '{name}'.")
    right = misread()
    require(
        len(table) == len(right),
        f"{len(table)} rows",
        f"{len(right)}, one for each misread digit",
        "Take all rows in which digit and predicted differ, and no others.",
    )
    found = table.set_index("row")[["digit", "predicted"]].sort_index()
    require(
        found.equals(right.rename_axis("row").sort_index()),
        "rows that differ from the classifier's mistakes",
        "row, digit and predicted of each misread digit",
        "Is 'row' the number of the row in the data, as index_label writes it?",
    )
    return f"all {len(table)} misread digits."


@exercise("6.3", "Parameter, metric, tag or artifact?")
def parameter_metric_tag_or_artifact(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "sorted-out")
    data = run.run.data
    places = {"parameter": data.params, "metric": data.metrics, "tag": data.tags}
    belongs = {"max_iter": "parameter", "mistakes": "metric", "weakest_digit": "tag"}
    for name, kind in belongs.items():
        wrong = [place for place, values in places.items() if name in values and place != kind]
        require(
            not wrong,
            f"{name} as a {' and a '.join(wrong)}",
            f"it as a {kind}",
            "Start a new run and log it there alone; section 6.5 has the rule.",
        )
        require("report" not in places[kind], f"the report as a {kind}", "it as an artifact")
    run.param("max_iter", 1000)
    run.metric("mistakes", len(misread()))
    run.tag("weakest_digit", str(misread()["digit"].value_counts().idxmax()))
    report = run.artifact("report.txt").read_text(encoding="utf-8")
    require(
        "precision" in report and "recall" in report,
        "a report.txt without precision and recall",
        "the text of section 6.2",
    )
    return "a parameter, a metric, a tag and an artifact, each in its place."
