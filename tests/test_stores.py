"""What each lab promises, looked up in the store that its notebook left, from another process than the kernel."""

import mlflow
import numpy as np
import pandas as pd
import pytest
from lab.exercises import expected
from mlflow.entities import ViewType
from support import ROOT


def runs_of(client, experiment: str) -> dict:
    """Return the runs of an experiment by their names, the newest of each name."""
    found = client.get_experiment_by_name(experiment)
    assert found is not None, f"no experiment '{experiment}'"
    runs = client.search_runs(
        [found.experiment_id], order_by=["attributes.start_time ASC"], run_view_type=ViewType.ALL
    )
    return {run.info.run_name: run for run in runs}


def family_of(runs: dict, name: str) -> tuple:
    """Return a run and those that it is the parent of."""
    parent = runs[name].info.run_id
    tags = {name: run.data.tags.get("mlflow.parentRunId") for name, run in runs.items()}
    return runs[name], [runs[child] for child in tags if tags[child] == parent]


def assert_all_finished(runs: dict, besides: tuple[str, ...] = ()):
    unfinished = {name for name, run in runs.items() if run.info.status != "FINISHED"}
    assert unfinished == set(besides)


def models_of(client, run) -> dict:
    outputs = run.outputs.model_outputs if run.outputs else []
    models = [client.get_logged_model(output.model_id) for output in outputs]
    return {model.name: model for model in models}


def artifacts_of(client, run, path=None) -> dict[str, bytes]:
    """Return every artifact of a run with its content, downloaded as a reader would."""
    found = {}
    for item in client.list_artifacts(run.info.run_id, path):
        if item.is_dir:
            found |= artifacts_of(client, run, item.path)
        else:
            local = mlflow.artifacts.download_artifacts(
                run_id=run.info.run_id, artifact_path=item.path
            )
            with open(local, "rb") as file:
                found[item.path] = file.read()
    return found


def steps_of(client, run, metric: str) -> list[int]:
    return [point.step for point in client.get_metric_history(run.info.run_id, metric)]


def holds_only_what_the_check_said(client) -> bool:
    experiments = {place.name: place.experiment_id for place in client.search_experiments()}
    noted = client.search_runs([experiments.pop("exercise_checks")])
    return (
        list(experiments) in ([], ["Default"]) and not client.search_runs(["0"]) and len(noted) == 1
    )


def test_lab01_records_nothing(client):
    assert holds_only_what_the_check_said(client)


def test_lab02_nameless_run_went_to_default(client):
    (run,) = client.search_runs(["0"])
    assert run.data.params == {"solver": "lbfgs"}
    assert run.info.status == "FINISHED"


SETTINGS_OF_LAB_2 = {
    "model": "LogisticRegression",
    "solver": "lbfgs",
    "tol": "1e-08",
    "max_iter": "10000",
    "target": "species",
    "test_size": "0.2",
    "random_state": "42",
}


def test_lab02_run_is_filled_piece_by_piece(client):
    run = runs_of(client, "sklearn_experiment")["first-look"]
    assert run.data.params == SETTINGS_OF_LAB_2 | {"C": "1.0"}
    assert set(run.data.metrics) == {"accuracy", "log_loss"}
    assert run.data.tags["purpose"] == "see what a run is made of"
    assert pd.Timestamp(run.data.tags["run_timestamp"]) <= pd.Timestamp.now()
    (dataset,) = run.inputs.dataset_inputs
    assert dataset.dataset.name == "iris"
    assert {tag.key: tag.value for tag in dataset.tags} == {"mlflow.data.context": "training"}


def test_lab02_three_settings_are_whole_and_comparable(client):
    runs = runs_of(client, "sklearn_experiment")
    settings = {"strong": "0.01", "medium": "1.0", "weak": "100.0"}
    losses = []
    for name, C in settings.items():
        run = runs[f"{name}-regularization"]
        assert run.data.params == SETTINGS_OF_LAB_2 | {"C": C}
        assert run.inputs.dataset_inputs[0].dataset.digest == expected.digest("iris")
        assert set(models_of(client, run)) == {"logistic_regression"}
        losses.append(run.data.metrics["log_loss"])
    assert losses == sorted(losses, reverse=True)


def test_lab02_crash_is_recorded_as_failed(client):
    runs = runs_of(client, "sklearn_experiment")
    assert runs["crash"].info.status == "FAILED"
    assert runs["crash"].data.params == {"solver": "lbfgs"}
    assert_all_finished(runs, besides=("crash",))


def test_lab03_every_epoch_is_kept(client):
    runs = runs_of(client, "pytorch_experiment")
    assert_all_finished(runs)
    for name in ("simple-model", "mlp"):
        for metric in ("train_loss", "val_loss"):
            assert steps_of(client, runs[name], metric) == list(range(1, 151))


def test_lab03_records_what_the_result_depends_on(client):
    runs = runs_of(client, "pytorch_experiment")
    expected = {"learning_rate": "0.01", "epochs": "150", "optimizer": "Adam", "seed": "0"}
    expected |= {"validation_size": "0.2", "test_size": "0.2", "split_seed": "1"}
    expected |= {"target": "progression", "scaler": "StandardScaler", "loss": "MSELoss"}
    expected |= {"batch_size": "265", "patience": "150"}
    for name, weights in {"simple-model": "11", "mlp": "385"}.items():
        params = runs[name].data.params
        assert params.pop("device") in ("cpu", "cuda")
        assert params.pop("layers").startswith("Linear(in_features=10, ")
        assert params == expected | {"weights": weights}


def test_lab03_curve_turns_and_checkpoint_is_its_lowest_point(client):
    import io

    import torch

    run = runs_of(client, "pytorch_experiment")["mlp"]
    losses = [point.value for point in client.get_metric_history(run.info.run_id, "val_loss")]
    assert losses[-1] > min(losses) + 0.05
    files = artifacts_of(client, run)
    assert set(files) == {"checkpoints/best.pt"}
    checkpoint = torch.load(io.BytesIO(files["checkpoints/best.pt"]), weights_only=True)
    assert checkpoint["epoch"] == run.data.metrics["best_epoch"]
    assert checkpoint["val_loss"] == pytest.approx(losses[checkpoint["epoch"] - 1], rel=1e-4)


def test_lab03_model_takes_any_number_of_rows_and_needs_no_code_of_ours(client):
    run = runs_of(client, "pytorch_experiment")["mlp"]
    model = mlflow.pyfunc.load_model(models_of(client, run)["mlp"].model_uri)
    assert model.metadata.signature.inputs.to_dict()[0]["tensor-spec"] == {
        "dtype": "float32",
        "shape": (-1, 10),
    }
    example = np.asarray(model.input_example, dtype=np.float32)
    assert example.shape == (2, 10)
    many = np.repeat(example, 50, axis=0)
    assert np.allclose(model.predict(many)[::50], model.predict(example), atol=1e-5)


def test_lab03_comparison_holds(client):
    runs = runs_of(client, "pytorch_experiment")
    ridge, mlp = (runs[name].data.metrics for name in ("ridge", "mlp"))
    assert ridge["test_rmse"] < mlp["test_rmse"] < 60


def test_lab04_autolog_sees_more_than_we_wrote(client):
    runs = runs_of(client, "autolog_experiment")
    by_hand, automatic = runs["by-hand"], runs["autolog"]
    assert set(by_hand.data.params) - {"model"} < set(automatic.data.params)
    assert set(by_hand.data.metrics) == {"accuracy"}
    assert {name for name in automatic.data.metrics if not name.startswith("training_")} == {
        "LogisticRegression_score_X_test",
        "accuracy_score_X_test",
        "log_loss_X_test",
    }
    assert {"training_confusion_matrix.png", "estimator.html"} <= set(
        artifacts_of(client, automatic)
    )
    assert len(automatic.inputs.dataset_inputs) >= 1
    assert set(models_of(client, automatic)) == {"model"}


def test_lab04_grid_search_has_a_parent_and_five_children(client):
    runs = runs_of(client, "autolog_experiment")
    parent, children = family_of(runs, "grid-search")
    tried = sorted(float(child.data.params["C"]) for child in children)
    assert tried == [0.01, 0.1, 1.0, 10.0, 100.0]
    best = max(children, key=lambda child: child.data.metrics["mean_test_score"])
    assert best.data.params["C"] == parent.data.params["best_C"] == "1.0"
    table = artifacts_of(client, parent)["cv_results.csv"]
    assert len(table.splitlines()) == 1 + 6


def test_lab04_cost_runs_differ_in_what_was_logged(client):
    runs = runs_of(client, "autolog_experiment")
    origin = {"target", "test_size", "split_seed"}
    assert set(runs["cost-off"].data.params) == origin < set(runs["cost-without-model"].data.params)
    assert not models_of(client, runs["cost-without-model"])


def test_lab04_plain_loop_is_not_seen_and_both_ways_mix(client):
    runs = runs_of(client, "autolog_experiment")
    assert_all_finished(runs)
    assert not runs["torch-loop"].data.params and not runs["torch-loop"].data.metrics
    assert {"training_log_loss", "accuracy"} <= set(runs["both"].data.metrics)
    assert "purpose" in runs["both"].data.tags


def test_lab04_skops_under_autologging_loses_what_the_text_says(client):
    from sklearn.ensemble import RandomForestClassifier

    experiment = mlflow.set_experiment("a_forest_in_skops").experiment_id
    mlflow.sklearn.autolog(serialization_format="skops", silent=True)
    try:
        with mlflow.start_run():
            RandomForestClassifier(n_estimators=2).fit(np.array([[0.0], [1.0]]), np.array([0, 1]))
    finally:
        mlflow.sklearn.autolog(disable=True)
        mlflow.tracking.fluent._active_experiment_id = None  # as in a new process
    (run,) = client.search_runs([experiment])
    client.delete_experiment(experiment)
    assert run.info.status == "FINISHED" and run.data.params and not run.data.metrics


def test_lab04_model_is_loadable_with_its_signature(client):
    X_test, y_test = expected.iris_test()
    model = mlflow.pyfunc.load_model(
        models_of(client, runs_of(client, "autolog_experiment")["autolog"])["model"].model_uri
    )
    assert model.metadata.signature.inputs.input_names() == list(X_test.columns)
    assert (model.predict(X_test) == y_test).mean() == 1.0


def test_lab05_signatures_are_stored_as_taught(client):
    runs = runs_of(client, "signature_experiment")
    assert_all_finished(runs, besides=("refused",))

    def signature(run):
        return mlflow.models.get_model_info(
            models_of(client, runs[run])["ridge"].model_uri
        ).signature

    assert signature("no-signature") is None
    assert set(signature("signature").inputs.pandas_types()) == {np.dtype("float64")}
    whole = signature("integer-signature").inputs
    types = dict(zip(whole.input_names(), whole.pandas_types(), strict=True))
    assert types["age"] == np.dtype("int64")
    assert signature("tensor-signature").inputs.inputs[0].shape == (-1, 10)


def test_lab05_signature_refuses_and_passes_what_the_text_says(client):
    X = pd.read_csv(ROOT / "data" / "diabetes.csv").drop(columns="progression").astype(float)
    run = runs_of(client, "signature_experiment")["signature"]
    model = mlflow.pyfunc.load_model(models_of(client, run)["ridge"].model_uri)
    expected = model.predict(X)
    assert np.isfinite(expected).all()
    assert (model.predict(X[reversed(X.columns)]) == expected).all()
    assert (model.predict(X.assign(shoe_size=42)) == expected).all()
    for wrong in (X.drop(columns="bmi"), X.astype({"bmi": str}), X.astype({"age": "int64"})):
        with pytest.raises(mlflow.MlflowException):
            model.predict(wrong)
    pd.testing.assert_frame_equal(model.input_example, X.head(2))


def test_lab05_forest_is_refused(client):
    runs = runs_of(client, "signature_experiment")
    assert runs["refused"].info.status == "FAILED"
    assert models_of(client, runs["refused"])["forest"].status == "FAILED"


def test_lab06_artifacts_are_there_and_readable(client):
    X_test, y_test = expected.digits_test()
    run = runs_of(client, "artifact_experiment")["digits"]
    files = artifacts_of(client, run)
    assert set(files) == {
        "confusion_matrix.png",
        "sample_predictions.csv",
        "plots/least_certain.png",
        "tables/least_certain.json",
        "notes/input.json",
        "notes/report.txt",
        "submitted/confusion_matrix.png",
        "submitted/sample_predictions.csv",
    }
    assert files["confusion_matrix.png"].startswith(b"\x89PNG")
    assert files["confusion_matrix.png"] == files["submitted/confusion_matrix.png"]
    path = mlflow.artifacts.download_artifacts(f"runs:/{run.info.run_id}/sample_predictions.csv")
    sample = pd.read_csv(path, index_col="row")
    kept = runs_of(client, "artifact_experiment")["classifier"]
    model = mlflow.sklearn.load_model(f"runs:/{kept.info.run_id}/classifier")
    assert (model.predict(X_test.loc[sample.index]) == sample["predicted"]).all()
    assert (y_test.loc[sample.index] == sample["digit"]).all()
    assert model.score(X_test, y_test) == pytest.approx(run.data.metrics["accuracy"])


def test_lab06_metrics_for_what_is_searched(client):
    metrics = runs_of(client, "artifact_experiment")["digits"].data.metrics
    assert {f"recall_{digit}" for digit in range(10)} <= set(metrics)
    assert metrics["recall_8"] < 0.95


def test_lab07_sweep_is_complete(client):
    runs = runs_of(client, "search_experiment")
    assert_all_finished(runs)
    _, children = family_of(runs, "sweep")
    settings = {
        (float(run.data.params["C"]), int(run.data.params["components"])) for run in children
    }
    assert settings == {(C, n) for C in (0.01, 0.1, 1.0, 10.0, 100.0) for n in (5, 10, 20, 40)}


def test_lab07_deleted_run_is_back_and_the_careless_one_apart(client):
    runs = runs_of(client, "search_experiment")
    assert {run.info.lifecycle_stage for run in runs.values()} == {"active"}
    careless = runs_of(client, "careless_experiment")["scored-on-training-rows"]
    assert careless.data.metrics["accuracy"] == 1.0
    assert not models_of(client, careless)


def test_lab09_leaves_the_labs_store_to_the_others(client):
    """Its sweeps go to a server of its own."""
    assert holds_only_what_the_check_said(client)


def test_lab10_champion_is_the_winner_of_the_sweep(client):
    runs = runs_of(client, "registry_experiment")
    assert_all_finished(runs)
    (model,) = client.search_registered_models()
    assert model.description
    first = client.get_model_version(model.name, "1")
    assert first.description
    champion = client.get_model_version_by_alias(model.name, "champion")
    assert champion.run_id == runs["alpha=30.0"].info.run_id
    errors = {name: run.data.metrics.get("validation_rmse") for name, run in runs.items()}
    sweep = {name: error for name, error in errors.items() if name.startswith("alpha=")}
    assert len(sweep) == 4 and min(sweep, key=sweep.get) == "alpha=30.0"
    assert champion.tags == {"gate": "passed", "replaced": "1"}
    assert champion.description


def test_lab10_two_challengers_were_refused(client):
    (model,) = client.search_registered_models()
    versions = {
        int(version.version): version
        for version in client.search_model_versions(f"name = '{model.name}'")
    }
    assert sorted(versions) == [1, 2, 3, 4]
    assert versions[3].tags["gate"] == "not better: 53.9 points, the champion 52.6"
    assert versions[4].tags["gate"] == "another signature"
    three = client.get_run(versions[4].run_id)
    assert three.data.params["columns"] == "bmi, bp, ltg"
    assert model.aliases.keys() == {"champion"}


def test_lab10_gate_s_measurements_are_recorded(client):
    place = client.get_experiment_by_name("registry_experiment").experiment_id
    measured = client.search_runs([place], "attributes.run_name LIKE 'evaluation of version %'")
    errors = {round(run.data.metrics["root_mean_squared_error"], 1) for run in measured}
    assert errors == {59.3, 52.6, 53.9}
