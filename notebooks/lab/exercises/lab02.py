"""Lab 2: a setting of your own, a documented run, and a run repeated from its record."""

import re
from datetime import datetime

from lab.exercises import exercise
from lab.exercises.expected import IRIS_LOG_LOSS, LOG_LOSS_TOLERANCE, iris_test
from lab.exercises.student import StudentRun, reading, refuse, require, same

EXPERIMENT = "sklearn_experiment"
DAY = 86_400  # seconds


def fits_its_model(run: StudentRun, right_loss: float, *metrics: str) -> None:
    """Raise `Wrong` unless a run's settings and metrics are those of the logistic regression logged in it.

    Args:
        run: the run.
        right_loss: the log loss that the model must have on the held-out flowers.
        metrics: the names of those that the run must have.
    """
    from sklearn.metrics import log_loss

    X_test, y_test = iris_test()
    logged = run.model("logistic_regression")
    model = logged.inside("LogisticRegression", f" of {run}", "Train it as section 2.4 does.")
    run.param("C")
    for name in sorted({"C", "solver", "tol", "max_iter"} & run.params.keys()):
        own, told = getattr(model, name), run.params[name]
        found = f"a model with {name} = {own} in a run with the parameter {name} = {told}"
        hint = f"Log the model that you trained, and its own value: model.{name}."
        require(same(told, own), found, "the same in both", hint)
    with reading():
        strange = ", ".join(sorted(set(map(str, model.classes_)) - set(y_test)))
        names = "one that predicts names of species"
        require(
            not strange, f"a model that predicts {strange}", names, "Train it on y_train as it is."
        )
        hint = "Give LogisticRegression the other settings of section 2.2, too."
        require(model.tol <= 1e-8, f"a model with tol = {model.tol:g}", "1e-8", hint)
        loss = log_loss(y_test, model.predict_proba(X_test))
        right = {"accuracy": model.score(X_test, y_test), "log_loss": loss}
    found = f"a model with a log loss of {loss:.3f} on the held-out flowers"
    hint = "Train on X_train and y_train alone, to the end, with no other settings than those of the lab."
    require(abs(loss - right_loss) < LOG_LOSS_TOLERANCE, found, f"{right_loss:.3f}", hint)
    for name in metrics:
        run.metric(name, right[name], "Compute it from the model, on the held-out flowers.")


@exercise(
    "2.1",
    "A setting of your own",
    (EXPERIMENT, "my-setting"),
    param={"C": 10},
    metric={"accuracy": None, "log_loss": None},
)
def a_setting_of_your_own(run: StudentRun) -> str:
    fits_its_model(run, IRIS_LOG_LOSS[10.0], "accuracy", "log_loss")
    return f"C = 10 has a log loss of {run.metric('log_loss'):.3f}, and its model is logged."


def says_something(run: StudentRun) -> None:
    purpose = run.tags["purpose"]
    enough = len(purpose.split()) >= 3 and len(purpose) >= 10
    hint = "Write what somebody else would want to know."
    require(enough, f"the purpose '{purpose}'", "at least three words that say something", hint)


def is_about_now(run: StudentRun) -> None:
    """Raise `Wrong` unless a tag is a date and time in ISO format, in whatever time zone, within a day of the run's begin."""
    text, use = run.tags["run_timestamp"], "Use datetime.now().isoformat(timespec='seconds')."
    found = f"run_timestamp = {text}"
    try:
        moment = datetime.fromisoformat(text).timestamp()
        if len(re.findall(r"\d", text)) < len("yyyymmddhh"):
            raise ValueError("a date alone is no moment")
    except ValueError:
        refuse(found, "a moment like 2026-01-31T09:30:00", use)
    require(abs(moment - run.started) < DAY, found, "the moment at which the run was made", use)


def digest_in_the_lab(run: StudentRun) -> str:
    return run.student.run(EXPERIMENT, "weak-regularization").dataset("iris")


@exercise(
    "2.2",
    "A run that explains itself",
    (EXPERIMENT, "documented"),
    tag={"purpose": says_something, "run_timestamp": is_about_now},
    dataset={"iris": (digest_in_the_lab, "Log the whole table, as the lab does.")},
)
def a_run_that_explains_itself(run: StudentRun) -> str:
    return f"the run says what it is for: {run.tag('purpose')}."


@exercise("2.3", "Repeat a run from its record", (EXPERIMENT, "rebuilt"))
def repeat_a_run(run: StudentRun) -> str:
    original = run.source("rebuilt_from", "strong-regularization")
    for name, value in original.params.items():
        run.param(name, value)
    found, recorded = run.metric("log_loss"), original.metric("log_loss")
    is_rounded = any(found == round(recorded, digits) for digits in range(6))
    hint = "Use every parameter of the record, the split's seed too."
    hint = "Log it as it is, without rounding." if is_rounded else hint
    run.metric("log_loss", recorded, hint, tolerance=1e-6)
    fits_its_model(run, recorded, "log_loss")
    return f"log loss {found:.6f}, the same as in the record."
