"""Wrong turns in lab 4."""

from attempts import Attempt

SEARCH = """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="my-search"):
    GridSearchCV(LogisticRegression(max_iter=1000), {grid}, cv=5).fit(X_train, y_train)
mlflow.sklearn.autolog(disable=True)
"""

ATTEMPTS = [
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
        "❌",
        "found children with C = nothing",
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
        "Count the wrong names among the 30 flowers set aside",
        """
mlflow.sklearn.autolog(log_models=False)
with mlflow.start_run(run_name="mine-and-automatic"):
    some = LogisticRegression(C=0.01, max_iter=1000).fit(X_train, y_train)
    mlflow.log_metric("mistakes", int((some.predict(X_train) != y_train).sum()))
mlflow.sklearn.autolog(disable=True)
""",
    ),
]
