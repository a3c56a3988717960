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
USER = ["sis login id", "username", "user", "login", "id number", "sis user id", "id"]
EMAIL = ["email address", "email"]
NAME = ["student", "full name", "name"]
FIRST_NAME = ["first name", "first_name", "firstname"]
LAST_NAME = ["last name", "surname", "last_name", "lastname"]
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
    table = csv.DictReader(lines, delimiter=max(",;\t", key=lines[0].count))
    columns = {name.strip().lower(): name for name in table.fieldnames or ()}

    def column(names: list[str]) -> str:
        return next((columns[name] for name in names if name in columns), "")

    user = column(USER + EMAIL)
    if not user:
        raise LabError(
            f"The list {file} has no column that names a student on the server: one of "
            f"{', '.join(repr(name) for name in USER[:6])} and so on must be there."
        )
    people: dict[str, Person] = {}
    for number, cells in enumerate(table, 2):
        row = {name: (cell or "").strip() for name, cell in cells.items() if isinstance(name, str)}
        first, last, name, email = (
            row.get(column(names), "") for names in (FIRST_NAME, LAST_NAME, NAME, EMAIL)
        )
        name = name or f"{first} {last}".strip()
        is_nobody = not row[user] and not name and column(NAME + LAST_NAME)
        if not any(row.values()) or is_nobody or name in NO_STUDENTS:
            continue
        person = Person(row[user], first, last, name or row[user], email, row)
        other = people.setdefault(room_of(person.account), person)
        wrong = ""
        if not row[user]:
            wrong = f"no '{user}' in line {number} ({name or 'without a name'}): fill it in."
        elif set(row[user]) & set(':"\\') or not row[user].isprintable():
            wrong = f"the {user} '{row[user]}' in line {number}: write it without quotation marks, colons and backslashes."
        elif person.account == TEACHER:
            wrong = (
                f"the {user} '{TEACHER}' in line {number}, which is your own account: give another."
            )
        elif other is not person:
            wrong = (
                f"the {user} '{row[user]}' twice ({other.name}; {person.name}): give each their own, with more than "
                "capitals to tell them apart."
            )
        if wrong:
            raise LabError(f"The list {file} has {wrong}")
    if not people:
        raise LabError(f"The list {file} has no student: it needs a line for each.")
    return list(people.values())
