"""Answers to the exercises of lab 4."""

from answers import Accepted, Attempt

SEARCH = """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="my-search"):
    GridSearchCV(LogisticRegression(max_iter=1000), {grid}, cv=5).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
"""

WRONG = [
    Attempt(
        "4.1",
        "⬜",
        "was not filled by autologging",
        """
mlflow.sklearn.autolog(disable=True)
with mlflow.start_run(run_name="my-search"):
    GridSearchCV(LogisticRegression(max_iter=1000), {"C": [0.1, 1.0, 10.0]}).fit(X_train, y_train)
""",
    ),
    Attempt(
        "4.1",
        "❌",
        "found children with C = 1, 10, expected 0.1, 1 and 10",
        SEARCH.format(grid='{"C": [1.0, 10.0]}'),
    ),
    Attempt(
        "4.1",
        "❌",
        "Fit one search with all three values",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="my-search"):
    LogisticRegression(C=1.0, max_iter=1000).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Attempt(
        "4.1",
        "⬜",
        "has no parameter 'estimator'",
        """
with mlflow.start_run(run_name="my-search"):
    mlflow.set_tag("estimator_name", "GridSearchCV")
    mlflow.log_param("best_C", 1.0)
""",
    ),
    Attempt(
        "4.2",
        "⬜",
        "was not filled by autologging",
        """
with mlflow.start_run(run_name="mine-and-automatic"):
    mlflow.log_param("C", 0.01)
    mlflow.log_metric("mistakes", 2)
""",
    ),
    Attempt(
        "4.2",
        "⬜",
        "has no metric 'mistakes'",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    LogisticRegression(C=0.01, max_iter=1000).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Attempt(
        "4.2",
        "❌",
        "found C = 1.0 in the run 'mine-and-automatic', expected C = 0.01",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    LogisticRegression(max_iter=1000).fit(X_train, y_train)
    mlflow.log_metric("mistakes", 2)
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Attempt(
        "4.2",
        "❌",
        "Count the wrong predictions among the 30 held-out flowers",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    some = LogisticRegression(C=0.01, max_iter=1000).fit(X_train, y_train)
    mlflow.log_metric("mistakes", int((some.predict(X_train) != y_train).sum()))
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Attempt(
        "4.1",
        "❌",
        "found a search over SVC, expected one over LogisticRegression",
        "from sklearn.svm import SVC\n"
        + SEARCH.replace("LogisticRegression(max_iter=1000)", "SVC()").format(
            grid='{"C": [0.1, 1.0, 10.0]}'
        ),
    ),
    Attempt(
        "4.1",
        "❌",
        "found a training on 150 flowers in the run 'my-search', expected the 120 of the training part",
        SEARCH.replace("X_train, y_train", "iris.drop(columns='species'), iris['species']").format(
            grid='{"C": [0.1, 1.0, 10.0]}'
        ),
    ),
    Attempt(
        "4.1",
        "❌",
        "found C = 10 as the best, expected 1. Fit on X_train and y_train",
        "rows = train_test_split(iris.drop(columns='species'), iris['species'], test_size=0.2, random_state=1)\n"
        + SEARCH.replace("X_train, y_train", "rows[0], rows[2]").format(
            grid='{"C": [0.1, 1.0, 10.0]}'
        ),
    ),
    Attempt(
        "4.1",
        "⬜",
        "mlflow.autolog() alone does nothing once mlflow.sklearn.autolog(disable=True) was called",
        SEARCH.replace(
            "mlflow.sklearn.autolog(log_models=False)", "mlflow.autolog(log_models=False)"
        ).format(grid='{"C": [0.1, 1.0, 10.0]}'),
    ),
    Attempt(
        "4.2",
        "⬜",
        "log it inside the with block",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    LogisticRegression(C=0.01, max_iter=1000).fit(X_train, y_train)
mlflow.log_metric("mistakes", 2)
mlflow.end_run()
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Attempt(
        "4.1",
        "❌",
        "autologging cannot store a search, and logs no children: use log_models=False",
        SEARCH.replace("log_models=False", 'serialization_format="skops", silent=True').format(
            grid='{"C": [0.1, 1.0, 10.0]}'
        ),
    ),
]

RIGHT = [
    Accepted(
        "4.1",
        "with models, and ten folds",
        """
mlflow.sklearn.autolog(silent=True, log_models=False, max_tuning_runs=10)
with mlflow.start_run(run_name="my-search"):
    GridSearchCV(LogisticRegression(), {"C": (10, 1, 0.1)}, cv=10).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Accepted(
        "4.1",
        "with two scores",
        SEARCH.replace("cv=5", "scoring=['accuracy', 'neg_log_loss'], refit='accuracy'").format(
            grid='{"C": [0.1, 1.0, 10.0]}'
        ),
    ),
    Accepted(
        "4.1",
        "in a pipeline that scales",
        """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="my-search"):
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    GridSearchCV(steps, {"logisticregression__C": [0.1, 1.0, 10.0]}).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
""",
    ),
    Accepted(
        "4.2",
        "the metric logged when the run has ended",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic") as opened:
    mine = LogisticRegression(C=1e-2).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
mlflow.MlflowClient().log_metric(opened.info.run_id, "mistakes", float((mine.predict(X_test) != y_test).sum()))
""",
    ),
    Accepted(
        "4.2",
        "counted with scikit-learn, while autologging watches",
        """
from sklearn.metrics import accuracy_score
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    mine = LogisticRegression(C=0.01, max_iter=1000)
    mine.fit(X_train, y_train)
    mlflow.log_metric("mistakes", accuracy_score(y_test, mine.predict(X_test), normalize=False) * -1 + 30)
mlflow.sklearn.autolog(disable=True)
""",
    ),
]
