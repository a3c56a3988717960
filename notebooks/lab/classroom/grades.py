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
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from lab.classroom.report import Standing
from lab.exercises import ids_by_lab
from lab.exercises.notes import DONE
from lab.store import LabError

Row = dict[str, str | float]

POINTS = "Points Possible"
OF_MOODLE = {"id number", "username", "email address", "first name"}
OF_CANVAS = {"sis login id", "sis user id", "section"}
LONG_COLUMNS = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def wide(students: Iterable[Standing]) -> list[Row]:
    """Return one row a student: of those in the list of the class if there is one, with all columns of the list.

    A column of the list that is a lab's, like `Lab 1 (4711)` in a later export of Canvas', gets the lab's points.

    Args:
        students: what `standings` returns.
    """
    students = list(students)
    points: dict[str, str | float] = {f"Lab {lab}": len(ids) for lab, ids in ids_by_lab().items()}
    listed = [student.person.row for student in students if student.person]
    if not listed:
        first: list[Row] = [{"student": POINTS} | points | {"total": _sum(points)}]
        return first + [
            {"student": _as_text(student.name)} | scores | {"total": _sum(scores)}
            for student, scores in ((student, _scores(student)) for student in students)
        ]
    columns = list(listed[0])
    place = {lab: _column_of(lab, columns) for lab in points}
    rows: list[Row] = [
        {**student.person.row, **{place[lab]: score for lab, score in _scores(student).items()}}
        for student in students
        if student.person
    ]
    names = {name.strip().lower() for name in columns}
    if names & OF_MOODLE and not names & OF_CANVAS:
        return rows
    # With Canvas' own spaces.
    head: Row = {**dict.fromkeys(columns, ""), columns[0]: f"    {POINTS}"}
    return [head | {place[lab]: possible for lab, possible in points.items()}, *rows]


def long(students: Iterable[Standing]) -> list[Row]:
    """Return one row for each lab of each student, with nbgrader's columns: of those in the list if there is one.

    Args:
        students: what `standings` returns.
    """
    students = list(students)
    listed = [student for student in students if student.person] or students
    rows: list[Row] = []
    for lab, ids in ids_by_lab().items():
        for student in listed:
            person = student.person
            last, first = ("", "") if person is None else (person.last_name, person.first_name)
            if person and not first and not last and ", " in person.name:  # as Canvas writes names
                last, first = person.name.split(", ", 1)
            score = float(sum(map(student.is_done, ids)))
            values = (
                f"Lab {lab}",
                "",
                _last_checked(student, ids),
                person.user if person else _as_text(student.name),
                last,
                first,
                person.email if person else "",
                score,
                0.0,
                score,
                float(len(ids)),
            )
            rows.append(dict(zip(LONG_COLUMNS, values, strict=True)))
    return rows


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


def _scores(student: Standing) -> dict[str, str | float]:
    return {f"Lab {lab}": sum(map(student.is_done, ids)) for lab, ids in ids_by_lab().items()}


def _sum(points: dict[str, str | float]) -> float:
    return sum(map(int, points.values()))


def _column_of(lab: str, columns: list[str]) -> str:
    """Return the column of a list that holds a lab's grades, as Canvas (with an id) or Moodle (with a kind) names it."""
    named = rf"(.+:)?\s*{lab}\s*(\(.*\))?"
    return next((name for name in columns if re.fullmatch(named, name, re.IGNORECASE)), lab)


def _last_checked(student: Standing, ids: list[str]) -> str:
    """Return when a student last checked one of some exercises, in universal time like nbgrader; empty if never."""
    notes = [student.notes[id] for id in ids if id in student.notes]
    times = [note.last for note in notes if note.tries or note.mark == DONE]
    return datetime.fromtimestamp(max(times), UTC).strftime("%Y-%m-%d %H:%M:%S") if times else ""


def _as_text(name: str) -> str:
    """Return a name that students gave themselves as one that no spreadsheet takes for a formula."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
