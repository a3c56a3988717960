"""Lab 5: an input example, a signature that refuses and lets pass, and one that asks for no more than needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lab.exercises import exercise
from lab.exercises.expected import data
from lab.exercises.student import Missing, Student, largest_difference, require

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel
    from numpy import ndarray
    from pandas import DataFrame
    from sklearn.base import BaseEstimator


EXPERIMENT = "signature_experiment"
THREE = ["bmi", "bp", "ltg"]


def measurements() -> DataFrame:
    return data("diabetes").drop(columns="progression").astype(float)


def inputs_of(model: PyFuncModel) -> list[Any]:
    """Return the inputs that a model's signature asks for."""
    signature = model.metadata.signature
    if signature is None or signature.inputs is None:
        raise Missing("the model has no signature; pass signature=… to log_model.")
    return list(signature.inputs.inputs)


def refusal(model: PyFuncModel, rows: DataFrame, hint: str) -> str | None:
    """Return why a model's signature refuses rows, or None if the model predicts for them.

    Args:
        model: the model, loaded for `predict`.
        rows: what it is asked for.
        hint: what to do if the signature lets the rows pass, and the model fails.
    """
    import mlflow

    try:
        model.predict(rows)
    except mlflow.MlflowException as error:
        return str(error).split("Error: ")[-1].split(" Hint:")[0]
    except Exception as error:
        failed = (
            f"a signature that lets a frame pass on which the model fails ({type(error).__name__})"
        )
        require(False, failed, "a model and a signature that fit", hint)
    return None


def predicts_like(
    model: PyFuncModel, right: BaseEstimator, rows: DataFrame | ndarray, hint: str
) -> None:
    """Raise `Wrong` unless a model predicts what another one does that is trained on all rows.

    Args:
        model: the model, loaded for `predict`.
        right: the other one, untrained.
        rows: the measurements.
        hint: what to do if they differ.
    """
    trained = right.fit(rows, data("diabetes")["progression"])
    difference = largest_difference(model, trained, rows)
    require(
        difference < 1,
        f"predictions that are up to {difference:.0f} points from those of the task's model",
        "the same",
        hint,
    )


def is_plain_ridge(model: PyFuncModel, hint: str) -> None:
    """Raise `Wrong` unless the model inside is a `Ridge`, and no pipeline."""
    kind = type(model.get_raw_model()).__name__
    require(kind == "Ridge", f"a {kind} as the model", "a plain Ridge", hint)


@exercise("5.1", "An example to copy")
def an_example_to_copy(student: Student) -> str:
    from sklearn.linear_model import Ridge

    model = student.run(EXPERIMENT, "with-example").model("ridge")
    (column,) = inputs_of(model)[:1]
    hint = "Pass signature=tensor_signature."
    require(hasattr(column, "shape"), "a signature of named columns", "that of a tensor", hint)
    found = f"{column.type} {column.shape}"
    require(found == "float64 (-1, 10)", f"a signature of {found}", "float64 (-1, 10)", hint)
    is_plain_ridge(model, "It is array_ridge of section 5.6.")
    example, hint = model.input_example, "Pass input_example=array[:3]."
    if example is None:
        raise Missing("the model has no input example; pass input_example=… to log_model.")
    require(len(example) == 3, f"an example of {len(example)} rows", "one of 3 rows", hint)
    kind = type(example).__name__
    require(kind == "ndarray", f"an example that is a {kind}", "an array", hint)
    rows = measurements().to_numpy()
    difference = abs(example - rows[:3]).max()
    found = "the first three rows, but rounded" if difference < 1e-4 else "other rows"
    require(difference < 1e-9, found, "the first three as they are, with 64 bits", hint)
    predicts_like(model, Ridge(), rows, "Log array_ridge of section 5.6.")
    return "three rows that anybody can copy, and a signature that they fit."


@exercise("5.2", "Refuse words, accept gaps")
def refuse_words_accept_gaps(student: Student) -> str:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = student.run(EXPERIMENT, "guarded").model("ridge")
    inputs_of(model)
    two = measurements().head(2)
    unknown = two.copy()
    unknown.loc[0, "age"] = None
    hint = "Log the pipeline, which fills gaps, with a signature of all its columns."
    refused = refusal(model, unknown, hint)
    require(
        refused is None,
        f"a signature that refuses the frame with an unknown age ({refused})",
        "one that lets it pass",
        "A whole number cannot be missing: infer the signature from floats of 64 bits in every column.",
    )
    require(
        refusal(model, two.assign(sex=["female", "male"]), hint) is not None,
        "a signature that lets words pass for sex",
        "one that refuses them",
    )
    pipeline = make_pipeline(SimpleImputer(), StandardScaler(), Ridge())
    predicts_like(
        model,
        pipeline,
        measurements(),
        "Log the lab's pipeline, ridge, as it was fitted on X and y.",
    )
    return "words are refused, and an unknown age is answered."


@exercise("5.3", "Ask for no more than you need")
def no_more_than_needed(student: Student) -> str:
    from sklearn.linear_model import Ridge

    model = student.run(EXPERIMENT, "three-columns").model("ridge")
    names = [
        (column.name or "an array") + ("" if column.required else " (optional)")
        for column in inputs_of(model)
    ]
    require(
        sorted(names) == THREE,
        f"a signature that asks for {', '.join(names)}",
        ", ".join(THREE),
        "Infer it from a frame of just these columns.",
    )
    rows = measurements()[THREE]
    refused = refusal(model, rows, "Fit a new Ridge() on the three columns.")
    require(
        refused is None,
        f"a signature that refuses a frame of these columns ({refused})",
        "one that lets it pass",
        "Infer it from X[['bmi', 'bp', 'ltg']], whose values are 64-bit floats.",
    )
    hint = "Fit Ridge() on the three columns of all rows, and on y."
    is_plain_ridge(model, hint)
    predicts_like(model, Ridge(), rows, hint)
    return "three columns in, and a prediction out."
