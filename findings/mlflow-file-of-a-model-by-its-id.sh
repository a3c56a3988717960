#!/usr/bin/env bash
# MLflow 3.17.2 with scikit-learn 1.8.0, found on 2026-11-30: of four addresses of one model, three take the name of a file behind them, and the one
# that log_model returns does not.
#
# runs:/<run>/<name>, models:/<name>/<version> and models:/<name>@<alias> all work with /MLmodel behind them in load_text. With models:/<id>, which is
# model_uri since MLflow 3, the id is read as the name of a registered model and the file as its stage: "Registered Model with name=m-… not found".
# list_artifacts of the same address works, and lists MLmodel.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 scikit-learn==1.8.0
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
from sklearn.linear_model import LinearRegression

mlflow.set_tracking_uri("sqlite:///own.db")
model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
with mlflow.start_run() as run:
    info = mlflow.sklearn.log_model(model, name="model", pip_requirements=[])
mlflow.register_model(info.model_uri, "line")
mlflow.MlflowClient().set_registered_model_alias("line", "best", 1)
by_run = f"runs:/{run.info.run_id}/model"
for address in (by_run, "models:/line/1", "models:/line@best", info.model_uri):
    listed = "MLmodel" in [file.path.split("/")[-1] for file in mlflow.artifacts.list_artifacts(address)]
    try:
        read = "flavors" in mlflow.artifacts.load_text(f"{address}/MLmodel")
    except mlflow.MlflowException as error:
        read = str(error).replace(info.model_id, "<id>")
    print(f"listed {listed}, read {read}", end="; ")
PYTHON
)
echo "by run, version, alias and id: $seen"
good="listed True, read True; "
[ "$seen" = "$good$good${good}listed True, read Registered Model with name=<id> not found; " ]
