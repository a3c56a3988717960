"""Answers to the exercises of lab 5."""

from answers import Accepted, Attempt

LOG = """
with mlflow.start_run(run_name="{run}"):
    mlflow.sklearn.log_model(
        {model}, name="ridge", pip_requirements=requirements, skops_trusted_types=["numpy.dtype"], {more}
    )
"""
TENSOR = "signature=tensor_signature, input_example="

THREE = 'three = X[["bmi", "bp", "ltg"]]\n'

WRONG = [
    Attempt(
        "5.1",
        "❌",
        "found the run 'with-example' in the experiment 'Default'",
        'with mlflow.start_run(run_name="with-example", experiment_id="0"):\n    pass',
    ),
    Attempt(
        "5.1",
        "⬜",
        "has no input example",
        LOG.format(run="with-example", model="array_ridge", more="signature=tensor_signature"),
    ),
    Attempt(
        "5.1",
        "❌",
        "found an example of 2 rows, expected one of 3 rows",
        LOG.format(run="with-example", model="array_ridge", more=TENSOR + "array[:2]"),
    ),
    Attempt(
        "5.1",
        "❌",
        "found other rows, expected the first three",
        LOG.format(run="with-example", model="array_ridge", more=TENSOR + "array[3:6]"),
    ),
    Attempt(
        "5.1",
        "❌",
        "a signature of named columns",
        LOG.format(
            run="with-example", model="ridge", more="signature=signature, input_example=X.head(3)"
        ),
    ),
    Attempt(
        "5.1",
        "❌",
        "found a signature of float64 (-1, -1)",
        """
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

loose = ModelSignature(Schema([TensorSpec(array.dtype, (-1, -1))]))
"""
        + LOG.format(run="with-example", model="array_ridge", more="signature=loose"),
    ),
    Attempt(
        "5.1",
        "❌",
        "found an example that is a DataFrame, expected an array",
        LOG.format(run="with-example", model="array_ridge", more=TENSOR + "X.head(3)"),
    ),
    Attempt(
        "5.1",
        "❌",
        "points from those of the task's model, expected the same. Log array_ridge",
        LOG.format(
            run="with-example", model="Ridge().fit(array * 0, y)", more=TENSOR + "array[:3]"
        ),
    ),
    Attempt(
        "5.1",
        "⬜",
        "has no model 'ridge'",
        """
with mlflow.start_run(run_name="with-example"):
    mlflow.log_dict({"example": array[:3].tolist()}, "input_example.json")
""",
    ),
    Attempt(
        "5.2", "⬜", "the model has no signature", LOG.format(run="guarded", model="ridge", more="")
    ),
    Attempt(
        "5.2",
        "❌",
        "A whole number cannot be missing",
        LOG.format(run="guarded", model="ridge", more="signature=whole_numbers"),
    ),
    Attempt(
        "5.2",
        "❌",
        "a signature that lets words pass for sex",
        """
numbers = [name for name in X.columns if name != "sex"]


class Careless(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        return ridge.predict(X.head(len(model_input)))


with mlflow.start_run(run_name="guarded"):
    mlflow.pyfunc.log_model(
        name="ridge",
        python_model=Careless(),
        signature=infer_signature(X[numbers], ridge.predict(X)),
        pip_requirements=requirements,
    )
""",
    ),
    Attempt(
        "5.2",
        "❌",
        "Log the pipeline, which fills gaps",
        LOG.format(run="guarded", model="Ridge().fit(X, y)", more="signature=signature"),
    ),
    Attempt(
        "5.2",
        "❌",
        "points from those of the task's model, expected the same. Log the lab's pipeline",
        """
class Typed(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: pd.DataFrame, params=None):
        return [206.0] * len(model_input)


with mlflow.start_run(run_name="guarded"):
    mlflow.pyfunc.log_model(
        name="ridge", python_model=Typed(), signature=signature, pip_requirements=requirements
    )
""",
    ),
    Attempt(
        "5.2",
        "❌",
        "which ended as FAILED",
        'with mlflow.start_run(run_name="guarded"):\n    infer_signature(no_such_frame)',
    ),
    Attempt(
        "5.2",
        "❌",
        "expected the same. Log the lab's pipeline",
        LOG.format(
            run="guarded",
            model="make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=100)).fit(X, y)",
            more="signature=signature",
        ),
    ),
    Attempt(
        "5.3",
        "❌",
        "found a signature that asks for age, sex, bmi",
        LOG.format(run="three-columns", model="ridge", more="signature=signature"),
    ),
    Attempt(
        "5.3",
        "❌",
        "lets a frame pass on which the model fails (ValueError)",
        LOG.format(
            run="three-columns",
            model="ridge",
            more='signature=infer_signature(X[["bmi", "bp", "ltg"]], ridge.predict(X))',
        ),
    ),
    Attempt(
        "5.3",
        "❌",
        "asks for bmi (optional), bp (optional), ltg (optional)",
        THREE
        + """
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema

loose = ModelSignature(Schema([ColSpec("double", name, required=False) for name in three]))
"""
        + LOG.format(run="three-columns", model="Ridge().fit(three, y)", more="signature=loose"),
    ),
    Attempt(
        "5.3",
        "❌",
        "whose values are 64-bit floats",
        THREE
        + LOG.format(
            run="three-columns",
            model="Ridge().fit(three, y)",
            more='signature=infer_signature(three.astype("float32"), ridge.predict(X))',
        ),
    ),
    Attempt(
        "5.3",
        "❌",
        "points from those of the task's model",
        THREE
        + LOG.format(
            run="three-columns",
            model="Ridge().fit(three * [1, 0, 0], y)",
            more="signature=infer_signature(three, ridge.predict(X))",
        ),
    ),
    Attempt(
        "5.3",
        "❌",
        "points from those of the task's model, expected the same. Fit Ridge() on the three",
        """
three = X[["bmi", "bp", "ltg"]]
empty = Ridge().fit(three * 0, y)
with mlflow.start_run(run_name="three-columns"):
    mlflow.sklearn.log_model(
        empty,
        name="ridge",
        signature=infer_signature(three, empty.predict(three)),
        pip_requirements=requirements,
    )
""",
    ),
    Attempt(
        "5.3",
        "❌",
        "found predictions that are up to ",
        THREE
        + LOG.format(
            run="three-columns",
            model="Ridge(alpha=1000).fit(three, y)",
            more="input_example=three.head(2)",
        ),
    ),
    Attempt(
        "5.3",
        "❌",
        "found a LinearRegression as the model, expected a plain Ridge",
        THREE
        + "from sklearn.linear_model import LinearRegression\n"
        + LOG.format(
            run="three-columns",
            model="LinearRegression().fit(three, y)",
            more="input_example=three.head(2)",
        ),
    ),
    Attempt(
        "5.3",
        "⬜",
        "has no model 'ridge'",
        'with mlflow.start_run(run_name="three-columns"):\n    mlflow.log_param("columns", ["bmi", "bp", "ltg"])',
    ),
    Attempt(
        "5.1",
        "❌",
        "found a Pipeline as the model, expected a plain Ridge. It is array_ridge of section 5.6",
        "piped = make_pipeline(StandardScaler(), Ridge()).fit(array, y)\n"
        + LOG.format(run="with-example", model="piped", more=TENSOR + "array[:3]"),
    ),
    Attempt(
        "5.1",
        "❌",
        "found the first three rows, but rounded, expected the first three as they are",
        LOG.format(
            run="with-example", model="array_ridge", more=TENSOR + "array[:3].astype('float32')"
        ),
    ),
]

RIGHT = [
    Accepted(
        "5.1",
        "the signature inferred anew",
        LOG.format(
            run="with-example",
            model="array_ridge",
            more="signature=infer_signature(array, array_ridge.predict(array)), input_example=array[:3]",
        ),
    ),
    Accepted(
        "5.1",
        "a ridge of one's own, an example from the table",
        "mine = Ridge().fit(X.to_numpy(), y)\n"
        + LOG.format(run="with-example", model="mine", more=TENSOR + "X.head(3).to_numpy()"),
    ),
    Accepted(
        "5.2",
        "the lab's own signature",
        LOG.format(run="guarded", model="ridge", more="signature=signature"),
    ),
    Accepted(
        "5.2",
        "inferred by MLflow from an example of floats",
        LOG.format(run="guarded", model="ridge", more="input_example=X.head(5)"),
    ),
    Accepted(
        "5.3",
        "inferred by MLflow from an example",
        THREE
        + "mine = Ridge().fit(three, y)\n"
        + LOG.format(run="three-columns", model="mine", more="input_example=three.head(2)"),
    ),
    Accepted(
        "5.3",
        "the columns in another order, the signature from inputs alone",
        """
three = X[["ltg", "bmi", "bp"]]
mine = Ridge(alpha=1.0).fit(three, y)
"""
        + LOG.format(run="three-columns", model="mine", more="signature=infer_signature(three)"),
    ),
]
