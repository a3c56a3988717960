"""Answers to the exercises of lab 4."""

from sklearn.metrics import accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

# %% 4.1 ⬜ was not filled by autologging
# autolog(log_models=False) → autolog(disable=True)
# %% 4.1 ⬜ mlflow.autolog() alone does nothing once mlflow.sklearn.autolog(disable=True) was called
# mlflow.sklearn.autolog(log_models=False) → mlflow.autolog(log_models=False)
# %% 4.1 ❌ found children with C = 1, 10, expected 0.1, 1 and 10
# [0.1, 1.0, 10.0] → [1.0, 10.0]
# %% 4.1 ❌ Fit one search with all three values
# GridSearchCV(LogisticRegression(**settings), {"C": [0.1, 1.0, 10.0]}, cv=5) → SVC()
# %% 4.1 ❌ found 3 runs under the run 'my-search' that a loop has made, expected those of one GridSearchCV
# search.fit(X_train, y_train) → [mlflow.start_run(nested=True) and LogisticRegression(C=C).fit(X_train, y_train) and mlflow.end_run() for C in (0.1, 1.0, 10.0)]
# %% 4.1 ❌ found a search over SVC, expected one over LogisticRegression
# LogisticRegression(**settings) → SVC()
# %% 4.1 ❌ found a training on 150 flowers in the run 'my-search', expected the 120 of the training part
# X_train, y_train → iris.drop(columns="species"), iris["species"]
# %% 4.1 ❌ found C = 10 as the best, expected 1. Fit on X_train and y_train
# X_train, y_train → *train_test_split(iris.drop(columns="species"), iris["species"], test_size=0.2, random_state=1)[::2]
# %% 4.1 ❌ autologging cannot store a search, and logs no children: use log_models=False
# log_models=False → serialization_format="skops", silent=True
# %% 4.1 ✅ with ten folds, and scikit-learn's defaults
# **settings →
# cv=5 → cv=10
# %% 4.1 ✅ with two scores
# cv=5 → scoring=["accuracy", "neg_log_loss"], refit="accuracy"
# %% 4.1 ✅ in a pipeline that scales
# LogisticRegression(**settings) → make_pipeline(StandardScaler(), LogisticRegression())
# {"C" → {"logisticregression__C"

# %% 4.2 ❌ found the training of a SVC in the run 'mine-and-automatic', expected a LogisticRegression
# LogisticRegression(**settings | {"C": 0.01}) → SVC()
# %% 4.2 ❌ Train on the flowers of the training part alone, with no other settings
# "C": 0.01 → "C": 0.01, "fit_intercept": False
# %% 4.2 ⬜ log it inside the with block
#     mlflow.log_metric → mlflow.log_metric
# disable=True) → disable=True); mlflow.end_run()
# %% 4.2 ✅ the metric logged when the run has ended
#     mlflow.log_metric( → mlflow.MlflowClient().log_metric(mlflow.last_active_run().info.run_id,
# %% 4.2 ✅ counted with scikit-learn, while autologging watches, with its defaults
# **settings | {"C": 0.01} → C=1e-2
# (model.predict(X_test) != y_test).sum() → 30 - accuracy_score(y_test, model.predict(X_test), normalize=False)
