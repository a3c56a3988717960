"""Lab 10: a challenger that passes the gate, a rollback with its reason, and a version that a stranger can train again."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from lab.exercises import exercise
from lab.exercises.expected import WINNERS_ALPHA, diabetes_rows, digest
from lab.exercises.lab05 import inputs_of, refusal
from lab.exercises.student import Missing, Student, StudentRun, largest_difference, require
from lab.record import name_for

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.pyfunc import PyFuncModel
    from sklearn.pipeline import Pipeline

EXPERIMENT = "registry_experiment"
RUN = "my-challenger"
CHALLENGER: dict[str, float | str] = {"model": "StandardScaler, SVR", "kernel": "linear", "C": 1.0}
MODEL = "diabetes"
FEWEST_WORDS = {"rolled_back": 4, "description": 8}


def name_of(student: Student) -> str:
    """Return the name of the student's registered model."""
    if student.name is not None:
        return name_for(MODEL, student.name)
    found = student.client.search_registered_models(f"name LIKE '{MODEL}-%'", max_results=1)
    return found[0].name if found else f"{MODEL}-…"


def aliases_of(student: Student) -> dict[str, str]:
    """Return the numbers of versions by the aliases of the student's registered model; maybe none."""
    from mlflow import MlflowException

    try:
        model = student.client.get_registered_model(name_of(student))
    except MlflowException:
        raise Missing(
            f"there is no registered model '{name_of(student)}'; run section 10.1."
        ) from None
    return {alias: str(version) for alias, version in model.aliases.items()}


def versions_of(student: Student, run: StudentRun) -> list[ModelVersion]:
    """Return the versions of the student's registered model that a run has made, newest first; maybe none."""
    found = student.client.search_model_versions(f"name = '{name_of(student)}'")
    made = [version for version in found if version.run_id == run.id]
    return sorted(made, key=lambda version: -int(version.version))


def challenger(student: Student) -> tuple[StudentRun, ModelVersion]:
    """Return the student's newest run of the challenger's name and its version: of those that passed, if some did."""
    newest = student.run(EXPERIMENT, RUN)  # says what is missing if there is none
    pairs = [
        (run, version)
        for run in student.named(EXPERIMENT, RUN)
        for version in versions_of(student, run)
    ]
    passed = [(run, version) for run, version in pairs if version.tags.get("gate") == "passed"]
    if passed or pairs:
        return (passed or pairs)[0]
    others = student.client.search_model_versions(f"run_id = '{newest.id}'")
    besides = f", but '{others[0].name}' has one" if others else ""
    raise Missing(
        f"no version of '{name_of(student)}' is from {newest}{besides}; register its model with "
        "mlflow.register_model(model_uri, name)."
    )


def shown(version: ModelVersion) -> str:
    return f"version {version.version} of '{version.name}'"


def tag(version: ModelVersion, name: str, hint: str = "") -> str:
    """Return a tag's text; raise `Missing` if there is none."""
    text = str(version.tags.get(name, "")).strip()
    if not text:
        raise Missing(f"{shown(version)} has no tag '{name}'" + (f"; {hint}." if hint else "."))
    return text


def loaded(student: Student, version: ModelVersion) -> PyFuncModel:
    import mlflow

    place = student.client.get_model_version_download_uri(version.name, version.version)
    model: PyFuncModel = mlflow.pyfunc.load_model(place)
    return model


def held_out_rmse(model: PyFuncModel) -> float:
    """Return a model's typical error on the held-out rows, in points, after a look at its signature."""
    from sklearn.metrics import root_mean_squared_error

    X, y = diabetes_rows("test")
    asked = {column.name: column.type.name for column in inputs_of(model)}
    require(
        asked == dict.fromkeys(X.columns, "double"),
        f"a signature that asks for {', '.join(map(str, asked))}",
        f"the champion's, with the {len(X.columns)} measurements as floats",
        "Log it with the same signature and input example.",
    )
    refused = refusal(model, X, "Train the model on all columns that its signature asks for.")
    require(refused is None, f"a model that refuses the held-out rows ({refused})", "predictions")
    return float(root_mean_squared_error(y, model.predict(X)))


@exercise("10.1", "A challenger that passes")
def challenger_that_passes(student: Student) -> str:
    run, version = challenger(student)
    gate = tag(version, "gate", "call promote with this version")
    require(
        gate == "passed",
        f"gate = {gate.partition(': candidate')[0]} on {shown(version)}",
        "gate = passed",
        "An SVR with kernel='linear' and C=1.0 passes, if promote is called outside of any run and the sweep's winner is champion.",
    )
    for name, setting in CHALLENGER.items():
        run.param(name, setting)
    model = loaded(student, version)
    error = held_out_rmse(model)
    predicts_as_recorded(run, model)
    is_compared_with_the_winner(student, version)
    champion = aliases_of(student).get("champion")
    if champion != str(version.version) and "rolled_back" not in version.tags:
        told = f"is on version {champion}" if champion else "is on no version"
        raise Missing(f"the alias 'champion' {told}, and {shown(version)} has passed.")
    return f"{shown(version)} passed, with an error of {error:.1f} on the held-out rows."


def is_compared_with_the_winner(student: Student, version: ModelVersion) -> None:
    """Raise `Wrong` unless the version that another one has replaced is from the best run of the sweep."""
    before = tag(version, "replaced", "promote sets it")
    other = student.client.get_model_version(version.name, before)
    alpha = student.client.get_run(str(other.run_id)).data.params.get("alpha", "")
    require(
        _number(alpha) == WINNERS_ALPHA,
        f"{shown(version)} compared with version {before}",
        "with the sweep's winner",
        "Make that one champion, and call promote again.",
    )


@exercise("10.2", "Roll back, and say why")
def roll_back(student: Student) -> str:
    _, version = challenger(student)
    reason = tag(version, "rolled_back")
    words = FEWEST_WORDS["rolled_back"]
    require(
        len(reason.split()) >= words,
        f"rolled_back = {reason} on {shown(version)}",
        f"a reason of at least {words} words",
    )
    before = tag(version, "replaced", "promote sets it")
    champion = aliases_of(student).get("champion")
    if champion is None:
        raise Missing(f"nobody is champion; set the alias to version {before}.")
    # A later version: the lesson was run again.
    require(
        champion == before or int(champion) > int(version.version),
        f"the alias 'champion' on version {champion}",
        f"it on version {before}, which {shown(version)} had replaced",
    )
    again = "again" if champion == before else "now"
    return f"version {champion} is champion {again}: {reason}"


@exercise("10.3", "Fit for a stranger")
def fit_for_a_stranger(student: Student) -> str:
    if not student.finished(EXPERIMENT):  # where there is no registry either
        raise Missing(f"there is no run of yours in the experiment '{EXPERIMENT}'.")
    number = aliases_of(student).get("documented")
    if number is None:
        raise Missing(f"no version of '{name_of(student)}' has the alias 'documented'.")
    champion = aliases_of(student).get("champion")
    if champion is None:
        raise Missing("nobody is champion; set the alias, then document that version.")
    version = student.client.get_model_version(name_of(student), number)
    # Who has passed was champion; an older one too, for all that can be known.
    require(
        version.tags.get("gate") == "passed" or int(number) <= int(champion),
        f"the alias 'documented' on version {number}",
        f"it on the champion, version {champion}",
    )
    words = FEWEST_WORDS["description"]
    text = version.description or ""
    if not text.strip():
        raise Missing(f"{shown(version)} has no description; use client.update_model_version.")
    require(
        len(text.split()) >= words,
        f"the description '{text}' of {shown(version)}",
        f"a sentence of at least {words} words",
    )
    runs = {run.id: run for run in student.finished(EXPERIMENT)}
    require(
        version.run_id in runs,
        f"{shown(version)}, which is from no run of yours",
        f"one that a run of yours in '{EXPERIMENT}' has made",
    )
    run = runs[str(version.run_id)]
    recorded = run.dataset(MODEL).digest
    noted = tag(version, "data_digest")
    require(
        noted == recorded,
        f"data_digest = {noted}",
        f"{recorded}, the digest of the dataset in {run}",
    )
    require(
        recorded == digest(MODEL),
        f"the digest {recorded} in {run}",
        f"{digest(MODEL)}, that of the file",
    )
    model = loaded(student, version)
    error, told = held_out_rmse(model), tag(version, "held_out_rmse")
    require(
        _number(told) is not None and abs(float(told) - error) <= 0.05,
        f"held_out_rmse = {told} on {shown(version)}",
        f"{error:.2f}, what its model has on the held-out rows",
    )
    predicts_as_recorded(run, model)
    return f"{shown(version)} was trained again from its record, and predicts the same."


def predicts_as_recorded(run: StudentRun, model: PyFuncModel) -> None:
    """Raise unless a model that is trained as a run's parameters say predicts what the logged one does."""
    again = untrained(run).fit(*diabetes_rows("train"))
    difference = largest_difference(model, again, diabetes_rows("test")[0])
    require(
        difference < 1,  # point; an SVR stops a little short of its optimum
        f"a model whose predictions differ by up to {difference:.0f} points from those of one trained as {run} says",
        "the model that the run recorded",
    )


def untrained(run: StudentRun) -> Pipeline:
    """Return the pipeline that a run's parameters describe; only of the kinds that this lab uses."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler
    from sklearn.svm import SVR

    kinds: dict[str, Any] = {
        kind.__name__: kind for kind in (PolynomialFeatures, Ridge, StandardScaler, SVR)
    }
    steps = []
    for name in run.param("model").split(", "):
        require(name in kinds, f"a {name} in {run}", f"one of {', '.join(kinds)}")
        own = inspect.signature(kinds[name]).parameters
        steps.append(kinds[name](**{n: _value(v) for n, v in run.params.items() if n in own}))
    return make_pipeline(*steps)


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
