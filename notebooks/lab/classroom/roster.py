"""The list of a class, as a learning platform exports it: CSV with one row a student.

Understood are the exports of Canvas' gradebook (`Student`, or `LastName` and `FirstName`; `ID`, `SIS User ID`, `SIS Login ID`, `Section`) and of Moodle's
grader report and participants (`First name`, `Last name`, `ID number`, `Email address`, `Username`), and a plain table with
`id`, `name` and `email`.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path

from lab.room import room_of
from lab.store import LabError

# Columns by what they mean, the first that is there counts. The user is what a student logs in with.
USER = (
    "sis login id",
    "username",
    "user",
    "login",
    "id number",
    "sis user id",
    "id",
    "email address",
    "email",
)
NAME = ("student", "full name", "name")
FIRST_NAME = ("first name", "first_name", "firstname")
LAST_NAME = ("last name", "surname", "last_name", "lastname")
EMAIL = ("email address", "email")
# What Canvas adds: the points possible and the test student. Which assignments are hidden stands in a row without a name.
# https://github.com/instructure/canvas-lms/blob/master/lib/gradebook_exporter.rb
NO_STUDENTS = ("Points Possible", "Student, Test", "Test Student")
TEACHER = "teacher"  # the account that sees all


@dataclass(frozen=True)
class Person:
    """One student of the list.

    Attributes:
        user: what the student is called on the server, and in `LAB_STUDENT`.
        first_name: empty where the list does not tell names apart.
        last_name: the same.
        name: the full name.
        email: empty where the list has none.
        row: the row as it was exported.
    """

    user: str
    first_name: str
    last_name: str
    name: str
    email: str
    row: dict[str, str] = field(hash=False)

    @property
    def account(self) -> str:
        """The user of the student's account: MLflow's artifacts cannot be reached by a user with other than ASCII letters."""
        return self.user if self.user.isascii() else room_of(self.user)


def read_roster(file: Path) -> list[Person]:
    """Return the students of a list.

    Args:
        file: CSV as exported from Canvas or Moodle, with commas, semicolons or tabs.

    Raises:
        LabError: the file cannot be read, or a student has no id or the id of another.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise LabError(f"The list {file} cannot be read ({reason}): correct ROSTER.") from None
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise LabError(
            f"The list {file} is empty: it needs a line with the columns' names, and a line for each student."
        )
    delimiter = max(",;\t", key=lines[0].count)
    table = csv.DictReader(lines, delimiter=delimiter)
    rows = list(table)
    columns = {name.strip().lower(): name for name in table.fieldnames or ()}

    def column(*names: str) -> str | None:
        return next((columns[name] for name in names if name in columns), None)

    user = column(*USER)
    if user is None:
        raise LabError(
            f"The list {file} has no column that names a student on the server: one of "
            f"{', '.join(repr(name) for name in USER[:6])} and so on must be there."
        )
    has_names = column(*NAME, *LAST_NAME) is not None
    people: dict[str, Person] = {}
    for number, row in enumerate(rows, 2):
        row = {name: (value or "").strip() for name, value in row.items() if isinstance(name, str)}
        first, last = row.get(column(*FIRST_NAME) or "", ""), row.get(column(*LAST_NAME) or "", "")
        name = row.get(column(*NAME) or "", "") or f"{first} {last}".strip()
        if (
            not any(row.values())
            or (not row[user] and not name and has_names)
            or name in NO_STUDENTS
        ):
            continue
        if not row[user]:
            raise LabError(
                f"The list {file} has no '{user}' in line {number} ({name or 'without a name'}): fill it in."
            )
        if set(row[user]) & set(':"\\') or not row[user].isprintable():
            raise LabError(
                f"The list {file} has the {user} '{row[user]}' in line {number}: write it without quotation marks, colons "
                "and backslashes."
            )
        email = row.get(column(*EMAIL) or "", "")
        person = Person(row[user], first, last, name or row[user], email, row)
        if person.account == TEACHER:
            raise LabError(
                f"The list {file} has the {user} '{TEACHER}' in line {number}, which is your own account: give another."
            )
        other = people.setdefault(room_of(person.account), person)
        if other is not person:
            raise LabError(
                f"The list {file} has the {user} '{row[user]}' twice ({other.name}; {person.name}): give each their own, "
                "with more than capitals to tell them apart."
            )
    if not people:
        raise LabError(f"The list {file} has no student: it needs a line for each.")
    return list(people.values())
