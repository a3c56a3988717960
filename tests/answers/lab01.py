"""Answers to the exercises of lab 1."""


def save_results(*rows, columns="C,seed,accuracy"):
    Path("my_results.csv").write_text("\n".join([columns, *rows, ""]))


def save_choice(*rows, columns="C,mean_accuracy"):
    Path("my_choice.csv").write_text("\n".join([columns, *rows, ""]))


# %% 1.1 ⬜ the table has no column 'seed'
save_results("0.1,0.9", "10,1", columns="C,accuracy")
# %% 1.1 ⬜ no row for C = 0.1 with seed 1
# results + more → results
# %% 1.1 ❌ found accuracy 0.99 for C = 10 and seed 1, expected 1.000
save_results("10,1,0.99", "0.1,1,0.933")
# %% 1.1 ❌ Keep at least three decimals
# more) → more).round(2)
# %% 1.1 ⬜ no column 'C', but C;seed;accuracy
# index=False → index=False, sep=";"
# %% 1.1 ❌ is no table of comma-separated values
Path("my_results.csv").write_bytes(b"\xff\xfe\x00")
# %% 1.1 ❌ found 'ten' as C, expected a number
save_results("ten,1,1.0")
# %% 1.1 ❌ found 2 rows for C = 0.1, expected one for each setting, five in all
# results + more → results + more * 2
# %% 1.1 ❌ found a row for C = 10 and seed 2, expected 0.01, 0.1, 1, 10 and 100 with seed 1
save_results("10,2,0.9667")
# %% 1.1 ✅ trained beyond the lab's settings, sorted, with a column more
# **settings → tol=1e-9, max_iter=20_000
# results + more) → results + more).assign(solver="lbfgs").sort_values("C")
# %% 1.1 ✅ three decimals, written without pandas, in another order
save_results(
    "1,.967,1", "1,1,100", "1,.633,.01", "1,.933,0.1", "1,1.0,10", columns="seed,accuracy,C"
)

# %% 1.2 ❌ found C = 1 with a mean of 0.955, expected the setting with the highest mean
# means.idxmax()], "mean_accuracy": [means.max() → 1], "mean_accuracy": [means[1]
# %% 1.2 ❌ found mean_accuracy 1 for C = 10, expected its mean over the seeds 0 to 9
save_choice("10,1.0")
# %% 1.2 ❌ Keep at least three decimals
save_choice("100,0.95")
# %% 1.2 ❌ found 2 rows, expected one row
save_choice("10,0.96", "1,0.955")
# %% 1.2 ❌ expected one of 0.01, 0.1, 1, 10 and 100
save_choice("50,0.96")
# %% 1.2 ⬜ no column 'mean_accuracy'
save_choice("10", columns="C")
# %% 1.2 ❌ with half of the flowers held out
# test_size=0.5 → test_size=0.2
# %% 1.2 ❌ Train with 'settings', and look at test_size and the seeds
# range(10) → range(9)
# %% 1.2 ❌ found mean_accuracy 0.9587 for C = 10, expected its mean over the seeds 0 to 9
save_choice("10,0.9587")
# %% 1.2 ✅ trained beyond the lab's settings, as text
# **settings → tol=1e-9, max_iter=20_000
# [means.max()] → [f"{means.max():.4f}"]
# %% 1.2 ✅ typed by hand, two decimals being all there are
save_choice("0.96,10", columns="mean_accuracy,C")
