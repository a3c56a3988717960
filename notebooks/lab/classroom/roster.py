"""The list of a class, as a learning platform or a spreadsheet writes it: a table as CSV with one row a student.

Understood are the exports of Canvas' gradebook (`Student`, or `LastName` and `FirstName`; `ID`, `SIS User ID`, `SIS Login ID`, `Section`) and of Moodle's
grader report and participants (`First name`, `Last name`, `ID number`, `Email address`, `Username`), and a plain table with
`id`, `name` and `email`. Where Moodle speaks another language, students are named by the column that holds e-mail addresses.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from lab.room import room_of
from lab.store import LabError

# What a student logs in with: the first of these columns that has something in each row, or else the e-mail address.
USER = ["sis login id", "username", "user", "login", "id number", "sis user id", "id"]
COLUMNS = {
    "email": r"email( address)?",
    "name": r"student|(full )?name",
    "first": r"first[ _]?name",
    "last": r"last[ _]?name|surname",
    # As Moodle's language packs for 4.5 call them. https://github.com/projectestac/moodle-langpacks
    "roles": r"roles?|rollen|rôles|ruoli|rols|rolak|roluri|roller|vaidmenys|papéis atribuídos|ρόλοι|роли|ролі|الأدوار|کار منصبات|ロール|역할|角色",
}
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
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
        name: the full name; with the user where somebody else has the same.
        email: empty where the list has none.
        line: the number of the row in the list, from 0 for that with the columns' names.
    """

    user: str
    first_name: str
    last_name: str
    name: str
    email: str
    line: int

    @property
    def account(self) -> str:
        """The user of the student's account: MLflow's artifacts cannot be reached by a user with other than ASCII letters."""
        return self.user if self.user.isascii() else room_of(self.user)


@dataclass(frozen=True)
class Roster:
    """The list of a class.

    Attributes:
        rows: all cells, as they were exported; the first row has the columns' names.
        people: the students.
        notices: what a reader should know of how it was read.
    """

    rows: list[list[str]]
    people: list[Person]
    notices: list[str]


def read_table(file: Path) -> tuple[list[list[str]], list[str]]:
    """Return the rows of a table with commas, semicolons or tabs, in UTF-8 or as Excel writes it, and notices.

    Raises:
        LabError: the file cannot be read, or is empty.
    """
    content = b""
    for encoding in ("utf-8-sig", "utf-16", "cp1252"):
        try:
            content = file.read_bytes()
            if encoding != "utf-16" or content[:2] in (b"\xff\xfe", b"\xfe\xff"):
                text = content.decode(encoding)
                break
        except OSError as error:
            raise LabError(
                f"The list {file} cannot be read ({error.strerror}): correct ROSTER."
            ) from None
        except UnicodeDecodeError:
            continue
    else:
        raise LabError(f"The list {file} has letters of an unknown kind: save it as 'CSV UTF-8'.")
    first = next((line for line in text.splitlines() if line.strip()), "")
    table = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count))
    if not (rows := [row for row in table if any(row)]):
        raise LabError(
            f"The list {file} is empty: it needs a line with the columns' names, and a line for each student."
        )
    told = f"{file} was read as Windows writes Western European letters: if a name looks wrong, save it as 'CSV UTF-8'."
    return rows, [told] if encoding == "cp1252" else []


def read_roster(file: Path) -> Roster:
    """Return the list of a class.

    Args:
        file: CSV as exported from Canvas or Moodle, or saved by Excel.

    Raises:
        LabError: the file cannot be read, or a student has no id or the id of another.
    """
    rows, notices = read_table(file)
    heads = [head.strip().lower() for head in rows[0]]
    cells = [[cell.strip() for cell in row] + [""] * (len(heads) - len(row)) for row in rows]
    at = {
        means: n
        for means, names in COLUMNS.items()
        for n, head in enumerate(heads)
        if re.fullmatch(names, head)
    }
    for n, (_, *column) in enumerate(zip(*(row[: len(heads)] for row in cells), strict=True)):
        if "email" not in at and any(column) and all(map(MAIL.fullmatch, filter(None, column))):
            at["email"] = n
            if (
                not {"name", "first", "last"} & at.keys()
            ):  # Moodle's in another language: names first
                at |= {"first": 0, "last": 1} if n > 1 else {"name": 0}

    def of(line: int, means: str) -> str:
        return cells[line][at[means]] if means in at else ""

    def name_of(line: int) -> str:
        return of(line, "name") or f"{of(line, 'first')} {of(line, 'last')}".strip()

    lines = [n for n in range(1, len(cells)) if name_of(n) not in NO_STUDENTS]
    if at.keys() & {"name", "last"}:
        lines = [n for n in lines if name_of(n)]
    roles = Counter(role for n in lines for role in of(n, "roles").split(", "))
    role = "Student" if "Student" in roles else max(roles, key=roles.__getitem__, default="")
    if others := [name_of(n) for n in lines if role not in of(n, "roles").split(", ")]:
        notices.append(f"Left out, as not '{role}' in {file}: {', '.join(others)}.")
        lines = [n for n in lines if role in of(n, "roles").split(", ")]
    by = [heads.index(head) for head in USER if head in heads]
    by += [at["email"]] if "email" in at else []
    if not by:
        raise LabError(
            f"The list {file} has no column that names a student on the server: one of "
            f"{', '.join(repr(name) for name in USER[:6])} and so on must be there, or one of e-mail addresses."
        )
    by_user = next((n for n in by if all(cells[line][n] for line in lines)), by[0])
    named = Counter(map(name_of, lines))
    people: dict[str, Person] = {}
    for line in lines:
        user, name, called = cells[line][by_user], name_of(line), rows[0][by_user].strip()
        shown = f"{name} ({user})" if named[name] > 1 else name
        person = Person(
            user, of(line, "first"), of(line, "last"), shown or user, of(line, "email"), line
        )
        other = people.setdefault(room_of(person.account), person)
        wrong = ""
        if not user:
            wrong = f"no '{called}' in line {line + 1} ({name or 'without a name'}): fill it in."
        elif set(user) & set(':"\\') or not user.isprintable() or user[0] in "=+-@":
            wrong = f"the {called} '{user}' in line {line + 1}: write it without quotation marks, colons and backslashes, and without = + - @ before it."
        elif person.account == TEACHER:
            wrong = f"the {called} '{TEACHER}' in line {line + 1}, which is your own account: give another."
        elif other is not person:
            wrong = (
                f"the {called} '{user}' twice ({other.name}; {person.name}): give each their own, with more than "
                "capitals to tell them apart."
            )
        if wrong:
            raise LabError(f"The list {file} has {wrong}")
    if not people:
        raise LabError(f"The list {file} has no student: it needs a line for each.")
    return Roster(rows, list(people.values()), notices)
