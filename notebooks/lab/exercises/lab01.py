"""Lab 1: a results table kept by hand, and a choice made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.exercises import exercise
from lab.exercises.expected import IRIS_ACCURACY, IRIS_MEAN_ACCURACY, MEAN_ACCURACY_TOLERANCE
from lab.exercises.student import Missing, Student, require

if TYPE_CHECKING:
    from pandas import DataFrame


def decimals(noted: float, right: float, otherwise: str) -> str:
    """Return a hint for a number that is not right: what to do if it is right but rounded to two decimals, else another."""
    rounded = abs(noted - round(right, 2)) < 1e-9
    return "Keep at least three decimals." if rounded else otherwise


def numbers(table: DataFrame, *names: str) -> None:
    """Raise `Missing` unless a table has the named columns and at least one row, `Wrong` unless they hold numbers."""
    import pandas as pd

    for name in names:
        if name not in table:
            there = ", ".join(map(str, table.columns))
            raise Missing(f"the table has no column '{name}', but {there}.")
        values = pd.to_numeric(table[name], errors="coerce")
        wrong = table[name][values.isna()]
        require(wrong.empty, f"'{wrong.min() if len(wrong) else ''}' as {name}", "a number")
    if table.empty:
        raise Missing("the table has no rows.")


@exercise("1.1", "Keep the table")
def keep_the_table(student: Student) -> str:
    table = student.table("my_results.csv")
    numbers(table, "C", "seed", "accuracy")
    for row in table.itertuples():
        setting = f"C = {row.C:g} and seed {row.seed:g}"
        require(
            row.C in IRIS_ACCURACY and row.seed == 1,
            f"a row for {setting}",
            "0.01, 0.1, 1, 10 and 100 with seed 1, and no others",
        )
        right = IRIS_ACCURACY[row.C]
        require(
            abs(row.accuracy - right) < 0.001,
            f"accuracy {row.accuracy} for {setting}",
            f"{right:.3f}",
            decimals(
                row.accuracy,
                right,
                "Train with the lab's settings on X_train, measure on X_test, and note the row after both.",
            ),
        )
    for C in IRIS_ACCURACY:
        rows = (table["C"] == C).sum()
        if not rows:
            raise Missing(f"the table has no row for C = {C:g} with seed 1.")
        require(
            rows == 1,
            f"{rows} rows for C = {C:g}",
            "one for each setting, five in all",
            "A cell that was run twice has appended twice: make 'results' afresh in section 1.5.",
        )
    return "five rows, and every accuracy is what its row says."


@exercise("1.2", "Choose on better evidence")
def choose(student: Student) -> str:
    table = student.table("my_choice.csv")
    numbers(table, "C", "mean_accuracy")
    require(len(table) == 1, f"{len(table)} rows", "one row, your choice")
    chosen, noted = float(table["C"][0]), float(table["mean_accuracy"][0])
    require(chosen in IRIS_MEAN_ACCURACY, f"C = {chosen:g}", "one of 0.01, 0.1, 1, 10 and 100")
    right = IRIS_MEAN_ACCURACY[chosen]
    require(
        abs(noted - right) < MEAN_ACCURACY_TOLERANCE,
        f"mean_accuracy {noted} for C = {chosen:g}",
        "its mean over the seeds 0 to 9, with half of the flowers held out",
        decimals(noted, right, "A single split says little; take the mean of all ten."),
    )
    require(
        chosen == max(IRIS_MEAN_ACCURACY, key=IRIS_MEAN_ACCURACY.__getitem__),
        f"C = {chosen:g} with a mean of {right:.3f}",
        "the setting with the highest mean",
        "Compute the mean for all five settings, then compare.",
    )
    return f"C = {chosen:g}, with a mean accuracy of {noted:.3f} over ten splits."
