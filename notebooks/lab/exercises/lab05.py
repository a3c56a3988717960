"""Lab 5: an input example, a signature that refuses and lets pass, and one that asks for no more than needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.exercises import exercise
from lab.exercises.expected import data
from lab.exercises.student import StudentModel, StudentRun, reading, require

if TYPE_CHECKING:
    from pandas import DataFrame

EXPERIMENT = "signature_experiment"
THREE = ["bmi", "bp", "ltg"]


def measurements() -> DataFrame:
    return data("diabetes").drop(columns="progression").astype(float)


def predicts_like(model: StudentModel, right: Any, rows: Any, hint: str) -> None:
    """Raise `Wrong` unless a model predicts what another one of scikit-learn's does when it is trained on all rows."""
    difference = model.difference(right.fit(rows, data("diabetes")["progression"]), rows)
    found = f"predictions that are up to {difference:.0f} points from those of the task's model"
    require(difference < 1, found, "the same", hint)


@exercise("5.1", "An example to copy", (EXPERIMENT, "with-example"))
def an_example_to_copy(run: StudentRun) -> str:
    from sklearn.linear_model import Ridge

    model = run.model("ridge")
    (column,) = model.inputs()[:1]
    hint = "Pass signature=tensor_signature."
    require(hasattr(column, "shape"), "a signature of named columns", "that of a tensor", hint)
    found = f"{column.type} {column.shape}"
    require(found == "float64 (-1, 10)", f"a signature of {found}", "float64 (-1, 10)", hint)
    model.inside("Ridge", hint="It is array_ridge of section 5.6.")
    rows, example = measurements().to_numpy(), model.example()
    hint = "Pass input_example=array[:3]."
    with reading():
        require(len(example) == 3, f"an example of {len(example)} rows", "one of 3 rows", hint)
        kind = type(example).__name__
        require(kind == "ndarray", f"an example that is a {kind}", "an array", hint)
        difference = abs(example - rows[:3]).max()
    found = "the first three rows, but rounded" if difference < 1e-4 else "other rows"
    require(difference < 1e-9, found, "the first three as they are, with 64 bits", hint)
    predicts_like(model, Ridge(), rows, "Log array_ridge of section 5.6.")
    return "three rows that anybody can copy, and a signature that they fit."


@exercise("5.2", "Refuse words, accept gaps", (EXPERIMENT, "guarded"))
def refuse_words_accept_gaps(run: StudentRun) -> str:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model, two = run.model("ridge"), measurements().head(2)
    named = all(column.name for column in model.inputs())
    found = "a signature that asks for an array"
    require(named, found, "one of named columns", "Infer it from a frame.")
    absent = ", ".join(column.name for column in model.inputs() if not column.required)
    found = f"a signature that makes {absent} optional: without it, the model fails"
    require(not absent, found, "required columns", "Infer it from a frame without gaps.")
    unknown, words = two.copy(), two.assign(sex=["female", "male"])
    unknown.loc[0, "age"] = None
    fails = "Log the pipeline, which fills gaps, with a signature of all its columns."
    refused = model.refusal(unknown, fails)
    found = f"a signature that refuses the frame with an unknown age ({refused})"
    hint = "Declare every column as a float of 64 bits: see section 5.5."
    require(refused is None, found, "one that lets it pass", hint)
    found = "a signature that lets words pass for sex"
    require(model.refusal(words, fails) is not None, found, "one that refuses them")
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
    hint = "Log the lab's pipeline, ridge, as it was fitted on X and y."
    predicts_like(model, pipeline, measurements(), hint)
    return "words are refused, and an unknown age is answered."


@exercise("5.3", "Ask for no more than you need", (EXPERIMENT, "three-columns"))
def no_more_than_needed(run: StudentRun) -> str:
    from sklearn.linear_model import Ridge

    model = run.model("ridge")
    names = [
        (column.name or "an array") + ("" if column.required else " (optional)")
        for column in model.inputs()
    ]
    found = f"a signature that asks for {', '.join(names)}"
    hint = "Infer it from a frame of just these columns."
    require(sorted(names) == THREE, found, ", ".join(THREE), hint)
    rows = measurements()[THREE]
    refused = model.refusal(
        rows, "Fit a new Ridge() on the three columns, and infer the signature from the same frame."
    )
    found = f"a signature that refuses a frame of these columns ({refused})"
    hint = "Infer it from X[['bmi', 'bp', 'ltg']], whose values are 64-bit floats."
    require(refused is None, found, "one that lets it pass", hint)
    hint = "Fit Ridge() on the three columns of all rows, and on y."
    model.inside("Ridge", hint=hint)
    predicts_like(model, Ridge(), rows, hint)
    return "three columns in, and a prediction out."
