"""Train a classifier of iris flowers, and record everything that it takes to train it again."""

import argparse
from pathlib import Path

import mlflow
import pandas as pd
import sklearn
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, log_loss
from sklearn.model_selection import train_test_split

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--C", type=float, default=1.0, help="smaller means a simpler model")
C = parser.parse_args().C
source = (Path(__file__).parents[1] / "data" / "iris.csv").resolve().as_posix()
iris = pd.read_csv(source)
target = "species"
split = {"test_size": 0.2, "random_state": 42}
X, y = iris.drop(columns=target), iris[target]
X_train, X_test, y_train, y_test = train_test_split(X, y, **split)
settings = {"C": C, "tol": 1e-8, "max_iter": 10_000}
model = LogisticRegression(**settings)

mlflow.set_experiment("script_experiment")
with mlflow.start_run(run_name=f"C={C:g}") as run:
    mlflow.log_params({"model": type(model).__name__, "target": target} | settings | split)
    dataset = mlflow.data.from_pandas(iris, source=source, name="iris", targets=target)
    mlflow.log_input(dataset, context="training")
    model.fit(X_train, y_train)
    requirements = [f"scikit-learn=={sklearn.__version__}"]
    mlflow.sklearn.log_model(
        model, name="classifier", input_example=X_test.head(3), pip_requirements=requirements
    )
    mlflow.log_metric("log_loss", log_loss(y_test, model.predict_proba(X_test)))
    figure = Figure()
    ConfusionMatrixDisplay.from_estimator(model, X_test, y_test, ax=figure.subplots())
    mlflow.log_figure(figure, "confusion_matrix.png")
print(f"C = {C:g} is run {run.info.run_id}")
