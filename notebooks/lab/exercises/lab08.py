"""Lab 8: runs of a script, a model handed over, and something of one's own."""

from __future__ import annotations

from pathlib import PurePosixPath

from lab.exercises import exercise
from lab.exercises.expected import digest, iris_test
from lab.exercises.student import Missing, Student, StudentRun, Wrong, require

EXPERIMENT = "script_experiment"
C_VALUES = (0.01, 100)
SCRIPT = "train.py"
NEEDED = ("model", "random_state", "test_size")
PLOTS = (".png", ".svg", ".jpg", ".jpeg", ".pdf", ".html")
OURS = ("iris", "diabetes", "digits")


@exercise("8.1", "Two runs of a script")
def two_runs_of_a_script(student: Student) -> str:
    for C in C_VALUES:
        try:
            run = student.run(EXPERIMENT, f"C={C:g}")
        except Missing as missing:
            raise Missing(
                f"{missing} A script that is told no store uses one of its own."
            ) from None
        program = PurePosixPath(run.tag("mlflow.source.name").replace("\\", "/")).name
        require(
            program == SCRIPT,
            f"{run}, made by {program}",
            f"one made by {SCRIPT}",
            "Start the script; do not copy its code into a cell.",
        )
        run.param("C", C)
        run.dataset("iris")
        run.metric("log_loss", right_log_loss(run), "Run train.py as it is.")
    return "two runs, and each says that a script made it."


def right_log_loss(run: StudentRun) -> float:
    """Return the log loss of the model that a run of the script logged, on the flowers that are held out."""
    from sklearn.metrics import log_loss

    X_test, y_test = iris_test()
    model = run.model("classifier").get_raw_model()
    return float(log_loss(y_test, model.predict_proba(X_test)))


@exercise("8.2", "Hand a model over")
def hand_a_model_over(student: Student) -> str:
    run = student.run(EXPERIMENT, "handed-over")
    origins = {origin.id: origin for origin in student.named(EXPERIMENT, "C=100")}
    source = run.tag("from_run")
    require(source in origins, f"from_run = {source}", "the id of a run 'C=100' of yours")
    run.metric(
        "log_loss",
        origins[source].metric("log_loss"),
        "Compute it from the model that you loaded, on the 30 flowers that the run's split holds out.",
        tolerance=1e-6,
    )
    paths = [path for path in run.artifacts() if PurePosixPath(path).name == "requirements.txt"]
    if not paths:
        raise Missing(f"{run} has no artifact 'requirements.txt'; use mlflow.log_artifact.")
    require(
        run.artifact(paths[0]).read_text(encoding="utf-8").split()
        == origins[source].requirements_of("classifier"),
        "another requirements.txt",
        "the file of that name in the model's folder",
    )
    return f"the same log loss from the folder alone, {run.metric('log_loss'):.3f}."


@exercise("8.3", "Track something of your own")
def something_of_your_own(student: Student) -> str:
    experiment, rule = student.experiment_tagged("capstone")
    direction, _, metric = rule.partition(" ")
    direction, metric = direction.lower(), metric.strip()
    require(
        direction in ("max", "min") and bool(metric),
        f"capstone = {rule} on the experiment '{experiment}'",
        "max or min and the name of a metric, like 'max accuracy'",
    )
    runs = [run for run in student.finished(experiment) if metric in run.metrics]
    if len(runs) < 6:
        raise Missing(
            f"the experiment '{experiment}' has {len(runs)} finished runs with the metric '{metric}', and six are asked for."
        )
    for run in runs:
        can_be_rebuilt(run)
    kinds = sorted({run.param("model") for run in runs})
    require(
        len(kinds) > 1,
        f"only models of the kind {kinds[0]}",
        "at least two kinds",
        "The parameter 'model' names the kind, like LogisticRegression.",
    )
    best = (max if direction == "max" else min)(runs, key=lambda run: run.metrics[metric])
    tagged = [run for run in student.finished(experiment) if run.tags.get("verdict") == "best"]
    if not tagged:
        raise Missing(f"no run of '{experiment}' has the tag verdict = best.")
    names = " and ".join(f"'{run.name}'" for run in tagged)
    equal = {run.metrics.get(metric) for run in tagged} == {best.metrics[metric]}  # trained twice
    require(
        equal or len(tagged) == 1, f"the tag verdict = best on {names}", "it on one run, the best"
    )
    chosen = tagged[0]
    require(
        metric in chosen.metrics and chosen.metrics[metric] == best.metrics[metric],
        f"{chosen} as the best, with {metric} = {chosen.metrics.get(metric, float('nan')):.4g}",
        f"one with {best.metrics[metric]:.4g}, the {direction} of {len(runs)} runs",
        f"Order a search of the experiment by metrics.{metric}.",
    )
    sentence = chosen.tag("conclusion")
    require(
        len(sentence.split()) >= 5,
        f"the conclusion '{sentence}'",
        "a sentence of at least five words",
    )
    if not any(path.lower().endswith(PLOTS) for path in chosen.artifacts()):
        raise Missing(f"{chosen} has no plot among its artifacts; use mlflow.log_figure.")
    answers_its_example(chosen)
    return f"{len(runs)} runs of {' and '.join(kinds)}; '{chosen.name}' is the best: {sentence}"


def can_be_rebuilt(run: StudentRun) -> None:
    """Raise unless a run records what somebody else needs to train its model again."""
    for name in NEEDED:
        run.param(name)
    own = set(run.params) - set(NEEDED)
    if not own:
        raise Missing(f"{run} has no setting of its model among the parameters.")
    datasets = run.datasets()
    if not datasets:
        raise Missing(f"{run} has no dataset; use mlflow.log_input.")
    for logged in datasets:
        require(
            logged.dataset.digest not in map(digest, OURS),
            f"the dataset '{logged.dataset.name}' in {run}, which the labs have used",
            "data that are new here",
        )
    if not {"git_commit", "mlflow.source.git.commit"} & set(run.tags):
        raise Missing(f"{run} has no tag 'git_commit'.")


def answers_its_example(run: StudentRun) -> None:
    """Raise unless a run has a model with a signature and an input example that it predicts for."""
    name = run.model_name()
    if name is None:
        raise Missing(f"{run} has no model; log the best model in its run with log_model.")
    model = run.model(name)
    if model.metadata.signature is None:
        raise Missing(f"the model of {run} has no signature; pass input_example=… to log_model.")
    example = model.input_example
    if example is None:
        raise Missing(
            f"the model of {run} has no input example; pass input_example=… to log_model."
        )
    try:
        model.predict(example)
    except Exception as error:
        raise Wrong(
            f"found a model that fails on its own input example ({type(error).__name__}), expected one that predicts. "
            "Log an example of the rows that the model was trained on."
        ) from None
