"""Answers to the exercises of lab 8."""

from answers import Accepted, Attempt

HANDED_OVER = """
mlflow.set_experiment("script_experiment")
with mlflow.start_run(run_name="handed-over"):
    mlflow.log_metric("log_loss", {loss})
    mlflow.set_tag("from_run", {source})
    mlflow.log_text({requirements}, "requirements.txt")
"""
SOURCE = """
found = mlflow.search_runs(experiment_names=["script_experiment"])
source = mlflow.get_run(found.loc[found["tags.mlflow.runName"] == "C=100", "run_id"].iloc[0])
"""
# A capstone of which each wrong answer leaves out, or changes, one thing.
CAPSTONE = """
import time

from matplotlib.figure import Figure
from sklearn.datasets import load_iris, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

wine = load_wine(as_frame=True)


def capstone(
    rule="max accuracy",
    count=6,
    kinds=("LogisticRegression", "GaussianNB"),
    parameters={"random_state": 0, "test_size": 0.5, "smoothing": 0.1},
    table=wine.frame,
    commit="no git",
    best=(5,),
    conclusion="the last of the six is best",
    plot=True,
    model=True,
    **example,
):
    mlflow.set_experiment(f"capstone {time.time_ns()}")
    if rule:
        mlflow.set_experiment_tag("capstone", rule)
    for number in range(count):
        with mlflow.start_run(run_name=f"number {number}"):
            mlflow.log_params({"model": kinds[number % len(kinds)]} | parameters)
            if table is not None:
                mlflow.log_input(mlflow.data.from_pandas(table, name="wine"))
            if commit:
                mlflow.set_tag("git_commit", commit)
            mlflow.log_metric("accuracy", 0.9 + number / 100)
            if number in best:
                mlflow.set_tags({"verdict": "best", "conclusion": conclusion})
                if plot:
                    mlflow.log_figure(Figure(), "plots/a_plot.png")
                if model:
                    trained = GaussianNB().fit(wine.data, wine.target)
                    example = example or {"input_example": wine.data.head(2)}
                    mlflow.sklearn.log_model(
                        trained, name="mine", pip_requirements=["scikit-learn"], **example
                    )


"""

WRONG = [
    Attempt(
        "8.1",
        "⬜",
        "there is no run 'C=0.01' of yours in the experiment 'script_experiment'. A script that is told no store",
        'python(script, "--C", "0.01")',
    ),
    Attempt(
        "8.1",
        "❌",
        "made by ipykernel_launcher.py, expected one made by train.py",
        """
mlflow.set_experiment("script_experiment")
for C in (0.01, 100):
    with mlflow.start_run(run_name=f"C={C:g}"):
        mlflow.log_param("C", C)
""",
    ),
    Attempt(
        "8.1",
        "⬜",
        "there is no run 'C=100' of yours",
        """
for run in mlflow.search_runs(experiment_names=["script_experiment"])["run_id"]:
    mlflow.delete_run(run)
subprocess.run([sys.executable, script, "--C", "0.01"], check=True, capture_output=True)
""",
    ),
    Attempt(
        "8.2",
        "❌",
        "from_run = C=100, expected the id of a run 'C=100' of yours",
        HANDED_OVER.format(loss=0.022, source="'C=100'", requirements="'scikit-learn'"),
    ),
    Attempt(
        "8.2",
        "❌",
        "Compute it from the model that you loaded",
        SOURCE
        + HANDED_OVER.format(loss=0.1, source="source.info.run_id", requirements="'scikit-learn'"),
    ),
    Attempt(
        "8.2",
        "❌",
        "found another requirements.txt, expected the file of that name in the model's folder",
        SOURCE
        + HANDED_OVER.format(
            loss="source.data.metrics['log_loss']",
            source="source.info.run_id",
            requirements="Path('../requirements.txt').read_text()",
        ),
    ),
    Attempt(
        "8.3",
        "⬜",
        "there is no experiment with the tag 'capstone'",
        CAPSTONE + "capstone(rule='')",
    ),
    Attempt(
        "8.3",
        "❌",
        "expected max or min and the name of a metric",
        CAPSTONE + "capstone(rule='accuracy')",
    ),
    Attempt("8.3", "⬜", "has 5 finished runs", CAPSTONE + "capstone(count=5, best=(4,))"),
    Attempt("8.3", "⬜", "has 0 finished runs with the metric 'recall'", "capstone('max recall')"),
    Attempt(
        "8.3",
        "⬜",
        "has no parameter 'random_state'",
        "capstone(parameters={'test_size': 0.5, 'smoothing': 0.1})",
    ),
    Attempt(
        "8.3",
        "⬜",
        "has no setting of its model",
        "capstone(parameters={'test_size': 0.5, 'random_state': 1})",
    ),
    Attempt("8.3", "⬜", "has no dataset", "capstone(table=None)"),
    Attempt(
        "8.3",
        "❌",
        "which the labs have used, expected data that are new",
        "capstone(table=__import__('pandas').read_csv('../data/digits.csv'))",
    ),
    Attempt("8.3", "⬜", "has no tag 'git_commit'", "capstone(commit=None)"),
    Attempt("8.3", "❌", "only models of the kind SVC", "capstone(kinds=('SVC',))"),
    Attempt("8.3", "⬜", "has the tag verdict = best", "capstone(best=())"),
    Attempt("8.3", "❌", "'number 0' as the best, with accuracy = 0.9", "capstone(best=(0,))"),
    Attempt("8.3", "❌", "expected it on one run, the best", "capstone(best=(4, 5))"),
    Attempt("8.3", "❌", "the max of 6 runs", "capstone(rule='max accuracy', best=(3,))"),
    Attempt("8.3", "❌", "a sentence of at least five words", "capstone(conclusion='number five')"),
    Attempt("8.3", "⬜", "has no plot among its artifacts", "capstone(plot=False)"),
    Attempt("8.3", "⬜", "has no model; log the best model", "capstone(model=False)"),
    Attempt("8.3", "⬜", "has no signature", "capstone(metadata={'from': 'me'})"),
]

RIGHT = [
    Accepted(
        "8.1",
        "with the settings of a terminal",
        """
print([
    python(
        script,
        f"--C={C}",
        MLFLOW_TRACKING_URI=mlflow.get_tracking_uri(),
        MLFLOW_ALLOW_FILE_STORE="true",
    )
    for C in (100, 0.01)
])
""",
    ),
    Accepted(
        "8.1",
        "one of them once more, from the script's own folder",
        'subprocess.run([sys.executable, "train.py", "--C=100"], check=True, capture_output=True)',
    ),
    Accepted(
        "8.2",
        "the model loaded as a whole folder of a copy",
        SOURCE
        + """
import pandas as pd
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

iris = pd.read_csv("../data/iris.csv")
_, X, _, y = train_test_split(
    iris.drop(columns="species"), iris["species"], test_size=0.2, random_state=42
)
place = mlflow.artifacts.download_artifacts(
    f"models:/{source.outputs.model_outputs[0].model_id}", dst_path=tempfile.mkdtemp()
)
client = mlflow.MlflowClient()
home = client.get_experiment_by_name("script_experiment").experiment_id
run = client.create_run(home, run_name="handed-over", tags={"from_run": source.info.run_id})
classifier = mlflow.pyfunc.load_model(place).get_raw_model()
client.log_metric(run.info.run_id, "log_loss", log_loss(y, classifier.predict_proba(X)))
client.log_artifact(run.info.run_id, f"{place}/requirements.txt", "handed over")
client.set_terminated(run.info.run_id)
""",
    ),
    Accepted(
        "8.2",
        "the metric of the record",
        SOURCE
        + HANDED_OVER.format(
            loss="source.data.metrics['log_loss']",
            source="source.info.run_id",
            requirements="mlflow.artifacts.load_text(mlflow.get_logged_model(source.outputs.model_outputs[0].model_id).artifact_location + '/requirements.txt')",
        ),
    ),
    Accepted(
        "8.3",
        "a regression, judged by its error, from a table of one's own",
        """
import pandas as pd
from matplotlib.figure import Figure
from sklearn.linear_model import Ridge
from sklearn.svm import SVR
from sklearn.model_selection import train_test_split

table = pd.DataFrame({"hours": [float(n % 17) for n in range(60)], "load": [0.5 * n for n in range(60)]})
table["price"] = 3 * table["hours"] - table["load"]
chosen = dict(test_size=0.3, random_state=7)
X1, X2, y1, y2 = train_test_split(table[["hours", "load"]], table["price"], **chosen)
mlflow.set_experiment("what does it cost")
mlflow.set_experiment_tag("capstone", "Min mae")
errors = {}
for model in [Ridge(alpha=a) for a in (0.1, 1, 10, 100)] + [SVR(C=c) for c in (1, 10)]:
    with mlflow.start_run() as run:
        model.fit(X1, y1)
        own = {k: v for k, v in model.get_params().items() if k in ("alpha", "C")}
        mlflow.log_params({**own, **chosen, "model": type(model).__name__})
        mlflow.log_input(mlflow.data.from_pandas(table, targets="price"), context="training")
        mlflow.set_tag("git_commit", "no git")
        errors[run.info.run_id] = abs(model.predict(X2) - y2).mean()
        mlflow.log_metric("mae", errors[run.info.run_id])
        mlflow.sklearn.log_model(
            model,
            name="price",
            signature=mlflow.models.infer_signature(X1, y1),
            input_example=X1.head(1),
            pip_requirements=["scikit-learn"],
        )
lowest = min(errors, key=errors.get)
with mlflow.start_run(run_id=lowest):
    mlflow.set_tag("verdict", "best")
    mlflow.set_tag("conclusion", "A line with hardly any penalty fits it.")
    mlflow.log_figure(Figure(), "residuals.svg")
""",
    ),
    Accepted(
        "8.3",
        "forests and neighbours by autologging, with what it does not see added",
        """
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.model_selection import train_test_split

cancer = load_breast_cancer(as_frame=True)
chosen = {"test_size": 0.4, "random_state": 3}
train_X, test_X, train_y, test_y = train_test_split(cancer.data, cancer.target, **chosen)
mlflow.set_experiment("benign or not")
mlflow.set_experiment_tag("capstone", "max test_accuracy")
mlflow.sklearn.autolog(log_models=False, log_datasets=False, silent=True)
for model in [RandomForestClassifier(n, random_state=0) for n in (1, 3, 9)] + [
    KNeighborsClassifier(n) for n in (1, 3, 9)
]:
    with mlflow.start_run():
        model.fit(train_X, train_y)
        missing = {k: v for k, v in chosen.items() if k not in model.get_params()}
        mlflow.log_params(missing | {"model": type(model).__name__})
        mlflow.log_input(mlflow.data.from_pandas(cancer.frame, name="cancer"))
        mlflow.set_tag("git_commit", "0123456-dirty")
        mlflow.log_metric("test_accuracy", model.score(test_X, test_y))
        mlflow.sklearn.log_model(
            model,
            name="cancer",
            serialization_format="cloudpickle",
            input_example=test_X.head(2),
            pip_requirements=["scikit-learn"],
        )
mlflow.sklearn.autolog(disable=True)
top = mlflow.search_runs(order_by=["metrics.test_accuracy DESC"], max_results=1)["run_id"][0]
with mlflow.start_run(run_id=top):
    mlflow.set_tags({"verdict": "best", "conclusion": "More trees help until they do not."})
    mlflow.log_text("<p>a plot</p>", "plots/importance.html")
""",
    ),
]
