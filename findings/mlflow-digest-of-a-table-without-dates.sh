#!/usr/bin/env bash
# MLflow 3.17.2 with pandas 3.1.1, found on 2026-11-30: the digest of a table leaves out dates, booleans, and a text column with one gap.
#
# mlflow.data.from_pandas(table).digest is what a run keeps of its data. Of the table's cells, the code hashes only numeric columns and
# columns in which every cell is a str; of the others it hashes the names. So two tables that differ in every date, in every boolean, or
# in every word of a column in which one word is missing, have the same digest, and nothing says so. Numbers with gaps, and categories,
# count. The same words without the gap count, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 pandas==3.1.1
cd "$folder"
seen=$(MLFLOW_DISABLE_TELEMETRY=true "$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PYTHON'
import mlflow
import pandas as pd

pairs = {
    "dates": [pd.to_datetime(["2025-01-01", "2025-01-02"]), pd.to_datetime(["2026-11-29", "2026-11-30"])],
    "booleans": [[True, False], [False, True]],
    "words with a gap": [["red", None], ["blue", None]],
    "words": [["red", "green"], ["blue", "green"]],
    "numbers with a gap": [[1.0, None], [2.0, None]],
    "categories": [pd.Categorical(["a", "b"]), pd.Categorical(["b", "a"])],
}
for name, columns in pairs.items():
    tables = [pd.DataFrame({"number": [1, 2], "column": column}) for column in columns]
    first, second = (mlflow.data.from_pandas(table).digest for table in tables)
    print(f"{name}: {'the same' if first == second else 'another'}", end="; ")
PYTHON
)
echo "the digest of other ... is: $seen"
[ "$seen" = "dates: the same; booleans: the same; words with a gap: the same; words: another; numbers with a gap: another; categories: another; " ]
