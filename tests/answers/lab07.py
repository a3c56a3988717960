"""Answers to the exercises of lab 7."""

from answers import Accepted, Attempt

TAG = 'mlflow.MlflowClient().set_tag({run}, "{key}", "{value}")'
SMALL = "mlflow.search_runs(filter_string=f\"{this_sweep} and tags.size = 'small'\", order_by=['metrics.accuracy'])"
UNTAG = """
for run in mlflow.search_runs(filter_string=f"{this_sweep} and tags.verdict = 'best-small'")["run_id"]:
    mlflow.MlflowClient().delete_tag(run, "verdict")
"""

ADDED = """
pipeline = {model}
with mlflow.start_run(run_name="mine", parent_run_id=parent.info.run_id):
    mlflow.log_params({{"C": 10.0, "components": 30}})
    mlflow.sklearn.log_model(pipeline, name="logistic_regression", pip_requirements=["scikit-learn"])
    mlflow.log_metric("accuracy", pipeline.score(X_test, y_test))
"""

WRONG = [
    Attempt(
        "7.1",
        "⬜",
        "no run of your newest sweep has the tag",
        TAG.format(run=f'{SMALL}["run_id"].iloc[-1]', key="verdict", value="best small"),
    ),
    Attempt(
        "7.1",
        "❌",
        "which is large, expected a small one",
        UNTAG + TAG.format(run='best["run_id"]', key="verdict", value="best-small"),
    ),
    Attempt(
        "7.1",
        "❌",
        "expected the most accurate of the small ones",
        UNTAG + TAG.format(run=f'{SMALL}["run_id"].iloc[0]', key="verdict", value="best-small"),
    ),
    Attempt(
        "7.1",
        "❌",
        "found the tag on the parent, expected it on one of its children",
        TAG.format(run="parent.info.run_id", key="verdict", value="best-small"),
    ),
    Attempt(
        "7.1",
        "❌",
        "expected it on one run, the best. Take a tag off a run with mlflow.MlflowClient().delete_tag",
        'mlflow.MlflowClient().delete_tag(parent.info.run_id, "verdict")\n'
        + TAG.format(run=f'{SMALL}["run_id"].iloc[1]', key="verdict", value="best-small"),
    ),
    Attempt("7.1", "⬜", "no run of your newest sweep", UNTAG),
    Attempt(
        "7.1",
        "⬜",
        "has verdict = best_small",
        TAG.format(run=f'{SMALL}["run_id"].iloc[-1]', key="verdict", value="best_small"),
    ),
    Attempt("7.2", "❌", "that is not in the sweep", "train(10.0, 30)"),
    Attempt(
        "7.2",
        "❌",
        "expected it as a child of your newest sweep. Open the parent by its id",
        """
with mlflow.start_run(run_name="sweep") as second:
    train(10, 30)
""",
    ),
    Attempt(
        "7.2",
        "⬜",
        "no run with 30 components",
        """
for run in mlflow.search_runs(filter_string="attributes.run_name LIKE 'C=10%, components=30'")["run_id"]:
    mlflow.delete_run(run)
with mlflow.start_run(run_id=parent.info.run_id):
    train(10.0, 31)
""",
    ),
    Attempt(
        "7.2",
        "❌",
        "found C = 1.0",
        "with mlflow.start_run(run_id=parent.info.run_id):\n    train(1.0, 30)",
    ),
    Attempt(
        "7.2",
        "⬜",
        "has no model 'logistic_regression'",
        """
with mlflow.start_run(run_id=parent.info.run_id):
    with mlflow.start_run(run_name="typed", nested=True):
        mlflow.log_params({"C": 10.0, "components": 30})
        mlflow.log_metric("accuracy", 0.965)
""",
    ),
    Attempt(
        "7.2",
        "❌",
        "a model with 5 components and C = 10",
        """
small = make_pipeline(PCA(5, random_state=0), LogisticRegression(C=10.0, max_iter=1000))
small.fit(X_train, y_train)
with mlflow.start_run(run_id=parent.info.run_id):
    with mlflow.start_run(run_name="typed", nested=True):
        mlflow.log_params({"C": 10.0, "components": 30})
        mlflow.log_metric("accuracy", 0.965)
        mlflow.sklearn.log_model(small, name="logistic_regression", pip_requirements=["scikit-learn"])
""",
    ),
    Attempt(
        "7.2",
        "❌",
        "found a model of LogisticRegression, expected one of PCA, LogisticRegression",
        ADDED.format(model="LogisticRegression(C=10.0, max_iter=1000).fit(X_train, y_train)"),
    ),
    Attempt(
        "7.2",
        "❌",
        "on the test rows, expected 0.105. Train new_model(10.0, 30) on X_train and y_train, all of them",
        ADDED.format(model="new_model(10.0, 30).fit(X_train[:500], y_train[:500])"),
    ),
    Attempt(
        "7.2",
        "❌",
        "on the test rows, expected 0.105. Train new_model(10.0, 30) on X_train and y_train, all of them",
        ADDED.format(
            model="new_model(10.0, 30).fit(digits.drop(columns='digit') / 16, digits['digit'])"
        ),
    ),
    Attempt(
        "7.3",
        "⬜",
        "the parent of your newest sweep has no tag 'enough_components'",
        TAG.format(run='best["run_id"]', key="enough_components", value="20"),
    ),
    Attempt(
        "7.3",
        "❌",
        "found enough_components = 40 on the parent",
        TAG.format(run="parent.info.run_id", key="enough_components", value="40"),
    ),
    Attempt(
        "7.3",
        "❌",
        "expected the smallest number within 0.02",
        TAG.format(run="parent.info.run_id", key="enough_components", value="10"),
    ),
    Attempt(
        "7.1",
        "⬜",
        "; the run 'by accident', which has it, is not in that sweep",
        UNTAG.replace("best-small", "best_small")
        + 'with mlflow.start_run(run_name="by accident"):\n    mlflow.set_tag("verdict", "best-small")',
    ),
    Attempt(
        "7.3",
        "❌",
        "found enough_components = 20 components on the parent, expected a number and nothing else",
        TAG.format(run="parent.info.run_id", key="enough_components", value="20 components"),
    ),
    Attempt(
        "7.2",
        "❌",
        "found accuracy = 0.9992 in the run 'too good', expected 0.9",
        """
pipeline = make_pipeline(PCA(30, random_state=0), LogisticRegression(C=10.0, max_iter=1000)).fit(X_train, y_train)
with mlflow.start_run(run_name="too good", parent_run_id=parent.info.run_id):
    mlflow.log_params({"C": 10.0, "components": 30})
    mlflow.sklearn.log_model(pipeline, name="logistic_regression", pip_requirements=["scikit-learn"])
    mlflow.log_metric("accuracy", 0.9992)
""",
    ),
]

RIGHT = [
    Accepted(
        "7.1",
        "found with pandas, tagged in its run",
        """
small = runs[runs["tags.size"] == "small"]
chosen = small.loc[small["metrics.accuracy"].idxmax(), "run_id"]
with mlflow.start_run(run_id=chosen):
    mlflow.set_tag("verdict", "best-small")
""",
    ),
    Accepted(
        "7.1",
        "found with the client",
        """
client = mlflow.MlflowClient()
(chosen,) = client.search_runs(
    [experiment.experiment_id], f"{this_sweep} and tags.size ILIKE 'SMALL'", order_by=["metrics.accuracy DESC"], max_results=1
)
client.set_tag(chosen.info.run_id, "verdict", "best-small")
""",
    ),
    Accepted(
        "7.2",
        "C as a whole number",
        "with mlflow.start_run(run_id=parent.info.run_id):\n    train(10, 30)",
    ),
    Accepted(
        "7.2",
        "and another setting with as many components",
        "with mlflow.start_run(run_id=parent.info.run_id):\n    train(10.0, 30)\n    train(100.0, 30)",
    ),
    Accepted(
        "7.2",
        "by the id of its parent, under another name",
        """
pipeline = make_pipeline(PCA(30), LogisticRegression(C=10.0, max_iter=1000)).fit(X_train, y_train)
with mlflow.start_run(run_name="the gap", parent_run_id=parent.info.run_id):
    mlflow.log_params({"C": 10.0, "components": 30})
    mlflow.sklearn.log_model(pipeline, name="logistic_regression", pip_requirements=["scikit-learn"])
    mlflow.log_metric("accuracy", pipeline.score(X_test, y_test))
""",
    ),
    Accepted(
        "7.3",
        "as a decimal number",
        TAG.format(run="parent.info.run_id", key="enough_components", value="20.0"),
    ),
    Accepted(
        "7.3",
        "in its run",
        """
with mlflow.start_run(run_id=parent.info.run_id):
    mlflow.set_tag("enough_components", 20)
""",
    ),
]
