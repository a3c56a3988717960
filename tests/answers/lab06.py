"""Answers to the exercises of lab 6."""

from answers import Accepted, Attempt

CONCLUSION = (
    'with mlflow.start_run(run_name="my-artifacts"):\n    mlflow.log_text({text!r}, "{path}")'
)
TABLE = """
everything = pd.DataFrame({{"digit": y_test, "predicted": predicted}})
{change}
everything.to_csv(folder / "mistakes.csv", index_label="row")
with mlflow.start_run(run_name="all-mistakes"):
    mlflow.log_artifact(folder / "mistakes.csv", artifact_path="{place}")
"""
WRONG = 'everything = everything[everything["digit"] != everything["predicted"]]'
SORTED = """
with mlflow.start_run(run_name="sorted-out"):
    mlflow.log_param("max_iter", 10_000)
    {mistakes}
    {weakest}
    {report}
"""
RIGHT = {
    "mistakes": 'mlflow.log_metric("mistakes", 16)',
    "weakest": 'mlflow.set_tag("weakest_digit", "8")',
    "report": 'mlflow.log_text(report, "report.txt")',
}

WRONG = [
    Attempt(
        "6.1",
        "⬜",
        "has no artifact 'notes/conclusion.txt'",
        CONCLUSION.format(text="The 8 is often taken for a 1.", path="conclusion.txt"),
    ),
    Attempt(
        "6.1",
        "❌",
        "found the numbers 1, 8 in your conclusion, expected two digits, the one missed most often and what was "
        "predicted for it most often. These are the two; name the missed one first.",
        CONCLUSION.format(text="The 1 is often taken for an 8.", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.1",
        "❌",
        "expected a sentence of at least four words",
        CONCLUSION.format(text="8 1", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.1",
        "❌",
        "found no numeral, expected two digits",
        CONCLUSION.format(text="The model makes some mistakes.", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.1",
        "❌",
        "The first is right, the second is not",
        CONCLUSION.format(text="The 8 is often taken for a 3.", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.1",
        "❌",
        "found the numbers 81 in your conclusion",
        CONCLUSION.format(text="The digits to look at are 81.", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.2",
        "❌",
        "found the run 'all-mistakes' in the experiment 'Default'",
        'with mlflow.start_run(run_name="all-mistakes", experiment_id="0"):\n    pass',
    ),
    Attempt("6.2", "❌", "found 540 rows, expected 16", TABLE.format(change="", place="tables")),
    Attempt(
        "6.2",
        "⬜",
        "has no column 'predicted'",
        TABLE.format(change=WRONG + '[["digit"]]', place="tables"),
    ),
    Attempt(
        "6.2",
        "❌",
        "Is 'row' the number of the row in the data",
        TABLE.format(change=WRONG + ".reset_index(drop=True)", place="tables"),
    ),
    Attempt(
        "6.2",
        "❌",
        "found (37, 5, 9) as row, digit and predicted",
        TABLE.format(
            change=WRONG + '.rename(columns={"digit": "predicted", "predicted": "digit"})',
            place="tables",
        ),
    ),
    Attempt(
        "6.2",
        "❌",
        "found a row that is there twice",
        TABLE.format(
            change=WRONG + "\neverything = pd.concat([everything[1:], everything[1:2]])",
            place="tables",
        ),
    ),
    Attempt(
        "6.2",
        "⬜",
        "has no artifact 'tables/mistakes.csv'",
        TABLE.format(change=WRONG, place="other"),
    ),
    Attempt(
        "6.2",
        "❌",
        "found a folder 'tables/mistakes.csv' in the run 'all-mistakes', expected a file",
        TABLE.format(change=WRONG, place="tables/mistakes.csv"),
    ),
    Attempt(
        "6.2",
        "❌",
        "could not be read",
        'with mlflow.start_run(run_name="all-mistakes"):\n    mlflow.log_text("", "tables/mistakes.csv")',
    ),
    Attempt(
        "6.3",
        "❌",
        "found mistakes as a parameter, expected it as a metric",
        SORTED.format(**RIGHT | {"mistakes": 'mlflow.log_param("mistakes", 16)'}),
    ),
    Attempt(
        "6.3",
        "❌",
        "found weakest_digit as a metric, expected it as a tag",
        SORTED.format(**RIGHT | {"weakest": 'mlflow.log_metric("weakest_digit", 8)'}),
    ),
    Attempt(
        "6.3",
        "❌",
        "found report as a tag, expected it as an artifact",
        SORTED.format(**RIGHT | {"report": 'mlflow.set_tag("report", report)'}),
    ),
    Attempt(
        "6.3",
        "❌",
        "found another text in report.txt",
        SORTED.format(
            **RIGHT
            | {"report": 'mlflow.log_text(classification_report(y_test, y_test), "report.txt")'}
        ),
    ),
    Attempt(
        "6.3",
        "❌",
        "which ended as FAILED",
        SORTED.format(**RIGHT | {"report": 'mlflow.log_text(reports, "report.txt")'}),
    ),
    Attempt("6.3", "⬜", "has no artifact 'report.txt'", SORTED.format(**RIGHT | {"report": ""})),
    Attempt(
        "6.3",
        "❌",
        "found mistakes = 15 in the run 'sorted-out', expected 16",
        SORTED.format(**RIGHT | {"mistakes": 'mlflow.log_metric("mistakes", 15)'}),
    ),
    Attempt(
        "6.1",
        "❌",
        "found a 'not' in 'It is not 8 that is read as 1.'",
        CONCLUSION.format(text="It is not 8 that is read as 1.", path="notes/conclusion.txt"),
    ),
    Attempt(
        "6.2",
        "⬜",
        "has no column 'row', but row;digit;predicted",
        TABLE.format(change=WRONG, place="tables").replace(
            'index_label="row"', 'index_label="row", sep=";"'
        ),
    ),
]

RIGHT = [
    Accepted(
        "6.1",
        "in two clauses",
        CONCLUSION.format(
            text="The 8 is missed most often; the 8 is mostly taken for 1.",
            path="notes/conclusion.txt",
        ),
    ),
    Accepted(
        "6.1",
        "in another language, as a file",
        """
(folder / "conclusion.txt").write_text("Die 8 wird am häufigsten verkannt, meist als 1.\\n", encoding="utf-8")
with mlflow.start_run(run_name="my-artifacts"):
    mlflow.log_artifact(folder / "conclusion.txt", artifact_path="notes")
""",
    ),
    Accepted(
        "6.2",
        "as text, shuffled, with a column more",
        """
wrong = pd.DataFrame({"digit": y_test, "predicted": predicted})[predicted != y_test].sample(frac=1)
wrong["confidence"] = 1
with mlflow.start_run(run_name="all-mistakes"):
    mlflow.log_text(wrong.rename_axis("row").to_csv(), "tables/mistakes.csv")
""",
    ),
    Accepted(
        "6.2",
        "a whole folder, the row as a column",
        """
tables = Path(tempfile.mkdtemp())
wrong = [(row, digit, guess) for row, digit, guess in zip(y_test.index, y_test, predicted) if digit != guess]
pd.DataFrame(wrong, columns=["row", "digit", "predicted"]).to_csv(tables / "mistakes.csv", index=False)
with mlflow.start_run(run_name="all-mistakes"):
    mlflow.log_artifacts(tables, artifact_path="tables")
""",
    ),
    Accepted(
        "6.3",
        "in the plural, and the report as a file",
        """
(folder / "report.txt").write_text(report)
with mlflow.start_run(run_name="sorted-out", tags={"weakest_digit": 8}):
    mlflow.log_params({"max_iter": model.max_iter})
    mlflow.log_metrics({"mistakes": 16.0})
    mlflow.log_artifact(folder / "report.txt")
""",
    ),
    Accepted(
        "6.3",
        "with more than was asked",
        SORTED.format(**RIGHT) + '    mlflow.log_metric("accuracy", 0.97)\n',
    ),
]
