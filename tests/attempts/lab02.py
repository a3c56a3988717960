"""Wrong turns in lab 2."""

from attempts import Attempt

BY_HAND = """
with mlflow.start_run(run_name="my-setting"):
    mlflow.log_param("C", 10.0)
    mlflow.log_metrics({"accuracy": 1.0, "log_loss": 0.05})
"""

ATTEMPTS = [
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
]
