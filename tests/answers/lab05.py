"""Answers to the exercises of lab 5."""

from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec
from sklearn.linear_model import LinearRegression

optional = ModelSignature(
    Schema([ColSpec("double", c, required=False) for c in ["bmi", "bp", "ltg"]])
)


class Careless(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return ridge.predict(X.head(len(model_input)))


# %% 5.1 ⬜ has no input example
# input_example=array[:3], →
# %% 5.1 ❌ found an example of 2 rows, expected one of 3 rows
# array[:3] → array[:2]
# %% 5.1 ❌ found other rows, expected the first three
# array[:3] → array[3:6]
# %% 5.1 ❌ found the first three rows, but rounded, expected the first three as they are
# array[:3] → array[:3].astype("float32")
# %% 5.1 ❌ found an example that is a DataFrame, expected an array
# array[:3] → X.head(3)
# %% 5.1 ❌ a signature of named columns
# array_ridge → ridge
# tensor_signature → signature
# array[:3] → X.head(3)
# %% 5.1 ❌ found a signature of float64 (-1, -1)
# tensor_signature → ModelSignature(Schema([TensorSpec(array.dtype, (-1, -1))]))
# %% 5.1 ❌ points from those of the task's model, expected the same. Log array_ridge
# array_ridge → Ridge().fit(array * 0, y)
# %% 5.1 ❌ found a Pipeline as the model, expected a plain Ridge. It is array_ridge of section 5.6
# array_ridge → make_pipeline(StandardScaler(), Ridge()).fit(array, y)
# %% 5.1 ❌ found a wrapper of mlflow.pyfunc as the model, expected a plain Ridge
# sklearn.log_model( → pyfunc.log_model(
# array_ridge, → python_model=Careless(),
# **options → name="ridge", pip_requirements=requirements
# %% 5.1 ✅ the signature inferred anew
# tensor_signature → mlflow.models.infer_signature(array, array_ridge.predict(array))
# %% 5.1 ✅ a ridge of one's own, an example from the table
# array_ridge → Ridge().fit(X.to_numpy(), y)
# array[:3] → X.head(3).to_numpy()

# %% 5.2 ⬜ the model has no signature
# signature=guard, →
# %% 5.2 ❌ Declare every column as a float of 64 bits
# signature=guard → signature=integer_signature
# %% 5.2 ❌ a signature that lets words pass for sex
# signature=guard → signature=mlflow.models.infer_signature(X.drop(columns="sex"), ridge.predict(X))
# sklearn.log_model( → pyfunc.log_model(
# ridge, → python_model=Careless(),
# **options → name="ridge", pip_requirements=requirements
# %% 5.2 ❌ found a signature that asks for an array
# infer_signature(raw.astype(float), → infer_signature(X.to_numpy(),
# %% 5.2 ❌ Log the pipeline, which fills gaps
# ridge, → Ridge().fit(X, y),
# %% 5.2 ❌ points from those of the task's model, expected the same. Log the lab's pipeline
# ridge, → make_pipeline(SimpleImputer(), StandardScaler(), Ridge(alpha=100)).fit(X, y),
# %% 5.2 ❌ found a signature that makes age optional: without it, the model fails, expected required columns
# signature=guard → signature=mlflow.models.infer_signature(age_unknown.astype(float), predicted.head(2))
# %% 5.2 ✅ a signature that is inferred anew
# signature=guard → signature=mlflow.models.infer_signature(X, pd.Series(ridge.predict(X), name="progression"))
# %% 5.2 ✅ inferred by MLflow from an example of floats
# signature=guard → input_example=X.head(5)

# %% 5.3 ❌ found a signature that asks for age, sex, bmi
# mlflow.models.infer_signature(three, small_ridge.predict(three)) → signature
# %% 5.3 ❌ lets a frame pass on which the model fails (ValueError)
# Ridge().fit(three, y) → Ridge().fit(X, y)
# small_ridge.predict(three) → y
# %% 5.3 ❌ asks for bmi (optional), bp (optional), ltg (optional)
# mlflow.models.infer_signature(three, small_ridge.predict(three)) → optional
# %% 5.3 ❌ whose values are 64-bit floats
# mlflow.models.infer_signature(three, → mlflow.models.infer_signature(three.astype("float32"),
# %% 5.3 ❌ points from those of the task's model, expected the same. Fit Ridge() on the three
# fit(three, y) → fit(three * [1, 0, 0], y)
# %% 5.3 ❌ found a LinearRegression as the model, expected a plain Ridge
# Ridge() → LinearRegression()
# %% 5.3 ✅ inferred by MLflow from an example
# signature=three_columns → input_example=three.head(2)
# %% 5.3 ✅ the columns in another order, the signature from inputs alone
# ["bmi", "bp", "ltg"] → ["ltg", "bmi", "bp"]
# mlflow.models.infer_signature(three, small_ridge.predict(three)) → mlflow.models.infer_signature(three)
