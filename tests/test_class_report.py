"""What a teacher gets of a class: the page, and the grades. Students here are built by hand; no store is asked."""

from __future__ import annotations

import codecs
import csv
import io
import re
import shlex
import sys
import time
import urllib.error
from dataclasses import replace
from urllib.request import urlopen

import lab.classroom.__main__ as commands
import pytest
from invented_class import students
from lab.classroom import grades, page
from lab.classroom.accounts import Accounts
from lab.classroom.report import Standing
from lab.classroom.roster import read_roster
from lab.exercises import all_exercises, ids_by_lab
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO, Note
from lab.store import LabError
from support import ROOT, free_port

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 in universal time
LABS = ids_by_lab()
POINTS = {f"Lab {lab}": str(len(ids)) for lab, ids in LABS.items()}
NONE = ["0"] * len(POINTS)
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework (77),Final Score
    Points Possible,,,,,10,(read only)
"One, Student",4711,s-001,one,Monday,7.50,75.00
"Two, Student",4712,s-002,two,Monday,,
"Student, Test",4713,,abc,Monday,,
"""
# As Canvas exports it where hidden assignments and separate names are chosen.
CANVAS_APART = """\
LastName,FirstName,ID,SIS User ID,SIS Login ID,Section,Homework (77),Final Score
,,,,,,Manual Posting,
    Points Possible,,,,,,10,(read only)
One,Student,4711,s-001,one,Monday,7.50,75.00
Two,Student,4712,s-002,two,Monday,,
Student,Test,4713,,abc,Monday,,
"""
MOODLE = """\
First name,Last name,ID number,Email address,Assignment: Lab 1 (Real),Last downloaded from this course
Student,One,001,one@example.org,-,1799990000
Student,Two,002,two@example.org,-,1799990000
"""


def note(mark=DONE, sentence="done.", first=30, last=5, tries=2) -> Note:
    """Return a note of a check that was first and last made so many minutes ago."""
    return Note(mark, sentence, NOW - 60 * first, NOW - 60 * last, tries)


def alone(name="one", **noted: Note) -> Standing:
    """Return a student on a store without rooms; exercises are named like `e2_1`."""
    return Standing(name, None, {id[1:].replace("_", "."): told for id, told in noted.items()})


@pytest.fixture
def graded(tmp_path):
    """Write grades, and return their cells.

    They are of the students of a list: the first has done 1.1, 2.1 and tried 2.2, the second has not come, a third is not in it.
    """

    def write(kind, exported: str = "", class_of=(), labs=LABS) -> list[list[str]]:
        roster = None
        if exported:
            (tmp_path / "roster.csv").write_text(exported, encoding="utf-8")
            roster = read_roster(tmp_path / "roster.csv")
            one, two = roster.people
            noted = {"1.1": note(), "2.1": note(last=3), "2.2": note(NOT_RIGHT, last=1)}
            came = Standing(one.user, "one", noted, one)
            class_of = [came, Standing(two.user, None, {}, two), alone("guest", e1_1=note())]
        grades.write(kind(list(class_of), labs, roster), tmp_path / "grades.csv")
        with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    return write


@pytest.mark.parametrize("exported", [CANVAS, CANVAS_APART])
def test_grades_for_canvas_give_every_cell_back_and_add_assignments_with_points(graded, exported):
    """Other columns' points too, "(read only)", line breaks in a cell, and the rows that are no students."""
    exported = exported.replace("Monday,7.50", '"Monday,\n Tuesday",7.50')
    table = graded(grades.wide, exported)
    columns = list(csv.reader(io.StringIO(exported)))
    assert [row[: len(columns[0])] for row in table] == columns
    added = [row[len(columns[0]) :] for row in table]
    of_students = [["1", "1", *NONE[2:]], NONE]
    none = [[""] * len(POINTS)]
    points = added[1:-3]
    assert added[0] == [*POINTS] and added[-3:] == [*of_students, *none]
    assert points == [*none * (len(points) - 1), [*POINTS.values()]]


def test_grades_go_into_the_columns_that_canvas_gave_the_labs(graded):
    head, points, one, *_ = graded(grades.wide, CANVAS.replace("Homework (77)", "Lab 2 (815)"))
    assert head.count("Lab 2 (815)") == 1 and "Lab 2" not in head and "Lab 1" in head
    assert points[5] == POINTS["Lab 2"] and one[5] == "1"


def test_grades_for_moodle_have_a_row_for_each_student_and_none_else(graded):
    exported = MOODLE.replace("\n", ",Roles\n", 1).replace("1799990000\n", "1799990000,Student\n")
    head, *rows = graded(grades.wide, exported + "Some,Teacher,,t@example.org,-,1,Teacher\n")
    heads = exported.splitlines()[0].split(",")
    # There was a column of lab 1.
    assert head == [*heads, *(f"{lab} (max {most})" for lab, most in [*POINTS.items()][1:])]
    assert [row[2:5] for row in rows] == [
        ["001", "one@example.org", "1"],
        ["002", "two@example.org", "0"],
    ]


def test_grades_of_the_labs_that_were_taught(graded):
    labs = commands.chosen_labs("1, 3-4")
    assert graded(grades.wide, "id,name\none,One\ntwo,Two\n", labs=labs) == [
        ["id", "name", "Lab 1", "Lab 3", "Lab 4"],
        ["    Points Possible", "", *(POINTS[f"Lab {lab}"] for lab in (1, 3, 4))],
        ["one", "One", "1", "0", "0"],
        ["two", "Two", "0", "0", "0"],
    ]
    assert len(graded(grades.long, CANVAS, labs=labs)) == 1 + 2 * 3
    for wrong in ("0", "3-99", "x", "4-3", "1;2"):
        with pytest.raises(LabError, match="write it like 1-4,7"):
            commands.chosen_labs(wrong)
    html = page.render([alone(e2_1=note(NOT_RIGHT, "told."), e7_1=note())], NOW, NOW)
    assert ">lab 2<" in html and ">lab 7<" in html and ">lab 3<" not in html  # those in use
    html = page.render([alone(e2_1=note(NOT_RIGHT, "told."))], NOW, NOW, labs=labs)
    assert ">lab 3<" in html and ">lab 2<" not in html and "told." not in html


def test_grades_without_a_list_are_numbers_with_a_total(graded):
    done = Standing("one", None, {id: note() for id in all_exercises()})
    table = graded(grades.wide, class_of=[done, alone("=1+1", e2_3=note(TO_DO))])
    everything = [*POINTS.values(), str(len(all_exercises()))]
    assert table == [
        ["student", *POINTS, "total"],
        ["Points Possible", *everything],
        ["one", *everything],
        ["'=1+1", *NONE, "0"],
    ]
    assert graded(grades.long, class_of=[alone("@SUM(1)")])[1][3] == "'@SUM(1)"


@pytest.mark.parametrize("kind", [grades.wide, grades.long])
def test_no_grade_can_be_taken_for_a_date(graded, kind):
    assert not [cell for row in graded(kind, class_of=students(5, NOW)) for cell in row if "/" in cell]  # fmt: skip


def test_long_grades_have_nbgraders_columns(graded):
    head, *rows = graded(grades.long, CANVAS)
    assert ",".join(head) == (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,"
        "late_submission_penalty,score,max_score"
    )
    assert len(rows) == 2 * len(POINTS)
    assert ",".join(rows[2]) == "Lab 2,,2027-01-15 07:59:00,one,One,Student,,1.0,0.0,1.0,3.0"
    assert ",".join(rows[3]) == "Lab 2,,,two,Two,Student,,0.0,0.0,0.0,3.0"
    assert graded(grades.long, CANVAS_APART)[1][3:6] == ["one", "One", "Student"]
    assert graded(grades.long, MOODLE)[1][3:7] == ["001", "One", "Student", "one@example.org"]
    # judged anew, without a check of the student's
    absent = alone(e1_1=Note(TO_DO, "no file.", NOW, NOW, 0))
    assert graded(grades.long, class_of=[absent])[1][2] == ""


def test_guide_names_the_maxima():
    text = " ".join((ROOT / "notebooks" / "TEACHING.md").read_text(encoding="utf-8").split())
    few = " and ".join(str(lab) for lab, ids in LABS.items() if len(ids) == 2)
    assert f"at most 2 in labs {few}, and 3 in each other lab" in text
    assert {len(ids) for ids in LABS.values()} == {2, 3}


def test_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(LabError, match=r"cannot be written to .* name another file in GRADES"):
        grades.write(grades.wide([], LABS), tmp_path / "missing" / "grades.csv")


@pytest.mark.parametrize(
    ("noted", "expected"),
    [
        (note(NOT_RIGHT, first=10, last=0, tries=2), True),
        (note(TO_DO, first=300, last=30, tries=9), True),
        (note(DONE, first=20, last=0, tries=5), False),
        (note(NOT_RIGHT, first=9, last=0, tries=5), False),  # not for long
        (note(TO_DO, first=20, last=20, tries=1), False),  # the notebook was run through
        (note(NOT_RIGHT, first=90, last=31, tries=5), False),  # paused, or moved on
    ],
)
def test_stuck_is_who_tried_again_for_some_time_and_lately(noted, expected):
    assert page.is_stuck(noted, NOW) == expected


def test_who_is_stuck_longest_comes_first():
    a = alone("a", e2_1=note(NOT_RIGHT, first=12), e2_2=note())
    found = page.stuck([a, alone("b", e2_3=note(TO_DO, first=25, tries=4))], NOW)
    assert [(name, exercise.id) for name, exercise, _ in found] == [("b", "2.3"), ("a", "2.1")]


def test_sentences_that_differ_in_names_and_values_are_one():
    found = page.messages(
        [
            note(NOT_RIGHT, "found log_loss = 0.81 in the run 'rebuilt', expected 0.74, as recorded."),
            note(TO_DO, "the run 'mlp' has no metric 'val_rmse'."),
            note(NOT_RIGHT, "found log_loss = 0.9 in the run 'rebuilt', expected 0.74, as recorded."),
            note(NOT_RIGHT, "found log_loss = 0.9 in the run 'rebuilt', expected 0.74, as recorded."),
            note(NOT_RIGHT, "found optimizer = SGD in the run 'a', expected optimizer = Adam."),
            note(NOT_RIGHT, "found optimizer = adam in the run 'it's', expected optimizer = Adam."),
        ]
    )  # fmt: skip
    assert [(one.count, one.sentence) for one in found] == [
        (3, "found log_loss = … in the run 'rebuilt', expected 0.74, as recorded."),
        (2, "found optimizer = … in the run …, expected optimizer = Adam."),
        (1, "the run 'mlp' has no metric 'val_rmse'."),
    ]
    assert found[0].example.startswith("found log_loss = 0.9 in") and found[2].example == ""


def test_exercise_that_most_students_are_at_is_explained_first():
    long_ago = note(NOT_RIGHT, "early.", first=200, last=150)
    class_now = [alone(f"early-{n}", e2_1=long_ago) for n in range(5)]
    class_now += [alone(f"{n}", e3_1=note(TO_DO, "now.")) for n in range(2)]
    class_now.append(alone("done", e3_1=note(), e2_2=note()))
    found = page.topics(class_now, NOW)
    assert [(topic.exercise.id, topic.undone) for topic in found] == [("3.1", 2), ("2.1", 5)]
    html = page.render(class_now, NOW, NOW)
    assert "2 students not done, 1 done" in html and "5 students not done, 0 done" in html


def test_page_sorts_names_with_umlauts_beside_those_without():
    names = ["Zoe", "Änne", "Anna", "özge"]
    html = page.render([alone(name, e2_1=note(DONE)) for name in names], NOW, NOW)
    table = html[html.rindex("<tbody") :]
    assert sorted(names, key=table.index) == ["Anna", "Änne", "özge", "Zoe"]


def test_page_shows_names_as_text_and_loads_nothing():
    hostile = "<script>alert(1)</script>"
    told = note(NOT_RIGHT, "found '<img src=x>', expected a name.")
    html = page.render([alone(hostile, e2_1=told)], NOW, NOW, "The server <b>.")
    assert hostile not in html and "<img" not in html and "<b>." not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2  # stuck, and in the table
    # Without scripts it is read anew, too, and has nothing to choose.
    assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in html
    assert '<div id="controls" hidden>' in html
    assert "//" not in html.replace("http://www.w3.org/2000/svg", "").replace("// The page", "")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-90, "just now"), (59, "just now"), (420, "7 min"), (4800, "1 h 20 min"), (3e5, "3 days")],
)
def test_span_in_words(seconds, words):
    assert page.span(seconds) == words


def test_watch_goes_on_when_the_server_does_not_answer(capsys, tmp_path):
    here = students(3, time.time())
    answers = iter([here, LabError("The server does not answer."), LabError("It is slow."), here])
    file, pages = tmp_path / "build" / "class.html", []

    def read():
        print("Waiting …")
        pages.append(file.read_text(encoding="utf-8"))
        answer = next(answers, KeyboardInterrupt())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    page.watch(read, file=file, every=0)
    assert capsys.readouterr().out.splitlines() == [
        f"The class is on {file.as_uri()}, refreshed every 0 s (Ctrl-C ends it).",
        "The server does not answer. Trying again.",
        "The class can be read again.",
        "",
        "class.html is not refreshed any more.",
    ]
    first, fine, lost, slow, back = pages
    assert "Not read yet" in first
    assert "student-02" in fine and "Trying again" not in fine
    warned = "<b>Warning:</b> The server does not answer. Trying again"
    assert warned in lost and "student-02" in lost
    assert "<b>Warning:</b> It is slow." in slow and "Trying again" not in back
    assert [path.name for path in file.parent.iterdir()] == ["class.html"]


def test_page_is_handed_out_to_who_knows_its_address(tmp_path):
    (tmp_path / "class.html").write_text("Zoë", encoding="utf-8")
    address = page.hand_out(tmp_path / "class.html", "127.0.0.1", port := free_port())
    assert urlopen(address, timeout=9).read().decode() == "Zoë"
    for path in ("", "/class.html", "/" + "x" * 12):
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urlopen(f"http://127.0.0.1:{port}{path}", timeout=9)
    with pytest.raises(LabError, match="name others with HOST= and PORT="):
        page.hand_out(tmp_path / "class.html", "127.0.0.1", port)


def test_who_came_and_checked_nothing_is_not_who_was_never_seen():
    came = Standing("came", "came", {}, came=NOW - 60 * 7)
    html = page.render([came, alone("absent"), alone("works", e2_1=note(last=3))], NOW, NOW)
    assert re.search(r"have checked nothing yet \(1\): <span class=.name.>came</span>\.</p>", html)
    assert re.search(r"Not seen yet \(1\): <span class=.name.>absent</span>\.</p>", html)
    assert html.index("7 min ago") < html.index("3 min ago") and "<td>not yet</td>" in html


@pytest.fixture
def progress(monkeypatch, tmp_path, capsys):
    """What `make progress CLASS=1` prints of a class, with a list of ann and ben."""

    def show(class_of: list[Standing], *options: str) -> str:
        (tmp_path / "roster.csv").write_text("id,name\nann,Ann\nben,Ben\n", encoding="utf-8")
        people = read_roster(tmp_path / "roster.csv").people
        by_name = {person.user: Standing(person.user, None, {}, person) for person in people}
        found = by_name | {
            one.name: replace(one, person=getattr(by_name.get(one.name), "person", None))
            for one in class_of
        }
        monkeypatch.setattr(commands, "standings", lambda *_: list(found.values()))
        line = ["x", "progress", "--roster", str(tmp_path / "roster.csv"), *options]
        monkeypatch.setattr(sys, "argv", line)
        commands.main()
        return capsys.readouterr().out

    return show


def test_beginning_of_a_class_is_no_mistake(progress, tmp_path):
    """Somebody who is not in the list has come first, maybe the teacher."""
    guest = alone("gast", e1_1=note())
    told = progress([guest])
    assert (
        "Nobody in " in told
        and "has come yet.\n" in told
        and "Not in " in told
        and ": gast." in told
    )
    assert re.search(r"^gast .* 1/1 .* 5 min|^gast ", told, re.MULTILINE)
    told = progress([guest, alone("ben", e1_1=note())])
    assert "has come yet" not in told and "make merge" in told
    with pytest.raises(LabError, match="has come yet, and these have, who are not in it: gast"):
        progress([guest], "--csv", str(tmp_path / "grades.csv"))
    assert "lab 3" not in progress([guest], "--labs", "1-2,7")


def test_grades_tell_a_spreadsheet_their_encoding_and_a_platform_what_it_wrote(
    progress, monkeypatch, tmp_path
):
    file = tmp_path / "grades.csv"
    progress([alone("ben", e1_1=note())], "--csv", str(file))
    assert file.read_bytes().startswith(b"id,name,")
    monkeypatch.setattr(commands, "standings", lambda *_: [alone("Zoë", e1_1=note())])
    monkeypatch.setattr(sys, "argv", ["x", "progress", "--csv", str(file)])
    commands.main()
    assert file.read_bytes().startswith(codecs.BOM_UTF8 + b"student,")


def test_accounts_of_a_new_class_are_written_whole_for_excel_and_two_shells(tmp_path):
    text = "id,name\nann,=1+1\no'brien,Zoë O'Brien\n"
    (tmp_path / "roster.csv").write_text(text, encoding="utf-8")
    people = read_roster(tmp_path / "roster.csv").people
    file = Accounts(tmp_path, people, "http://10.0.0.1:5000").file
    content = file.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf") and b"\r" not in content
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert [row["user"] for row in rows] == ["teacher", "ann", "o'brien"]
    assert [row["name"] for row in rows] == ["", "'=1+1", "Zoë O'Brien"]
    passwords = [row["password"] for row in rows]
    assert all(re.fullmatch("[a-zA-HJ-NP-Z]{14}", password) for password in passwords)
    last = rows[2]
    assert shlex.split(last["line"])[1:] == [
        "MLFLOW_TRACKING_USERNAME=o'brien",
        f"MLFLOW_TRACKING_PASSWORD={passwords[2]}",
        "make",
        "lab",
    ]
    assert last["powershell"] == (
        "$env:LAB_TRACKING_URI='http://10.0.0.1:5000'; $env:MLFLOW_TRACKING_USERNAME='o''brien'; "
        f"$env:MLFLOW_TRACKING_PASSWORD='{passwords[2]}'; "
        ".venv\\Scripts\\python -m jupyter lab notebooks/01_bad_example.ipynb"
    )
    slips = (tmp_path / "slips.html").read_text(encoding="utf-8")
    assert slips.count("<section>") == 2 and passwords[0] not in slips
    assert slips.count(f"password <code>{passwords[1]}</code>") == 1
    # Saved again by a German Excel.
    file.write_bytes(content.decode("utf-8-sig").replace(",", ";").encode("cp1252"))
    again = Accounts(tmp_path, people, "http://10.0.0.1:5000")
    assert again.variables()["MLFLOW_AUTH_ADMIN_PASSWORD"] == passwords[0]
