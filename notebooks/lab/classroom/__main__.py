"""The commands for a class: its server, as `make server` starts it, and how far it is, as `make progress CLASS=1` says it."""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab import store
from lab.classroom import grades, page, rooms, server
from lab.classroom.report import Standing, standings
from lab.classroom.roster import read_roster
from lab.exercises import ids_by_lab
from lab.servers import HOST, port_from
from lab.setup.variables import apply_settings
from lab.store import LabError, labs_store


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m lab.classroom", description=__doc__)
    commands = parser.add_subparsers(required=True)
    kept = argparse.ArgumentParser(add_help=False)
    kept.add_argument(
        "--database", help="where runs are kept, like postgresql://… (or in DATABASE)"
    )
    kept.add_argument("--folder", default=server.FOLDER, type=Path, help="where all of it lies")
    kept.add_argument("--artifacts", help="where files are kept: a folder, or s3://…")

    def command(
        name: str, run: Callable[[argparse.Namespace], None], *parents: argparse.ArgumentParser
    ) -> Any:
        made = commands.add_parser(name, description=run.__doc__, parents=parents)
        made.set_defaults(run=run)
        return made.add_argument

    add = command("server", server.run, kept)
    add("--host", default=HOST, help="the address to listen on (0.0.0.0: all)")
    add("--port", help="the port (default: 5000)")
    add("--login", action="store_true", help="accounts, from --roster")
    add("--roster", metavar="FILE", type=Path, help="CSV of the students")
    add = command("progress", show_progress)
    add("--verify", action="store_true", help="judge every answer anew")
    add("--roster", metavar="FILE", type=Path, help="CSV of the students, for their names")
    add("--labs", help="which ones, like 1-4,7")
    add("--watch", action="store_true", help="keep a page fresh, until Ctrl-C")
    add("--host", help="with --watch: where to hand the page out (0.0.0.0: all)")
    add("--port", help="with --watch: the port of the page")
    add("--csv", metavar="FILE", type=Path, help="also write the grades as CSV")
    add("--long", action="store_true", help="the CSV with nbgrader's columns")
    student = argparse.ArgumentParser(add_help=False)
    student.add_argument("--student", required=True, help="whose room it is")
    command("reset", rooms.reset, student)("--lab", type=int, choices=range(1, 11), default=0)
    command("merge", rooms.merge, kept, student)("--into", required=True, help="the right name")
    command("forget", rooms.forget, kept, student)
    add = command("take-home", rooms.take_home, kept)
    add("--student", help="one alone")
    add("--to", default=store.ROOT / "build" / "home", type=Path, help="where the folders are made")
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
    labs = chosen_labs(options.labs)
    roster = read_roster(options.roster) if options.roster else None
    for notice in roster.notices if roster else ():
        print(notice)

    def read() -> list[Standing]:
        # The list is read each time, as a class changes.
        return standings(read_roster(options.roster).people if roster else [], options.verify)

    if options.watch:
        page.watch(read, labs if options.labs else None, options.host, port_from(options.port))
        return
    students = read()
    if not students:
        print(f"No student has checked an exercise in {labs_store()} yet.")
        return
    others = [student.name for student in students if roster and not student.person]
    few = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if others[5:] else "")
    nobody = roster and not any(student.last_seen() for student in students if student.person)
    if nobody and others and options.csv:
        raise LabError(
            f"Nobody in {options.roster} has come yet, and these have, who are not in it: {few}. For grades, give the list that "
            "'make server' had, or one with the same names in the column that names a student."
        )
    columns = {f"lab {lab}": ids for lab, ids in labs.items()}
    columns["done"] = [id for ids in labs.values() for id in ids]
    print(f"{'student':24}" + "".join(f"{name:>7}" for name in columns) + "  last seen")
    for student in students:
        cells = [f"{student.points(ids)}/{len(ids)}" for ids in columns.values()]
        seen = page.ago(student.last_seen(), time.time())
        print(f"{student.shown_name:24}" + "".join(f"{cell:>7}" for cell in cells) + f"  {seen}")
    if nobody:
        print(f"Nobody in {options.roster} has come yet.")
    if others:
        print(f"Not in {options.roster}: {few}. 'make merge' puts a wrong name right.")
    if options.csv:
        table = (grades.long if options.long else grades.wide)(students, labs, roster)
        # A learning platform reads what it wrote; a spreadsheet wants to be told the encoding.
        grades.write(table, options.csv, "utf-8" if roster else "utf-8-sig")
        print(f"Grades written to {options.csv}{', of the list alone' if others else ''}.")


def chosen_labs(text: str | None) -> dict[int, list[str]]:
    """Return the labs that a text like `1-4,7` names, with the numbers of their exercises; all without one.

    Raises:
        LabError: it names no labs.
    """
    labs = ids_by_lab()
    if not text:
        return labs
    parts = [part.partition("-") for part in text.replace(" ", "").split(",")]
    try:
        chosen = {n for first, _, last in parts for n in range(int(first), int(last or first) + 1)}
    except ValueError:
        chosen = set()
    if not chosen or not chosen <= labs.keys():
        raise LabError(
            f"LABS is '{text}': write it like 1-4,7, of the labs {min(labs)} to {max(labs)}."
        )
    return {lab: ids for lab, ids in labs.items() if lab in chosen}


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
