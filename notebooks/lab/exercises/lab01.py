"""Lab 1: a results table kept by hand, and a choice made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.exercises import exercise
from lab.exercises.expected import IRIS_ACCURACY, IRIS_MEAN_ACCURACY, MEAN_ACCURACY_TOLERANCE
from lab.exercises.student import Student, Wrong, columns, need, require

if TYPE_CHECKING:
    from pandas import DataFrame


def numbers(student: Student, file: str, *names: str) -> DataFrame:
    """Return a student's table; raise `Missing` unless it has some columns, `Wrong` unless they hold numbers."""
    import pandas as pd

    path = student.handed_in(file)
    try:
        table = columns(pd.read_csv(path), "the table", *names)
    except ValueError:
        csv = f"write it with pandas: table.to_csv('{file}', index=False)"
        raise Wrong(f"'{file}' is no table of comma-separated values; {csv}.") from None
    for name in names:
        wrong = table[name][pd.to_numeric(table[name], errors="coerce").isna()]
        require(wrong.empty, f"'{wrong.min() if len(wrong) else ''}' as {name}", "a number")
    return table


def is_near(noted: float, right: float, far: float, found: str, expected: str, hint: str) -> None:
    """Raise `Wrong` unless an accuracy is right; one that is, but for its decimals, gets another hint."""
    rounded = abs(noted - round(right, 2)) < 1e-9
    hint = "Keep at least three decimals." if rounded else hint
    require(abs(noted - right) < far, found, expected, hint)


@exercise("1.1", "Keep the table")
def keep_the_table(student: Student) -> str:
    table = numbers(student, "my_results.csv", "C", "seed", "accuracy")
    asked = "0.01, 0.1, 1, 10 and 100 with seed 1, and no others"
    hint = (
        "Train with the lab's settings on X_train, measure on X_test, and note the row after both."
    )
    for row in table.itertuples():
        setting = f"C = {row.C:g} and seed {row.seed:g}"
        require(row.C in IRIS_ACCURACY and row.seed == 1, f"a row for {setting}", asked)
        right = IRIS_ACCURACY[row.C]
        found = f"accuracy {row.accuracy:.4g} for {setting}"
        is_near(row.accuracy, right, 0.001, found, f"{right:.3f}", hint)
    hint = "A cell that was run twice has appended twice: make 'results' afresh in section 1.5."
    for C in IRIS_ACCURACY:
        rows = (table["C"] == C).sum()
        need(rows, f"the table has no row for C = {C:g} with seed 1.")
        require(rows == 1, f"{rows} rows for C = {C:g}", "one for each setting, five in all", hint)
    return "five rows, and every accuracy is what its row says."


@exercise("1.2", "Choose on better evidence")
def choose(student: Student) -> str:
    table = numbers(student, "my_choice.csv", "C", "mean_accuracy")
    require(len(table) == 1, f"{len(table)} rows", "one row, your choice")
    C, noted = float(table["C"][0]), float(table["mean_accuracy"][0])
    require(C in IRIS_MEAN_ACCURACY, f"C = {C:g}", "one of 0.01, 0.1, 1, 10 and 100")
    right, best = IRIS_MEAN_ACCURACY[C], max(IRIS_MEAN_ACCURACY.values())
    asked = "its mean over the seeds 0 to 9, with half of the flowers held out"
    hint = "Train with 'settings', and look at test_size and the seeds."
    found = f"mean_accuracy {noted:.4g} for C = {C:g}"
    is_near(noted, right, MEAN_ACCURACY_TOLERANCE, found, asked, hint)
    found = f"C = {C:g} with a mean of {right:.3f}"
    hint = "Compute the mean for all five settings, then compare."
    require(right == best, found, "the setting with the highest mean", hint)
    return f"C = {C:g}, with a mean accuracy of {noted:.3f} over ten splits."
