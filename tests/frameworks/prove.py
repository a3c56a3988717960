"""Try a row of the help's table of frameworks on one store; `test_frameworks.py` starts this in the framework's environment.

The call in the row is made as it stands. A name in backticks must be found: what comes without more code in the run, a file in the
model's folder, the trap's in the code that meets it. A function per framework trains, yields what predicts, and meets the trap.
"""

import inspect
import os
import re
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
import requests
from lab.servers import serve

URI, FRAMEWORK, LOG, COMES, MODEL, TRAP = sys.argv[1:]
LOG = LOG.strip("`")
ROWS = np.random.default_rng(0).normal(size=(80, 4)).astype("float32")
LABELS = (ROWS[:, :1] > 0).astype("float32")
X, y = pd.DataFrame(ROWS.astype(float), columns=list("abcd")), LABELS.ravel().astype(int)


def names(cell):
    return re.findall("`([^`]+)`", cell)


def newest():
    mlflow.flush_async_logging()  # transformers logs in the background
    return mlflow.search_runs(search_all_experiments=True, output_format="list")[0]


def steps(metric):
    return {p.step for p in mlflow.MlflowClient().get_metric_history(newest().info.run_id, metric)}


def lightning(package):
    import torch
    from lightning.pytorch.loggers import MLFlowLogger

    class Net(package.LightningModule):
        def __init__(self, width):
            super().__init__()
            self.save_hyperparameters()
            self.net = torch.nn.Sequential(torch.nn.Linear(4, width), torch.nn.Dropout(0.5))

        def forward(self, rows):
            return self.net(rows)

        def training_step(self, batch, _):
            self.log("loss", loss := torch.nn.functional.mse_loss(self(batch[0]), batch[1]))
            return loss

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    def fit(logger):
        data = torch.utils.data.TensorDataset(torch.tensor(ROWS), torch.tensor(LABELS))
        trainer = package.Trainer(max_epochs=3, logger=logger)
        trainer.fit(net := Net(width=1), torch.utils.data.DataLoader(data, batch_size=16))
        return net

    exec(LOG)
    net = fit(False)
    yield lambda rows: net.eval()(torch.tensor(rows)).detach()
    assert steps("loss") == {0, 1, 2} and "width" not in newest().data.params
    mlflow.pytorch.autolog(disable=True)
    fit(MLFlowLogger(tracking_uri=mlflow.get_tracking_uri()))
    assert newest().data.params == {"width": "1"} and not newest().outputs.model_outputs
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "false"
    with pytest.raises(mlflow.MlflowException, match="maintenance mode"):
        MLFlowLogger()
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    fit(MLFlowLogger())
    assert mlflow.get_tracking_uri() == "file:./mlruns"


def boosted(model, **evaluation):
    exec(LOG)
    model.fit(X, y, **evaluation)
    yield model.predict
    (metric,) = newest().data.metrics
    assert steps(metric) == {0, 1, 2, 3, 4}
    with mlflow.start_run(), pytest.raises(mlflow.MlflowException, match="untrusted types"):
        mlflow.sklearn.log_model(model, name="refused")
    type(model)(n_estimators=5).fit(X, y)
    assert not newest().data.metrics and "n_estimators" not in newest().data.params
    assert newest().data.params["num_boost_round"] == "5"


def xgboost(package):
    yield from boosted(model := package.XGBClassifier(n_estimators=5), eval_set=[(X, y)])
    params = list(newest().data.params.values())
    assert params.count("None") > 0.8 * len(params)
    with mlflow.start_run():
        info = mlflow.xgboost.log_model(model.get_booster(), name="probabilities")
    answer = mlflow.pyfunc.load_model(info.model_uri).predict(X)
    assert np.allclose(answer, model.predict_proba(X)[:, 1])


def lightgbm(package):
    yield from boosted(model := package.LGBMClassifier(n_estimators=5), eval_X=X, eval_y=y)
    assert newest().data.params["learning_rate"] == "0.1"
    with pytest.warns(FutureWarning, match="'eval_set' is deprecated"):
        model.fit(X, y, eval_set=[(X, y)])


def keras(package):
    assert package.backend.backend() == "torch"
    layers = package.layers
    layers = [layers.Input((4,)), layers.Dense(1), layers.Dropout(0.5)]
    (net := package.Sequential(layers)).compile(loss="mse")
    exec(LOG)
    net.fit(ROWS, LABELS, epochs=3, validation_split=0.2)
    yield net.predict
    assert steps("val_loss") == {0, 1, 2} and steps("validation_loss") == {0}
    with mlflow.start_run(), pytest.raises(FileNotFoundError):
        mlflow.keras.log_model(net, name="refused", input_example=ROWS)
    signature = mlflow.models.infer_signature(ROWS, net.predict(ROWS))
    mlflow.keras.log_model(net, name="signed", signature=signature)


def transformers(package):
    rows = [{"input_ids": list(range(8)), "labels": i % 2} for i in range(8)]
    small = {"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 1}

    def trainer(label="no", **options):
        config = package.BertConfig(num_hidden_layers=1, id2label={0: label, 1: "yes"}, **small)
        arguments = package.TrainingArguments("trained", use_cpu=True, logging_steps=1, **options)
        network = package.BertForSequenceClassification(config)
        return package.Trainer(network, arguments, None, rows, rows)

    log = eval(f"dict({LOG})")
    (first := trainer(**log)).train()
    yield None
    assert steps("loss") == {1, 2, 3} and newest().data.params["id2label"]
    first.evaluate()
    assert newest().info.run_id == mlflow.active_run().info.run_id
    assert "eval_loss" in newest().data.metrics and not newest().data.params
    mlflow.end_run()
    with mlflow.start_run() as run:
        (second := trainer("x" * 6000, **log)).train()
        second.evaluate()
    trainer().train()
    assert newest().info.run_id == run.info.run_id and "eval_loss" in newest().data.metrics
    assert "vocab_size" in newest().data.params and "id2label" not in newest().data.params


def optuna(package):
    from optuna.integration import MLflowCallback

    def objective(trial):
        if trial.number < 2:
            raise [package.TrialPruned, ValueError][trial.number]
        return trial.suggest_float("x", 0, 1)

    with pytest.warns(FutureWarning, match="removed in v6"):
        log = eval(f"dict({LOG})", {"MLflowCallback": MLflowCallback})
    study = package.create_study(study_name="my-study")
    study.optimize(objective, n_trials=3, catch=(ValueError,), **log)
    yield None
    search = partial(mlflow.search_runs, experiment_names=["my-study"])
    assert set(search()["tags.state"]) == {"COMPLETE", "PRUNED", "FAIL"}
    assert set(search()["status"]) == {"FINISHED"}
    assert len(search(filter_string="tags.state = 'COMPLETE'")) == 1
    with mlflow.start_run() as run, pytest.raises(Exception, match="already active"):
        study.optimize(objective, n_trials=1, **log)
    assert mlflow.get_experiment(run.info.experiment_id).name == "my-study"
    mine = mlflow.set_experiment("mine").experiment_id
    study.optimize(objective, n_trials=1, callbacks=[MLflowCallback(create_experiment=False)])
    assert newest().info.experiment_id == mine


name, pinned = FRAMEWORK.lower().split(",")[0].split()
assert version(name) == pinned, f"lab 8 says {FRAMEWORK}, installed is {version(name)}"
package = __import__(name)  # before the address is set, as at the top of any script
mlflow.set_tracking_uri(URI)
mlflow.set_experiment("frameworks")
predict = next(proof := globals()[name](package))
data, outputs = newest().data, newest().outputs.model_outputs
files = [f.path for f in mlflow.artifacts.list_artifacts(run_id=newest().info.run_id)]
comes = [*data.params, *data.metrics, *data.tags, *files]
assert all(word in comes for word in names(COMES)), f"{COMES}: not all of it is in {comes}"
assert bool(outputs) == (MODEL != "none"), f"{MODEL}: {outputs}"
if outputs:
    folder = Path(mlflow.artifacts.download_artifacts(uri := f"models:/{outputs[0].model_id}"))
    assert all((folder / file).is_file() for file in names(MODEL)), sorted(folder.rglob("*"))
    assert mlflow.get_logged_model(outputs[0].model_id).name == "model"
    info = mlflow.models.get_model_info(uri)
    assert info.signature and MODEL.endswith(", signed")
    assert ("pickle" in MODEL) == ("pickle" in str(info.flavors)), f"{MODEL}: {info.flavors}"
    mlflow.register_model(uri, f"a-{name}")
    mlflow.MlflowClient().set_registered_model_alias(f"a-{name}", "champion", 1)
    tensor = info.signature.inputs.is_tensor_spec()
    expected = np.ravel(predict(rows := ROWS if tensor else X))
    answer = mlflow.pyfunc.load_model(f"models:/a-{name}@champion").predict(rows)
    assert np.allclose(np.ravel(answer), expected), f"{answer}, not {expected}"
    if URI.startswith("http"):
        server = serve(f"mlflow models serve -m models:/a-{name}@champion --env-manager local")
        asked = {"inputs": ROWS.tolist()} if tensor else {"dataframe_split": X.to_dict("split")}
        answer = requests.post(f"{server.address}/invocations", json=asked, timeout=60).json()
        assert np.allclose(np.ravel(answer["predictions"]), expected), f"{answer}, not {expected}"
assert not list(proof)  # the trap is met
tried = inspect.getsource(proof.gi_code) + inspect.getsource(boosted)
assert all(word in tried for word in names(TRAP)), f"{TRAP}: not all of it is in\n{tried}"
