"""Lab 7: find the right run of a sweep, add to the sweep, and decide from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.exercises import exercise
from lab.exercises.expected import DIGITS_LOG_LOSS, DIGITS_LOG_LOSS_TOLERANCE, digits_test
from lab.exercises.student import Missing, Student, StudentRun, require

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

EXPERIMENT = "search_experiment"
COMPONENTS = (5, 10, 20, 40)


def accuracy(run: StudentRun) -> float:
    return run.metric("accuracy")


def sweep(student: Student) -> tuple[StudentRun, list[StudentRun]]:
    """Return the student's newest whole sweep: its parent and its children."""
    student.run(EXPERIMENT, "sweep")  # says what is missing if there is none
    for parent in student.named(EXPERIMENT, "sweep"):
        children = [run for run in parent.children() if "accuracy" in run.metrics]
        if len(children) >= 20:
            return parent, children
    raise Missing("you have no sweep of twenty runs; run section 7.1.")


@exercise("7.1", "The best of the small ones")
def best_of_the_small_ones(student: Student) -> str:
    parent, children = sweep(student)
    tagged = [run for run in children if run.tags.get("verdict") == "best-small"]
    remove = "Take a tag off a run with mlflow.MlflowClient().delete_tag(run_id, 'verdict')."
    require(
        parent.tags.get("verdict") != "best-small",
        "the tag on the parent",
        "it on one of its children",
        remove,
    )
    if not tagged:
        others = student.runs(EXPERIMENT, ("verdict", "best-small"))
        noted = [run for run in children if "verdict" in run.tags]
        besides = f"; {others[0]}, which has it, is not in that sweep" if others else ""
        if noted:
            besides = f", but {noted[0]} has verdict = {noted[0].tag('verdict')}"
        raise Missing(f"no run of your newest sweep has the tag verdict = best-small{besides}.")
    names = " and ".join(f"'{run.name}'" for run in tagged)
    require(len(tagged) == 1, f"the tag on {names}", "it on one run, the best", remove)
    (run,) = tagged
    require(
        run.tag("size") == "small",
        f"{run}, which is large",
        "a small one",
        f"Filter by tags.size = 'small'. {remove}",
    )
    small = [other for other in children if other.tags.get("size") == "small"]
    best = max(small, key=accuracy)
    require(
        accuracy(run) == accuracy(best),
        f"{run} with an accuracy of {accuracy(run):.3f}",
        "the most accurate of the small ones",
        f"Order by metrics.accuracy DESC and take the first. {remove}",
    )
    return f"{run} has an accuracy of {accuracy(run):.3f}."


@exercise("7.2", "One more in the sweep")
def one_more_in_the_sweep(student: Student) -> str:
    parent, children = sweep(student)
    added = [run for run in parent.children() if run.params.get("components") == "30"]
    if not added:
        names = ("C=10.0, components=30", "C=10, components=30")
        if not any(student.named(EXPERIMENT, name) for name in names):
            raise Missing("your newest sweep has no run with 30 components.")
        require(
            False,
            "a run with 30 components that is not in the sweep",
            "it as a child of your newest sweep",
            "Open the parent by its id around the call of train: mlflow.start_run(run_id=parent.info.run_id).",
        )
    (run, *_) = [run for run in added if run.params.get("C") in ("10", "10.0")] or added
    run.param("C", 10)
    accuracy(run)
    right = accuracy_of(run.model("logistic_regression").get_raw_model())
    run.metric("accuracy", right, "Log what the model scores on the test rows.")
    return f"the sweep has {len(children)} runs, and {run} an accuracy of {accuracy(run):.3f}."


def accuracy_of(model: Pipeline) -> float:
    """Return a model's accuracy on the test rows; raise `Wrong` unless it is what `new_model(10.0, 30)` leads to."""
    from sklearn.metrics import log_loss

    kinds = [type(step).__name__ for _, step in getattr(model, "steps", [("", model)])]
    require(
        kinds == ["PCA", "LogisticRegression"],
        f"a model of {', '.join(kinds)}",
        "one of PCA, LogisticRegression, as new_model makes it",
    )
    require(
        (model[0].n_components, model[-1].C) == (30, 10),
        f"a model with {model[0].n_components} components and C = {model[-1].C:g}",
        "30 and 10",
        "Train the model that the parameters describe.",
    )
    X_test, y_test = digits_test()
    loss = log_loss(y_test, model.predict_proba(X_test))
    require(
        abs(loss - DIGITS_LOG_LOSS) < DIGITS_LOG_LOSS_TOLERANCE,
        f"a model with a log loss of {loss:.3f} on the test rows",
        f"{DIGITS_LOG_LOSS:.3f}",
        "Train new_model(10.0, 30) on X_train and y_train, all of them.",
    )
    return float(model.score(X_test, y_test))


@exercise("7.3", "How many components are enough?")
def enough_components(student: Student) -> str:
    parent, children = sweep(student)
    best = {
        number: max(
            accuracy(run) for run in children if run.params.get("components") == str(number)
        )
        for number in COMPONENTS
    }
    enough = min(number for number in COMPONENTS if best[number] >= max(best.values()) - 0.02)
    chosen = parent.tags.get("enough_components")
    if chosen is None:
        raise Missing("the parent of your newest sweep has no tag 'enough_components'.")
    try:
        number = float(chosen)
    except ValueError:
        require(False, f"enough_components = {chosen} on the parent", "a number and nothing else")
    require(
        number == enough,
        f"enough_components = {chosen} on the parent",
        f"the smallest number within 0.02 of {max(best.values()):.3f}",
        "Write down the best accuracy for each number of components, then compare.",
    )
    return f"{enough} components reach {best[enough]:.3f}, where {max(COMPONENTS)} reach {best[max(COMPONENTS)]:.3f}."
