"""What a teacher gets of a class: the page, and the grades. Students here are built by hand; no store is asked."""

from __future__ import annotations

import csv
import time

import pytest
from invented_class import students
from lab.classroom import grades, page
from lab.classroom.report import Standing
from lab.classroom.roster import read_roster
from lab.exercises import all_exercises, ids_by_lab
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO, Note
from lab.store import LabError

NOW = 1_800_000_000.0  # 2027-01-15 08:00:00 in universal time
POINTS = {f"Lab {lab}": str(len(ids)) for lab, ids in ids_by_lab().items()}
NONE = ["0"] * len(POINTS)
CANVAS = """\
Student,ID,SIS User ID,SIS Login ID,Section,Homework (77),Final Score
    Points Possible,,,,,10,(read only)
"One, Student",4711,s-001,one,Monday,7.50,75.00
"Two, Student",4712,s-002,two,Monday,,
"Student, Test",4713,,abc,Monday,,
"""
MOODLE = """\
First name,Last name,ID number,Email address,Assignment: Lab 1 (Real),Last downloaded from this course
Student,One,001,one@example.org,-,1799990000
Student,Two,002,two@example.org,-,1799990000
"""


def note(mark=DONE, sentence="done.", first=30, last=5, tries=2) -> Note:
    """Return a note of a check that was first and last made so many minutes ago."""
    return Note(mark, sentence, NOW - 60 * first, NOW - 60 * last, tries)


def class_of(roster: str, tmp_path) -> list[Standing]:
    """Return the students of a list: the first has done 1.1, 2.1 and tried 2.2, the second has not come, a third is not in it."""
    (tmp_path / "roster.csv").write_text(roster, encoding="utf-8")
    one, two = read_roster(tmp_path / "roster.csv")
    noted = {"1.1": note(), "2.1": note(last=3), "2.2": note(NOT_RIGHT, last=1)}
    return [
        Standing(one.user, "one", noted, one),
        Standing(two.user, None, {}, two),
        Standing("guest", "guest", {"1.1": note()}),
    ]


def written(rows: list[grades.Row], tmp_path) -> list[list[str]]:
    grades.write(rows, tmp_path / "grades.csv")
    with (tmp_path / "grades.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_grades_for_canvas_keep_its_rows_and_add_assignments_with_points(tmp_path):
    head, points, *rows = written(grades.wide(class_of(CANVAS, tmp_path)), tmp_path)
    exported = list(csv.reader(CANVAS.splitlines()))
    assert head == [*exported[0], *POINTS]
    assert points == ["    Points Possible", *[""] * 6, *POINTS.values()]
    assert [row[:7] for row in rows] == exported[2:4]
    assert [row[7:] for row in rows] == [["1", "1", *NONE[2:]], NONE]


def test_list_of_canvas_with_hidden_assignments_and_names_apart(tmp_path):
    text = CANVAS.replace("Student,ID", "LastName,FirstName,ID").replace(", Student", '","Student')
    text = text.replace('"Student, Test"', "Student,Test").replace("Possible,", "Possible,,")
    head, *rest = text.splitlines(keepends=True)
    one, two, _ = class_of("".join([head, ",,,,,,Manual Posting,\n", *rest]), tmp_path)
    assert (one.person.user, one.person.first_name, one.person.last_name) == (
        "one",
        "Student",
        "One",
    )
    head, points, *rows = written(grades.wide([one, two]), tmp_path)
    assert head[:3] == ["LastName", "FirstName", "ID"] and points[0].strip() == "Points Possible"
    assert [row[:2] for row in rows] == [["One", "Student"], ["Two", "Student"]]


def test_grades_go_into_the_columns_that_canvas_gave_the_labs(tmp_path):
    again = CANVAS.replace("Homework (77)", "Lab 2 (815)")
    head, points, one, _ = written(grades.wide(class_of(again, tmp_path)), tmp_path)
    assert head.count("Lab 2 (815)") == 1 and "Lab 2" not in head and "Lab 1" in head
    assert points[5] == POINTS["Lab 2"] and one[5] == "1"


def test_grades_for_moodle_have_a_row_for_each_student_and_none_else(tmp_path):
    head, *rows = written(grades.wide(class_of(MOODLE, tmp_path)), tmp_path)
    assert head == [*MOODLE.splitlines()[0].split(","), *list(POINTS)[1:]]
    assert [row[2:5] for row in rows] == [
        ["001", "one@example.org", "1"],
        ["002", "two@example.org", "0"],
    ]


def test_grades_without_a_list_are_numbers_with_a_total(tmp_path):
    done = Standing("one", None, {id: note() for id in all_exercises()})
    head, points, *rows = written(
        grades.wide([done, Standing("=1+1", None, {"2.3": note(TO_DO)})]), tmp_path
    )
    assert head == ["student", *POINTS, "total"]
    everything = [*POINTS.values(), str(len(all_exercises()))]
    assert points == ["Points Possible", *everything]
    assert rows == [["one", *everything], ["'=1+1", *NONE, "0"]]


def test_no_grade_can_be_taken_for_a_date(tmp_path):
    for rows in (grades.wide(students(5, NOW)), grades.long(students(5, NOW))):
        cells = [cell for row in written(rows, tmp_path) for cell in row]
        assert not [cell for cell in cells if "/" in cell]


def test_long_grades_have_nbgraders_columns(tmp_path):
    head, *rows = written(grades.long(class_of(CANVAS, tmp_path)), tmp_path)
    assert ",".join(head) == (
        "assignment,duedate,timestamp,student_id,last_name,first_name,email,raw_score,"
        "late_submission_penalty,score,max_score"
    )
    assert len(rows) == 2 * len(POINTS)
    assert ",".join(rows[2]) == "Lab 2,,2027-01-15 07:59:00,one,One,Student,,1.0,0.0,1.0,3.0"
    assert ",".join(rows[3]) == "Lab 2,,,two,Two,Student,,0.0,0.0,0.0,3.0"
    moodle = written(grades.long(class_of(MOODLE, tmp_path)), tmp_path)
    assert moodle[1][3:7] == ["001", "One", "Student", "one@example.org"]


def test_exercise_judged_anew_without_a_check_has_no_time(tmp_path):
    absent = Standing("one", None, {"1.1": Note(TO_DO, "no file.", NOW, NOW, 0)})
    assert written(grades.long([absent]), tmp_path)[1][2] == ""


def test_file_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(LabError, match=r"cannot be written to .* name another file in GRADES"):
        grades.write(grades.wide([]), tmp_path / "missing" / "grades.csv")


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
    found = page.stuck(
        [
            Standing("a", None, {"2.1": note(NOT_RIGHT, first=12), "2.2": note()}),
            Standing("b", None, {"2.3": note(TO_DO, first=25, tries=4)}),
        ],
        NOW,
    )
    assert [(one.student, one.exercise.id, one.minutes) for one in found] == [
        ("b", "2.3", 25),
        ("a", "2.1", 12),
    ]


def test_sentences_that_differ_in_names_and_values_are_one():
    said = page.most_said(
        [
            note(NOT_RIGHT, "found log_loss = 0.81 in the run 'rebuilt', expected 0.74, as recorded."),
            note(TO_DO, "the run 'mlp' has no metric 'val_rmse'."),
            note(NOT_RIGHT, "found log_loss = 0.9 in the run 'rebuilt', expected 0.74, as recorded."),
            note(NOT_RIGHT, "found log_loss = 0.9 in the run 'rebuilt', expected 0.74, as recorded."),
            note(NOT_RIGHT, "found optimizer = SGD in the run 'a', expected optimizer = Adam."),
            note(NOT_RIGHT, "found optimizer = adam in the run 'it's', expected optimizer = Adam."),
        ]
    )  # fmt: skip
    assert [(one.count, one.sentence) for one in said] == [
        (3, "found log_loss = … in the run 'rebuilt', expected 0.74, as recorded."),
        (2, "found optimizer = … in the run …, expected optimizer = Adam."),
        (1, "the run 'mlp' has no metric 'val_rmse'."),
    ]
    assert said[0].example.startswith("found log_loss = 0.9 in") and said[2].example == ""


def test_exercise_that_most_students_are_at_is_explained_first():
    long_ago = {"2.1": note(NOT_RIGHT, "early.", first=200, last=150)}
    class_now = [Standing(f"early-{n}", None, long_ago) for n in range(5)]
    class_now += [Standing(f"{n}", None, {"3.1": note(TO_DO, "now.")}) for n in range(2)]
    class_now.append(Standing("done", None, {"3.1": note(), "2.2": note()}))
    found = page.to_explain(class_now, NOW)
    assert [(one.exercise.id, one.undone, one.done) for one in found] == [
        ("3.1", 2, 1),
        ("2.1", 5, 0),
    ]


def test_page_shows_names_as_text_and_loads_nothing():
    hostile = "<script>alert(1)</script>"
    html = page.render(
        [
            Standing(
                hostile, None, {"2.1": note(NOT_RIGHT, "found '<img src=x>', expected a name.")}
            )
        ],
        NOW,
        NOW,
        "The server <b>.",
    )
    assert hostile not in html and "<img" not in html and "<b>." not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2  # stuck, and in the table
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
        if file.exists():
            pages.append(file.read_text(encoding="utf-8"))
        answer = next(answers, KeyboardInterrupt())
        if isinstance(answer, BaseException):
            raise answer
        return answer

    page.watch(read, file, every=0)
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
    assert (
        "<b>Warning:</b> The server does not answer. Trying again" in lost and "student-02" in lost
    )
    assert "<b>Warning:</b> It is slow." in slow and "Trying again" not in back
    assert [path.name for path in file.parent.iterdir()] == ["class.html"]
