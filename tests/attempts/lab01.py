"""Wrong turns in lab 1."""

from attempts import Attempt

ATTEMPTS = [
    Attempt(
        "1.1",
        "⬜",
        "the table has no column 'seed'",
        'pd.DataFrame({"C": [0.1, 10.0], "accuracy": [0.9, 1.0]}).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.1",
        "⬜",
        "no row for C = 0.1 with seed 1",
        'pd.DataFrame(results).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.1",
        "❌",
        "found accuracy 0.99 for C = 10 and seed 1, expected 1.000",
        'typed = [{"C": 10.0, "seed": 1, "accuracy": 0.99}, {"C": 0.1, "seed": 1, "accuracy": 0.933}]\n'
        'pd.DataFrame(typed).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.1",
        "⬜",
        "no row for C = 0.01 with seed 1",
        'new = [{"C": 10.0, "seed": 1, "accuracy": 1.0}, {"C": 0.1, "seed": 1, "accuracy": 0.9333}]\n'
        'pd.DataFrame(new).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.1",
        "❌",
        "Keep at least three decimals",
        'pd.DataFrame(results).round(2).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.1",
        "⬜",
        "no column 'C', but C;seed;accuracy",
        'pd.DataFrame(results).to_csv("my_results.csv", sep=";", index=False)',
    ),
    Attempt(
        "1.1",
        "❌",
        "is no table of comma-separated values",
        'Path("my_results.csv").write_bytes(b"\\xff\\xfe\\x00")',
    ),
    Attempt(
        "1.1",
        "❌",
        "could not be read",
        'Path("my_results.csv").write_text("C,seed,accuracy\\nten,1,1.0\\n")',
    ),
    Attempt(
        "1.2",
        "❌",
        "found C = 1 with a mean of 0.955, expected the setting with the highest mean",
        'pd.DataFrame({"C": [1.0], "mean_accuracy": [0.955]}).to_csv("my_choice.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "❌",
        "A single split says little",
        'pd.DataFrame({"C": [10.0], "mean_accuracy": [1.0]}).to_csv("my_choice.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "❌",
        "Keep at least three decimals",
        'pd.DataFrame({"C": [100.0], "mean_accuracy": [0.95]}).to_csv("my_choice.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "❌",
        "found 2 rows, expected one row",
        'pd.DataFrame({"C": [10.0, 1.0], "mean_accuracy": [0.96, 0.955]}).to_csv("my_choice.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "❌",
        "expected one of 0.01, 0.1, 1, 10 and 100",
        'pd.DataFrame({"C": [50.0], "mean_accuracy": [0.96]}).to_csv("my_choice.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "⬜",
        "no column 'mean_accuracy'",
        'pd.DataFrame({"C": [10.0]}).to_csv("my_choice.csv", index=False)',
    ),
]
