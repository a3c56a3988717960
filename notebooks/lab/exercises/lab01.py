"""Lab 1: a results table kept by hand, and a choice made from it."""

from lab.answers import Answers, Missing, require
from lab.exercises import exercise
from lab.exercises.truth import iris_accuracy

SETTINGS = [0.01, 0.1, 1.0, 10.0, 100.0]
SEEDS = range(10)


def decimals(noted: float, right: float, otherwise: str) -> str:
    """Return a hint for a number that is not right: what to do if it is right but rounded to two decimals, else another."""
    rounded = abs(noted - round(right, 2)) < 1e-9
    return "Keep at least three decimals." if rounded else otherwise


def columns(table, *names: str) -> None:
    """Raise `Missing` unless a table has the named columns and at least one row."""
    lacking = [name for name in names if name not in table]
    if lacking:
        there = ", ".join(map(str, table.columns))
        raise Missing(f"the table has no column '{lacking[0]}', but {there}.")
    if table.empty:
        raise Missing("the table has no rows.")


@exercise("1.1", "Keep the table")
def keep_the_table(answers: Answers) -> str:
    table = answers.table("my_results.csv")
    columns(table, "C", "seed", "accuracy")
    for row in table.itertuples():
        right = iris_accuracy(float(row.C), int(row.seed))
        require(
            abs(row.accuracy - right) < 0.001,
            f"accuracy {row.accuracy} for C = {row.C:g} and seed {row.seed}",
            f"{right:.3f}",
            decimals(row.accuracy, right, "Was the row noted before the model was trained again?"),
        )
    for C in SETTINGS:
        if not ((table["C"] == C) & (table["seed"] == 1)).any():
            raise Missing(f"the table has no row for C = {C:g} with seed 1.")
    return f"{len(table)} rows, and every accuracy is what its row says."


@exercise("1.2", "Choose on better evidence")
def choose(answers: Answers) -> str:
    table = answers.table("my_choice.csv")
    columns(table, "C", "mean_accuracy")
    require(len(table) == 1, f"{len(table)} rows", "one row, your choice")
    chosen, noted = float(table["C"][0]), float(table["mean_accuracy"][0])
    means = {C: sum(iris_accuracy(C, seed, 0.5) for seed in SEEDS) / len(SEEDS) for C in SETTINGS}
    require(chosen in means, f"C = {chosen:g}", "one of 0.01, 0.1, 1, 10 and 100")
    require(
        abs(noted - means[chosen]) < 0.003,  # two flowers of 750, for a training that stopped early
        f"mean_accuracy {noted} for C = {chosen:g}",
        "its mean over the seeds 0 to 9, with half of the flowers held out",
        decimals(noted, means[chosen], "A single split says little; take the mean of all ten."),
    )
    best = max(means, key=means.get)
    require(
        chosen == best,
        f"C = {chosen:g} with a mean of {means[chosen]:.3f}",
        "the setting with the highest mean",
        "Compute the mean for all five settings, then compare.",
    )
    return f"C = {chosen:g}, with a mean accuracy of {noted:.3f} over ten splits."
