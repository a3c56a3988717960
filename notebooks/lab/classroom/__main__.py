"""The commands for a class: its server, as `make server` starts it, and how far it is, as `make progress CLASS=1` says it."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path

from lab.classroom import grades, page, server
from lab.classroom.report import Standing, standings
from lab.classroom.roster import read_roster
from lab.exercises import all_exercises, ids_by_lab
from lab.servers import HOST
from lab.setup.variables import apply_settings
from lab.store import LabError, labs_store


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m lab.classroom", description=__doc__)
    commands = parser.add_subparsers(required=True)
    add = commands.add_parser("server", description=server.__doc__).add_argument
    add("--host", default=HOST, help="the address to listen on (0.0.0.0: all)")
    add("--port", help="the port (default: 5000)")
    add("--database", help="where runs are kept, like postgresql://… (or in DATABASE)")
    add("--folder", default=server.FOLDER, type=Path, help="where all of it lies")
    add("--artifacts", help="where files are kept: a folder, or s3://…")
    add("--login", action="store_true", help="accounts, from --roster")
    add("--roster", metavar="FILE", type=Path, help="CSV of the students")
    commands.choices["server"].set_defaults(run=server.run)
    add = commands.add_parser("progress", description=show_progress.__doc__).add_argument
    add("--verify", action="store_true", help="judge every answer anew")
    add("--roster", metavar="FILE", type=Path, help="CSV of the students, for their names")
    add("--watch", action="store_true", help="keep a page fresh, until Ctrl-C")
    add("--csv", metavar="FILE", type=Path, help="also write the grades as CSV")
    add("--long", action="store_true", help="the CSV with nbgrader's columns")
    commands.choices["progress"].set_defaults(run=show_progress)
    options = parser.parse_args()
    options.run(options)


def show_progress(options: argparse.Namespace) -> None:
    """Where each student of a class stands, from whatever store `LAB_TRACKING_URI` names: as a table, a page, or grades."""
    if options.long and not options.csv:
        raise LabError("LONG=1 needs a file to write: name it with GRADES=grades.csv.")
    if options.watch and (options.verify or options.csv):
        raise LabError(
            "WATCH=1 shows what was noted, and nothing else: leave VERIFY and GRADES out."
        )
    apply_settings()
    # What MLflow says of other people's models.
    logging.disable(logging.WARNING)

    def read() -> list[Standing]:
        # The list is read each time, as a class changes.
        return standings(read_roster(options.roster) if options.roster else [], options.verify)

    if options.watch:
        if options.roster:
            read_roster(options.roster)  # raises if it is misspelt, which no waiting mends
        page.watch(read)
        return
    students = read()
    if not students:
        print(f"No student has checked an exercise in {labs_store()} yet.")
        return
    others = [student.name for student in students if options.roster and not student.person]
    few = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if others[5:] else "")
    if others and not any(student.notes for student in students if student.person):
        raise LabError(
            f"Nobody in {options.roster} is a student of this class, who are {few}: give the list that 'make server' "
            "had, or one with the same names in the column that names a student."
        )
    labs = {f"lab {lab}": ids for lab, ids in ids_by_lab().items()} | {"done": all_exercises()}
    print(f"{'student':24}" + "".join(f"{lab:>7}" for lab in labs))
    for student in students:
        cells = [f"{student.points(ids)}/{len(ids)}" for ids in labs.values()]
        print(f"{student.shown_name:24}" + "".join(f"{cell:>7}" for cell in cells))
    if options.csv:
        grades.write((grades.long if options.long else grades.wide)(students), options.csv)
        print(f"Grades written to {options.csv}.")
        if others:
            print(f"Not in {options.roster}, so not in the grades: {few}.")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
