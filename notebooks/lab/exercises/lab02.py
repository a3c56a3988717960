"""Lab 2: a setting of your own, a documented run, and a run repeated from its record."""

from datetime import datetime

from lab.answers import Answer, Answers, Wrong, require
from lab.exercises import exercise
from lab.exercises.truth import iris_split

EXPERIMENT = "sklearn_experiment"


@exercise("2.1", "A setting of your own")
def a_setting_of_your_own(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "my-setting")
    run.param("C", 10)
    fits_its_model(run, "accuracy", "log_loss")
    return f"C = 10 has a log loss of {run.metric('log_loss'):.3f}, and the model to show for it."


def fits_its_model(run: Answer, *metrics: str) -> None:
    """Raise `Wrong` unless a run's parameter C and its metrics are those of the model logged in it."""
    from sklearn.metrics import log_loss

    for name in metrics:
        run.metric(name)
    _, X_test, _, y_test = iris_split()
    model = run.model("logistic_regression").get_raw_model()
    require(
        float(run.param("C")) == model.C,
        f"a model with C = {model.C:g} in a run with the parameter C = {run.param('C')}",
        "the same C in both",
        "Log the model that you trained, and its own value: model.C.",
    )
    right = {
        "accuracy": model.score(X_test, y_test),
        "log_loss": log_loss(y_test, model.predict_proba(X_test)),
    }
    for name in metrics:
        hint = "Compute it from the model, on the flowers set aside."
        run.metric(name, right[name], hint)


@exercise("2.2", "A run that explains itself")
def a_run_that_explains_itself(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "documented")
    purpose = run.tag("purpose")
    require(
        len(purpose.split()) >= 3,
        f"the purpose '{purpose}'",
        "at least three words",
        "Write what somebody else would want to know.",
    )
    moment = run.tag("run_timestamp")
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        raise Wrong(
            f"found run_timestamp = {moment}, expected a moment like 2026-01-31T09:30:00. "
            "Use datetime.now().isoformat(timespec='seconds')."
        ) from None
    digest = answers.run(EXPERIMENT, "weak-regularization").dataset("iris").digest
    found = run.dataset("iris").digest
    require(
        found == digest,
        f"a dataset 'iris' with the digest {found}",
        digest,
        "Log the whole table, as the lab does.",
    )
    return f"the run says what it is for: {purpose}."


@exercise("2.3", "Repeat a run from its record")
def repeat_a_run(answers: Answers) -> str:
    newest = answers.run(EXPERIMENT, "strong-regularization").run.info.run_id
    originals = {
        original.run.info.run_id: original
        for original in answers.named(EXPERIMENT, "strong-regularization")
    }
    run = answers.run(EXPERIMENT, "rebuilt")
    source = run.tag("rebuilt_from")
    require(
        source in originals,
        f"rebuilt_from = {source}",
        f"the id of a run 'strong-regularization' of yours; the newest is {newest}",
    )
    original = originals[source]
    run.param("C", original.param("C"))
    run.metric(
        "log_loss",
        original.metric("log_loss"),
        "Use every parameter of the record, the split's seed too.",
        tolerance=1e-6,
    )
    fits_its_model(run, "log_loss")
    return f"log loss {run.metric('log_loss'):.6f}, the same as in the record."
