"""Answers to the exercises of lab 2."""

from answers import Accepted, Attempt

BY_HAND = """
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.log_metrics({"accuracy": 1.0, "log_loss": 0.05})
"""

MINE = """
mine = {model}
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
    mlflow.log_metric("accuracy", mine.score(X_test, y_test))
    mlflow.log_metric("log_loss", log_loss(y_test, mine.predict_proba(X_test)))
"""
NOTED = """
with mlflow.start_run(run_name="documented"):
    mlflow.set_tags({{"purpose": "to be read later", "run_timestamp": "{moment}"}})
    mlflow.log_input(dataset)
"""
REBUILT = """
source = runs.loc[runs["tags.mlflow.runName"] == "strong-regularization", "run_id"].iloc[0]
mine = LogisticRegression(C=0.01, tol=1e-8, max_iter=10_000).fit(X_train, y_train)
again = log_loss(y_test, mine.predict_proba(X_test))
with mlflow.start_run(run_name="rebuilt"):
    mlflow.set_tag("rebuilt_from", source)
    mlflow.log_param("C", 0.01)
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
    mlflow.log_metric("log_loss", {loss})
"""

WRONG = [
    Attempt("2.1", "⬜", "no run 'my-setting'", 'train("my setting", 10.0)'),
    Attempt("2.1", "⬜", "has no model 'logistic_regression'", BY_HAND),
    Attempt(
        "2.1",
        "❌",
        "found C = 1.0 in the run 'my-setting', expected C = 10",
        'train("my-setting", 1.0)',
    ),
    Attempt(
        "2.1",
        "❌",
        "a model with C = 1 in a run with the parameter C = 10.0",
        """
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.log_metrics({"accuracy": 1.0, "log_loss": 0.05})
    one = LogisticRegression(C=1.0, max_iter=1000).fit(X_train, y_train)
    mlflow.sklearn.log_model(one, name="logistic_regression", pip_requirements=requirements)
""",
    ),
    Attempt(
        "2.1",
        "❌",
        "found log_loss = 0.01",
        """
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.log_metrics({"accuracy": 1.0, "log_loss": 0.01})
    ten = LogisticRegression(C=10.0, max_iter=1000).fit(X_train, y_train)
    mlflow.sklearn.log_model(ten, name="logistic_regression", pip_requirements=requirements)
""",
    ),
    Attempt(
        "2.1",
        "❌",
        "which ended as FAILED",
        """
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.log_metric("accuracy", "perfect")
""",
    ),
    Attempt(
        "2.1",
        "⬜",
        "is still open",
        'mlflow.start_run(run_name="my-setting")\nlab.check("2.1")\nmlflow.end_run()',
    ),
    Attempt(
        "2.2",
        "⬜",
        "has no tag 'purpose'",
        'with mlflow.start_run(run_name="documented"):\n    pass',
    ),
    Attempt(
        "2.2",
        "❌",
        "found the purpose 'test', expected at least three words",
        'with mlflow.start_run(run_name="documented"):\n    mlflow.set_tag("purpose", "test")',
    ),
    Attempt(
        "2.2",
        "❌",
        "expected a moment like 2026-01-31T09:30:00",
        """
with mlflow.start_run(run_name="documented"):
    mlflow.set_tags({"purpose": "to be read later", "run_timestamp": "yesterday"})
""",
    ),
    Attempt(
        "2.2",
        "❌",
        "a dataset 'iris' with the digest",
        """
with mlflow.start_run(run_name="documented"):
    mlflow.set_tags({"purpose": "to be read later", "run_timestamp": datetime.now().isoformat()})
    mlflow.log_input(mlflow.data.from_pandas(iris.head(10), name="iris"))
""",
    ),
    Attempt(
        "2.2",
        "⬜",
        "has no dataset 'iris', but 'dataset'; give from_pandas the name",
        """
with mlflow.start_run(run_name="documented"):
    mlflow.set_tags({"purpose": "to be read later", "run_timestamp": datetime.now().isoformat()})
    mlflow.log_input(mlflow.data.from_pandas(iris, source="../data/iris.csv"))
""",
    ),
    Attempt(
        "2.2",
        "❌",
        "found the run 'documented' in the experiment 'Default', expected it in 'sklearn_experiment'",
        """
for run in mlflow.search_runs(filter_string="attributes.run_name = 'documented'")["run_id"]:
    mlflow.delete_run(run)
with mlflow.start_run(run_name="documented", experiment_id="0"):
    pass
""",
    ),
    Attempt("2.3", "⬜", "has no tag 'rebuilt_from'", 'train("rebuilt", 0.01)'),
    Attempt(
        "2.3",
        "❌",
        "the id of a run 'strong-regularization' of yours",
        """
with mlflow.start_run(run_name="rebuilt"):
    mlflow.set_tag("rebuilt_from", "strong-regularization")
""",
    ),
    Attempt(
        "2.3",
        "❌",
        "Use every parameter of the record, the split's seed too",
        """
source = runs.loc[runs["tags.mlflow.runName"] == "strong-regularization", "run_id"].iloc[0]
other_train, other_test, other_y_train, other_y_test = train_test_split(
    iris.drop(columns="species"), iris["species"], test_size=0.2, random_state=7
)
wrong = LogisticRegression(C=0.01, max_iter=1000).fit(other_train, other_y_train)
with mlflow.start_run(run_name="rebuilt"):
    mlflow.set_tag("rebuilt_from", source)
    mlflow.log_param("C", 0.01)
    mlflow.log_metric("log_loss", log_loss(other_y_test, wrong.predict_proba(other_test)))
""",
    ),
    Attempt(
        "2.3",
        "⬜",
        "has no model 'logistic_regression'",
        """
source = runs.loc[runs["tags.mlflow.runName"] == "strong-regularization"].iloc[0]
with mlflow.start_run(run_name="rebuilt"):
    mlflow.set_tag("rebuilt_from", source["run_id"])
    mlflow.log_param("C", 0.01)
    mlflow.log_metric("log_loss", source["metrics.log_loss"])
""",
    ),
    Attempt(
        "2.1",
        "❌",
        "found a model with a log loss of 0.033 on the held-out flowers, expected 0.043. Train on X_train and y_train alone",
        MINE.format(
            model="LogisticRegression(C=10.0, max_iter=1000).fit(iris.drop(columns='species'), iris['species'])"
        ),
    ),
    Attempt(
        "2.1",
        "❌",
        "found a model that predicts 0, 1, 2, expected one that predicts names of species",
        MINE.format(
            model="LogisticRegression(C=10.0).fit(X_train, y_train.astype('category').cat.codes)"
        ),
    ),
    Attempt(
        "2.1",
        "❌",
        "found a Pipeline as the model of the run 'my-setting', expected a plain LogisticRegression",
        "from sklearn.pipeline import make_pipeline\nfrom sklearn.preprocessing import StandardScaler\n"
        + MINE.format(
            model="make_pipeline(StandardScaler(), LogisticRegression(C=10.0)).fit(X_train, y_train)"
        ),
    ),
    Attempt(
        "2.1",
        "⬜",
        "but one named 'my_setting'",
        """
for run in mlflow.search_runs(filter_string="attributes.run_name = 'my-setting'")["run_id"]:
    mlflow.delete_run(run)
with mlflow.start_run(run_name="my-setting", experiment_id="0"):
    pass
train("my_setting", 10.0)
""",
    ),
    Attempt(
        "2.2",
        "❌",
        "found the purpose 'a b c'",
        'with mlflow.start_run(run_name="documented"):\n    mlflow.set_tag("purpose", "a b c")',
    ),
    Attempt(
        "2.2",
        "❌",
        "expected the moment at which the run was made",
        NOTED.format(moment="2020-01-01T00:00:00"),
    ),
    Attempt(
        "2.2", "❌", "expected a moment like 2026-01-31T09:30:00", NOTED.format(moment="2026-11-25")
    ),
    Attempt(
        "2.3", "❌", "Log it as it is, without rounding", REBUILT.format(loss="round(again, 3)")
    ),
]

RIGHT = [
    Accepted(
        "2.1",
        "by hand, with scikit-learn's defaults and more than was asked",
        """
mine = LogisticRegression(C=10.0, max_iter=1000)
mine.fit(X_train, y_train)
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_params({"C": 10, "solver": "lbfgs", "comment": "mine"})
    mlflow.log_metrics({
        "accuracy": float((mine.predict(X_test) == y_test).mean()),
        "log_loss": log_loss(y_test, mine.predict_proba(X_test)),
        "flowers": 30,
    })
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
""",
    ),
    Accepted(
        "2.1",
        "with another solver, and the client's own calls for the metrics",
        """
mine = LogisticRegression(C=10.0, solver="newton-cg").fit(X_train, y_train)
with mlflow.start_run(run_name="my-setting") as opened:
    mlflow.log_param("C", mine.C)
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
client = mlflow.MlflowClient()
client.log_metric(opened.info.run_id, "accuracy", mine.score(X_test, y_test))
client.log_metric(opened.info.run_id, "log_loss", log_loss(y_test, mine.predict_proba(X_test)))
""",
    ),
    Accepted(
        "2.1",
        "by the client's calls alone, which note no user",
        """
mine = LogisticRegression(C=10.0, tol=1e-8, max_iter=10_000).fit(X_train, y_train)
client = mlflow.MlflowClient()
created = client.create_run(experiment.experiment_id, run_name="my-setting").info.run_id
client.log_param(created, "C", mine.C)
client.log_metric(created, "accuracy", mine.score(X_test, y_test))
client.log_metric(created, "log_loss", log_loss(y_test, mine.predict_proba(X_test)))
with mlflow.start_run(run_id=created):
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
""",
    ),
    Accepted(
        "2.2",
        "the moment in universal time, and a dataset made anew",
        """
from datetime import timezone
with mlflow.start_run(run_name="documented"):
    mlflow.set_tags({"purpose": "für das nächste Jahr", "run_timestamp": datetime.now(timezone.utc).isoformat()})
    mlflow.log_input(mlflow.data.from_pandas(pd.read_csv("../data/iris.csv"), name="iris"), context="reading")
""",
    ),
    Accepted(
        "2.2",
        "a space instead of the T, tags set after the run has ended",
        """
with mlflow.start_run(run_name="documented") as opened:
    mlflow.log_input(dataset)
client = mlflow.MlflowClient()
client.set_tag(opened.info.run_id, "purpose", "Show what is in the table, for those who come later.")
client.set_tag(opened.info.run_id, "run_timestamp", datetime.now().strftime("%Y-%m-%d %H:%M"))
""",
    ),
    Accepted(
        "2.3",
        "with all parameters logged, and the data read from the record",
        """
kept = mlflow.search_runs(filter_string="attributes.run_name = 'strong-regularization'", max_results=1).iloc[0]
table = pd.read_csv(mlflow.data.get_source(mlflow.get_run(kept.run_id).inputs.dataset_inputs[0]).load())
a, b, c, d = train_test_split(
    table.drop(columns="species"), table["species"], test_size=float(kept["params.test_size"]), random_state=int(kept["params.random_state"])
)
mine = LogisticRegression(C=float(kept["params.C"]), tol=float(kept["params.tol"]), max_iter=int(kept["params.max_iter"])).fit(a, c)
with mlflow.start_run(run_name="rebuilt", tags={"rebuilt_from": kept.run_id}):
    mlflow.log_params(mlflow.get_run(kept.run_id).data.params)
    mlflow.log_metric("log_loss", log_loss(d, mine.predict_proba(b)))
    mlflow.sklearn.log_model(mine, name="logistic_regression", pip_requirements=requirements)
""",
    ),
    Accepted("2.3", "six decimals are enough", REBUILT.format(loss="round(again, 7)")),
]
