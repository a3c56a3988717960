#!/usr/bin/env bash
# skops 0.16.0 with scikit-learn 1.9.1, found on 2026-11-29: a list of trusted types that suffices for a GridSearchCV under 1.8.0 is refused.
#
# From 1.9 on, a fitted search keeps the splitter that it used in `_checked_cv_orig`, by default a StratifiedKFold or a KFold. skops trusts
# scikit-learn's estimators and not its splitters. So mlflow.sklearn.log_model(search, …, skops_trusted_types=[…]) with the list that
# MLflow's own message named under 1.8 ends in "untrusted types" when nothing but scikit-learn was upgraded, and the run keeps a FAILED
# model. The same holds for RandomizedSearchCV. Nothing about it was found in the issues of skops, MLflow or scikit-learn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
seen=""
for version in 1.8.0 1.9.1; do
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check skops==0.16.0 "scikit-learn==$version"
  seen+=$("$folder/venv/bin/python" -W ignore - <<'PYTHON'
import skops.io
import sklearn
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

search = GridSearchCV(LogisticRegression(max_iter=500), {"C": [1.0, 10.0]}).fit(*load_iris(return_X_y=True))
print(sklearn.__version__, *skops.io.get_untrusted_types(data=skops.io.dumps(search)))
PYTHON
  )$'\n'
done
echo "what skops does not trust in a fitted GridSearchCV:"
echo "$seen"
[ "$seen" = "1.8.0 sklearn.metrics._scorer._PassthroughScorer
1.9.1 sklearn.metrics._scorer._PassthroughScorer sklearn.model_selection._split.StratifiedKFold
" ]
