#!/usr/bin/env bash
# MLflow 3.17.2 with scikit-learn 1.8.0, found on 2026-11-30: a logged model carries the metrics of one step of its run, by default of step 0.
#
# log_model copies to the model, and log_metric adds to it afterwards, only what is logged at the model's own step. That is its argument
# "step", 0 unless given, and 0 is also the step of a metric that is logged without one. So a network that is logged after its training has
# none of its losses, and a test error that was logged without a step; with log_model(..., step=3) it has the losses of epoch 3, and loses
# the metrics without a step. In a database the run's own history stays as it was. In a folder the copied point stands there twice.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 scikit-learn==1.8.0
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true MLFLOW_ALLOW_FILE_STORE=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
from sklearn.linear_model import LinearRegression

model = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
for store in ("sqlite:///own.db", "mlruns"):
    mlflow.set_tracking_uri(store)
    mlflow.set_experiment("steps")
    for own in ({}, {"step": 3}):
        with mlflow.start_run() as run:
            for epoch in range(1, 5):
                mlflow.log_metric("loss", 1 / epoch, step=epoch)
            info = mlflow.sklearn.log_model(model, name="model", pip_requirements=[], **own)
            mlflow.log_metric("test_error", 0.5)
        names = [metric.key for metric in mlflow.get_logged_model(info.model_id).metrics]
        points = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
        print(f"{store[:6]} {own}: {names}, {len(points)} points", end="; ")
PYTHON
)
echo "what the model carries, and the run's history of four: $seen"
[ "$seen" = "sqlite {}: ['test_error'], 4 points; sqlite {'step': 3}: ['loss'], 4 points; mlruns {}: ['test_error'], 4 points; mlruns {'step': 3}: ['loss'], 5 points; " ]
