"""What the checks compare with within a tolerance (`lab/exercises/expected.py`), computed anew from the data as the labs do it."""

import pytest
import torch
from lab.exercises import expected
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from torch import nn, optim

TO_THE_OPTIMUM = {"tol": 1e-8, "max_iter": 10_000}


def iris_split(seed=42, test_size=0.2):
    iris = expected.data("iris")
    X, y = iris.drop(columns="species"), iris["species"]
    return train_test_split(X, y, test_size=test_size, random_state=seed)


def trained(C, **split):
    X_train, X_test, y_train, y_test = iris_split(**split)
    return LogisticRegression(C=C, **TO_THE_OPTIMUM).fit(X_train, y_train), X_test, y_test


def accuracy(C, **split):
    model, X_test, y_test = trained(C, **split)
    return model.score(X_test, y_test)


def test_lab01_accuracies_and_their_means():
    for C, right in expected.IRIS_ACCURACY.items():
        assert accuracy(C, seed=1) == pytest.approx(right, abs=1e-4)
    for C, right in expected.IRIS_MEAN_ACCURACY.items():
        mean = sum(accuracy(C, seed=seed, test_size=0.5) for seed in range(10)) / 10
        assert mean == pytest.approx(right, abs=1e-4)


def test_lab01_best_setting_is_ahead_by_more_than_the_tolerance():
    second, best = sorted(expected.IRIS_MEAN_ACCURACY.values())[-2:]
    assert best - second > 1.5 * expected.MEAN_ACCURACY_TOLERANCE


def test_lab02_log_loss():
    for C, right in expected.IRIS_LOG_LOSS.items():
        model, X_test, y_test = trained(C)
        loss = log_loss(y_test, model.predict_proba(X_test))
        assert loss == pytest.approx(right, abs=1e-4)


@pytest.mark.parametrize(
    "learning_rate, losses", [(0.1, expected.VAL_LOSS_FAST), (0.01, expected.VAL_LOSS_SLOW)]
)
def test_lab03_losses_of_the_simple_model(learning_rate, losses):
    train = expected._diabetes_split()["train"]
    scaled = torch.tensor(((train - train.mean()) / train.std(ddof=0)).to_numpy("float32"))
    validation = [torch.tensor(part) for part in expected.diabetes_scaled("validation")]
    torch.manual_seed(0)
    model = nn.Linear(10, 1)
    optimizer = optim.Adam(model.parameters(), lr=learning_rate)
    for epoch in range(1, 151):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(scaled[:, :-1]), scaled[:, -1:])
        loss.backward()
        optimizer.step()
        if epoch == 1:
            assert loss.item() == pytest.approx(expected.FIRST_TRAIN_LOSS, abs=1e-3)
        if epoch in losses:
            with torch.no_grad():
                found = nn.functional.mse_loss(model(validation[0]), validation[1]).item()
            assert found == pytest.approx(losses[epoch], abs=1e-3)


def digits_split():
    digits = expected.data("digits")
    X, y = digits.drop(columns="digit") / 16, digits["digit"]
    return train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)


def test_lab07_log_loss_and_accuracy():
    X_train, X_test, y_train, y_test = digits_split()
    model = make_pipeline(PCA(30, random_state=0), LogisticRegression(C=10.0, **TO_THE_OPTIMUM))
    loss = log_loss(y_test, model.fit(X_train, y_train).predict_proba(X_test))
    assert loss == pytest.approx(expected.DIGITS_LOG_LOSS, abs=1e-3)
