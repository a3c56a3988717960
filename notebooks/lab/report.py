"""`make progress`: the exercises of one student, or of a class, from whatever store `LAB_TRACKING_URI` names."""

from __future__ import annotations

import argparse
import contextlib
import csv
import json
import logging
import sys
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from lab import checking, store
from lab.answers import Answers, lab_experiments
from lab.exercises import Exercise, all_exercises
from lab.preflight import apply_settings, check_store, use_store
from lab.store import LabError

AT_A_TIME = 4  # requests to the store
REMEMBERED = store.ROOT / "build" / "class_report.json"


def class_table() -> Iterator[dict[str, str]]:
    """Give one row per student who has any run in the labs' experiments, sorted by name, as they are worked out.

    Yields:
        Rows with the columns `student`, `lab 1` to `lab 7` as `done/all`, and `done` as the sum.

    Raises:
        LabError: the store cannot be used.
    """
    import mlflow

    check_store()
    use_store(mlflow)
    client = mlflow.MlflowClient()
    experiments = lab_experiments(client)
    done = RightAnswers(REMEMBERED)

    def row(name: str) -> dict[str, str]:
        answers = Answers(client, name, runs_of[name], dict(experiments), here=False)
        states = _states(answers)
        marks = defaultdict(list)
        for exercise in all_exercises().values():
            marks[f"lab {exercise.id[0]}"].append(done.is_right(exercise, answers, states))
        cells = {lab: f"{sum(right)}/{len(right)}" for lab, right in marks.items()}
        right = [mark for marks_of_lab in marks.values() for mark in marks_of_lab]
        return {"student": name, **cells, "done": f"{sum(right)}/{len(right)}"}

    with ThreadPoolExecutor(AT_A_TIME) as pool:
        runs_of = defaultdict(list)
        for runs in pool.map(lambda place: _all_runs(client, place), experiments):
            for run in runs:
                runs_of[run.data.tags.get("mlflow.user", "unknown")].append(run)
    yield from map(row, sorted(runs_of))  # one after another, as PyTorch reads one model at a time
    done.keep()


def _all_runs(client, experiment: str) -> list:
    runs, token = [], None
    while True:
        page = client.search_runs(
            [experiment],
            order_by=["attributes.start_time DESC"],
            max_results=1000,
            page_token=token,
        )
        runs += page
        token = page.token
        if not token:
            return runs


class RightAnswers:
    """Which answers have been found right, kept in a file from one report to the next.

    Reading the models of a class again takes half a second a student. A right answer is looked at anew only when the
    student's runs in the experiments that it stands in, the code of the checks, or the store are not what they were.
    """

    def __init__(self, file: Path):
        """Read what the last report kept; a file that is missing, broken or of another store is an empty one."""
        sources = sorted(Path(__file__).parent.rglob("*.py"))
        code = b"".join(source.read_bytes() for source in sources)
        # A digest, as the store's address may hold a password.
        self.file, self.origin = file, sha256(store.tracking_uri().encode() + code).hexdigest()
        self.known, self.found = {}, {}
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
            kept = json.loads(file.read_text(encoding="utf-8"))
            if kept["origin"] == self.origin:
                self.known = kept["right"]

    def is_right(self, exercise: Exercise, answers: Answers, states: dict[str, str]) -> bool:
        """Return whether an exercise is done, from the answers themselves unless that is known.

        Args:
            exercise: which one.
            answers: the student's runs.
            states: what `_states` says of them.
        """
        name = f"{exercise.id} {answers.name}"
        before = self.known.get(name)
        if before is None or before != {place: states.get(place) for place in before}:
            answers.looked_in.clear()
            if checking.judge(exercise, answers).mark != checking.DONE:
                return False
            before = {place: states.get(place) for place in answers.looked_in}
        self.found[name] = before
        return True

    def keep(self) -> None:
        """Write what is right now; where that cannot be written, the next report looks again."""
        with contextlib.suppress(OSError):
            self.file.parent.mkdir(exist_ok=True)
            kept = {"origin": self.origin, "right": self.found}
            self.file.write_text(json.dumps(kept), encoding="utf-8")


def _states(answers: Answers) -> dict[str, str]:
    """Return a digest of all that the store says of a student's runs, for each experiment that has any."""
    records = defaultdict(list)
    for run in answers.fetched:
        records[answers.experiments[run.info.experiment_id]].append(run.to_dictionary())
    digests = {}
    for place, runs in records.items():
        digests[place] = sha256(json.dumps(runs, default=str).encode()).hexdigest()
    return digests


def _print_line(student: str, *cells: str) -> None:
    print(f"{student:24}" + "".join(f"{cell:>7}" for cell in cells), flush=True)


def main() -> None:
    """Print the report; the command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m lab.report", description=__doc__)
    parser.add_argument("--class", dest="whole_class", action="store_true", help="all students")
    parser.add_argument("--csv", metavar="FILE", help="with --class: also write the table as CSV")
    options = parser.parse_args()
    apply_settings()
    logging.disable(logging.WARNING)  # what MLflow says of other people's models
    if not options.whole_class:
        checking.progress()
        return
    rows = []
    for row in class_table():
        if not rows:
            _print_line(*row)
        _print_line(*row.values())
        rows.append(row)
    if not rows:
        print(f"No student has a run in {store.describe()} yet.")
        return
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
