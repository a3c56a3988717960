"""Wrong turns in lab 3."""

from attempts import Attempt

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

ATTEMPTS = [
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
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0})
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
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0})
    for epoch, value in simple_curve.items():
        mlflow.log_metrics({"train_loss": value, "val_loss": value}, step=epoch)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "Make a fresh model after torch.manual_seed(0)",
        """
torch.manual_seed(0)
with mlflow.start_run(run_name="faster"):
    train_run(simple_model, learning_rate=0.1)
""",
    ),
    Attempt(
        "3.1",
        "❌",
        "at the steps 0 to 149 in the run 'faster', expected the steps 1 to 150. Count the epochs from 1.",
        """
with mlflow.start_run(run_name="faster"):
    mlflow.log_params({"learning_rate": 0.1, "epochs": 150, "seed": 0})
    for epoch in range(150):
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
        "Take the square root of the loss",
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
        "expected as many as it takes to reach the lowest part of the curve",
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
        "Train a fresh network (seed 0), for 48 epochs and no more",
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
]
