#!/usr/bin/env bash
# MLflow 3.17.2, found on 2026-11-29: a database gives a run's NaN back as NaN, and the same metric of a logged model as 0.0.
#
# A metric that is logged with `model_id` belongs to the run and to the model. SQLite holds NaN as 0 with a flag; reading a run heeds the flag,
# reading a logged model does not. So `search_logged_models(order_by=[{"field_name": "metrics.loss", ...}])`, and whoever takes the smallest
# loss of `model.metrics`, puts a model that diverged first. A folder keeps the NaN in both places.
# mlflow/mlflow#25640 was the like in filters of runs, and is mended (#25802); mlflow/mlflow#26108 is about NaN and log_model.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
seen=$(MLFLOW_ALLOW_FILE_STORE=true MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" - 2>/dev/null <<'PYTHON'
from mlflow import MlflowClient

for kind, uri in (("file", "./runs"), ("sqlite", "sqlite:///runs.db")):
    client = MlflowClient(uri)
    place = client.create_experiment("losses")
    run = client.create_run(place)
    for name, loss in (("good", 0.5), ("diverged", float("nan"))):
        model = client.create_logged_model(place, name=name, source_run_id=run.info.run_id)
        client.log_metric(run.info.run_id, f"loss_{name}", loss, model_id=model.model_id)
    kept = client.get_run(run.info.run_id).data.metrics
    models = {m.name: m.metrics[0].value for m in client.search_logged_models([place])}
    print(kind, "run", kept["loss_diverged"], "model", models["diverged"])
PYTHON
)
echo "$seen"
[ "$seen" = "file run nan model nan
sqlite run nan model 0.0" ]
