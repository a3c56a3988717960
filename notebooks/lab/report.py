"""`make progress`: the exercises of one student, or of a class, from whatever store `LAB_TRACKING_URI` names."""

from __future__ import annotations

import argparse
import csv
import logging
import os
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from threading import Thread

from lab import checking, store
from lab.answers import Answers, lab_experiments
from lab.exercises import all_exercises
from lab.preflight import SETTINGS, check_store
from lab.store import LabError

AT_A_TIME = (
    8  # students whose answers are looked at together; most of the time is waiting for the store
)


def class_table() -> list[dict[str, str]]:
    """Return one row a student who has any run in the labs' experiments, sorted by name.

    Returns:
        Rows with the columns `student`, `lab 1` to `lab 7` as `done/all`, and `done` as the sum.

    Raises:
        LabError: the store cannot be used.
    """
    import mlflow

    check_store()
    mlflow.set_tracking_uri(store.tracking_uri())
    client = mlflow.MlflowClient()
    experiments = lab_experiments(client)
    # Half of the time goes into these imports, which need not wait for the server.
    Thread(target=import_module, args=["sklearn.linear_model"], daemon=True).start()
    runs_of = defaultdict(list)
    for run in _all_runs(client, list(experiments)):
        runs_of[run.data.tags.get("mlflow.user", "unknown")].append(run)

    def row(name: str) -> dict[str, str]:
        answers = Answers(client, name, runs_of[name], dict(experiments), here=False)
        verdicts = [checking.judge(exercise, answers) for exercise in all_exercises().values()]
        marks = defaultdict(list)
        for verdict in verdicts:
            marks[f"lab {verdict.exercise.id[0]}"].append(verdict.mark == checking.DONE)
        cells = {lab: f"{sum(done)}/{len(done)}" for lab, done in marks.items()}
        total = sum(verdict.mark == checking.DONE for verdict in verdicts)
        return {"student": name, **cells, "done": f"{total}/{len(verdicts)}"}

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        return list(pool.map(row, sorted(runs_of)))


def _all_runs(client, experiments: list[str]) -> list:
    runs, token = [], None
    while experiments:
        page = client.search_runs(
            experiments, order_by=["attributes.start_time DESC"], max_results=1000, page_token=token
        )
        runs += page
        token = page.token
        if not token:
            break
    return runs


def main() -> None:
    """Print the report; the command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m lab.report", description=__doc__)
    parser.add_argument("--class", dest="whole_class", action="store_true", help="all students")
    parser.add_argument("--csv", metavar="FILE", help="with --class: also write the table as CSV")
    options = parser.parse_args()
    os.environ.update(SETTINGS)
    logging.disable(logging.WARNING)  # what MLflow says of other people's models
    if not options.whole_class:
        checking.progress()
        return
    rows = class_table()
    if not rows:
        print(f"No student has a run in {store.describe()} yet.")
        return
    for line in [dict.fromkeys(rows[0]), *rows]:
        cells = [name if value is None else value for name, value in line.items()]
        print(f"{cells[0]:24}" + "".join(f"{cell:>7}" for cell in cells[1:]))
    if options.csv:
        with open(options.csv, "w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        print(f"Written to {options.csv}.")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
