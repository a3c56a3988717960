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
from lab.exercises import ids_by_lab
from lab.store import LabError

Row = dict[str, str | float]

POINTS = "Points Possible"
OF_MOODLE = {"id number", "username", "email address", "first name"}
OF_CANVAS = {"sis login id", "sis user id", "section"}


def wide(students: list[Standing]) -> list[Row]:
    """Return one row a student: of those in the list of the class if there is one, with all columns of the list.

    A column of the list that is a lab's, like `Lab 1 (4711)` in a later export of Canvas', gets the lab's points.
    """
    in_list = [(student, student.person.row) for student in students if student.person]
    rows = in_list or [(student, {"student": _as_text(student.name)}) for student in students]
    columns = list(in_list[0][1]) if in_list else ["student"]
    labs = {f"Lab {lab}": ids for lab, ids in ids_by_lab().items()}
    column_of = {lab: _column_of(lab, columns) for lab in labs}

    def row(cells: dict[str, str], points: dict[str, int]) -> Row:
        total = {} if in_list else {"total": sum(points.values())}
        return {**cells, **{column_of[lab]: score for lab, score in points.items()}, **total}

    table = [
        row(cells, {lab: student.points(ids) for lab, ids in labs.items()})
        for student, cells in rows
    ]
    names = {name.strip().lower() for name in columns}
    if names & OF_MOODLE and not names & OF_CANVAS:
        return table
    # With Canvas' own spaces.
    head = {**dict.fromkeys(columns, ""), columns[0]: f"    {POINTS}" if in_list else POINTS}
    return [row(head, {lab: len(ids) for lab, ids in labs.items()}), *table]


def long(students: list[Standing]) -> list[Row]:
    """Return one row for each lab of each student, with nbgrader's columns: of those in the list if there is one."""
    return [
        _row_of_nbgrader(student, f"Lab {lab}", ids)
        for lab, ids in ids_by_lab().items()
        for student in [student for student in students if student.person] or students
    ]


def write(rows: list[Row], file: Path) -> None:
    """Write rows as CSV, with the columns of the first one and any that others add.

    Raises:
        LabError: the file cannot be written.
    """
    columns = dict.fromkeys(name for row in rows for name in row)
    try:
        with file.open("w", encoding="utf-8", newline="") as table:
            writer = csv.DictWriter(table, columns)
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise LabError(
            f"The grades cannot be written to {file} ({error.strerror}): name another file in GRADES."
        ) from None


def _row_of_nbgrader(student: Standing, lab: str, ids: list[str]) -> Row:
    person = student.person
    last, first = (person.last_name, person.first_name) if person else ("", "")
    if person and not first and not last and ", " in person.name:  # as Canvas writes names
        last, first = person.name.split(", ", 1)
    checked = student.last_check(ids)
    timestamp = f"{datetime.fromtimestamp(checked, UTC):%Y-%m-%d %H:%M:%S}" if checked else ""
    score = float(student.points(ids))
    return {
        "assignment": lab,
        "duedate": "",
        "timestamp": timestamp,
        "student_id": person.user if person else _as_text(student.name),
        "last_name": last,
        "first_name": first,
        "email": person.email if person else "",
        "raw_score": score,
        "late_submission_penalty": 0.0,
        "score": score,
        "max_score": float(len(ids)),
    }


def _column_of(lab: str, columns: list[str]) -> str:
    """Return the column of a list that holds a lab's grades, as Canvas (with an id) or Moodle (with a kind) names it."""
    named = rf"(.+:)?\s*{lab}\s*(\(.*\))?"
    return next((name for name in columns if re.fullmatch(named, name, re.IGNORECASE)), lab)


def _as_text(name: str) -> str:
    """Return a name that students gave themselves as one that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(tuple("=+-@\t\r")) else name
