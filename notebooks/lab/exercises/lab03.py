"""Lab 3: curves by epoch, a metric of one's own, and a network that stops in time."""

from lab.answers import Answer, Answers, require, steps
from lab.exercises import exercise
from lab.exercises.truth import diabetes_scale, diabetes_test

EXPERIMENT = "pytorch_experiment"
EPOCHS = 150


def curve(run: Answer, metric: str, epochs: int) -> dict[int, float]:
    """Return a metric by epoch, of which none may be missing."""
    values = run.history(metric)
    require(
        set(values) == set(range(1, epochs + 1)),
        f"{metric} at the steps {steps(values)} in {run}",
        f"the steps 1 to {epochs}",
        "Count the epochs from 1."
        if set(values) == set(range(epochs))
        else "Give step=epoch to the call that logs it.",
    )
    return values


@exercise("3.1", "Another learning rate")
def another_learning_rate(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "faster")
    run.param("learning_rate", 0.1)
    run.param("epochs", EPOCHS)
    run.param("seed", 0)
    begin = curve(run, "train_loss", EPOCHS)[1]
    faster = curve(run, "val_loss", EPOCHS)
    simple = answers.run(EXPERIMENT, "simple-model")
    slower, fresh = simple.history("val_loss"), simple.history("train_loss")[1]
    require(
        faster[10] < 0.9 * slower[10],
        f"a validation loss of {faster[10]:.2f} at epoch 10, hardly below that of 'simple-model'",
        "one that falls much faster",
        "Did the optimizer get the new learning rate?",
    )
    require(
        abs(begin - fresh) < 0.001,
        f"a training loss of {begin:.3f} at epoch 1",
        f"{fresh:.3f}, with which 'simple-model' began",
        "Make a fresh model after torch.manual_seed(0).",
    )
    return (
        f"after 10 epochs the loss is {faster[10]:.2f}, where 'simple-model' had {slower[10]:.2f}."
    )


@exercise("3.2", "A metric of your own, by epoch")
def a_metric_of_your_own(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "rmse-by-epoch")
    losses = curve(run, "val_loss", 50)
    points = curve(run, "val_rmse", 50)
    for epoch, loss in losses.items():
        right = loss**0.5 * diabetes_scale()
        require(
            abs(points[epoch] - right) < 0.01 * right,
            f"val_rmse = {points[epoch]:.3g} at epoch {epoch}",
            f"{right:.3g} points, for a val_loss of {loss:.3g}",
            "Take the square root of the loss, times scaler.scale_[-1].",
        )
    require(
        losses[50] < losses[1],
        "losses that do not fall",
        "those of a model that learns",
        "Train the model between the values that you log.",
    )
    return f"from {points[1]:.0f} points at the first epoch to {points[50]:.0f} at the last."


@exercise("3.3", "Stop in time")
def stop_in_time(answers: Answers) -> str:
    run = answers.run(EXPERIMENT, "stopped-early")
    epochs = int(float(run.param("epochs")))
    rmse = run.metric("test_rmse")
    X, y = diabetes_test()
    predicted = run.model("mlp").predict(X)
    points = (predicted - y) * diabetes_scale()
    run.metric(
        "test_rmse",
        float((points**2).mean() ** 0.5),
        "Compute it from the predictions of the model that you log, in points, as test_rmse does.",
        tolerance=0.002,
    )
    losses = answers.run(EXPERIMENT, "mlp").history("val_loss")
    best = min(losses, key=losses.get)
    require(
        losses.get(epochs, float("inf")) < losses[best] + 0.02,
        f"{epochs} epochs",
        "as many as it takes to reach the lowest part of the curve",
        "Look where val_loss of the run 'mlp' is lowest.",
    )
    require(
        rmse < 56,
        f"an error of {rmse:.1f} points after {epochs} epochs",
        "less than 56",
        f"Train a fresh network (seed 0), for {epochs} epochs and no more.",
    )
    return f"{epochs} epochs are enough for an error of {rmse:.1f} points."
