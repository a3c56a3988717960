"""What a student does in JupyterLab, done in a browser."""

import pytest
from accessibility import problems
from support import NOTEBOOKS

pytestmark = pytest.mark.browser
every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
OURS = [".jp-RenderedMarkdown", ".jp-RenderedHTML", ".jp-RenderedText"]


@every_notebook
def test_run_from_the_menu_shows_what_the_repository_shows(notebook, opened):
    """Labs 8 and 9 are opened only."""
    ran = opened(notebook)
    assert sum(map(bool, ran.before)) > 5
    assert ran.after == ran.before
    for kind in ("error", "stderr"):
        assert not ran.lab.page.locator(f".jp-OutputArea-output[data-mime-type*={kind}]").count()
    assert not ran.watch.elsewhere and not ran.watch.errors


@every_notebook
def test_pictures_are_shown(notebook, opened):
    page = opened(notebook).lab.page
    pictures = page.locator(".jp-NotebookPanel img")
    assert pictures.count() >= 1
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        width = picture.evaluate("image => image.complete && image.naturalWidth")
        shown, room = picture.bounding_box(), page.locator(".jp-NotebookPanel").bounding_box()
        assert width > 100, picture.get_attribute("src")[:60]
        assert shown["width"] > 100 and shown["x"] + shown["width"] <= room["x"] + room["width"]


@every_notebook
def test_what_is_ours_is_accessible(notebook, opened):
    assert not problems(opened(notebook).lab.page, include=OURS)
