"""What the right answers are compared with: computed from the data as the labs do it, once a process."""

from __future__ import annotations

from functools import cache

from lab import store

TO_THE_OPTIMUM = {
    "tol": 1e-8,
    "max_iter": 10_000,
}  # as in the labs: the same model on every processor


@cache
def data(name: str):
    """Return one of the data files as a data frame.

    Args:
        name: the file without `.csv`.
    """
    import pandas as pd

    return pd.read_csv(store.ROOT / "data" / f"{name}.csv")


@cache
def iris_split(seed: int = 42, test_size: float = 0.2):
    """Return the iris data split as in the labs: features to train on and to test on, species likewise.

    Args:
        seed: the seed of the split; labs 2 and 4 use 42.
        test_size: the part of the flowers that is held out.
    """
    from sklearn.model_selection import train_test_split

    iris = data("iris")
    return train_test_split(
        iris.drop(columns="species"), iris["species"], test_size=test_size, random_state=seed
    )


@cache
def iris_accuracy(C: float, seed: int, test_size: float = 0.2) -> float:
    """Return the test accuracy of a logistic regression on the irises.

    Args:
        C: the inverse of the regularization.
        seed: the seed of the split.
        test_size: the part of the flowers that is held out.
    """
    from sklearn.linear_model import LogisticRegression

    X_train, X_test, y_train, y_test = iris_split(seed, test_size)
    return LogisticRegression(C=C, **TO_THE_OPTIMUM).fit(X_train, y_train).score(X_test, y_test)


@cache
def digits_split():
    """Return the digits split as in labs 6 and 7: features to train on and to test on, digits likewise."""
    from sklearn.model_selection import train_test_split

    digits = data("digits")
    X, y = digits.drop(columns="digit") / 16, digits["digit"]
    return train_test_split(X, y, test_size=0.3, random_state=0, stratify=y)


@cache
def diabetes_split():
    """Return the diabetes data as lab 3 splits them: rows to train on, to validate with and to test on."""
    from sklearn.model_selection import train_test_split

    train, rest = train_test_split(data("diabetes"), test_size=0.4, random_state=1)
    return train, *train_test_split(rest, test_size=0.5, random_state=1)


@cache
def diabetes_scale() -> float:
    """Return the standard deviation of the disease score on lab 3's training rows, in points."""
    return float(diabetes_split()[0]["progression"].std(ddof=0))


@cache
def diabetes_test():
    """Return lab 3's test rows as arrays, scaled by the training rows: features (89, 10) and scores (89, 1)."""
    train, _, test = diabetes_split()
    scaled = ((test - train.mean()) / train.std(ddof=0)).to_numpy(dtype="float32")
    return scaled[:, :-1], scaled[:, -1:]


@cache
def digits_read():
    """Return lab 6's test rows as a data frame: `digit`, and `predicted` by the lab's classifier."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    X_train, X_test, y_train, y_test = digits_split()
    model = LogisticRegression(**TO_THE_OPTIMUM).fit(X_train, y_train)
    return pd.DataFrame({"digit": y_test, "predicted": model.predict(X_test)})


def misread():
    """Return the rows of `digits_read` in which the two differ."""
    read = digits_read()
    return read[read["digit"] != read["predicted"]]
