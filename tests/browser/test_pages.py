"""The pages that `make html` writes, as a browser shows them from the disk, on a phone too."""

import re

import nbformat
import pytest
from accessibility import problems
from playwright.sync_api import expect
from support import NOTEBOOKS

pytestmark = pytest.mark.browser
PROJECTOR = {"width": 1280, "height": 720}
PHONE = {"width": 390, "height": 844}
A4 = {"width": 718, "height": 1047}  # less two margins of a centimetre
every_page = pytest.mark.parametrize("name", ["index", *(path.stem for path in NOTEBOOKS)])


@pytest.fixture
def open_page(pages, page):
    """A function that opens one of the pages, and returns it."""

    def show(name="index", window=PROJECTOR, theme="light"):
        page.set_viewport_size(window)
        page.emulate_media(color_scheme=theme)
        page.goto((pages / f"{name}.html").as_uri())
        return page

    return show


def titles(level: str) -> list[str]:
    """Return all headings of a level of all labs, in order, as a reader sees them."""
    cells = [cell for path in NOTEBOOKS for cell in nbformat.read(path, as_version=4).cells]
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.findall(rf"^{level} (.+)$", text.replace("`", ""), re.MULTILINE)


@every_page
def test_page_loads_alone_is_accessible_and_nothing_is_cut_off(name, open_page, page, watch):
    watch(page)
    open_page(name)
    page.wait_for_load_state("networkidle")
    assert not watch.errors and not watch.elsewhere
    for image in page.locator("article img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.complete && image.naturalWidth") > 100
        assert len(image.get_attribute("alt").split()) >= 6
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    for window, theme in ((PROJECTOR, "light"), (PHONE, "light"), (PHONE, "dark")):
        page.set_viewport_size(window)
        page.emulate_media(color_scheme=theme)
        page.wait_for_timeout(200)  # until what scrolls was measured
        assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]
        assert not problems(page)


def test_index_says_what_each_lab_teaches(open_page):
    page = open_page()
    labs = page.locator("article section section")
    for lab, title in zip(labs.all_inner_texts(), titles("#"), strict=True):
        assert lab.startswith(title)
        assert re.search(r"About \d+ minutes, and \d+ for the exercises", lab)
    expect(labs.first.locator("li")).to_have_count(3)


def test_menu_lists_the_labs_and_the_sections(open_page):
    page = open_page("05_signatures", {"width": 1600, "height": 900})
    menu = page.locator(".sidebar-tree")
    assert menu.get_by_role("link").all_inner_texts() == titles("#")
    assert menu.locator(".current-page").inner_text().startswith("5 · ")
    sections = page.get_by_role("complementary", name="Sections")
    assert {t for t in titles("##") if t.startswith("5.")} < set(
        sections.get_by_role("link").all_inner_texts()
    )
    sections.get_by_role("link", name="5.4").click()
    expect(page.get_by_role("heading", name=re.compile("^5.4"))).to_be_in_viewport()


def test_search_on_a_disk_leads_to_the_words(open_page):
    page = open_page("01_bad_example")
    page.keyboard.press("/")
    page.keyboard.type("2.6 Rebuild a model from its record")
    page.keyboard.press("Enter")
    expect(page.locator("#search-results p").first).to_contain_text("found")
    assert not problems(page, ["article"])
    page.locator("#search-results li a").filter(has_text="2.6 Rebuild a model").first.click()
    expect(page.locator("h1")).to_contain_text("2 · Tracking a scikit-learn model")
    expect(page.get_by_role("heading", name="2.6 Rebuild a model")).to_be_in_viewport()


def test_menu_of_a_phone_opens_with_keys(open_page):
    page = open_page("03_pytorch_tracking", PHONE)
    lab = page.locator(".sidebar-tree").get_by_role("link", name="4 · Autologging")
    expect(lab).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Labs")).to_be_focused()
    page.keyboard.press("Enter")
    expect(lab).to_be_in_viewport()
    assert not problems(page, [".sidebar-drawer"])


def test_print_is_the_text_alone(open_page):
    page = open_page("02_sklearn_tracking", A4, theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for around in ("header", ".sidebar-drawer", ".related-pages", ".copybtn"):
        expect(page.locator(around).first).to_be_hidden()
    paper = page.locator("body").evaluate("it => getComputedStyle(it).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    cut_off = "all => all.filter(code => code.scrollWidth > code.clientWidth).length"
    assert page.locator("pre").evaluate_all(cut_off) == 0
