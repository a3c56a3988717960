#!/usr/bin/env bash
# MLflow 3.17.2 with scikit-learn 1.8.0, found on 2026-11-30: a model whose signature names two columns predicts for a table with more, and leaves
# the others out; mlflow.models.evaluate of the same model on the same table fails.
#
# The evaluator for regressors also calls score() of scikit-learn's own model, past the signature, and that one sees all columns: "The feature names
# should match those that were passed during fit". The run in which it measures ends as FAILED, without a metric, though the predictions were there.
# With the model's own columns and the target alone it measures. So a gate that evaluates models of different columns picks the columns for each.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 scikit-learn==1.8.0
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

mlflow.set_tracking_uri("sqlite:///own.db")
table = load_diabetes(as_frame=True).frame
two = table[["bmi", "bp"]]
with mlflow.start_run():
    model = Ridge().fit(two, table["target"])
    info = mlflow.sklearn.log_model(model, name="m", input_example=two[:2], pip_requirements=[])
print(len(mlflow.pyfunc.load_model(info.model_uri).predict(table)), "predictions", end="; ")
for rows in (table, table[["bmi", "bp", "target"]]):
    with mlflow.start_run() as run:
        pass
    try:
        with mlflow.start_run(run_id=run.info.run_id):
            mlflow.models.evaluate(info.model_uri, rows, targets="target", model_type="regressor",
                                   evaluator_config={"log_model_explainability": False})
        said = "measured"
    except ValueError as error:
        said = str(error).split(" that")[0]
    ended = mlflow.get_run(run.info.run_id)
    print(f"{rows.shape[1]} columns: {said}, {ended.info.status}", len(ended.data.metrics) > 0, end="; ")
PYTHON
)
echo "$seen"
[ "$seen" = "442 predictions; 11 columns: The feature names should match those, FAILED False; 3 columns: measured, FINISHED True; " ]
