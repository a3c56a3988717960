"""Lab 4: a search that autologging records, and a run filled both ways."""

import json
import re

from lab.exercises import exercise
from lab.exercises.expected import BEST_C, MISTAKES, TRAINING_ACCURACY
from lab.exercises.student import StudentRun, need, number, reading, require

EXPERIMENT = "autolog_experiment"
TRAINING_ROWS = 120


def autologged(run: StudentRun, kind: str, hint: str = "") -> None:
    """Raise `Missing` unless autologging filled a run, `Wrong` unless it saw a training of a kind on the training part."""
    none = f"{run} was not filled by autologging; call mlflow.sklearn.autolog(…) before fit, and fit inside the run."
    disabled = "(mlflow.autolog() alone does nothing once mlflow.sklearn.autolog(disable=True) was called.)"
    need("estimator_name" in run.tags, f"{none} {disabled}")
    expected = f"the {TRAINING_ROWS} of the training part"
    for logged in run.datasets:
        with reading():
            rows = json.loads(logged.dataset.profile or "{}").get("num_rows")
        if rows and any(tag.value == "train" for tag in logged.tags):
            found = f"a training on {rows} flowers in {run}"
            require(rows == TRAINING_ROWS, found, expected, "Fit on X_train and y_train.")
    trained = run.tag("estimator_name")
    found = f"the training of a {trained} in {run}"
    require(trained == kind, found, f"a {kind}", hint)


def value_of_C(run: StudentRun, before: str = "") -> float:
    """Return the C of a search's child, or with `best_` before it of the search itself; in a pipeline the step's name precedes it."""
    names = [name for name in run.params if re.fullmatch(rf"{before}(.+__)?C", name)]
    text = run.param(names[0] if names else f"{before}C")
    return number(text, f"{before}C = {text} in {run}")


@exercise("4.1", "A search with children", (EXPERIMENT, "my-search"))
def a_search_with_children(parent: StudentRun) -> str:
    children = parent.children()
    looped = bool(children) and "estimator_name" not in parent.tags
    found = f"{len(children)} runs under {parent} that a loop has made"
    hint = "Fit one search with all three values, instead of one model after another."
    require(not looped, found, "those of one GridSearchCV", hint)
    autologged(parent, "GridSearchCV", hint)
    searched = parent.param("estimator")
    found = f"a search over {searched.partition('(')[0]}"
    require("LogisticRegression(" in searched, found, "one over LogisticRegression")
    tried = sorted(value_of_C(child) for child in children)
    found = f"children with C = {', '.join(f'{C:g}' for C in tried) or 'nothing'}"
    hint = "Name these three values of C in the grid, and leave max_tuning_runs as it is."
    if not tried:
        hint = "With serialization_format='skops' autologging cannot store a search, and logs no children: use log_models=False."
    require(tried == [0.1, 1.0, 10.0], found, "0.1, 1 and 10", hint)
    best = value_of_C(parent, "best_")
    # With other folds, another score, or scaled, another can be the best.
    as_in_the_lab = searched.startswith("LogisticRegression(")
    as_in_the_lab &= parent.param("cv") in ("5", "None") and parent.param("scoring") == "None"
    hint = "Fit on X_train and y_train, with no other settings than those of the lab."
    right = best == BEST_C or not as_in_the_lab
    require(right, f"C = {best:g} as the best", f"{BEST_C:g}", hint)
    return f"of three children, C = {best:g} is the best."


@exercise("4.2", "Both ways in one run", (EXPERIMENT, "mine-and-automatic"))
def both_ways_in_one_run(run: StudentRun) -> str:
    autologged(run, "LogisticRegression")
    run.param("C", 0.01, 'Fit with settings | {"C": 0.01}.')
    hint = "Train on the flowers of the training part alone, with no other settings than those of the lab."
    run.metric("training_accuracy_score", TRAINING_ACCURACY, hint)
    none = f"{run} has no metric 'mistakes'; log it inside the with block, below which the run is closed."
    need("mistakes" in run.metrics, none)
    run.metric("mistakes", MISTAKES, "Count the wrong predictions among the 30 held-out flowers.")
    return f"autologging's metrics, and {run.metric('mistakes'):.0f} mistakes counted by hand."
