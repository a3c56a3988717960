#!/usr/bin/env bash
# MLflow 3.17.2 with scikit-learn 1.8.0, found on 2026-11-29: a model logged with pyfunc_predict_fn="predict_proba" says that it answers labels.
#
# mlflow.sklearn.log_model(model, input_example=…, pyfunc_predict_fn="predict_proba") makes a model whose pyfunc, and whose server, answer
# probabilities, an array of shape (rows, classes). The signature that MLflow infers from the input example is that of predict: for string
# labels one output of type string. Outputs are not enforced, so nothing fails; who reads the signature (the UI, a client's generated code)
# is misled. With signature=infer_signature(X, model.predict_proba(X)) it is right. mlflow/mlflow#11559 is about the argument in general;
# that the inferred signature ignores it is said nowhere that was found.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 scikit-learn==1.8.0
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

X, y = load_iris(return_X_y=True, as_frame=True)
model = LogisticRegression(max_iter=500).fit(X, y.map({0: "setosa", 1: "versicolor", 2: "virginica"}))
mlflow.set_tracking_uri("sqlite:///own.db")
with mlflow.start_run():
    info = mlflow.sklearn.log_model(
        model, name="model", input_example=X.head(2), pyfunc_predict_fn="predict_proba", pip_requirements=["scikit-learn"]
    )
print(info.signature.outputs, mlflow.pyfunc.load_model(info.model_uri).predict(X.head(2)).shape)
PYTHON
)
echo "the signature's outputs, and the shape of what it answers to two rows: $seen"
[ "$seen" = "[string (required)] (2, 3)" ]
