"""`make progress`: the exercises of one student, or of a class, from whatever store `LAB_TRACKING_URI` names."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from lab import store
from lab.classroom import grades
from lab.classroom.report import Standing, standings
from lab.classroom.roster import Person, read_roster
from lab.exercises import all_exercises, ids_by_lab
from lab.exercises.check import progress
from lab.setup.variables import apply_settings
from lab.store import LabError


def table_of(students: list[Standing]) -> list[dict[str, str]]:
    """Return one row a student, with the columns `student`, `lab 1` and so on as `done/all`, and `done` as the sum.

    Args:
        students: what `standings` returns.
    """
    labs = {f"lab {lab}": ids for lab, ids in ids_by_lab().items()}
    labs["done"] = list(all_exercises())
    return [
        {"student": student.shown_name}
        | {lab: f"{student.points(ids)}/{len(ids)}" for lab, ids in labs.items()}
        for student in students
    ]


def _print_line(student: str, *cells: str) -> None:
    print(f"{student:24}" + "".join(f"{cell:>7}" for cell in cells))


def main() -> None:
    """Print the report; the command line of this module."""
    parser = argparse.ArgumentParser(prog="python -m lab.report", description=__doc__)
    parser.add_argument("--class", dest="whole_class", action="store_true", help="all students")
    parser.add_argument("--verify", action="store_true", help="judge every answer anew")
    of_class = parser.add_argument_group("of a class")
    of_class.add_argument("--roster", metavar="FILE", help="CSV of the students, for their names")
    of_class.add_argument("--watch", action="store_true", help="keep a page fresh, until Ctrl-C")
    of_class.add_argument("--csv", metavar="FILE", help="also write the grades as CSV")
    of_class.add_argument("--long", action="store_true", help="the CSV with nbgrader's columns")
    options = parser.parse_args()
    if options.long and not options.csv:
        raise LabError("LONG=1 needs a file to write: name it with GRADES=grades.csv.")
    if options.watch and (options.verify or options.csv):
        raise LabError(
            "WATCH=1 shows what was noted, and nothing else: leave VERIFY and GRADES out."
        )
    apply_settings()
    # What MLflow says of other people's models.
    logging.disable(logging.WARNING)
    if not (options.whole_class or options.watch or options.csv):
        progress(options.verify)
        return
    people = read_roster(Path(options.roster)) if options.roster else []
    if options.watch:
        # Its template engine is not in every session of Cloudera's.
        from lab.classroom.page import watch

        store.labs_store()  # raises if it is misspelt, which no waiting mends
        # The list is read each time, as a class changes.
        watch(lambda: _ask(read_roster(Path(options.roster)) if options.roster else []))
        return
    students = _ask(people, options.verify)
    if not students:
        print(f"No student has checked an exercise in {store.labs_store()} yet.")
        return
    others = [student.name for student in students if people and not student.person]
    if others and not any(student.notes for student in students if student.person):
        raise LabError(
            f"Nobody in {options.roster} is a student of this class, who are {_few(others)}: give the list that 'make server' "
            "had, or one with the same names in the column that names a student."
        )
    rows = table_of(students)
    _print_line(*rows[0])
    for row in rows:
        _print_line(*row.values())
    if options.csv:
        grades.write((grades.long if options.long else grades.wide)(students), Path(options.csv))
        print(f"Grades written to {options.csv}.")
        if others:
            print(f"Not in {options.roster}, so not in the grades: {_few(others)}.")


def _few(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if names[5:] else "")


def _ask(people: list[Person], verify: bool = False) -> list[Standing]:
    """Return what `standings` does, and say in a sentence what MLflow says against it."""
    from mlflow import MlflowException

    try:
        return standings(people, verify)
    except MlflowException as error:
        reason = str(error).splitlines()[0][:200]
        raise LabError(
            f"The class cannot be read from {store.labs_store()} ({reason}): a server with accounts wants "
            "MLFLOW_TRACKING_USERNAME=teacher and the password of that account."
        ) from None


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
