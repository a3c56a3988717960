"""Answers to the exercises of lab 3."""

from answers import Accepted, Attempt

STOPPED = """
torch.manual_seed(0)
stopped = nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, 1)).to(device)
optimizer = optim.Adam(stopped.parameters(), lr=0.01)
for _ in range({epochs}):
    train_epoch(stopped, optimizer)
stopped = stopped.cpu()
with mlflow.start_run(run_name="stopped-early"):
    mlflow.log_param("epochs", {epochs})
    with torch.no_grad():
        mlflow.log_metric("test_rmse", {rmse})
    mlflow.pytorch.log_model(stopped, name="mlp", input_example=example, pip_requirements=["torch"])
"""
COMPUTED = "test_rmse(stopped(X_test.cpu()).numpy())"

FASTER = """
torch.manual_seed({seed})
mine = SimpleModel().to(device)
optimizer = optim.{optimizer}(mine.parameters(), lr={lr})
with mlflow.start_run(run_name="{run}"):
    mlflow.log_params({{"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "Adam"}})
    for epoch in range({first}, {first} + {epochs}):
        before = validation_loss(mine)
        train_loss = train_epoch(mine, optimizer)
        val_loss = {val_loss}
        val_rmse = val_loss**0.5 * scaler.scale_[-1]
        mlflow.log_metrics({{"train_loss": train_loss, "val_loss": val_loss, "val_rmse": val_rmse}}, step=epoch)
"""
AS_ASKED = {
    "seed": 0,
    "optimizer": "Adam",
    "lr": 0.1,
    "run": "faster",
    "first": 1,
    "epochs": 150,
    "val_loss": "validation_loss(mine)",
}
BY_EPOCH = AS_ASKED | {"lr": 0.01, "run": "rmse-by-epoch", "epochs": 50}
NETWORK = """
torch.manual_seed({seed})
mine = nn.Sequential(nn.Linear(10, {units}), nn.ReLU(), nn.Linear({units}, 1))
optimizer = optim.Adam(mine.parameters(), lr=0.01)
mine.to(device)
for _ in range({epochs}):
    train_epoch(mine, optimizer)
mine.cpu()
with mlflow.start_run(run_name="stopped-early"):
    mlflow.log_params({{"epochs": {epochs}, "seed": 0}})
    mlflow.pytorch.log_model(mine, name="mlp", input_example={example}, pip_requirements=["torch"])
    mlflow.log_metric("test_rmse", test_rmse(mine(X_test.cpu()).detach().numpy()))
"""
SLOWER = NETWORK.replace("lr=0.01", "lr=0.005")
NETWORK_AS_ASKED = {"seed": 0, "units": 32, "epochs": 48, "example": "example"}

WRONG = [
    Attempt(
        "3.1",
        "❌",
        "found learning_rate = 0.01 in the run 'faster', expected learning_rate = 0.1",
        'with mlflow.start_run(run_name="faster"):\n    train_run(SimpleModel().to(device), learning_rate=0.01)',
    ),
    Attempt(
        "3.1",
        "❌",
        "found train_loss at the steps 0 in the run 'faster', expected the steps 1 to 150",
        """
with mlflow.start_run(run_name="faster"):
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "Adam"})
    for epoch in range(150):
        mlflow.log_metrics({"train_loss": 0.5, "val_loss": 0.5})
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "expected one that falls much faster",
        """
with mlflow.start_run(run_name="faster"):
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "Adam"})
    for epoch, value in simple_curve.items():
        mlflow.log_metrics({"train_loss": value, "val_loss": value}, step=epoch)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "Make a fresh SimpleModel after torch.manual_seed(0)",
        """
torch.manual_seed(0)
with mlflow.start_run(run_name="faster"):
    train_run(simple_model, learning_rate=0.1)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "at the steps 0 to 99 in the run 'faster', expected the steps 1 to 150. Train for 150 epochs.",
        """
with mlflow.start_run(run_name="faster"):
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "Adam"})
    for epoch in range(100):
        mlflow.log_metrics({"train_loss": 0.5, "val_loss": 0.5}, step=epoch)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "which ended as FAILED",
        'with mlflow.start_run(run_name="faster"):\n    train_run(SimpleModel().to(device), learning_rate="fast")',
    ),
    Attempt(
        "3.2",
        "❌",
        "found val_rmse at the steps 0",
        """
with mlflow.start_run(run_name="rmse-by-epoch"):
    for epoch in range(1, 51):
        mlflow.log_metric("val_loss", 0.5, step=epoch)
        mlflow.log_metric("val_rmse", 55.0)
""",
    ),
    Attempt(
        "3.2",
        "❌",
        "Take the square root of val_loss",
        """
with mlflow.start_run(run_name="rmse-by-epoch"):
    for epoch in range(1, 51):
        loss = 1 / epoch
        mlflow.log_metrics({"val_loss": loss, "val_rmse": loss * scaler.scale_[-1]}, step=epoch)
""",
    ),
    Attempt(
        "3.2",
        "❌",
        "those of a model that learns",
        """
with mlflow.start_run(run_name="rmse-by-epoch"):
    for epoch in range(1, 51):
        loss = validation_loss(simple_model)
        points = loss**0.5 * scaler.scale_[-1]
        mlflow.log_metrics({"val_loss": loss, "val_rmse": points}, step=epoch)
""",
    ),
    Attempt(
        "3.2",
        "⬜",
        "has no metric 'val_rmse'",
        """
with mlflow.start_run(run_name="rmse-by-epoch"):
    for epoch in range(1, 51):
        mlflow.log_metric("val_loss", 1 / epoch, step=epoch)
""",
    ),
    Attempt(
        "3.3",
        "⬜",
        "has no model 'mlp'",
        """
with mlflow.start_run(run_name="stopped-early"):
    mlflow.log_param("epochs", 48)
    mlflow.log_metric("test_rmse", 54.05)
""",
    ),
    Attempt(
        "3.3",
        "❌",
        "expected as many as it takes to come within 0.03 of the lowest val_loss, 0.48",
        STOPPED.format(epochs=150, rmse=COMPUTED),
    ),
    Attempt(
        "3.3",
        "❌",
        "Compute it from the predictions of the model that you log",
        STOPPED.format(epochs=48, rmse="50.0"),
    ),
    Attempt(
        "3.3",
        "❌",
        "in points, as test_rmse does",
        STOPPED.format(
            epochs=48, rmse="test_rmse(stopped(X_test.cpu()).numpy()) / scaler.scale_[-1]"
        ),
    ),
    Attempt(
        "3.3",
        "❌",
        "found a model with a validation loss of 0.575, expected 0.481, as 'mlp' had after 48 epochs",
        STOPPED.format(epochs=150, rmse=COMPUTED).replace('"epochs", 150', '"epochs", 48'),
    ),
    Attempt(
        "3.3",
        "❌",
        "in the experiment 'Default', expected it in 'pytorch_experiment'",
        """
for run in mlflow.search_runs(filter_string="attributes.run_name = 'stopped-early'")["run_id"]:
    mlflow.delete_run(run)
with mlflow.start_run(run_name="stopped-early", experiment_id="0"):
    pass
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "at epoch 1, expected 0.974. Train with Adam",
        FASTER.format(**AS_ASKED | {"optimizer": "SGD"}),
    ),
    Attempt(
        "3.1",
        "❌",
        "measure the validation loss after each step",
        FASTER.format(**AS_ASKED | {"val_loss": "before"}),
    ),
    Attempt(
        "3.1",
        "❌",
        "Make a fresh SimpleModel after torch.manual_seed(0)",
        FASTER.format(**AS_ASKED | {"seed": 1}),
    ),
    Attempt(
        "3.1",
        "❌",
        "found 300 values of train_loss for 150 steps in the run 'faster', expected one value for each step",
        """
torch.manual_seed(0)
with mlflow.start_run(run_name="faster"):
    for _ in range(2):
        train_run(SimpleModel().to(device), learning_rate=0.1)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "found 300 values of train_loss for 150 steps",
        """
with mlflow.start_run(run_name="faster"):
    for _ in range(2):
        torch.manual_seed(0)
        train_run(SimpleModel().to(device), learning_rate=0.1)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "found optimizer = SGD in the run 'faster', expected optimizer = Adam",
        'with mlflow.start_run(run_name="faster"):\n'
        '    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0, "optimizer": "SGD"})',
    ),
    Attempt(
        "3.2",
        "❌",
        "train it with Adam and the learning rate 0.01",
        FASTER.format(**BY_EPOCH | {"lr": 0.1}),
    ),
    Attempt(
        "3.2",
        "❌",
        "Make a fresh SimpleModel after torch.manual_seed(0)",
        FASTER.format(**BY_EPOCH | {"seed": 1}),
    ),
    Attempt(
        "3.2",
        "❌",
        "expected the steps 1 to 50. Train for 50 epochs",
        FASTER.format(**BY_EPOCH | {"epochs": 150}),
    ),
    Attempt(
        "3.3",
        "❌",
        "Train a fresh network like 'mlp' (seed 0, learning rate 0.01)",
        NETWORK.format(**NETWORK_AS_ASKED | {"seed": 1}),
    ),
    Attempt(
        "3.3",
        "❌",
        "found a model with 769 weights, expected 385, as 'mlp' has",
        NETWORK.format(**NETWORK_AS_ASKED | {"units": 64}),
    ),
    Attempt(
        "3.3",
        "❌",
        "Pass an input_example of at least two rows",
        NETWORK.format(**NETWORK_AS_ASKED | {"example": "example[:1]"}),
    ),
    Attempt(
        "3.3",
        "❌",
        "Train a fresh network like 'mlp' (seed 0, learning rate 0.01)",
        SLOWER.format(**NETWORK_AS_ASKED),
    ),
]

RIGHT = [
    Accepted("3.1", "a loop of one's own, with a metric more", FASTER.format(**AS_ASKED)),
    Accepted("3.1", "epochs counted from 0", FASTER.format(**AS_ASKED | {"first": 0})),
    Accepted("3.2", "epochs counted from 0", FASTER.format(**BY_EPOCH | {"first": 0})),
    Accepted(
        "3.2",
        "with training losses and parameters, which nobody asked for",
        FASTER.format(**BY_EPOCH),
    ),
    Accepted(
        "3.3",
        "a few epochs before the lowest point",
        NETWORK.format(**NETWORK_AS_ASKED | {"epochs": 28}),
    ),
    Accepted(
        "3.3",
        "a few after it, with an example of five rows",
        NETWORK.format(**NETWORK_AS_ASKED | {"epochs": 60, "example": "X_val[:5].cpu().numpy()"}),
    ),
]
