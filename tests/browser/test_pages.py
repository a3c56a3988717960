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
def test_page_loads_alone_and_nothing_is_cut_off(name, open_page, page, watch):
    watch(page)
    open_page(name)
    page.wait_for_load_state("networkidle")
    assert not watch.errors
    assert not watch.elsewhere
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.complete && image.naturalWidth") > 100
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    for window in (PROJECTOR, PHONE):
        page.set_viewport_size(window)
        assert page.evaluate("document.documentElement.scrollWidth") <= window["width"]


@every_page
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("window", [PROJECTOR, PHONE], ids=["projector", "phone"])
def test_page_is_accessible(name, theme, window, open_page):
    page = open_page(name, window, theme)
    page.evaluate("document.querySelectorAll('details').forEach(folded => folded.open = true)")
    page.wait_for_timeout(100)  # until what scrolls was measured
    assert not problems(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_open_menu_and_search_are_accessible(theme, open_page):
    page = open_page("02_sklearn_tracking", PHONE, theme)
    page.get_by_role("button", name="Labs").click()
    assert not problems(page, ["#labs"])
    page.keyboard.press("Escape")
    page.get_by_role("searchbox").fill("log_model")
    expect(page.get_by_role("search").get_by_role("link").first).to_be_visible()
    assert not problems(page, ["header"])


def test_index_says_what_each_lab_teaches(open_page):
    page = open_page()
    cards = page.locator("section").all_inner_texts()
    assert len(cards) == len(NOTEBOOKS)
    for card, title in zip(cards, titles("#"), strict=True):
        assert card.startswith(title)
        assert re.search(r"About \d+ minutes, and \d+ for the exercises", card)


def test_next_and_previous_walk_through_all_labs(open_page):
    page = open_page()
    page.get_by_role("main").get_by_role("link").first.click()
    neighbours = page.get_by_role("navigation", name="Neighbours")
    for word in ("Next", "Previous"):
        order = titles("#") if word == "Next" else titles("#")[::-1]
        for title in order[1:]:
            neighbours.get_by_role("link", name=word).click()
            assert page.locator("h1").inner_text().startswith(title)
        assert not neighbours.get_by_role("link", name=word).count()


def test_sidebar_leads_to_sections_and_says_where_the_reader_is(open_page):
    page = open_page("05_signatures")
    sidebar = page.get_by_role("navigation", name="Labs")
    assert sidebar.locator("> ol > li > a").all_inner_texts() == ["All labs", *titles("#")]
    sections = [title for title in titles("##") if title.startswith("5.")]
    assert sidebar.locator("ol ol a").all_inner_texts() == [*sections, "Recap"]
    assert sidebar.locator("[aria-current=page]").inner_text().startswith("5 · ")
    sidebar.get_by_role("link", name="5.4").click()
    expect(page.get_by_role("heading", name=re.compile("^5.4"))).to_be_in_viewport()
    expect(sidebar.locator("[data-here]")).to_have_text(sections[3])


def test_search_finds_every_section(open_page):
    page = open_page()
    for level in ("#", "##", "###"):
        for title in set(titles(level)) - {"Recap"}:
            page.get_by_role("searchbox").fill(title)
            found = page.locator(".results a b").all_inner_texts()
            assert title == found[0], f"{title} is not the first of {found}"


def test_search_with_the_keyboard(open_page):
    page = open_page("01_bad_example")
    page.keyboard.press("/")
    page.keyboard.type("nonsense42")
    expect(page.get_by_role("status")).to_have_text("0 places")
    page.keyboard.press("Escape")
    expect(page.get_by_role("status")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("DIGEST rebuilt")
    first = page.locator(".results a").first
    expect(first).to_contain_text("2.6 Rebuild a model from its record")
    assert first.locator("mark").first.inner_text().lower() == "digest"
    for key in ("ArrowUp", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    expect(first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="2.6 Rebuild a model")).to_be_in_viewport()


def test_search_takes_any_text_and_shows_it_as_text(open_page, watch):
    page = watch(open_page())
    for text in ("<img src=x onerror=alert(1)>", "(", "a[b\\", 'f"{', "=None", "  "):
        page.get_by_role("searchbox").fill(text)
        assert not page.locator(".results img").count()
    assert not watch.errors


def test_copy_button_copies_the_code_and_says_so(open_page, context):
    page = open_page("02_sklearn_tracking")
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    cells = nbformat.read(NOTEBOOKS[1], as_version=4).cells
    sources = [cell.source for cell in cells if cell.cell_type == "code"]
    code = page.locator(".input .highlight")
    assert code.count() == len(sources)
    for place in (0, 1, 2):
        code.nth(place).hover()
        button = code.nth(place).get_by_role("button", name="Copy")
        button.click()
        expect(code.nth(place).get_by_role("button")).to_have_text("Copied")
        assert page.evaluate("navigator.clipboard.readText()") == sources[place]


def test_menu_of_a_phone_needs_no_script(browser, pages):
    page = browser.new_page(java_script_enabled=False, viewport=PHONE)
    page.goto((pages / "03_pytorch_tracking.html").as_uri())
    expect(page.get_by_role("searchbox")).to_be_hidden()
    menu = page.get_by_role("navigation", name="Labs")
    expect(menu).to_be_hidden()
    page.get_by_role("button", name="Labs").click()
    menu.get_by_role("link", name="4 · Autologging").click()
    assert page.locator("h1").inner_text().startswith("4 · ")
    page.locator("summary", has_text="Solution").first.click()
    expect(page.locator("details[open] pre").first).to_be_visible()
    page.close()


def test_print_is_the_text_alone(open_page):
    page = open_page("02_sklearn_tracking", A4, theme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    for around in ("header", "#labs", ".neighbours", ".highlight button"):
        expect(page.locator(around).first).to_be_hidden()
    assert page.locator("body").evaluate("it => getComputedStyle(it).backgroundColor") == (
        "rgb(255, 255, 255)"
    )
    cut_off = "all => all.filter(code => code.scrollWidth > code.clientWidth).length"
    assert page.locator("pre").evaluate_all(cut_off) == 0
