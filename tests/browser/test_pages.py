"""The pages that `make html` writes, as a browser shows them from the disk: with and without scripts, on a phone too."""

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


def test_next_and_previous_walk_through_all_labs(open_page):
    page = open_page()
    page.get_by_role("article").or_(page.get_by_role("main")).get_by_role("link").nth(1).click()
    for word, order in (("next", titles("#")), ("prev", titles("#")[::-1])):
        for title in order[1:]:
            page.locator(f"footer a.{word}-page").click()
            assert page.locator("h1").inner_text().startswith(title)
    assert "index" in page.locator("footer a.prev-page").get_attribute("href")


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


@pytest.mark.parametrize("words", ["2.6 Rebuild a model from its record", "digest rebuilt", '"f{('])
def test_search_on_a_disk_leads_to_the_words(words, open_page):
    page = open_page("01_bad_example")
    page.keyboard.press("/")
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.locator("#search-results p").first).to_contain_text("found")
    assert not problems(page, ["article"])
    found = page.locator("#search-results li a")
    expect(found.filter(has_text="2 · Tracking").first).to_be_visible()
    found.filter(has_text=words if "Rebuild" in words else "2 · Tracking").first.click()
    expect(page.locator("h1")).to_contain_text("2 · Tracking a scikit-learn model")
    if "Rebuild" in words:
        expect(page.get_by_role("heading", name="2.6 Rebuild a model")).to_be_in_viewport()


def test_copy_button_copies_the_code(open_page, context):
    page = open_page("02_sklearn_tracking")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    cells = nbformat.read(NOTEBOOKS[1], as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    code = page.locator(".cell_input")
    assert code.count() == len(sources)
    for place in (0, 2):
        code.nth(place).hover()
        code.nth(place).get_by_role("button").click()
        page.wait_for_timeout(200)
        assert page.evaluate("navigator.clipboard.readText()").strip() == sources[place].strip()


def test_menu_of_a_phone_opens_with_keys_and_without_scripts(browser, open_page, pages):
    page = open_page("03_pytorch_tracking", PHONE)
    lab = page.locator(".sidebar-tree").get_by_role("link", name="4 · Autologging")
    expect(lab).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Labs")).to_be_focused()
    page.keyboard.press("Enter")
    expect(lab).to_be_in_viewport()
    assert not problems(page, [".sidebar-drawer"])

    page = browser.new_page(java_script_enabled=False, viewport=PHONE)
    page.goto((pages / "03_pytorch_tracking.html").as_uri())
    page.locator("label.nav-overlay-icon").click()
    page.locator(".sidebar-tree").get_by_role("link", name="4 · Autologging").click()
    assert page.locator("h1").inner_text().startswith("4 · ")
    page.locator("summary", has_text="Solution").first.click()
    expect(page.locator("details[open] pre").first).to_be_visible()
    page.close()


def test_print_is_the_text_alone(open_page):
    page = open_page("02_sklearn_tracking", A4, theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for around in ("header", ".sidebar-drawer", ".related-pages", ".copybtn"):
        expect(page.locator(around).first).to_be_hidden()
    paper = page.locator("body").evaluate("it => getComputedStyle(it).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    cut_off = "all => all.filter(code => code.scrollWidth > code.clientWidth).length"
    assert page.locator("pre").evaluate_all(cut_off) == 0
