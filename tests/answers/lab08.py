"""Answers to the exercises of lab 8."""

import contextlib
import time

import pandas as pd
from matplotlib.figure import Figure
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

wine = load_wine(as_frame=True)


def capstone(
    rule="max accuracy",
    metric=("accuracy", 0.9),
    count=6,
    kinds=("LogisticRegression", "GaussianNB"),
    parameters={"random_state": 0, "test_size": 0.5, "smoothing": 0.1},
    own={},
    varied=("smoothing",),
    table=wine.frame,
    best=(5,),
    plot="plots/a_plot.png",
    model=GaussianNB().fit(wine.data, wine.target),
    flavor=mlflow.sklearn,
    **example,
):
    """A capstone made up run by run, of which each wrong answer leaves out, or changes, one thing."""
    mlflow.set_experiment(f"capstone {time.time_ns()}")
    mlflow.set_experiment_tag("capstone", rule)
    for number in range(count):
        with mlflow.start_run(run_name=f"number {number}"):
            kind = kinds[number % len(kinds)]
            changed = {name: number for name in varied if name in parameters}
            settings = parameters | changed | (own if kind == kinds[0] else {})
            mlflow.log_params({"model": kind} | settings)
            if table is not None:
                mlflow.log_input(mlflow.data.from_pandas(table, name="wine"))
            mlflow.set_tag("git_commit", "no git")
            mlflow.log_metric(metric[0], metric[1] + number / 100)
            if number in best:
                told = {"verdict": "best", "conclusion": "the last of the six is best"}
                mlflow.set_tags(told)
                if plot:
                    mlflow.log_figure(Figure(), plot)
                if model is not None:
                    example = example or {"input_example": wine.data.head(2)}
                    options = {"name": "mine", "pip_requirements": ["scikit-learn"]}
                    with contextlib.suppress(mlflow.MlflowException):
                        flavor.log_model(model, **options, **example)


def network(*layers):
    rows = wine.data.head(3).to_numpy("float32")
    model = nn.Sequential(nn.Linear(13, 8), *layers)
    return {"model": model, "flavor": mlflow.pytorch, "input_example": rows}


# %% 8.1 ⬜ there is no run 'C=0.01' of yours in the experiment 'script_experiment'. Did it stop? Or was it told no store
# subprocess.run([sys.executable, script, "--C", C], check=True, capture_output=True) → python(script, "--C", C)
# %% 8.1 ⬜ there is no run 'C=100' of yours
# ("0.01", "100") → ("0.01",)
# %% 8.1 ❌ made by ipykernel_launcher.py, expected one made by train.py
mlflow.set_experiment("script_experiment")
for C in (0.01, 100):
    with mlflow.start_run(run_name=f"C={C:g}"):
        mlflow.log_param("C", C)
# %% 8.1 ✅ with the settings of a terminal
there = {"MLFLOW_TRACKING_URI": mlflow.get_tracking_uri(), "MLFLOW_ALLOW_FILE_STORE": "true"}
print([python(script, f"--C={C}", **there) for C in (100, 0.01)])
# %% 8.1 ✅ one of them once more, from the script's own folder
subprocess.run([sys.executable, "train.py", "--C=100"], check=True, capture_output=True)

# %% 8.2 ❌ expected the id of a run 'C=100' of yours
# == "C=100" → == "C=0.01"
# %% 8.2 ❌ Compute it from the model that you loaded
# random_state=int(source.data.params["random_state"]) → random_state=7
# %% 8.2 ❌ found another requirements.txt, expected the file of that name in the model's folder
# str(Path(handed_over) / "requirements.txt") → "../requirements.txt"
# %% 8.2 ✅ with the model that pyfunc wraps, from the whole folder
# mlflow.sklearn.load_model(handed_over) → mlflow.pyfunc.load_model(handed_over).get_raw_model()
# mlflow.log_artifact(str(Path(handed_over) / "requirements.txt")) → mlflow.log_artifacts(handed_over, "handed over")
# %% 8.2 ✅ the metric of the record
# log_loss(y_test, loaded.predict_proba(X_test)) → source.data.metrics["log_loss"]

# %% 8.3 ❌ expected max or min and the name of a metric
capstone("accuracy")
# %% 8.3 ❌ expected a metric of the training rows
capstone("max test_accuracy")
# %% 8.3 ⬜ has 5 finished runs
capstone(count=5, best=(4,))
# %% 8.3 ⬜ has no setting of its model
capstone(parameters={"test_size": 0.5, "random_state": 1})
# %% 8.3 ⬜ has no dataset
capstone(table=None)
# %% 8.3 ❌ which the labs have used, expected data that are new
capstone(table=pd.read_csv("../data/digits.csv"))
# %% 8.3 ❌ only models of the kind SVC
capstone(kinds=("SVC",))
# %% 8.3 ❌ only models of the kind SVC, expected at least two kinds
capstone(kinds=("SVC(C=1)", "SVC(C=2)"))
# %% 8.3 ❌ 'number 0' as the best, with accuracy = 0.9, expected one with 0.95, the max of 6 runs
capstone(best=(0,))
# %% 8.3 ❌ expected one with 0.9, the min of 6 runs
capstone("min accuracy")
# %% 8.3 ❌ expected it on one run, the best
capstone(best=(4, 5))
# %% 8.3 ❌ log_loss = -0.4, expected a loss that is not negative
capstone("min log_loss", ("log_loss", -0.4), best=(0,))
# %% 8.3 ⬜ has no plot among its artifacts
capstone(plot="")
# %% 8.3 ⬜ has no model; log the best model
capstone(model=None)
# %% 8.3 ⬜ has no input example
capstone(metadata={"from": "me"})
# %% 8.3 ⬜ has no signature
capstone(signature=False, input_example=wine.data.head(2))
# %% 8.3 ⬜ has no input example
capstone(signature=mlflow.models.infer_signature(wine.data))
# %% 8.3 ❌ found a model that fails on its own input example
whole = mlflow.models.infer_signature(wine.data)
capstone(signature=whole, input_example=wine.data.head(2)[["ash"]])
# %% 8.3 ❌ found var_smoothing = 0.1 in
capstone(parameters={"random_state": 0, "test_size": 0.5, "smoothing": 0, "var_smoothing": 0.1})
# %% 8.3 ❌ found runs with 2 different settings, expected six
capstone(varied=())
# %% 8.3 ❌ found a model with random_state = 7, which the run 'number 5' does not record
forest = RandomForestClassifier(3, random_state=7).fit(wine.data, wine.target)
trusted = {"skops_trusted_types": ["sklearn.tree._tree.Tree"]}
kinds = ("LogisticRegression", "RandomForestClassifier")
capstone(kinds=kinds, model=forest, input_example=wine.data.head(2), **trusted)
# %% 8.3 ❌ found a RandomForestClassifier without a seed
unseeded = RandomForestClassifier(3).fit(wine.data, wine.target)
capstone(kinds=kinds, model=unseeded, input_example=wine.data.head(2), **trusted)
# %% 8.3 ✅ a model's own seed, a date, beside the split's
dated = RandomForestClassifier(3, random_state=20261129).fit(wine.data, wine.target)
both = {"random_state": 0, "test_size": 0.5, "smoothing": 1, "n_estimators": 3}
both["model_seed"] = 20261129
capstone(kinds=kinds, model=dated, parameters=both, input_example=wine.data.head(2), **trusted)
# %% 8.3 ❌ found model = StandardScaler, SVC in the run 'number 5', whose model holds a GaussianNB, expected all its steps
capstone(kinds=("GaussianNB", "StandardScaler, SVC"))
# %% 8.3 ❌ whose model holds a StandardScaler, expected all its steps
# "model": steps → "model": kind.__name__
# which wine is it → whose wine is it
# %% 8.3 ❌ found the dataset 'iris' in
# name="wine", targets → name="iris", targets
# which wine is it → which iris is it
# %% 8.3 ❌ with max_iter = 500, which the run
# kind(C=C) → kind(C=C, max_iter=500)
# which wine is it → which wine was it
# %% 8.3 ❌ found model = Pipeline in the run
# "model": steps → "model": str(model)
# which wine is it → which wine is this
# %% 8.3 ❌ found runs with random_state = 0, test_size = 0.5 and random_state = 7, test_size = 0.5, expected one split for all runs
capstone(own={"random_state": 7})
# %% 8.3 ❌ found runs with random_state = 0, test_size = 0.2 and random_state = 0, test_size = 0.5, expected one split
capstone(own={"test_size": 0.2})
# %% 8.3 ❌ that could not be stored, expected one that is. Read the error under your cell: if skops refused
capstone(model=RandomForestClassifier(3).fit(wine.data, wine.target))
# %% 8.3 ❌ a model of another library than scikit-learn needs that library's flavor, like mlflow.pytorch
capstone(model=nn.Linear(13, 3))
# %% 8.3 ❌ found a model that answers the same rows differently
capstone(**network(nn.Dropout()))
# %% 8.3 ❌ Call model.eval() before log_model
capstone(**network(nn.BatchNorm1d(8)))
# %% 8.3 ✅ a network with both, in the mode for use
capstone(**network(nn.BatchNorm1d(8).eval(), nn.Dropout().eval()))
# %% 8.3 ✅ judged by an error, its plot an SVG
kinds = ("gaussianNB", "LogisticRegression")
capstone("Min accuracy", kinds=kinds, best=(0,), plot="residuals.svg")
# %% 8.3 ✅ a step that fills gaps, whose default is NaN
# make_pipeline(StandardScaler() → make_pipeline(SimpleImputer(), StandardScaler()
# pip_requirements=[ → skops_trusted_types=["numpy.dtype"], pip_requirements=[
# which wine is it → which wine is whole
# %% 8.3 ✅ forests and neighbours under autologging, with what it does not see added, and the plot a page
# load_wine → load_breast_cancer
# (LogisticRegression, SVC) → (RandomForestClassifier, KNeighborsClassifier)
# (0.01, 0.1, 1.0) → (1, 3, 9)
# kind(C=C)) → kind(C)); model[-1].__dict__.update(random_state=1)
# "max cv_accuracy") → "max cv_accuracy"); mlflow.sklearn.autolog(log_models=False, silent=True)
# cross_val_score(model, X_train, y_train).mean() → model.fit(X_train, y_train).score(X_test, y_test)
# pip_requirements=[f"scikit-learn=={sklearn.__version__}"] → pip_requirements=["scikit-learn"], serialization_format="cloudpickle"
# mlflow.log_figure(figure, "confusion_matrix.png") → mlflow.log_text("<p>a plot</p>", "plots/matrix.html"); mlflow.sklearn.autolog(disable=True)
