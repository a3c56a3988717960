"""Lab 10: a challenger that passes the gate, a rollback with its reason, and a version that a stranger can train again."""

from __future__ import annotations

import ast
import inspect
from typing import TYPE_CHECKING, Any

from lab.exercises import exercise
from lab.exercises.expected import WINNERS_ALPHA, diabetes_rows, digest
from lab.exercises.student import (
    Missing,
    Student,
    StudentModel,
    StudentRun,
    need,
    number,
    reading,
    require,
)
from lab.record import name_for

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from sklearn.pipeline import Pipeline

EXPERIMENT = "registry_experiment"
RUN = "my-challenger"
CHALLENGER = {"model": "StandardScaler, SVR", "kernel": "linear", "C": 1.0}
MODEL = "diabetes"


def name_of(student: Student) -> str:
    """Return the name of the student's registered model."""
    if student.name is not None:
        return name_for(MODEL, student.name)
    found = student.client.search_registered_models(f"name LIKE '{MODEL}-%'", max_results=1)
    return found[0].name if found else f"{MODEL}-…"


def aliases_of(student: Student) -> dict[str, str]:
    """Return the numbers of versions by the aliases of the student's registered model; maybe none."""
    from mlflow import MlflowException

    name = name_of(student)
    try:
        model = student.client.get_registered_model(name)
    except MlflowException:
        raise Missing(f"there is no registered model '{name}'; run section 10.1.") from None
    return {alias: str(version) for alias, version in model.aliases.items()}


def challenger(student: Student) -> tuple[StudentRun, ModelVersion]:
    """Return the student's newest run of the challenger's name and its version: of those that passed, if some did."""
    newest = student.run(EXPERIMENT, RUN)  # says what is missing if there is none
    runs = {run.id: run for run in student.named(EXPERIMENT, RUN)}
    found = student.client.search_model_versions(f"name = '{name_of(student)}'")
    made = [version for version in found if version.run_id in runs]

    def rank(version: ModelVersion) -> tuple[bool, float, int]:
        run, passed = runs[str(version.run_id)], version.tags.get("gate") == "passed"
        return passed and CHALLENGER.keys() <= run.params.keys(), run.started, int(version.version)

    best = max(made, key=rank, default=None)
    is_judged = newest.id in {version.run_id for version in made}
    if best is None or not (is_judged or rank(best)[0]):
        others = student.client.search_model_versions(f"run_id = '{newest.id}'")
        besides = f", but '{others[0].name}' has one" if others else ""
        none = f"no version of '{name_of(student)}' is from {newest}{besides}"
        raise Missing(f"{none}; register its model with mlflow.register_model(model_uri, name).")
    return runs[str(best.run_id)], best


def shown(version: ModelVersion) -> str:
    return f"version {version.version} of '{version.name}'"


def tag(version: ModelVersion, name: str, hint: str = "") -> str:
    """Return a tag's text; raise `Missing` if there is none."""
    text = str(version.tags.get(name, "")).strip()
    need(text, f"{shown(version)} has no tag '{name}'" + (f"; {hint}." if hint else "."))
    return text


def model_of(student: Student, version: ModelVersion) -> tuple[StudentModel, float]:
    """Return a version's model and its typical error on the held-out rows, in points, after a look at its signature."""
    from sklearn.metrics import root_mean_squared_error

    uri = student.client.get_model_version_download_uri(version.name, version.version)
    model, (X, y) = StudentModel.load(uri), diabetes_rows("test")
    asked = {column.name: column.type.name for column in model.inputs()}
    found = f"a signature that asks for {', '.join(map(str, asked))}"
    expected = f"the champion's, with the {len(X.columns)} measurements as floats"
    hint = "Log it with the same signature and input example."
    require(asked == dict.fromkeys(X.columns, "double"), found, expected, hint)
    refused = model.refusal(X, "Train the model on all columns that its signature asks for.")
    require(refused is None, f"a model that refuses the held-out rows ({refused})", "predictions")
    with reading():
        return model, float(root_mean_squared_error(y, model.predict(X)))


def predicts_as_recorded(run: StudentRun, model: StudentModel) -> None:
    """Raise unless a model that is trained as a run's parameters say predicts what the logged one does."""
    pipeline = untrained(run)
    with reading():  # the parameters may be of any kind
        again = pipeline.fit(*diabetes_rows("train"))
    difference = model.difference(again, diabetes_rows("test")[0])
    found = f"a model whose predictions differ by up to {difference:.0f} points from those of one trained as {run} says"
    # An SVR stops a little short of its optimum: by less than a point.
    require(difference < 1, found, "the model that the run recorded")


def untrained(run: StudentRun) -> Pipeline:
    """Return the pipeline that a run's parameters describe; only of the kinds that this lab uses."""
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler
    from sklearn.svm import SVR

    known: Any = (PolynomialFeatures, Ridge, StandardScaler, SVR)
    kinds = {kind.__name__: kind for kind in known}
    steps = []
    for name in run.param("model").split(", "):
        require(name in kinds, f"a {name} in {run}", f"one of {', '.join(kinds)}")
        own = inspect.signature(kinds[name]).parameters
        steps.append(kinds[name](**{n: value(v) for n, v in run.params.items() if n in own}))
    return make_pipeline(*steps)


def value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError):
        return text


@exercise("10.1", "A challenger that passes")
def challenger_that_passes(student: Student) -> str:
    run, version = challenger(student)
    gate = tag(
        version, "gate", "make the sweep's winner champion, and call promote with this version"
    )
    found = f"gate = {gate.partition(': candidate')[0]} on {shown(version)}"
    hint = "An SVR with kernel='linear' and C=1.0 passes, if promote is called outside of any run and the sweep's winner is champion."
    require(gate == "passed", found, "gate = passed", hint)
    run.must_hold(param=CHALLENGER)
    model, error = model_of(student, version)
    predicts_as_recorded(run, model)
    before = tag(version, "replaced", "promote sets it")
    other = student.client.get_model_version(version.name, before)
    alpha = student.client.get_run(str(other.run_id)).data.params.get("alpha", "")
    found = f"{shown(version)} compared with version {before}"
    hint = "Make that one champion, and call promote again."
    require(value(alpha) == WINNERS_ALPHA, found, "with the sweep's winner", hint)
    champion = aliases_of(student).get("champion")
    told = f"is on version {champion}" if champion else "is on no version"
    moved = champion == str(version.version) or "rolled_back" in version.tags
    need(
        moved,
        f"the alias 'champion' {told}, and {shown(version)} has passed; call promote with it again.",
    )
    return f"{shown(version)} passed, with an error of {error:.1f} on the held-out rows."


@exercise("10.2", "Roll back, and say why")
def roll_back(student: Student) -> str:
    _, version = challenger(student)
    reason = tag(version, "rolled_back")
    found = f"rolled_back = {reason} on {shown(version)}"
    require(len(reason.split()) >= 4, found, "a reason of at least 4 words")
    before = tag(version, "replaced", "promote sets it")
    champion = aliases_of(student).get("champion", "")
    need(champion, f"nobody is champion; set the alias to version {before}.")
    # A later version: the lesson was run again.
    right = champion == before or int(champion) > int(version.version)
    expected = f"it on version {before}, which {shown(version)} had replaced"
    require(right, f"the alias 'champion' on version {champion}", expected)
    again = "again" if champion == before else "now"
    return f"version {champion} is champion {again}: {reason}"


@exercise("10.3", "Fit for a stranger")
def fit_for_a_stranger(student: Student) -> str:
    runs = {run.id: run for run in student.finished(EXPERIMENT)}
    # Without a run, there may be no registry either.
    need(runs, f"there is no run of yours in the experiment '{EXPERIMENT}'.")
    aliases = aliases_of(student)
    documented, champion = aliases.get("documented", ""), aliases.get("champion", "")
    need(documented, f"no version of '{name_of(student)}' has the alias 'documented'.")
    need(champion, "nobody is champion; set the alias, then document that version.")
    version = student.client.get_model_version(name_of(student), documented)
    # Who has passed was champion, and may be so no more since the lesson was run again.
    was_champion = version.tags.get("gate") == "passed" and "rolled_back" not in version.tags
    right = documented == champion or was_champion
    found = f"the alias 'documented' on version {documented}"
    require(right, found, f"it on the champion, version {champion}")
    text = version.description or ""
    none = f"{shown(version)} has no description; use client.update_model_version."
    need(text.strip(), none)
    found = f"the description '{text}' of {shown(version)}"
    require(len(text.split()) >= 8, found, "a sentence of at least 8 words")
    expected = f"one that a run of yours in '{EXPERIMENT}' has made"
    found = f"{shown(version)}, which is from no run of yours"
    require(version.run_id in runs, found, expected)
    run = runs[str(version.run_id)]
    recorded, noted = run.dataset(MODEL), tag(version, "data_digest")
    expected = f"{recorded}, the digest of the dataset in {run}"
    require(noted == recorded, f"data_digest = {noted}", expected)
    right = recorded == digest(MODEL)
    require(right, f"the digest {recorded} in {run}", f"{digest(MODEL)}, that of the file")
    (model, error), told = model_of(student, version), tag(version, "held_out_rmse")
    found = f"held_out_rmse = {told} on {shown(version)}"
    expected = f"{error:.2f}, what its model has on the held-out rows"
    # Two decimals, rounded or cut.
    require(abs(number(told, found, expected) - error) <= 0.011, found, expected)
    predicts_as_recorded(run, model)
    return f"{shown(version)} was trained again from its record, and predicts the same."
