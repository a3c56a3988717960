"""Lab 4: a search that autologging records, and a run filled both ways."""

import json
import re

from lab.exercises import exercise
from lab.exercises.expected import BEST_C, MISTAKES, TRAINING_ACCURACY
from lab.exercises.student import Missing, Student, StudentRun, require

EXPERIMENT = "autolog_experiment"
TRAINING_ROWS = 120


def autologged(run: StudentRun) -> None:
    """Raise `Missing` unless autologging filled a run, `Wrong` if it saw other rows than those of the training part."""
    if "estimator_name" not in run.tags:
        raise Missing(
            f"{run} was not filled by autologging; call mlflow.sklearn.autolog(…) before fit, and fit inside the run. (mlflow.autolog() alone "
            "does nothing once mlflow.sklearn.autolog(disable=True) was called.)"
        )
    for logged in run.datasets():
        rows = json.loads(logged.dataset.profile or "{}").get("num_rows")
        if rows and any(tag.value == "train" for tag in logged.tags):
            require(
                rows == TRAINING_ROWS,
                f"a training on {rows} flowers in {run}",
                f"the {TRAINING_ROWS} of the training part",
                "Fit on X_train and y_train.",
            )


@exercise("4.1", "A search with children")
def a_search_with_children(student: Student) -> str:
    parent = student.run(EXPERIMENT, "my-search")
    autologged(parent)
    require(
        parent.tag("estimator_name") == "GridSearchCV",
        f"the training of a {parent.tag('estimator_name')} in {parent}",
        "a GridSearchCV",
        "Fit one search with all three values, instead of one model after another.",
    )
    searched = parent.param("estimator")
    require(
        "LogisticRegression(" in searched,
        f"a search over {searched.partition('(')[0]}",
        "one over LogisticRegression",
    )
    children = parent.children()
    tried = sorted(value_of_C(child) for child in children)
    require(
        tried == [0.1, 1.0, 10.0],
        f"children with C = {', '.join(f'{C:g}' for C in tried) or 'nothing'}",
        "0.1, 1 and 10",
        "Name these three values of C in the grid, and leave max_tuning_runs as it is."
        if tried
        else "With serialization_format='skops' autologging cannot store a search, and logs no children: use log_models=False.",
    )
    best = value_of_C(parent, "best_")
    # With other folds, another score, or scaled, another can be the best.
    as_in_the_lab = searched.startswith("LogisticRegression(")
    as_in_the_lab &= parent.param("cv") in ("5", "None") and parent.param("scoring") == "None"
    require(
        best == BEST_C or not as_in_the_lab,
        f"C = {best:g} as the best",
        f"{BEST_C:g}",
        "Fit on X_train and y_train, with no other settings than those of the lab.",
    )
    return f"of three children, C = {best:g} is the best."


def value_of_C(run: StudentRun, before: str = "") -> float:
    """Return the C of a search's child, or with `best_` before it of the search itself; in a pipeline the step's name precedes it."""
    names = [name for name in run.params if re.fullmatch(rf"{before}(.+__)?C", name)]
    return float(run.param(names[0] if names else f"{before}C"))


@exercise("4.2", "Both ways in one run")
def both_ways_in_one_run(student: Student) -> str:
    run = student.run(EXPERIMENT, "mine-and-automatic")
    autologged(run)
    kind = run.tag("estimator_name")
    require(
        kind == "LogisticRegression",
        f"the training of a {kind} in {run}",
        "a plain LogisticRegression",
    )
    run.param("C", 0.01)
    run.metric(
        "training_accuracy_score",
        TRAINING_ACCURACY,
        "Train on the flowers of the training part alone, with no other settings than those of the lab.",
    )
    if "mistakes" not in run.metrics:
        raise Missing(
            f"{run} has no metric 'mistakes'; log it inside the with block, below which the run is closed."
        )
    run.metric("mistakes", MISTAKES, "Count the wrong predictions among the 30 held-out flowers.")
    return f"autologging's metrics, and {run.metric('mistakes'):.0f} mistakes counted by hand."
