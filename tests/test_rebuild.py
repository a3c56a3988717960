"""Every finished training run of labs 2, 3 and 7, rebuilt from its record alone: data by digest, split, model, settings.

Nothing here knows a lab's settings. What a run is rebuilt from stands in its parameters, tags and datasets.
"""

import ast

import mlflow
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from mlflow.entities import ViewType
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.utils import all_estimators
from support import ROOT

ESTIMATORS = dict(all_estimators())
NO_TRAINING = {  # runs and experiments that are not rebuilt
    "Default": "the run without a name holds one parameter, to show where it goes",
    "exercise_checks": "what lab.check said",
    "careless_experiment": "somebody's who records nothing: a trap",
    "sweep": "trains nothing itself: the parent of twenty that do",
}
# Solvers that run to their optimum come within their own tolerance, 1e-8, of it; the metrics follow with fewer digits.
# A network's 150 steps in 32 bits carry each rounding along: 1e-4 is a hundredth of what lab 3 shows.
TOLERANCE, TOLERANCE_OF_NETWORKS = 1e-6, 1e-4


def value(text: str):
    """Return what a parameter's text says: a number, True or None; else the text itself."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parts_of(run, params: dict) -> dict[str, tuple]:
    """Return features and target of the rows for training, for testing, and for validation if the split had three parts.

    The table is read again from where the record says, if it still has the digest of the record.
    """
    (logged,) = run.inputs.dataset_inputs
    table = pd.read_csv(ROOT / "notebooks" / ast.literal_eval(logged.dataset.source)["uri"])
    assert mlflow.data.from_pandas(table).digest == logged.dataset.digest
    target = params.pop("target")
    rows = (table.drop(columns=target) / params.pop("divide_by", 1)).assign(
        **{target: table[target]}
    )
    seed = params.pop("split_seed" if "split_seed" in params else "random_state")
    stratify = table[params.pop("stratify")] if "stratify" in params else None
    split = {}
    size = params.pop("test_size")
    if "validation_size" in params:
        held_out = params.pop("validation_size") + size
        split["train"], rows = train_test_split(rows, test_size=held_out, random_state=seed)
        size /= held_out
    first, split["test"] = train_test_split(
        rows, test_size=size, random_state=seed, stratify=stratify
    )
    split["validation" if "train" in split else "train"] = first
    return {name: (part.drop(columns=target), part[target]) for name, part in split.items()}


def estimator_of(params: dict):
    """Return the estimator of a run, untrained, from the names of its classes and its settings."""
    names = {"components": "n_components", "seed": "random_state"}
    settings = {names.get(name, name): setting for name, setting in params.items()}
    steps, known = [], {"weights"}
    for part in settings.pop("model").split(", "):
        own = set(ESTIMATORS[part].__init__.__code__.co_varnames)
        steps.append(ESTIMATORS[part](**{k: v for k, v in settings.items() if k in own}))
        known |= own
    assert set(settings) <= known, f"nobody uses {set(settings) - known}"
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def compare(run, metrics: dict[str, float], tolerance: float) -> None:
    recorded = {n: m for n, m in run.data.metrics.items() if not n.endswith("_epoch")}
    assert metrics == pytest.approx(recorded, abs=tolerance), run.info.run_name


def rebuild(client, run) -> None:
    """Train again what a run recorded, and compare the metrics, and what its models predict."""
    params = {name: value(text) for name, text in run.data.params.items()}
    assert run.data.tags["git_commit"], "no version of the code"
    if "layers" in params:
        rebuild_network(client, run, params)
        return
    parts = parts_of(run, params)
    if "scaler" in params:
        parts = scaled(parts, params)
    model = estimator_of(params)
    (X, y), (X_test, y_test) = parts["train"], parts["test"]
    model.fit(X, y)
    if "spread" in parts:
        compare(run, {"test_rmse": rmse(model.predict(X_test), parts)}, 1e-3)
    else:
        loss = sklearn.metrics.log_loss(y_test, model.predict_proba(X_test))
        found = {"accuracy": model.score(X_test, y_test), "log_loss": loss}
        compare(run, {name: found[name] for name in run.data.metrics}, TOLERANCE)
    for output in run.outputs.model_outputs if run.outputs else []:
        logged = mlflow.pyfunc.load_model(client.get_logged_model(output.model_id).model_uri)
        predicted = np.ravel(logged.predict(X_test))
        assert predicted.tolist() == pytest.approx(np.ravel(model.predict(X_test)).tolist())


def scaled(parts: dict, params: dict) -> dict:
    """Return the parts as 32-bit arrays, features and target scaled as the training rows ask for, and the target's spread."""
    scaler = ESTIMATORS[params.pop("scaler")]()
    tables = {name: pd.concat(part, axis="columns") for name, part in parts.items()}
    scaler.fit(tables["train"])
    arrays = {name: scaler.transform(table).astype("float32") for name, table in tables.items()}
    columns = {name: (rows[:, :-1], rows[:, -1]) for name, rows in arrays.items()}
    return columns | {"spread": scaler.scale_[-1]}


def rmse(predicted, parts: dict) -> float:
    """Return the typical error on the test rows, in the target's own units."""
    errors = (np.ravel(predicted) - parts["test"][1]) * parts["spread"]
    return float((errors**2).mean() ** 0.5)


def rebuild_network(client, run, params: dict) -> None:
    """Build a network from the text of its layers, train it again, and compare the losses of every epoch."""
    parts = scaled(parts_of(run, params), params)
    torch.manual_seed(params["seed"])
    layers = eval(f"[{params['layers']}]", {"__builtins__": {}}, vars(torch.nn))
    network = torch.nn.Sequential(*layers).to(params["device"])
    optimizer = getattr(torch.optim, params["optimizer"])(
        network.parameters(), lr=params["learning_rate"]
    )
    loss = getattr(torch.nn, params["loss"])()

    def tensors(part: str):
        X, y = (torch.tensor(rows, device=params["device"]) for rows in parts[part])
        return X, y.reshape(-1, 1)

    (X, y), (X_val, y_val), (X_test, _) = map(tensors, ("train", "validation", "test"))
    curves = {"train_loss": [], "val_loss": []}
    judged = int(run.data.metrics.get("best_epoch", params["epochs"]))
    for epoch in range(1, params["epochs"] + 1):
        optimizer.zero_grad()
        error = loss(network(X), y)
        error.backward()
        optimizer.step()
        with torch.no_grad():
            curves["train_loss"].append(error.item())
            curves["val_loss"].append(loss(network(X_val), y_val).item())
            if epoch == judged:
                predicted = network(X_test).cpu().numpy()
    for name, curve in curves.items():
        recorded = [point.value for point in client.get_metric_history(run.info.run_id, name)]
        assert curve == pytest.approx(recorded, abs=TOLERANCE_OF_NETWORKS)
    last = {name: curve[-1] for name, curve in curves.items()}
    if "best_epoch" in run.data.metrics:
        last["test_rmse"] = rmse(predicted, parts)
    compare(run, last, TOLERANCE_OF_NETWORKS * parts["spread"])


def rebuild_all(client) -> set[str]:
    """Rebuild every finished run of a store but those of `NO_TRAINING`, and return the names of what was rebuilt."""
    places = {place.experiment_id: place.name for place in client.search_experiments()}
    done = set()
    for run in client.search_runs(list(places), run_view_type=ViewType.ALL, max_results=1000):
        name = run.info.run_name
        if NO_TRAINING.keys() & {places[run.info.experiment_id], name}:
            assert not {"layers", "epochs"} & set(run.data.params), f"{name} does train"
        elif run.info.status == "FINISHED":
            rebuild(client, run)
            done.add(name)
    return done


def test_lab02_runs_are_rebuilt(client):
    settings = {"strong-regularization", "medium-regularization", "weak-regularization"}
    assert rebuild_all(client) == {"first-look"} | settings


def test_lab03_runs_are_rebuilt(client):
    assert rebuild_all(client) == {"simple-model", "mlp", "ridge"}


def test_lab07_runs_are_rebuilt(client):
    done = rebuild_all(client)
    sweep = {name for name in done if "components=" in name}
    assert len(sweep) == 20 and done == sweep


@pytest.mark.parametrize(
    "experiment, run_name, parameters",
    [
        ("sklearn_experiment", "strong-regularization", "random_state test_size C target model"),
        ("pytorch_experiment", "mlp", "layers seed epochs split_seed scaler"),
        ("search_experiment", "C=0.01, components=5", "C components divide_by stratify split_seed"),
    ],
    ids=["02_sklearn", "03_pytorch", "07_search"],
)
def test_gap_in_a_record_is_noticed(client, experiment, run_name, parameters):
    """A run cannot be rebuilt from its record without one of these parameters, nor from other data."""
    place = client.get_experiment_by_name(experiment).experiment_id
    (run,) = client.search_runs([place], f"attributes.run_name = '{run_name}'")
    for parameter in parameters.split():
        kept = run.data.params.pop(parameter)
        with pytest.raises((AssertionError, KeyError)):
            rebuild(client, run)
        run.data.params[parameter] = kept
    rebuild(client, run)
    run.inputs.dataset_inputs[0].dataset._digest = "00000000"
    with pytest.raises(AssertionError):
        rebuild(client, run)
