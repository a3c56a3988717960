"""The reading copies that `make html` writes, as a browser shows them from the disk."""

import pytest
from accessibility import problems
from support import NOTEBOOKS

pytestmark = pytest.mark.browser
PROJECTOR = {"width": 1280, "height": 720}
every_page = pytest.mark.parametrize("name", ["index", *(path.stem for path in NOTEBOOKS)])


@every_page
def test_page_loads_alone_and_nothing_is_cut_off(name, pages, page, watch):
    watch(page).goto((pages / f"{name}.html").as_uri())
    page.wait_for_load_state("networkidle")
    assert not watch.errors
    assert not watch.elsewhere
    for image in page.locator("img").all():
        image.scroll_into_view_if_needed()
        assert image.evaluate("image => image.complete && image.naturalWidth") > 100
    page.set_viewport_size(PROJECTOR)
    assert page.evaluate("document.documentElement.scrollWidth") <= PROJECTOR["width"]


@every_page
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_page_is_accessible(name, theme, pages, page):
    page.emulate_media(color_scheme=theme)
    page.goto((pages / f"{name}.html").as_uri())
    assert not problems(page)


def test_index_leads_to_every_lab(pages, page):
    page.goto((pages / "index.html").as_uri())
    for notebook in NOTEBOOKS:
        page.locator(f"a[href='{notebook.stem}.html']").first.click()
        assert page.locator("h1").inner_text().startswith(f"{int(notebook.name[:2])} · ")
        page.get_by_role("link", name="All labs").first.click()
