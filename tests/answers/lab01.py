"""Answers to the exercises of lab 1."""

from answers import Accepted, Attempt

WRONG = [
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
        "found 'ten' as C, expected a number",
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
    Attempt(
        "1.1",
        "❌",
        "found 2 rows for C = 10, expected one for each setting, five in all",
        """
again = [{"C": C, "seed": 1, "accuracy": accuracy} for C, accuracy in
         {100.0: 1.0, 10.0: 1.0, 1.0: 0.9667, 0.1: 0.9333, 0.01: 0.6333}.items()]
pd.DataFrame(again + again[:2]).to_csv("my_results.csv", index=False)
""",
    ),
    Attempt(
        "1.1",
        "❌",
        "found a row for C = 10 and seed 2, expected 0.01, 0.1, 1, 10 and 100 with seed 1",
        'pd.DataFrame([{"C": 10.0, "seed": 2, "accuracy": 0.9667}]).to_csv("my_results.csv", index=False)',
    ),
    Attempt(
        "1.2",
        "❌",
        "with half of the flowers held out",
        'pd.DataFrame({"C": [10.0], "mean_accuracy": [0.9667]}).to_csv("my_choice.csv", index=False)',
    ),
]

RIGHT = [
    Accepted(
        "1.1",
        "trained with scikit-learn's defaults, sorted, with a column more",
        """
rows = []
for C in (100, 10, 1, 0.1, 0.01):
    classifier = LogisticRegression(C=C, max_iter=1000).fit(X_train, y_train)
    rows.append([C, 1, classifier.score(X_test, y_test), "lbfgs"])
frame = pd.DataFrame(rows, columns=["C", "seed", "accuracy", "solver"])
frame.sort_values("C").to_csv("my_results.csv")
""",
    ),
    Accepted(
        "1.1",
        "three decimals, written without pandas",
        """
import csv
with open("my_results.csv", "w", newline="") as file:
    writer = csv.DictWriter(file, ["accuracy", "C", "seed"])
    writer.writeheader()
    for C, accuracy in {1: 0.967, 100: 1, 0.01: 0.633, 0.1: 0.933, 10: 1.0}.items():
        writer.writerow({"C": C, "seed": 1, "accuracy": accuracy})
""",
    ),
    Accepted(
        "1.2",
        "trained with scikit-learn's defaults",
        """
def mean_accuracy(C):
    total = 0
    for seed in range(10):
        a, b, c, d = train_test_split(X, y, test_size=75, random_state=seed)
        total += LogisticRegression(C=C, max_iter=1000).fit(a, c).score(b, d)
    return total / 10
pd.DataFrame([[10, mean_accuracy(10)]], columns=["C", "mean_accuracy"]).to_csv("my_choice.csv")
""",
    ),
    Accepted(
        "1.2",
        "typed by hand, two decimals being all there are",
        'Path("my_choice.csv").write_text("mean_accuracy,C\\n0.96,10\\n")',
    ),
]
