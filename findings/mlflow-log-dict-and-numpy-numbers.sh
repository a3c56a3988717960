#!/usr/bin/env bash
# MLflow 3.17.2 with NumPy 2.4.6, found on 2026-11-29: log_dict stores NumPy's numbers as text in JSON, and in YAML as what no safe loader reads.
#
# mlflow.log_dict({"digit": numpy.int64(8)}, "a.json") raises nothing and stores the text "8"; numpy.float64, which is a float of Python's, stays
# a number, float32 and bool do not. With the name "a.yaml" the same call dumps the object of NumPy with tags of Python's own, which
# yaml.safe_load refuses. mlflow.artifacts.load_dict reads neither that file nor any other YAML that log_dict has written: it takes JSON
# alone, which its documentation says of JSON and not of YAML. int(…) and float(…) before the call make all of it right but the last.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 numpy==2.4.6
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
import numpy as np
import yaml

mlflow.set_tracking_uri("sqlite:///own.db")
with mlflow.start_run() as run:
    uri = f"runs:/{run.info.run_id}"
    for number in (np.int64(8), np.float64(0.5), np.float32(0.5)):
        mlflow.log_dict({"a": number}, "a.json")
        print(repr(mlflow.artifacts.load_dict(f"{uri}/a.json")["a"]), end=" ")
    for number in (np.int64(8), 8):
        mlflow.log_dict({"a": number}, "a.yaml")
        try:
            yaml.safe_load(mlflow.artifacts.load_text(f"{uri}/a.yaml"))
            print("safe_load reads it", end=" ")
        except yaml.YAMLError as error:
            print(type(error).__name__, end=" ")
    try:
        mlflow.artifacts.load_dict(f"{uri}/a.yaml")
    except mlflow.MlflowException as error:
        print(type(error).__name__)
PYTHON
)
echo "int64, float64 and float32 in JSON; int64 and int in YAML; load_dict of YAML: $seen"
[ "$seen" = "'8' 0.5 '0.5' ConstructorError safe_load reads it MlflowException" ]
