"""Lab 3: curves by epoch, a metric of one's own, and a network that stops in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.exercises import exercise
from lab.exercises.expected import (
    FIRST_TRAIN_LOSS,
    LOSS_TOLERANCE,
    VAL_LOSS_FAST,
    VAL_LOSS_SLOW,
    diabetes_scaled,
    points_per_unit,
)
from lab.exercises.student import Student, StudentRun, Wrong, require, steps

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel


EXPERIMENT = "pytorch_experiment"
EPOCHS = 150
WEIGHTS = 385  # of the deeper network
NEAR_THE_LOWEST = 0.03
SAME_TRAINING = 0.002  # both were trained on the student's own computer


def curve(run: StudentRun, metric: str, epochs: int) -> dict[int, float]:
    """Return a metric by epoch, from 1, of which none may be missing; a student may have counted from 0."""
    values = run.history(metric)
    if set(values) == set(range(epochs)):
        return {step + 1: value for step, value in values.items()}
    found = sorted(values)
    is_whole = found == list(range(found[0], found[0] + len(found))) and len(found) > 1
    require(
        set(values) == set(range(1, epochs + 1)),
        f"{metric} at the steps {steps(values)} in {run}",
        f"the steps 1 to {epochs}",
        f"Train for {epochs} epochs." if is_whole else "Give step=epoch to the call that logs it.",
    )
    return values


def is_the_curve(found: dict[int, float], right: dict[int, float], hint: str) -> None:
    """Raise `Wrong` unless validation losses are, at some epochs, what the lab's settings lead to."""
    for epoch, loss in right.items():
        require(
            abs(found[epoch] - loss) < LOSS_TOLERANCE,
            f"a validation loss of {found[epoch]:.3f} at epoch {epoch}",
            f"{loss:.3f}",
            hint,
        )


@exercise("3.1", "Another learning rate")
def another_learning_rate(student: Student) -> str:
    run = student.run(EXPERIMENT, "faster")
    run.param("learning_rate", 0.1)
    run.param("epochs", EPOCHS)
    run.param("seed", 0)
    run.param("optimizer", "Adam")
    begin = curve(run, "train_loss", EPOCHS)[1]
    faster = curve(run, "val_loss", EPOCHS)
    slower = student.run(EXPERIMENT, "simple-model").history("val_loss")
    require(
        faster[10] < 0.9 * slower[10],
        f"a validation loss of {faster[10]:.2f} at epoch 10, hardly below that of 'simple-model'",
        "one that falls much faster",
        "Did the optimizer get the new learning rate?",
    )
    require(
        abs(begin - FIRST_TRAIN_LOSS) < LOSS_TOLERANCE,
        f"a training loss of {begin:.3f} at epoch 1",
        f"{FIRST_TRAIN_LOSS:.3f}, with which 'simple-model' began",
        "Make a fresh SimpleModel after torch.manual_seed(0), and log the two losses under their own names.",
    )
    hint = "Train with Adam and the learning rate 0.1, and measure the validation loss after each step."
    is_the_curve(faster, VAL_LOSS_FAST, hint)
    return (
        f"after 10 epochs the loss is {faster[10]:.2f}, where 'simple-model' had {slower[10]:.2f}."
    )


@exercise("3.2", "A metric of your own, by epoch")
def a_metric_of_your_own(student: Student) -> str:
    run = student.run(EXPERIMENT, "rmse-by-epoch")
    losses = curve(run, "val_loss", 50)
    points = curve(run, "val_rmse", 50)
    for epoch, loss in losses.items():
        right = loss**0.5 * points_per_unit()
        require(
            abs(points[epoch] - right) < 0.01 * right,
            f"val_rmse = {points[epoch]:.3g} at epoch {epoch}",
            f"{right:.3g} points, for a val_loss of {loss:.3g}",
            "Take the square root of val_loss, times scaler.scale_[-1].",
        )
    require(
        losses[50] < losses[1],
        "losses that do not fall",
        "those of a model that learns",
        "Train the model between the values that you log.",
    )
    hint = (
        "Make a fresh SimpleModel after torch.manual_seed(0), train it with Adam and the learning rate 0.01, and measure "
        "the validation loss after each step."
    )
    is_the_curve(losses, VAL_LOSS_SLOW, hint)
    return f"from {points[1]:.0f} points at the first epoch to {points[50]:.0f} at the last."


@exercise("3.3", "Stop in time")
def stop_in_time(student: Student) -> str:
    run = student.run(EXPERIMENT, "stopped-early")
    epochs = int(float(run.param("epochs")))
    rmse = run.metric("test_rmse")
    losses = student.run(EXPERIMENT, "mlp").history("val_loss")
    lowest = min(losses.values())
    require(
        losses.get(epochs, float("inf")) < lowest + NEAR_THE_LOWEST,
        f"{epochs} epochs",
        f"as many as it takes to come within {NEAR_THE_LOWEST} of the lowest val_loss, {lowest:.2f}",
        "Look where val_loss of the run 'mlp' is lowest.",
    )
    model = run.model("mlp")
    weights = sum(tensor.numel() for tensor in model.get_raw_model().parameters())
    require(weights == WEIGHTS, f"a model with {weights} weights", f"{WEIGHTS}, as 'mlp' has")
    rmse_of_model = mean_error(model, "test") ** 0.5 * points_per_unit()
    hint = (
        "Compute it from the predictions of the model that you log, in points, as test_rmse does."
    )
    run.metric("test_rmse", rmse_of_model, hint, tolerance=0.002)
    loss = mean_error(model, "validation")
    require(
        abs(loss - losses[epochs]) < SAME_TRAINING,
        f"a model with a validation loss of {loss:.3f}",
        f"{losses[epochs]:.3f}, as 'mlp' had after {epochs} epochs",
        f"Train a fresh network like 'mlp' (seed 0, learning rate 0.01), for {epochs} epochs and no more.",
    )
    return f"{epochs} epochs are enough for an error of {rmse:.1f} points."


def mean_error(model: PyFuncModel, part: str) -> float:
    """Return a model's mean squared error, scaled, on the rows of a part; raise `Wrong` if it does not take them."""
    X, y = diabetes_scaled(part)
    try:
        return float(((model.predict(X) - y) ** 2).mean())
    except AssertionError:  # a graph traced with a single row takes no other number
        raise Wrong(
            "found a model that takes only as many rows as its input example has, expected one for any number. "
            "Pass an input_example of at least two rows."
        ) from None
