"""Every finished training run of labs 2 to 7 and 10, rebuilt from its record alone: data by digest, preparation, model, settings.

Nothing here knows a lab's settings. What a run is rebuilt from stands in its parameters, tags and datasets, and, for a child of
a search, in those of its parent. No run is left out in silence: `NO_TRAINING` names those that cannot be rebuilt, and why.
"""

import ast

import mlflow
import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
from mlflow.entities import ViewType
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils import all_estimators
from support import ROOT

ESTIMATORS = dict(all_estimators()) | {"Pipeline": Pipeline}
NO_TRAINING = {  # experiment and name of a run: why it is not rebuilt
    ("Default", "*"): "the run without a name holds one parameter, to show where it goes",
    ("exercise_checks", "*"): "what lab.check said",
    ("autolog_experiment", "torch-loop"): "shows that autologging does not see a loop: empty",
    ("autolog_experiment", "cost-off"): "times a fit that nobody logs: no settings, no metric",
    ("search_experiment", "sweep"): "trains nothing itself: the parent of twenty that do",
    ("registry_experiment", "sweep"): "trains nothing itself: the parent of four that do",
    ("registry_experiment", "evaluation"): "measures a model that another run has trained",
    (
        "registry_experiment",
        "fewer-columns",
    ): "somebody's whose record is too thin: the gate refuses",
    ("careless_experiment", "scored-on-training-rows"): "somebody's who records nothing: a trap",
}
TIMES = ("_time", "_seconds")  # metrics that no two runs share
# Solvers that run to their optimum come within their own tolerance, 1e-8, of it; the metrics follow with fewer digits.
# A network's 150 steps in 32 bits carry each rounding along: 1e-4 is a hundredth of what lab 3 shows.
TOLERANCE, TOLERANCE_OF_NETWORKS = 1e-6, 1e-4


def value(text: str):
    """Return what a parameter's text says: a number, a dictionary, True or None; else the text itself."""
    try:
        return float("nan") if text == "nan" else ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def written(text: str):
    """Return the estimator that scikit-learn wrote down as a text, with no more power than to call estimators."""
    return eval(text, {"__builtins__": {}}, ESTIMATORS)


def data_of(run) -> pd.DataFrame:
    """Return the table that a run was trained on, read again from where the record says, if it is still the same."""
    for logged in run.inputs.dataset_inputs:
        if logged.dataset.source_type == "local":
            source = ast.literal_eval(logged.dataset.source)["uri"]
            table = pd.read_csv(ROOT / "notebooks" / source)
            assert mlflow.data.from_pandas(table).digest == logged.dataset.digest
            return table
    raise AssertionError(f"{run.info.run_name}: the record names no file that the data are from")


def parts_of(run, params: dict) -> dict[str, tuple]:
    """Return features and target of the rows for training and for testing, and for validation if the split had three parts.

    Where autologging noted the training rows, they must have its digest.
    """
    table, target = data_of(run), params.pop("target")
    seed = params.pop("split_seed", None)
    features = table.drop(columns=target) / params.pop("divide_by", 1)
    rows = features.assign(**{target: table[target]})
    split = {"train": rows, "test": rows}
    if "test_size" in params:
        size = params.pop("test_size")
        seed = params.pop("random_state") if seed is None else seed
        if "held_out" in params:
            split["train"], rows = train_test_split(
                rows, test_size=params.pop("held_out"), random_state=seed
            )
            split["validation"], split["test"] = train_test_split(
                rows, test_size=size, random_state=seed
            )
        else:
            stratify = table[params.pop("stratify")] if "stratify" in params else None
            split["train"], split["test"] = train_test_split(
                rows, test_size=size, random_state=seed, stratify=stratify
            )
    parts = {name: (part.drop(columns=target), part[target]) for name, part in split.items()}
    for logged in run.inputs.dataset_inputs:
        if {tag.value for tag in logged.tags} == {"train"}:
            features, labels = parts["train"]
            seen = mlflow.data.from_numpy(features.to_numpy(), targets=labels.to_numpy())
            frame = mlflow.data.from_pandas(features)
            assert logged.dataset.digest in (seen.digest, frame.digest)
    return parts


def estimator_of(run, params: dict):
    """Return the estimator of a run, untrained: written down whole, or as the name of its class and its settings."""
    name = params.pop("model", None) or run.data.tags["estimator_name"]
    if "(" in name:
        return written(name)
    names = {"components": "n_components", "seed": "random_state"}
    settings = {names.get(name, name): setting for name, setting in params.items()}
    if name == "GridSearchCV":
        settings["estimator"] = written(settings["estimator"])
    steps, known = [], set()
    for part in name.split(", "):
        own = ESTIMATORS[part].__init__.__code__.co_varnames
        steps.append(ESTIMATORS[part](**{k: v for k, v in settings.items() if k in own}))
        known |= set(own)
    left = set(settings) - known - {"epochs", "weights"}
    assert all(name.startswith("best_") for name in left), f"nobody uses {left}"
    return steps[0] if len(steps) == 1 else make_pipeline(*steps)


def measured(model, parts: dict, names) -> dict[str, float]:
    """Return metrics by the names under which the labs and autologging log them."""
    found = {}
    for name in names:
        places = {"training_": "train", "validation_": "validation"}
        before, where = next((b for b in places.items() if name.startswith(b[0])), ("", "test"))
        X, y = parts[where]
        kind = name.removeprefix(before).removesuffix("_X_test")
        predicted = model.predict(X)
        weighted = {"average": "weighted"}
        if kind in ("accuracy", "accuracy_score", "score") or kind.endswith("Regression_score"):
            found[name] = model.score(X, y)
        elif kind == "rmse":
            found[name] = sklearn.metrics.root_mean_squared_error(y, predicted)
        elif kind == "log_loss":
            found[name] = sklearn.metrics.log_loss(y, model.predict_proba(X))
        elif kind == "roc_auc":
            found[name] = sklearn.metrics.roc_auc_score(
                y, model.predict_proba(X), multi_class="ovo", **weighted
            )
        elif kind in ("f1_score", "precision_score", "recall_score"):
            found[name] = getattr(sklearn.metrics, kind)(y, predicted, **weighted)
        elif kind.startswith("recall_"):
            recall = sklearn.metrics.recall_score(y, predicted, average=None)
            found[name] = recall[int(kind.removeprefix("recall_"))]
        elif kind == "least_confidence":
            found[name] = model.predict_proba(X).max(axis=1).min()
        elif kind == "best_cv_score":
            found[name] = model.best_score_
        else:
            raise AssertionError(f"nobody knows how to measure {name}")
    return found


def compare(run, metrics: dict[str, float], tolerance: float) -> None:
    recorded = {
        name: number for name, number in run.data.metrics.items() if not name.endswith(TIMES)
    }
    assert metrics == pytest.approx(recorded, abs=tolerance), run.info.run_name


def compare_models(client, run, model, X) -> int:
    """Compare what the models that were logged in a run predict with what the rebuilt one does; return how many there were."""
    outputs = run.outputs.model_outputs if run.outputs else []
    for output in outputs:
        logged = mlflow.pyfunc.load_model(client.get_logged_model(output.model_id).model_uri)
        expected, found = model.predict(X), np.ravel(logged.predict(asked_for(logged, X)))
        if found.dtype.kind == "f":
            assert found == pytest.approx(np.ravel(expected), abs=TOLERANCE)
        else:
            assert (found == expected).all()
    return len(outputs)


def asked_for(logged, X):
    """Return rows in the types that a model's signature asks for."""
    signature = logged.metadata.signature
    if signature is None or not hasattr(X, "columns"):
        return X
    if signature.inputs.is_tensor_spec():
        return X.to_numpy(dtype=signature.inputs.inputs[0].type)
    types = zip(signature.inputs.input_names(), signature.inputs.pandas_types(), strict=True)
    return X.astype(dict(types))


def rebuild(client, run) -> None:
    """Train again what a run recorded, and compare the metrics and the models."""
    params = {name: value(text) for name, text in run.data.params.items()}
    assert run.data.tags["git_commit"], "no version of the code"
    if "layers" in params:
        rebuild_network(client, run, params)
        return
    parts = parts_of(run, params)
    if "scaler" in params:
        parts = scaled(parts, params)
    model = estimator_of(run, params)
    if "epochs" in params:
        rebuild_by_epoch(client, run, model, parts, params["epochs"])
        return
    model.fit(*parts["train"])
    names = [name for name in run.data.metrics if not name.endswith(TIMES)]
    if "spread" in parts:
        compare(run, {name: rmse(model.predict(parts["test"][0]), parts) for name in names}, 1e-3)
    else:
        compare(run, measured(model, parts, names), TOLERANCE)
    models = compare_models(client, run, model, parts["test"][0])
    assert names or models, f"{run.info.run_name} holds nothing to compare"


def rebuild_by_epoch(client, run, model, parts: dict, epochs: int) -> None:
    """Train in passes over the data, and compare the accuracy after each one that was logged."""
    (X, y), (X_test, y_test) = parts["train"], parts["test"]
    scores = []
    for _ in range(epochs):
        model.partial_fit(X, y, classes=np.unique(y))
        scores.append(model.score(X_test, y_test))
    assert set(run.data.metrics) == {"accuracy"}
    history = client.get_metric_history(run.info.run_id, "accuracy")
    assert [scores[point.step - 1] for point in history] == pytest.approx(
        [point.value for point in history], abs=TOLERANCE
    )
    assert history[-1].step == epochs


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
    curves, best = {"train_loss": [], "val_loss": []}, None
    for epoch in range(1, params["epochs"] + 1):
        optimizer.zero_grad()
        error = loss(network(X), y)
        error.backward()
        optimizer.step()
        with torch.no_grad():
            curves["train_loss"].append(error.item())
            curves["val_loss"].append(loss(network(X_val), y_val).item())
            if str(epoch) == run.data.tags.get("best_epoch"):
                best = network(X_test).cpu().numpy()
    for name, curve in curves.items():
        recorded = [point.value for point in client.get_metric_history(run.info.run_id, name)]
        assert curve == pytest.approx(recorded, abs=TOLERANCE_OF_NETWORKS)
    last = {name: curve[-1] for name, curve in curves.items()}
    if best is not None:
        last["test_rmse"] = rmse(best, parts)
    compare(run, last, TOLERANCE_OF_NETWORKS * parts["spread"])


def rebuild_child(run, parent) -> None:
    """Repeat the cross-validation of one setting of a search, whose data, folds and estimator the parent recorded."""
    params = {name: value(text) for name, text in parent.data.params.items()}
    parts = parts_of(parent, params)
    tried = {name: value(run.data.params[name]) for name in params["param_grid"]}
    estimator = written(params["estimator"]).set_params(**tried)
    scores = cross_validate(estimator, *parts["train"], cv=params["cv"])["test_score"]
    recorded = dict(run.data.metrics)
    recorded.pop("rank_test_score")  # among the others
    run.data._metrics = recorded
    expected = {"mean_test_score": scores.mean(), "std_test_score": scores.std()}
    compare(run, expected, TOLERANCE)


def rebuild_all(client) -> set[str]:
    """Rebuild every finished run of a store but those of `NO_TRAINING`, and return the names of what was rebuilt."""
    places = {place.experiment_id: place.name for place in client.search_experiments()}
    runs = {
        run.info.run_id: run
        for run in client.search_runs(list(places), run_view_type=ViewType.ALL, max_results=1000)
        if run.info.status == "FINISHED"
    }
    done = set()
    for run in runs.values():
        place, name = places[run.info.experiment_id], run.info.run_name
        if (place, "*") in NO_TRAINING or (place, name) in NO_TRAINING:
            assert not {"layers", "epochs"} & set(run.data.params), f"{name} does train"
            continue
        if "mean_test_score" in run.data.metrics:
            rebuild_child(run, runs[run.data.tags["mlflow.parentRunId"]])
        else:
            rebuild(client, run)
        done.add(name)
    return done


def test_lab02_runs_are_rebuilt(client):
    settings = {"strong-regularization", "medium-regularization", "weak-regularization"}
    assert rebuild_all(client) == {"first-look"} | settings


def test_lab03_runs_are_rebuilt(client):
    assert rebuild_all(client) == {"simple-model", "mlp", "ridge"}


def test_lab04_runs_are_rebuilt(client):
    named = {"by-hand", "autolog", "grid-search", "cost-without-model", "cost-with-model", "both"}
    done = rebuild_all(client)
    assert named < done and len(done - named) == 5  # the children, whose names MLflow makes up


def test_lab05_runs_are_rebuilt(client):
    signed = {"no-signature", "signature", "integer-signature", "tensor-signature"}
    assert rebuild_all(client) == signed


def test_lab06_runs_are_rebuilt(client):
    assert rebuild_all(client) == {"digits", "checkpoints", "resumed", "classifier"}


def test_lab07_runs_are_rebuilt(client):
    done = rebuild_all(client)
    sweep = {name for name in done if "components=" in name}
    assert len(sweep) == 20 and done == sweep


def test_lab10_runs_are_rebuilt(client):
    sweep = {f"alpha={alpha}" for alpha in (10.0, 30.0, 100.0, 300.0)}
    assert rebuild_all(client) == {"first-attempt", "products"} | sweep


def gap_is_noticed(client, experiment: str, run_name: str, parameter: str) -> None:
    """Rebuild a run, then once more without one parameter of its record, which must fail."""
    place = client.get_experiment_by_name(experiment).experiment_id
    (run,) = client.search_runs([place], f"attributes.run_name = '{run_name}'")
    rebuild(client, run)
    del run.data.params[parameter]
    with pytest.raises((AssertionError, KeyError)):
        rebuild(client, run)


@pytest.mark.parametrize("parameter", ["random_state", "test_size", "C", "target", "model"])
def test_lab02_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "sklearn_experiment", "strong-regularization", parameter)


@pytest.mark.parametrize("parameter", ["layers", "seed", "epochs", "split_seed", "scaler"])
def test_lab03_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "pytorch_experiment", "mlp", parameter)


@pytest.mark.parametrize("parameter", ["split_seed", "test_size", "target"])
def test_lab04_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "autolog_experiment", "both", parameter)


@pytest.mark.parametrize("parameter", ["model", "target"])
def test_lab05_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "signature_experiment", "signature", parameter)


@pytest.mark.parametrize("parameter", ["eta0", "learning_rate", "divide_by", "stratify", "epochs"])
def test_lab06_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "artifact_experiment", "checkpoints", parameter)


@pytest.mark.parametrize("parameter", ["C", "components", "divide_by", "stratify", "split_seed"])
def test_lab07_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "search_experiment", "C=0.01, components=5", parameter)


@pytest.mark.parametrize("parameter", ["alpha", "held_out", "split_seed", "model", "target"])
def test_lab10_gap_in_a_record_is_noticed(client, parameter):
    gap_is_noticed(client, "registry_experiment", "alpha=300.0", parameter)


def test_lab02_other_data_are_noticed(client):
    place = client.get_experiment_by_name("sklearn_experiment").experiment_id
    (run,) = client.search_runs([place], "attributes.run_name = 'strong-regularization'")
    run.inputs.dataset_inputs[0].dataset._digest = "00000000"
    with pytest.raises(AssertionError):
        rebuild(client, run)
