"""Answers to the exercises of lab 6."""

# %% 6.1 ❌ {'missed': 1, 'predicted': 8}, expected the digit missed most often, and what was predicted for it most often. These are the two
# {"missed": 8, "predicted": 1} → {"missed": 1, "predicted": 8}
# %% 6.1 ❌ The first is right, the second is not
# "predicted": 1 → "predicted": 3
# %% 6.1 ❌ They mark the row and the column
# "missed": 8 → "missed": [8]
# %% 6.1 ⬜ notes/conclusion.json has no 'missed', but digit, predicted
# "missed": 8 → "digit": 8
# %% 6.1 ❌ found no dictionary in notes/conclusion.json
# log_dict({"missed": 8, "predicted": 1}, → log_text("8, not 1",
# %% 6.1 ⬜ no artifact 'notes/conclusion.json', but conclusion.json
# notes/conclusion.json → conclusion.json
# %% 6.1 ❌ expected numbers, not texts. A number of NumPy's becomes a text there
# {"missed": 8, "predicted": 1} → {"missed": y_test[899], "predicted": 1}
# %% 6.1 ✅ in another order, with more than was asked
# {"missed": 8, "predicted": 1} → {"predicted": 1, "missed": 8, "times": 5}
# %% 6.1 ✅ as a text
# log_dict({"missed": 8, "predicted": 1}, → log_text('{"missed": 8, "predicted": 1}',
# %% 6.1 ✅ as a file
# mlflow.log_dict({"missed": 8, "predicted": 1}, "notes/conclusion.json") → (folder / "conclusion.json").write_text('{"missed": 8, "predicted": 1}'); mlflow.log_artifact(folder / "conclusion.json", "notes")

# %% 6.2 ❌ found 540 rows, expected 16
# everything[everything["digit"] != everything["predicted"]] → everything
# %% 6.2 ⬜ has no column 'predicted', but row, digit
# mistakes.to_csv → mistakes[["digit"]].to_csv
# %% 6.2 ❌ Is 'row' the number of the row in the data
# mistakes.to_csv → mistakes.reset_index(drop=True).to_csv
# %% 6.2 ❌ found (37, 5, 9) as row, digit and predicted
# {"digit": y_test, "predicted": predicted} → {"digit": predicted, "predicted": y_test}
# %% 6.2 ❌ found a row that is there twice
# mistakes.to_csv → pd.concat([mistakes[1:], mistakes[1:2]]).to_csv
# %% 6.2 ❌ found a folder 'tables/mistakes.csv' in the run 'all-mistakes', expected a file
# artifact_path="tables" → artifact_path="tables/mistakes.csv"
# %% 6.2 ❌ could not be read
# mistakes.to_csv(folder / "mistakes.csv", index_label="row") → (folder / "mistakes.csv").write_text("")
# %% 6.2 ✅ as text, shuffled, with a column more
# mlflow.log_artifact(folder / "mistakes.csv", artifact_path="tables") → mlflow.log_text(mistakes.sample(frac=1).assign(confidence=1).rename_axis("row").to_csv(), "tables/mistakes.csv")
# %% 6.2 ✅ a whole folder, the row as a column
# mistakes.to_csv(folder / "mistakes.csv", index_label="row") → mistakes.rename_axis("row").reset_index().to_csv(folder / "mistakes.csv", index=False)
# log_artifact(folder / "mistakes.csv", → log_artifacts(folder,

# %% 6.3 ❌ found mistakes as a parameter, expected it as a metric
# log_metric( → log_param(
# %% 6.3 ❌ found weakest_digit as a metric, expected it as a tag
# set_tag("weakest_digit", "8") → log_metric("weakest_digit", 8)
# %% 6.3 ❌ found report as a tag, expected it as an artifact
# log_text(report, "report.txt") → set_tag("report", report)
# %% 6.3 ✅ in the plural, and the report as a file
# log_param("max_iter", 10_000) → log_params({"max_iter": model.max_iter})
# log_metric("mistakes", int((predicted != y_test).sum())) → log_metrics({"mistakes": 16.0})
# mlflow.log_text(report, "report.txt") → (folder / "report.txt").write_text(report); mlflow.log_artifact(folder / "report.txt")
# %% 6.3 ✅ with more than was asked
# mlflow.set_tag( → mlflow.log_metric("accuracy", 0.97); mlflow.set_tag(
