"""The teacher's page of a class of 30 as a browser shows it: on a projector and a phone, refreshed, with hostile names."""

import re
import time
from dataclasses import replace

import pytest
from accessibility import problems
from invented_class import students
from lab.classroom.page import STALE, render
from lab.classroom.report import Standing
from lab.exercises import all_exercises, ids_by_lab
from lab.exercises.notes import NOT_RIGHT, Note
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
LABS = ids_by_lab()
PROJECTOR = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
HOSTILE = "<script>document.title = 'taken'</script>" + "very" * 40
windows = pytest.mark.parametrize("window", [PROJECTOR, PHONE], ids=["projector", "phone"])
themes = pytest.mark.parametrize("theme", ["light", "dark"])


@pytest.fixture
def class_page(page, watch, tmp_path):
    """A function that writes the page of some students and opens it; without a page's own clock that runs on."""
    file = tmp_path / "class.html"

    def show(who=None, now=None, window=PROJECTOR, trouble="", labs=LABS):
        now = now or time.time()
        who = students(30, now) if who is None else who
        file.write_text(render(who, now, now, trouble, labs), encoding="utf-8")
        if page.url.partition("#")[0] != file.as_uri():
            page.set_viewport_size(window)
            watch(page).goto(file.as_uri())
        return page

    return show


@themes
@windows
def test_class_page_is_accessible_and_nothing_is_cut_off(theme, window, class_page, page, watch):
    page.emulate_media(color_scheme=theme)
    now = time.time()
    stuck = Note(NOT_RIGHT, f"found '{HOSTILE}'.", now - 2000, now - 60, 4)
    who = [*students(30, now), Standing(HOSTILE, None, {"2.1": stuck})]
    class_page(who, now - STALE - 1, window, trouble="The server does not answer.")
    expect(page.get_by_role("alert").filter(has_text="still running?")).to_be_visible()
    page.get_by_role(
        "checkbox", name="refresh"
    ).uncheck()  # looking takes longer on a slow computer
    assert not problems(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
    table = page.get_by_role("region", name="Everybody")
    assert table.evaluate("box => box.scrollWidth <= box.clientWidth") == (window is PROJECTOR)
    table.focus()
    page.keyboard.press("End")
    assert page.title().startswith("The class")
    assert not watch.errors and not watch.elsewhere


@windows
@pytest.mark.parametrize("who", [[], [Standing("student-01", None, {})]], ids=["none", "one"])
def test_empty_class_page_is_accessible(who, window, class_page, page):
    class_page(who, window=window)
    expect(page.get_by_text("Nobody.")).to_be_visible()
    expect(page.get_by_text("No student has checked")).to_have_count(int(not who))
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_role("checkbox", name="refresh").uncheck()
    assert not problems(page)


def test_each_student_has_a_row_and_each_exercise_a_column(class_page, page):
    class_page()
    table = page.get_by_role("region", name="Everybody").get_by_role("table")
    columns = table.get_by_role("columnheader").all_inner_texts()
    ids = list(all_exercises())
    assert [text for text in columns if re.fullmatch(r"\d+\.\d", text)] == ids
    rows = table.get_by_role("rowheader").all_inner_texts()
    assert rows == [*(f"student-{number:02}" for number in range(1, 31)), "done by"]
    assert page.locator("th").count() == page.locator("th[scope]").count()
    cells = table.get_by_role("row", name="student-01").get_by_role("cell")
    assert cells.count() == len(ids) + 2
    stuck = page.get_by_role("region", name="Who is stuck").get_by_role("rowheader")
    assert stuck.count() == table.locator("td.stuck").count() > 3


@windows
def test_heads_of_sixty_stay_and_labs_that_nobody_uses_are_left_out(window, class_page, page):
    class_page(students(60, time.time()), window=window, labs=None)
    table = page.get_by_role("region", name="Everybody")
    table.evaluate("box => { box.scrollIntoView(); box.scrollTop = 900; }")
    top = table.bounding_box()["y"]
    lab_1 = table.get_by_role("columnheader", name="lab 1", exact=True)
    assert abs(lab_1.bounding_box()["y"] - top) < 3
    assert table.bounding_box()["height"] <= window["height"]
    assert table.get_by_role("columnheader", name="lab 3", exact=True).count() == 1
    assert table.get_by_role("columnheader", name="lab 10").count() == 0
    page.get_by_role("checkbox", name="refresh").uncheck()
    assert not problems(page)


def test_class_page_is_read_anew_and_stays_where_it_was(class_page, page):
    page.clock.install()
    now = time.time()
    class_page(window=PHONE, now=now)
    page.get_by_role("checkbox", name="hide names").check()
    page.get_by_role("link", name="Everybody").click()
    page.reload()
    table = page.get_by_role("region", name="Everybody")
    table.evaluate("box => { scrollTo(0, 900); box.scrollLeft = 200; box.scrollTop = 100; }")
    class_page([replace(one, name=f"new-{one.name}") for one in students(30, now)], now)
    with page.expect_navigation():
        page.clock.run_for(10_000)
    expect(page.get_by_role("rowheader", name="new-student-30")).to_have_count(1)
    assert page.evaluate("scrollY") == 900
    assert table.evaluate("box => [box.scrollLeft, box.scrollTop]") == [200, 100]
    expect(page.get_by_role("checkbox", name="hide names")).to_be_checked()
    hidden = "names => names.every(name => getComputedStyle(name).color === 'rgba(0, 0, 0, 0)')"
    assert page.locator(".name").count() > 30 and page.locator(".name").evaluate_all(hidden)

    page.get_by_role("checkbox", name="refresh").uncheck()
    page.evaluate("window.same = true")
    page.clock.fast_forward(30_000)
    page.wait_for_timeout(500)
    assert not problems(page)
    assert page.evaluate("window.same")
