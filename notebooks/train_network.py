"""Train a network that may be killed: with the id of its run, it goes on from the newest checkpoint that is whole."""

import argparse
import copy
import tempfile
from pathlib import Path

import mlflow
import pandas as pd
import torch
from sklearn.model_selection import train_test_split
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--epochs", type=int, default=60)
parser.add_argument("--run", help="the id of a run to go on with")
arguments = parser.parse_args()

source = (Path(__file__).parents[1] / "data" / "diabetes.csv").resolve().as_posix()
diabetes = pd.read_csv(source)
target = "progression"
split = {"test_size": 0.3, "split_seed": 0}
train, validation = train_test_split(
    diabetes, test_size=split["test_size"], random_state=split["split_seed"]
)


def tensors(rows):
    """Return scaled inputs and targets."""
    scaled = torch.tensor(((rows - train.mean()) / train.std()).to_numpy(), dtype=torch.float32)
    return scaled[:, :-1], scaled[:, -1:]


settings = {"learning_rate": 0.002, "batch_size": 32, "dropout": 0.2, "patience": 20, "seed": 0}
torch.manual_seed(settings["seed"])
batches = DataLoader(TensorDataset(*tensors(train)), settings["batch_size"], shuffle=True)
layers = [nn.Linear(10, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(settings["dropout"])]
model = nn.Sequential(*layers, nn.Linear(32, 1))
optimizer = torch.optim.Adam(model.parameters(), lr=settings["learning_rate"])
criterion = nn.MSELoss()


def train_epoch():
    """Train on all batches, and return their mean loss."""
    model.train()
    total = 0.0
    for X, y in batches:
        optimizer.zero_grad()
        loss = criterion(model(X), y)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(X)  # the last batch is smaller
    return total / len(batches.dataset)


def validation_loss():
    """Return the loss on rows that were not trained on."""
    model.eval()
    X, y = tensors(validation)
    with torch.no_grad():
        return criterion(model(X), y).item()


def newest_checkpoint(run_id):
    """Return what the newest checkpoint that is whole holds."""
    files = mlflow.artifacts.list_artifacts(run_id=run_id, artifact_path="checkpoints")
    for path in sorted((file.path for file in files), reverse=True):
        try:
            return torch.load(
                mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=path)
            )
        except (RuntimeError, EOFError, OSError):
            print(f"{path} was cut short: the one before it is used")
    parser.error(f"run {run_id} has no checkpoint that is whole: start without --run")


mlflow.set_experiment("network_experiment")
state = {"epoch": 0, "best_loss": float("inf"), "best_epoch": 0}
if arguments.run:
    state = newest_checkpoint(arguments.run)
    model.load_state_dict(state["weights"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])

with mlflow.start_run(run_id=arguments.run) as run, tempfile.TemporaryDirectory() as folder:
    print(f"run {run.info.run_id}, from epoch {state['epoch'] + 1}", flush=True)
    mlflow.log_params({"model": "two layers", "target": target} | settings | split)
    mlflow.log_input(mlflow.data.from_pandas(diabetes, source=source, name="diabetes"))

    for epoch in range(state["epoch"] + 1, arguments.epochs + 1):
        losses = {"train_loss": train_epoch(), "val_loss": validation_loss()}
        mlflow.log_metrics(losses, step=epoch)
        if losses["val_loss"] < state["best_loss"]:
            state |= {"best_loss": losses["val_loss"], "best_epoch": epoch}
            state["best_weights"] = copy.deepcopy(model.state_dict())
        if epoch % 5 == 0:  # how much a kill may cost
            state |= {"epoch": epoch, "random": torch.get_rng_state()}
            state |= {"weights": model.state_dict(), "optimizer": optimizer.state_dict()}
            file = Path(folder) / f"epoch-{epoch:04}.pt"
            torch.save(state, file)
            mlflow.log_artifact(file, "checkpoints")
        if epoch - state["best_epoch"] >= settings["patience"]:
            break

    model.load_state_dict(state["best_weights"])
    model.eval()
    example = tensors(validation)[0][:2].numpy()
    requirements = [f"torch=={torch.__version__.split('+')[0]}"]
    mlflow.pytorch.log_model(
        model, name="network", input_example=example, pip_requirements=requirements
    )
    mlflow.log_metric("best_epoch", state["best_epoch"], step=state["best_epoch"])
print(f"best epoch {state['best_epoch']}: validation loss {state['best_loss']:.3f}")
