#!/usr/bin/env bash
# skops 0.16.0 with scikit-learn 1.8.0, found on 2026-11-29: `import skops.io` imports Dask's arrays and PyTorch, if they are installed.
#
# skops.io lists the types that it trusts at import, and asks scikit-learn's all_estimators for them. That walks through all modules of
# scikit-learn, also sklearn.externals.array_api_compat.torch and .dask.array, which import these packages. Whoever logs a model of
# scikit-learn's with MLflow 3.17 pays for it at the first log_model: measured with PyTorch 2.13.0 (CPU), 2.6 s of the processor and 452 MB,
# against 1.2 s and 267 MB with both packages hidden during that one import; the model written and read is the same.
# skops-dev/skops#542 is about the same slow import; that PyTorch is part of it is said nowhere that was found.
#
# Shown here with Dask, which is small; the labs hide both packages while skops.io is imported (`lab.settings()` says so).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check skops==0.16.0 scikit-learn==1.8.0 "dask[array]==2026.8.0"
seen=$("$folder/venv/bin/python" - <<'PYTHON'
import sys

import sklearn.linear_model

before = "dask.array" in sys.modules
import skops.io

print(before, "dask.array" in sys.modules, "sklearn.externals.array_api_compat.dask.array" in sys.modules)
PYTHON
)
echo "dask.array is imported before skops.io, after it, and by scikit-learn's module: $seen"
[ "$seen" = "False True True" ]
