#!/usr/bin/env bash
# MLflow 3.17.2 with scikit-learn 1.8.0, found on 2026-11-30: under autologging, two fits in one run leave the parameter of the first beside the
# metrics of the second, and the run is FINISHED.
#
# A parameter cannot be changed, so the second fit's are refused; a metric can, and the newest value counts. Both are sent, the refusal of the one
# does not stop the other, and autologging turns the error into a warning. So a loop over settings inside one run, or a model that is fitted again,
# records a model that never was. One run for each fit.
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

mlflow.set_tracking_uri("sqlite:///own.db")
mlflow.sklearn.autolog(log_models=False)
X, y = load_iris(return_X_y=True, as_frame=True)
for settings in ([0.001], [1.0], [0.001, 1.0]):
    with mlflow.start_run() as run:
        for C in settings:
            LogisticRegression(C=C, max_iter=1000).fit(X, y)
    run = mlflow.get_run(run.info.run_id)
    score = run.data.metrics["training_score"]
    print(f"fitted with {settings}: C={run.data.params['C']}, score {score:.2f}, {run.info.status}", end="; ")
PYTHON
)
echo "$seen"
[ "$seen" = "fitted with [0.001]: C=0.001, score 0.75, FINISHED; fitted with [1.0]: C=1.0, score 0.97, FINISHED; fitted with [0.001, 1.0]: C=0.001, score 0.97, FINISHED; " ]
