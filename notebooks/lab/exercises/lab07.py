"""Lab 7: find the right run of a sweep, add to the sweep, and decide from it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from lab.exercises import exercise, expected
from lab.exercises.student import (
    Missing,
    Student,
    StudentRun,
    need,
    number,
    only_one,
    reading,
    require,
)

EXPERIMENT = "search_experiment"
COMPONENTS = ("5", "10", "20", "40")


def sweep(
    student: Student, is_answered: Callable[[StudentRun, list[StudentRun]], bool]
) -> tuple[StudentRun, list[StudentRun]]:
    """Return the student's newest whole sweep that has an answer, else the newest: the lesson may have been run again since."""
    student.run(EXPERIMENT, "sweep")  # says what is missing if there is none
    whole = []
    for parent in student.named(EXPERIMENT, "sweep"):
        children = [run for run in parent.children() if "accuracy" in run.metrics]
        whole += [(parent, children)] if len(children) >= 20 else []
    need(whole, "you have no sweep of twenty runs; run section 7.1.")
    return next((each for each in whole if is_answered(*each)), whole[0])


@exercise("7.1", "The best of the small ones")
def best_of_the_small_ones(student: Student) -> str:
    tagged = [run for run in student.runs(EXPERIMENT) if run.tags.get("verdict") == "best-small"]
    parent, children = sweep(student, lambda top, runs: any(r in tagged for r in (top, *runs)))
    remove = "Take a tag off a run with mlflow.MlflowClient().delete_tag(run_id, 'verdict')."
    own = parent in tagged
    require(not own, "the tag on the parent", "it on one of its children", remove)
    noted = [run for run in children if "verdict" in run.tags]
    besides = [f", but {run} has verdict = {run.tag('verdict')}" for run in noted]
    besides += [f"; {run}, which has it, is not in that sweep" for run in tagged]
    chosen = [run for run in children if run in tagged]
    none = "no run of your newest sweep has the tag verdict = best-small"
    need(chosen, f"{none}{''.join(besides[:1])}.")
    run = only_one(chosen, "the tag", "it on one run, the best", remove)
    hint = f"Filter by tags.size = 'small'. {remove}"
    require(run.tag("size") == "small", f"{run}, which is large", "a small one", hint)
    best = max(other.metric("accuracy") for other in children if other.tags.get("size") == "small")
    found = f"{run} with an accuracy of {run.metric('accuracy'):.3f}"
    hint = f"Order by metrics.accuracy DESC and take the first. {remove}"
    require(run.metric("accuracy") == best, found, "the most accurate of the small ones", hint)
    return f"{run} has an accuracy of {run.metric('accuracy'):.3f}."


@exercise("7.2", "One more in the sweep")
def one_more_in_the_sweep(student: Student) -> str:
    def added_to(parent: StudentRun) -> list[StudentRun]:
        return [run for run in parent.children() if run.params.get("components") == "30"]

    parent, children = sweep(student, lambda parent, _: bool(added_to(parent)))
    added = added_to(parent)
    newest = student.runs(EXPERIMENT)[0]
    beside = newest.params.get("components") == "30"
    need(added or beside, "your newest sweep has no run with 30 components.")
    found = f"{newest}, that is not in the sweep"
    hint = "Open the parent by its id around the call of train: mlflow.start_run(run_id=parent.info.run_id)."
    require(bool(added), found, "it as a child of your newest sweep", hint)
    run = next((run for run in added if run.params.get("C") in ("10", "10.0")), added[0])
    run.param("C", 10)
    hint = "A filter compares parameters as text: section 7.3."
    require(run.param("C") == "10.0", f"C = {run.param('C')} in {run}", "10.0", hint)
    right, tolerance = expected.DIGITS_ACCURACY, 0.003
    with suppress(Missing):  # the task asks for no model
        right, tolerance = accuracy_of(run.model("logistic_regression").inside()), 0.001
    run.metric("accuracy", right, "Log what the model scores on the test rows.", tolerance)
    return f"the sweep has {len(children)} runs, and {run} an accuracy of {run.metric('accuracy'):.3f}."


def accuracy_of(model: Any) -> float:
    """Return a model's accuracy on the test rows; raise `Wrong` unless it is what `new_model(10.0, 30)` leads to."""
    from sklearn.metrics import log_loss

    kinds = [type(step).__name__ for _, step in getattr(model, "steps", [("", model)])]
    right, asked = (
        ["PCA", "LogisticRegression"],
        "one of PCA, LogisticRegression, as new_model makes it",
    )
    require(kinds == right, f"a model of {', '.join(kinds)}", asked)
    components, C = model[0].n_components, model[-1].C
    found = f"a model with {components} components and C = {C:g}"
    hint = "Train the model that the parameters describe."
    require((components, C) == (30, 10), found, "30 and 10", hint)
    X_test, y_test = expected.digits_test()
    with reading():
        loss, score = log_loss(y_test, model.predict_proba(X_test)), model.score(X_test, y_test)
    found = f"a model with a log loss of {loss:.3f} on the test rows"
    hint = "Train new_model(10.0, 30) on X_train and y_train, all of them."
    near = abs(loss - expected.DIGITS_LOG_LOSS) < expected.DIGITS_LOG_LOSS_TOLERANCE
    require(near, found, f"{expected.DIGITS_LOG_LOSS:.3f}", hint)
    return float(score)


@exercise("7.3", "How many components are enough?")
def enough_components(student: Student) -> str:
    parent, children = sweep(student, lambda parent, _: "enough_components" in parent.tags)
    best = dict.fromkeys(COMPONENTS, 0.0)
    for run in children:
        many = run.params.get("components")
        if many in best:
            best[many] = max(best[many], run.metric("accuracy"))
    enough = next(many for many in COMPONENTS if best[many] >= max(best.values()) - 0.02)
    others = [run for run in student.runs(EXPERIMENT) if "enough_components" in run.tags]
    besides = f", but {others[0]} has it" if others else ""
    none = f"the parent of your newest sweep has no tag 'enough_components'{besides}."
    need(parent in others, none)
    chosen = parent.tag("enough_components")
    found = f"enough_components = {chosen} on the parent"
    asked = f"the smallest of 5, 10, 20 and 40 that is within 0.02 of {max(best.values()):.3f}"
    hint = "Write down the best accuracy for each number of components, then compare."
    require(number(chosen, found) == float(enough), found, asked, hint)
    most = COMPONENTS[-1]
    return f"{enough} components reach {best[enough]:.3f}, where {most} reach {best[most]:.3f}."
