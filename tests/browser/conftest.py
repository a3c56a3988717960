"""A browser, JupyterLab and the MLflow UI, started as the README says, on a copy of the project."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
from mlflow_ui import MlflowUI
from nbval.plugin import get_sanitize_patterns
from notebook_page import JUPYTERLAB_ADDRESS, NotebookPage, all_cells_on_the_page
from playwright.sync_api import Page, expect
from support import NOTEBOOKS, ROOT, UI_ADDRESS, chromium, copy_project, make, run, started

LAPTOP = {"width": 1366, "height": 768}
# Labs 8 and 9 leave nothing that the MLflow UI shows here, and their outputs are of the same kinds as those of the others.
RUN = [path for path in NOTEBOOKS if path.name[:2] not in ("08", "09")]
expect.set_options(timeout=20_000)  # other tests run at the same time


@pytest.fixture(scope="session")
def browser_type_launch_args():
    try:
        return chromium()
    except FileNotFoundError as error:
        pytest.exit(str(error), returncode=1)


@pytest.fixture(scope="session")
def browser_context_args():
    return {"viewport": LAPTOP}


@dataclass
class Watch:
    """What a page did that none of ours may do."""

    errors: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def __call__(self, page: Page) -> Page:
        """Watch a page from now on, and return it."""
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._console)
        page.on("request", self._request)
        return page

    def _console(self, message):
        if message.type == "error":
            self.errors.append(message.text)

    def _request(self, request):
        url = urlsplit(request.url)
        if url.scheme not in ("data", "blob", "file") and url.hostname != "127.0.0.1":
            self.elsewhere.append(request.url)


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    return copy_project(tmp_path_factory.mktemp("browser") / "my labs", installed=True)


@pytest.fixture(scope="session")
def jupyterlab(project, tmp_path_factory):
    """The address and the token of JupyterLab, as `make lab` prints them."""
    # The student's path, in test_student.py, has JupyterLab's own setting.
    environment = all_cells_on_the_page(tmp_path_factory.mktemp("settings"))
    command = make("lab", "ARGS=--no-browser")
    with started(command, JUPYTERLAB_ADDRESS, project, environment) as (_, _, found):
        yield found.groups()


@dataclass
class Opened:
    """A notebook that was opened, and stays so; run from the menu, too, if it is one of `RUN`."""

    lab: NotebookPage
    watch: Watch
    before: list[str]
    after: list[str]


@pytest.fixture(scope="session")
def opened(jupyterlab, browser):
    """A function that opens a notebook through the file browser, once, and runs all its cells if it is one of `RUN`."""
    kept = {}

    def open_once(notebook: Path) -> Opened:
        if notebook.name not in kept:
            watch = Watch()
            lab = NotebookPage(watch(browser.new_page(viewport=LAPTOP)), *jupyterlab)
            lab.open(notebook.name)
            before = outputs(lab, notebook)
            if notebook in RUN:
                lab.menu("Edit", "Clear Outputs of All Cells")
                lab.menu("Run", "Run All Cells")
                lab.wait_until_idle()
            kept[notebook.name] = Opened(lab, watch, before, outputs(lab, notebook))
        return kept[notebook.name]

    yield open_once
    for one in kept.values():
        one.lab.page.close()


def outputs(lab: NotebookPage, notebook: Path) -> list[str]:
    """Return what stands under each code cell, but for those whose output nbval does not compare either."""
    cells = [
        cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"
    ]
    compared = ["nbval-ignore-output" not in cell.metadata.get("tags", []) for cell in cells]
    return [unchanging(text) for text in compress(lab.outputs(), compared)]


def unchanging(text: str) -> str:
    """Return an output without what differs from run to run, by the same patterns that nbval uses."""
    patterns = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    for pattern, replacement in dict(get_sanitize_patterns(patterns)).items():
        text = re.sub(pattern, replacement, text)
    return text


@pytest.fixture(scope="session")
def mlflow_address(project, opened):
    """The address that `make ui` prints, on the store that the notebooks of the session filled."""
    for notebook in RUN:
        opened(notebook)
    with started(make("ui"), UI_ADDRESS, project, {}) as (_, _, found):
        yield found[1]


@pytest.fixture
def mlflow_ui(page, watch, mlflow_address):
    return MlflowUI(watch(page), mlflow_address).open()


@pytest.fixture(scope="session")
def pages(project):
    """The folder of the reading copies that `make html` wrote."""
    done = run(make("html"), cwd=project)
    assert done.returncode == 0, done.stdout
    return project / "build" / "html"
