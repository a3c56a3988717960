"""Lab 8: runs of a script, a model handed over, and something of one's own."""

import re
from inspect import signature
from pathlib import PurePosixPath
from typing import Any

from lab.exercises import exercise
from lab.exercises.expected import IRIS_LOG_LOSS, digest
from lab.exercises.student import (
    Missing,
    Student,
    StudentModel,
    StudentRun,
    need,
    only_one,
    require,
)

EXPERIMENT = "script_experiment"
C_VALUES = (0.01, 100.0)
SCRIPT = "train.py"
NEEDED = ("model", "random_state", "test_size")
PLOTS = (".png", ".svg", ".jpg", ".jpeg", ".pdf", ".html")
RANDOM = ("sklearn.ensemble", "sklearn.tree", "sklearn.neural_network")
NOT_CHOSEN = ("n_jobs", "verbose")  # change no answer
OURS = ("iris", "diabetes", "digits")


def made_by_the_script(run: StudentRun) -> None:
    program = PurePosixPath(run.tags["mlflow.source.name"].replace("\\", "/")).name
    hint = "Start the script; do not copy its code into a cell."
    require(program == SCRIPT, f"{run}, made by {program}", f"one made by {SCRIPT}", hint)


@exercise("8.1", "Two runs of a script")
def two_runs_of_a_script(student: Student) -> str:
    for C in C_VALUES:
        try:
            run = student.run(EXPERIMENT, f"C={C:g}")
        except Missing as missing:
            why = " Did it stop? Or was it told no store, as by 'python' of section 8.2?"
            raise Missing(f"{missing}{'' if student.finished(EXPERIMENT) else why}") from None
        run.must_hold(
            tag={"mlflow.source.name": made_by_the_script},
            param={"C": C},
            dataset={"iris": None},
            metric={"log_loss": (IRIS_LOG_LOSS[C], "Run train.py as it is.")},
        )
        run.model("classifier")
    return "two runs, and each says that a script made it."


@exercise("8.2", "Hand a model over", (EXPERIMENT, "handed-over"))
def hand_a_model_over(run: StudentRun) -> str:
    origin = run.source("from_run", "C=100")
    hint = "Compute it from the model that you loaded, on the 30 flowers that the run's split holds out, and do not round it."
    loss = run.metric("log_loss", origin.metric("log_loss"), hint, tolerance=1e-6)
    paths = [path for path in run.artifacts() if PurePosixPath(path).name == "requirements.txt"]
    need(paths, f"{run} has no artifact 'requirements.txt'; use mlflow.log_artifact.")
    right = origin.model_file("classifier", "requirements.txt").read_text(encoding="utf-8")
    expected = "the file of that name in the model's folder"
    require(run.text(paths[0]).split() == right.split(), "another requirements.txt", expected)
    return f"the same log loss from the folder alone, {loss:.3f}."


@exercise("8.3", "Track something of your own")
def something_of_your_own(student: Student) -> str:
    experiment, rule = student.experiment_tagged("capstone")
    direction, _, metric = rule.partition(" ")
    direction, metric = direction.lower(), metric.strip()
    found = f"capstone = {rule} on the experiment '{experiment}'"
    expected = "max or min and the name of a metric, like 'max accuracy'"
    require(direction in ("max", "min") and bool(metric), found, expected)
    hint = "Use the test rows once, for the best model."
    require(not metric.startswith("test"), found, "a metric of the training rows", hint)
    runs = [run for run in student.finished(experiment) if metric in run.metrics]
    some = f"{len(runs)} finished runs with the metric '{metric}'"
    need(len(runs) >= 6, f"the experiment '{experiment}' has {some}, and six are asked for.")
    splits = set()
    for run in runs:
        can_be_rebuilt(run)
        split = ", ".join(f"{name} = {run.param(name)}" for name in ("random_state", "test_size"))
        splits.add(split)
    different = len({frozenset(run.params.items()) for run in runs})
    hint = "A parameter tells them apart, too: log each setting that you change."
    require(different >= 6, f"runs with {different} different settings", "six", hint)
    kinds = sorted({re.sub(r"\([^()]*\)", "", run.param("model")) for run in runs})
    hint = "The parameter 'model' names the kind, like LogisticRegression."
    require(len(kinds) > 1, f"only models of the kind {kinds[0]}", "at least two kinds", hint)
    found = f"runs with {' and '.join(sorted(splits)[:2])}"
    hint = "A model's own seed is called model_seed. If a first try is among them, name a new experiment."
    require(len(splits) == 1, found, "one split for all runs", hint)
    best = (max if direction == "max" else min)(run.metrics[metric] for run in runs)
    tagged = [run for run in student.finished(experiment) if run.tags.get("verdict") == "best"]
    need(tagged, f"no run of '{experiment}' has the tag verdict = best.")
    if any(run.metrics.get(metric) != best for run in tagged):  # else the best was trained twice
        only_one(tagged, "the tag verdict = best", "it on one run, the best")
    chosen = tagged[0]
    found = f"{chosen} as the best, with {metric} = {chosen.metrics.get(metric, float('nan')):.4g}"
    expected = f"one with {best:.4g}, the {direction} of {len(runs)} runs"
    hint = f"Order a search of the experiment by metrics.{metric}."
    require(chosen.metrics.get(metric) == best, found, expected, hint)
    loss = direction == "min" and re.search("loss|error|rmse|mae|mse", metric)
    hint = "scikit-learn's scores that begin with neg_ are losses with a minus: log them without."
    require(best >= 0 or not loss, f"{metric} = {best:.4g}", "a loss that is not negative", hint)
    sentence = chosen.tag("conclusion")
    found, expected = f"the conclusion '{sentence}'", "a sentence of at least five words"
    require(len(sentence.split()) >= 5, found, expected)
    plots = [path for path in chosen.artifacts() if path.lower().endswith(PLOTS)]
    need(plots, f"{chosen} has no plot among its artifacts; use mlflow.log_figure.")
    model = chosen.model()
    answers_its_example(model)
    has_its_settings(chosen, model)
    return f"{len(runs)} runs of {' and '.join(kinds)}; '{chosen.name}' is the best: {sentence}"


def can_be_rebuilt(run: StudentRun) -> None:
    """Raise unless a run records what somebody else needs to train its model again."""
    for name in NEEDED:
        run.param(name)
    found, expected = f"model = Pipeline in {run}", "its steps, like StandardScaler, SVC"
    require(not run.param("model").lower().startswith("pipeline"), found, expected)
    settings = set(run.params) - set(NEEDED)
    need(settings, f"{run} has no setting of its model among the parameters.")
    need(run.datasets, f"{run} has no dataset; use mlflow.log_input.")
    for logged in run.datasets:
        found = f"the dataset '{logged.dataset.name}' in {run}, which the labs have used"
        known = logged.dataset.digest in map(digest, OURS) or logged.dataset.name in OURS
        require(not known, found, "data that are new here")
    commit = {"git_commit", "mlflow.source.git.commit"} & set(run.tags)
    told = "commit the script before you run it, or set the tag ('no git' outside of git)."
    need(commit, f"{run} has no tag 'git_commit': {told}")


def answers_its_example(model: StudentModel) -> None:
    """Raise unless a model has a signature and an input example, for which it predicts the same each time."""
    rows = model.example()  # with which `log_model` infers the signature
    model.inputs()
    error = model.error(rows)
    found = f"a model that fails on its own input example ({type(error).__name__})"
    hint = "Log an example of the rows that the model was trained on."
    require(error is None, found, "one that predicts", hint)
    once = model.predict(rows)
    same = alike(once, model.predict(rows))
    if hasattr(rows, "take") and rows.ndim > 1 and getattr(once, "ndim", 0):
        # In training mode batch normalization looks at the other rows, which here are like the first.
        copies = rows.take([0] * len(rows), axis=0)
        same = same and alike(once[:1], model.predict(copies)[:1])
    hint = "Is it a network? Call model.eval() before log_model."
    require(same, "a model that answers the same rows differently", "the same answers", hint)


def has_its_settings(run: StudentRun, model: StudentModel) -> None:
    """Raise if a run records other steps or settings than its model has, or not all that were chosen, if that is scikit-learn's."""
    if "sklearn" not in model.loaded.metadata.flavors:
        return
    trained = model.inside()
    trained = getattr(trained, "best_estimator_", trained)
    steps = [step for _, step in getattr(trained, "steps", [("", trained)])]
    for step in steps:
        name, noted = type(step).__name__, run.param("model")
        named = name.lower() in noted.lower() or isinstance(step, str)  # "passthrough"
        require(named, f"model = {noted} in {run}, whose model holds a {name}", "all its steps")
    own: dict[str, set[float]] = {}
    for key, value in trained.get_params().items():
        if isinstance(value, int | float):
            own.setdefault(key.rpartition("__")[2], set()).add(value)
    for name in own.keys() & run.params.keys() - set(NEEDED):
        run.param(name, own[name], "That is what the logged model has.")
    seeds = {run.params[name] for name in run.params if re.search("seed|random_state", name)}
    for seed in map(str, own.get("random_state", ())):
        found = f"a model with random_state = {seed}, which {run} does not record"
        hint = "Log it beside the split's, as model_seed."
        require(seed in seeds, found, "its seed among the parameters", hint)
    recorded = {name.rpartition("__")[2] for name in run.params} | {"random_state", *NOT_CHOSEN}
    for step in steps:
        kind, settings = type(step).__name__, {}
        if type(step).__module__.startswith("sklearn."):
            settings = step.get_params(deep=False)
        if type(step).__module__.startswith(RANDOM):
            hint = "Give it a random_state, and log that as model_seed."
            seeded = settings.get("random_state", 0) is not None
            require(seeded, f"a {kind} without a seed", "one that can be trained again", hint)
        for name, value in settings.items():
            default = signature(type(step)).parameters[name].default
            chosen = isinstance(value, int | float | str) and value != default
            chosen = chosen and value == value  # else it is NaN, a default of SimpleImputer's
            found = f"a {kind} with {name} = {value}, which {run} does not record"
            require(name in recorded or not chosen, found, "each setting that you chose")


def alike(answers: Any, others: Any) -> bool:
    """Return whether a model's answers are the same, but for rounding."""
    import numpy as np

    try:
        rounding = 1e-4 * np.nanmax(np.abs(np.asarray(answers))) + 1e-6
        return np.allclose(answers, others, rtol=0, atol=rounding, equal_nan=True)
    except TypeError:  # texts, or a dictionary
        return repr(answers) == repr(others)
