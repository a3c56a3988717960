"""Lab 2: a setting of your own, a documented run, and a run repeated from its record."""

from datetime import datetime

from lab.exercises import exercise
from lab.exercises.expected import IRIS_LOG_LOSS, LOG_LOSS_TOLERANCE, iris_test
from lab.exercises.student import Student, StudentRun, Wrong, require

EXPERIMENT = "sklearn_experiment"
DAY = 86_400  # seconds


@exercise("2.1", "A setting of your own")
def a_setting_of_your_own(student: Student) -> str:
    run = student.run(EXPERIMENT, "my-setting")
    run.param("C", 10)
    fits_its_model(run, IRIS_LOG_LOSS, "accuracy", "log_loss")
    return f"C = 10 has a log loss of {run.metric('log_loss'):.3f}, and its model is logged."


def fits_its_model(run: StudentRun, right_loss: float, *metrics: str) -> None:
    """Raise `Wrong` unless a run's parameter C and its metrics are those of the logistic regression logged in it.

    Args:
        run: the run.
        right_loss: the log loss that the model must have on the held-out flowers.
        metrics: the names of those that the run must have.
    """
    from sklearn.metrics import log_loss

    for name in metrics:
        run.metric(name)
    X_test, y_test = iris_test()
    model = run.model("logistic_regression").get_raw_model()
    kind = type(model).__name__
    require(
        kind == "LogisticRegression",
        f"a {kind} as the model of {run}",
        "a plain LogisticRegression, as in section 2.4",
    )
    require(
        float(run.param("C")) == model.C,
        f"a model with C = {model.C:g} in a run with the parameter C = {run.param('C')}",
        "the same C in both",
        "Log the model that you trained, and its own value: model.C.",
    )
    strange = sorted(set(map(str, model.classes_)) - set(y_test))
    require(
        not strange,
        f"a model that predicts {', '.join(strange)}",
        "one that predicts names of species",
        "Train it on y_train as it is.",
    )
    right = {
        "accuracy": model.score(X_test, y_test),
        "log_loss": log_loss(y_test, model.predict_proba(X_test)),
    }
    loss = right["log_loss"]
    require(
        abs(loss - right_loss) < LOG_LOSS_TOLERANCE,
        f"a model with a log loss of {loss:.3f} on the held-out flowers",
        f"{right_loss:.3f}",
        "Train on X_train and y_train alone, to the end, with no other settings than those of the lab.",
    )
    for name in metrics:
        run.metric(name, right[name], "Compute it from the model, on the held-out flowers.")


@exercise("2.2", "A run that explains itself")
def a_run_that_explains_itself(student: Student) -> str:
    run = student.run(EXPERIMENT, "documented")
    purpose = run.tag("purpose")
    require(
        len(purpose.split()) >= 3 and len(purpose) >= 10,
        f"the purpose '{purpose}'",
        "at least three words that say something",
        "Write what somebody else would want to know.",
    )
    is_about_now(run.tag("run_timestamp"), run.started)
    digest = student.run(EXPERIMENT, "weak-regularization").dataset("iris").digest
    found = run.dataset("iris").digest
    require(
        found == digest,
        f"a dataset 'iris' with the digest {found}",
        digest,
        "Log the whole table, as the lab does.",
    )
    return f"the run says what it is for: {purpose}."


def is_about_now(text: str, begin: float) -> None:
    """Raise `Wrong` unless a text is a date and time in ISO format, within a day of a run's begin.

    Args:
        text: what the student noted, in whatever time zone.
        begin: when the run began, in seconds since 1970.
    """
    use = "Use datetime.now().isoformat(timespec='seconds')."
    try:
        moment = datetime.fromisoformat(text)
        datetime.strptime(text[:13].replace("T", " "), "%Y-%m-%d %H")  # a date alone is no moment
    except ValueError:
        raise Wrong(
            f"found run_timestamp = {text}, expected a moment like 2026-01-31T09:30:00. {use}"
        ) from None
    require(
        abs(moment.timestamp() - begin) < DAY,
        f"run_timestamp = {text}",
        "the moment at which the run was made",
        use,
    )


@exercise("2.3", "Repeat a run from its record")
def repeat_a_run(student: Student) -> str:
    newest = student.run(EXPERIMENT, "strong-regularization").id
    originals = {
        original.id: original for original in student.named(EXPERIMENT, "strong-regularization")
    }
    run = student.run(EXPERIMENT, "rebuilt")
    source = run.tag("rebuilt_from")
    require(
        source in originals,
        f"rebuilt_from = {source}",
        f"the id of a run 'strong-regularization' of yours; the newest is {newest}",
    )
    original = originals[source]
    run.param("C", original.param("C"))
    found, recorded = run.metric("log_loss"), original.metric("log_loss")
    is_rounded = any(found == round(recorded, digits) for digits in range(6))
    require(
        abs(found - recorded) < 1e-6,
        f"log_loss = {found:.8g} in {run}",
        f"{recorded:.8g}, as recorded",
        "Log it as it is, without rounding."
        if is_rounded
        else "Use every parameter of the record, the split's seed too.",
    )
    fits_its_model(run, recorded, "log_loss")
    return f"log loss {found:.6f}, the same as in the record."
