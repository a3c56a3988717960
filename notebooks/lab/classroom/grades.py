"""The grades of a class as CSV, for a learning platform's gradebook: a point for each exercise that is done, numbers only.

Written as these read it, or write it themselves:

- Canvas: the columns of its export in their order, then assignments, whose points stand in the second row.
  https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_importer.rb
- Moodle: a column that names the student, and columns of plain numbers. A row that is no student ends the whole import, so
  there is none with points. https://docs.moodle.org/en/Grade_import
- nbgrader: one row for each assignment of each student.
  https://github.com/jupyter/nbgrader/blob/main/nbgrader/plugins/export.py
"""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime
from pathlib import Path

from lab.classroom.report import Standing
from lab.classroom.roster import Roster
from lab.store import LabError

Table = list[list[str | float]]
Labs = dict[int, list[str]]  # the numbers of their exercises

POINTS = "Points Possible"
OF_CANVAS = {"sis login id", "sis user id", "section"}
PLAIN = {"id", "name", "user", "login", "student"}
OF_NBGRADER = "assignment duedate timestamp student_id last_name first_name email raw_score late_submission_penalty score max_score"


def wide(students: list[Standing], labs: Labs, roster: Roster | None = None) -> Table:
    """Return the points of labs: one row a student, or the list of the class as it was exported, with a column for each lab.

    A column of the list that is a lab's, like `Lab 1 (4711)` in a later export of Canvas', gets the lab's points.
    """
    if roster is None:
        rows = [(POINTS, [len(ids) for ids in labs.values()])]
        for student in students:
            rows.append((as_text(student.name), [student.points(ids) for ids in labs.values()]))
        table: Table = [["student", *(f"Lab {lab}" for lab in labs), "total"]]
        return table + [[name, *points, sum(points)] for name, points in rows]
    width = len(roster.rows[0])
    table = [[*row, *[""] * (width - len(row))] for row in roster.rows]
    heads = {head.strip().lower() for head in roster.rows[0]}
    is_canvas = bool(heads & OF_CANVAS)
    is_moodle = not heads & (OF_CANVAS | PLAIN)
    of_points = [row for row in table if str(row[0]).strip() == POINTS]
    if not (of_points or is_moodle):
        of_points = [[f"    {POINTS}", *[""] * (width - 1)]]  # with Canvas' own spaces
    listed = [(student, table[student.person.line]) for student in students if student.person]
    kept = [row for row in table[1:] if is_canvas or any(row is each for _, each in listed)]
    kept = [table[0], *(row for row in of_points if row not in kept), *kept]
    for lab, ids in labs.items():
        column = _column_of(f"Lab {lab}", roster.rows[0])
        if column is None:
            column, width = width, width + 1
            for row in kept:
                row.append("")
            table[0][column] = f"Lab {lab} (max {len(ids)})" if is_moodle else f"Lab {lab}"
        for row in of_points:
            row[column] = len(ids)
        for student, row in listed:
            row[column] = student.points(ids)
    return kept


def long(students: list[Standing], labs: Labs, roster: Roster | None = None) -> Table:
    """Return one row for each lab of each student, with nbgrader's columns: of those in the list if there is one."""
    listed = [student for student in students if student.person or roster is None]
    rows = [
        _row_of_nbgrader(student, f"Lab {lab}", ids)
        for lab, ids in labs.items()
        for student in listed
    ]
    return [[*OF_NBGRADER.split()], *rows]


def write(table: Table, file: Path, encoding: str = "utf-8") -> None:
    """Write a table as CSV; Excel wants `utf-8-sig`.

    Raises:
        LabError: the file cannot be written.
    """
    try:
        with file.open("w", encoding=encoding, newline="") as target:
            csv.writer(target).writerows(table)
    except OSError as error:
        raise LabError(
            f"The grades cannot be written to {file} ({error.strerror}): name another file in GRADES."
        ) from None


def _row_of_nbgrader(student: Standing, lab: str, ids: list[str]) -> list[str | float]:
    person = student.person
    last, first = (person.last_name, person.first_name) if person else ("", "")
    if person and not first and not last and ", " in person.name:  # as Canvas writes names
        last, first = person.name.removesuffix(f" ({person.user})").split(", ", 1)
    checked = student.last_check(ids)
    timestamp = f"{datetime.fromtimestamp(checked, UTC):%Y-%m-%d %H:%M:%S}" if checked else ""
    score = float(student.points(ids))
    user, email = (person.user, person.email) if person else (as_text(student.name), "")
    return [lab, "", timestamp, user, last, first, email, score, 0.0, score, float(len(ids))]


def _column_of(lab: str, heads: list[str]) -> int | None:
    """Return the column of a list that holds a lab's grades, as Canvas (with an id) or Moodle (with a kind) names it."""
    named = rf"(.+:)?\s*{lab}\s*(\(.*\))?"
    return next(
        (n for n, head in enumerate(heads) if re.fullmatch(named, head, re.IGNORECASE)), None
    )


def as_text(name: str) -> str:
    """Return a name that students gave themselves as one that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(tuple("=+-@\t\r")) else name
