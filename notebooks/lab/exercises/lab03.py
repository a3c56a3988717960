"""Lab 3: curves by epoch, a metric of one's own, and a network that stops in time."""

from __future__ import annotations

from lab.exercises import exercise, expected
from lab.exercises.expected import LOSS_TOLERANCE, diabetes_scaled, points_per_unit
from lab.exercises.student import StudentModel, StudentRun, number, reading, refuse, require

EXPERIMENT = "pytorch_experiment"
EPOCHS = 150
ADAM = {"Adam", "adam", "optim.Adam", "torch.optim.Adam"}
PATIENCE = range(10, 51)
SAME_TRAINING = 0.002  # both were trained on the student's own computer


def curve(run: StudentRun, metric: str, epochs: int) -> dict[int, float]:
    """Return a metric by epoch, from 1, of which none may be missing; a student may have counted from 0."""
    values = run.history(metric)
    if set(values) == set(range(epochs)):
        return {step + 1: value for step, value in values.items()}
    found = sorted(values)
    is_whole = found == list(range(found[0], found[0] + len(found))) and len(found) > 1
    steps = ", ".join(map(str, found[:5])) + (" …" if len(found) > 5 else "")
    if is_whole and len(found) > 3:
        steps = f"{found[0]} to {found[-1]}"
    hint = (
        f"Train for {epochs} epochs." if is_whole else "Give step=epoch to the call that logs it."
    )
    asked = list(range(1, epochs + 1))
    require(
        found == asked, f"{metric} at the steps {steps} in {run}", f"the steps 1 to {epochs}", hint
    )
    return values


def is_the_curve(found: dict[int, float], right: dict[int, float], hint: str) -> None:
    """Raise `Wrong` unless validation losses are, at some epochs, what the lab's settings lead to."""
    for epoch, loss in right.items():
        shown = f"val_loss = {found[epoch]:.3f} at epoch {epoch}"
        require(abs(found[epoch] - loss) < LOSS_TOLERANCE, shown, f"{loss:.3f}", hint)


@exercise(
    "3.1",
    "Another learning rate",
    (EXPERIMENT, "faster"),
    param={"learning_rate": 0.1, "epochs": EPOCHS, "seed": 0, "optimizer": ADAM},
)
def another_learning_rate(run: StudentRun) -> str:
    begin = curve(run, "train_loss", EPOCHS)[1]
    faster = curve(run, "val_loss", EPOCHS)
    slower = curve(run.student.run(EXPERIMENT, "simple-model"), "val_loss", EPOCHS)[10]
    found = (
        f"a validation loss of {faster[10]:.2f} at epoch 10, hardly below that of 'simple-model'"
    )
    hint = "Did the optimizer get the new learning rate?"
    require(faster[10] < 0.9 * slower, found, "one that falls much faster", hint)
    found = f"a training loss of {begin:.3f} at epoch 1"
    usual = f"{expected.FIRST_TRAIN_LOSS:.3f}, with which 'simple-model' began"
    hint = "Make a fresh SimpleModel after torch.manual_seed(0), and train nothing else with it before."
    require(abs(begin - expected.FIRST_TRAIN_LOSS) < LOSS_TOLERANCE, found, usual, hint)
    hint = "Train with Adam and the learning rate 0.1, and measure the validation loss after each step."
    is_the_curve(faster, expected.VAL_LOSS_FAST, hint)
    return f"after 10 epochs the loss is {faster[10]:.2f}, where 'simple-model' had {slower:.2f}."


@exercise("3.2", "A metric of your own, by epoch", (EXPERIMENT, "rmse-by-epoch"))
def a_metric_of_your_own(run: StudentRun) -> str:
    losses = curve(run, "val_loss", 50)
    points = curve(run, "val_rmse", 50)
    for epoch, loss in losses.items():
        right = loss**0.5 * points_per_unit()
        found = f"val_rmse = {points[epoch]:.3g} at epoch {epoch}"
        wanted = f"{right:.3g} points, for a val_loss of {loss:.3g}"
        hint = "Take the square root of val_loss, times scaler.scale_[-1]."
        require(abs(points[epoch] - right) < 0.01 * right, found, wanted, hint)
    hint = "Train the model between the values that you log."
    require(losses[50] < losses[1], "losses that do not fall", "those of a model that learns", hint)
    hint = (
        "Make a fresh SimpleModel after torch.manual_seed(0), train it with Adam and the learning rate 0.01, and measure "
        "the validation loss after each step."
    )
    is_the_curve(losses, expected.VAL_LOSS_SLOW, hint)
    return f"from {points[1]:.0f} points at the first epoch to {points[50]:.0f} at the last."


@exercise(
    "3.3",
    "Stop in time",
    (EXPERIMENT, "stopped-early"),
    param={"patience": None},
    metric={"test_rmse": None},
)
def stop_in_time(run: StudentRun) -> str:
    given = run.param("patience")
    found, asked = f"patience = {given} in {run}", f"one between {PATIENCE[0]} and {PATIENCE[-1]}"
    patience = int(number(given, found, asked))
    require(patience in PATIENCE, found, asked)
    losses = curve(run, "val_loss", len(run.history("val_loss")))
    best = min(losses, key=lambda epoch: losses[epoch])
    found = f"{len(losses)} epochs, with the lowest val_loss after {best}"
    hint = f"With patience = {patience}, stop when so many epochs brought no new low."
    require(len(losses) - best == patience, found, f"{best + patience} epochs", hint)
    whole = run.student.run(EXPERIMENT, "mlp").history("val_loss")
    differs = [epoch for epoch in losses if abs(losses[epoch] - whole[epoch]) > SAME_TRAINING]
    for epoch in differs[:1]:
        found = f"a val_loss of {losses[epoch]:.3f} after {epoch} epochs"
        hint = "Train a fresh network like 'mlp', with seed 0 and learning rate 0.01."
        refuse(found, f"{whole[epoch]:.3f}, as 'mlp' had", hint)
    model = run.model("mlp")
    loss = mean_error(model, "validation")
    found = f"a model with a validation loss of {loss:.3f}"
    hint = "Put the weights of the best epoch back before you log the model."
    is_best = abs(loss - losses[best]) < SAME_TRAINING
    require(is_best, found, f"{losses[best]:.3f}, that of epoch {best}", hint)
    right = mean_error(model, "test") ** 0.5 * points_per_unit()
    hint = (
        "Compute it from the predictions of the model that you log, in points, as test_rmse does."
    )
    rmse = run.metric("test_rmse", right, hint, tolerance=0.002)
    return f"stopped after {len(losses)} epochs; the model of epoch {best} has an error of {rmse:.1f} points."


def mean_error(model: StudentModel, part: str) -> float:
    """Return a model's mean squared error, scaled, on the rows of a part; raise `Wrong` if it does not take them."""
    X, y = diabetes_scaled(part)
    # A graph traced with a single row takes no other number.
    found = "a model that takes only as many rows as its input example has"
    hint = "Pass an input_example of at least two rows."
    fits = not isinstance(model.error(X), AssertionError)
    require(fits, found, "one for any number", hint)
    with reading():
        return float(((model.predict(X) - y) ** 2).mean())
