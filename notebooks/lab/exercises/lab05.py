"""Lab 5: an input example, a signature that refuses and lets pass, and one that asks for no more than needed."""

from lab.answers import Answers, Missing, Wrong, require
from lab.exercises import exercise
from lab.exercises.truth import data

EXPERIMENT = "signature_experiment"
THREE = ["bmi", "bp", "ltg"]


def measurements():
    return data("diabetes").drop(columns="progression").astype(float)


def inputs_of(model) -> list:
    """Return the inputs that a model's signature asks for."""
    signature = model.metadata.signature
    if signature is None or signature.inputs is None:
        raise Missing("the model has no signature; pass signature=… to log_model.")
    return signature.inputs.inputs


def refusal(model, rows) -> str | None:
    """Return why a model's signature refuses rows, or None if it predicts for them."""
    import mlflow

    try:
        model.predict(rows)
    except mlflow.MlflowException as error:
        return str(error).split("Error: ")[-1].split(" Hint:")[0]
    return None


@exercise("5.1", "An example to copy")
def an_example_to_copy(answers: Answers) -> str:
    model = answers.run(EXPERIMENT, "with-example").model("ridge")
    (column,) = inputs_of(model)[:1]
    require(
        hasattr(column, "shape"),
        "a signature of named columns",
        "the signature of a tensor",
        "Pass signature=tensor_signature.",
    )
    example = model.input_example
    if example is None:
        raise Missing("the model has no input example; pass input_example=… to log_model.")
    require(len(example) == 3, f"an example of {len(example)} rows", "one of 3 rows")
    first = measurements().to_numpy()[:3]
    require(
        example.shape == first.shape and abs(example - first).max() < 1e-9,
        "other rows than the first three",
        "array[:3]",
    )
    return "three rows that anybody can copy, and a signature that they fit."


@exercise("5.2", "A strict door with a kind porter")
def a_strict_door(answers: Answers) -> str:
    model = answers.run(EXPERIMENT, "guarded").model("ridge")
    inputs_of(model)
    two = measurements().head(2)
    unknown = two.copy()
    unknown.loc[0, "age"] = None
    refused = refusal(model, unknown)
    require(
        refused is None,
        f"a signature that refuses the frame with an unknown age ({refused})",
        "one that lets it pass",
        "A whole number cannot be missing: infer the signature from floats.",
    )
    require(
        refusal(model, two.assign(sex=["female", "male"])) is not None,
        "a signature that lets words pass for sex",
        "one that refuses them",
    )
    return "words are refused, and an unknown age is answered."


@exercise("5.3", "Ask for no more than you need")
def no_more_than_needed(answers: Answers) -> str:
    model = answers.run(EXPERIMENT, "three-columns").model("ridge")
    names = [column.name for column in inputs_of(model)]
    require(
        sorted(names, key=str) == THREE,
        f"a signature that asks for {', '.join(map(str, names))}",
        ", ".join(THREE),
        "Infer it from a frame of just these columns.",
    )
    rows = measurements()[THREE]
    try:
        predicted = model.predict(rows)
    except Exception as error:
        raise Wrong(
            f"found a model that fails on these three columns ({type(error).__name__}), expected one that was "
            "trained on them. Fit a new Ridge() on the three columns."
        ) from None
    error = (predicted - data("diabetes")["progression"]).std()
    require(
        error < 65,  # points; without any column it is 77
        "a model that says little about the disease",
        "one trained on these columns",
        "Fit it on the three columns and on y.",
    )
    return "three columns in, and a prediction out."
