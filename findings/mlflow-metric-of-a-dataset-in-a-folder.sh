#!/usr/bin/env bash
# MLflow 3.17.2, found on 2026-11-29: in a folder (file store), `log_metric(..., step=, dataset=)` writes a line that MLflow reads back wrong.
#
# The store writes five fields, "time value step dataset-name digest", and reads a line of five fields without its step: every point of such a
# metric comes back at step 0. A dataset's name may hold a space, and the line then has six fields: from then on `get_run`, and every search
# of the experiment, end in "Metric 'loss' is malformed; persisted metric data contained 6 fields". A database keeps steps and names.
# Nothing about it was found in MLflow's issues; mlflow/mlflow#14422 is about a line of another wrong length.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
seen=$(MLFLOW_ALLOW_FILE_STORE=true MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
import mlflow
import pandas as pd

table = pd.DataFrame({"x": [1.0]})
for uri in ("file", "sqlite"):
    mlflow.set_tracking_uri({"file": "./runs", "sqlite": "sqlite:///runs.db"}[uri])
    for name in ("iris", "iris data"):
        with mlflow.start_run() as run:
            for step in (1, 2):
                mlflow.log_metric("loss", 0.5, step=step, dataset=mlflow.data.from_pandas(table, name=name))
        try:
            history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
            print(uri, name, [point.step for point in history], len(mlflow.search_runs()))
        except mlflow.MlflowException as error:
            print(uri, name, str(error).partition(".")[0])
PYTHON
)
echo "$seen"
[ "$seen" = "file iris [0, 0] 1
file iris data Metric 'loss' is malformed; persisted metric data contained 6 fields
sqlite iris [1, 2] 1
sqlite iris data [1, 2] 2" ]
