"""A student's path through lab 2: step by step, a restart and anew, then a wrong answer and a right one."""

import nbformat
import pytest
from notebook_page import JUPYTERLAB_ADDRESS, NotebookPage
from playwright.sync_api import expect
from support import NOTEBOOKS, copy_project, make, started

pytestmark = pytest.mark.browser
LAB = NOTEBOOKS[1]


@pytest.fixture
def lab(page, watch, tmp_path):
    """A notebook in JupyterLab as a student finds it, on a project of his own."""
    project = copy_project(tmp_path / "my labs", installed=True)
    settings = {"JUPYTERLAB_SETTINGS_DIR": str(tmp_path / "settings")}
    command = make("lab", "ARGS=--no-browser")
    with started(command, JUPYTERLAB_ADDRESS, project, settings) as (_, _, found):
        yield NotebookPage(watch(page), *found.groups()), project


def test_step_through_and_answer_an_exercise(lab, page, watch):
    lab, project = lab
    cells = nbformat.read(LAB, as_version=4).cells
    answer = next(place for place, cell in enumerate(cells) if cell.id == "answer-2-1")
    lab.open(LAB.name)
    assert not (project / "mlruns").exists()

    def step_through(cells):
        lab.choose_first_cell()
        for cell in cells:
            page.keyboard.press("Shift+Enter")
            if cell.cell_type == "code":
                lab.wait_until_idle()

    step_through(cells[: answer // 2])
    # In the middle, not at once: JupyterLab asks each new kernel about its debugger several times, and
    # reports an error when a restart cuts such a question off.
    lab.menu("Kernel", "Restart Kernel…")
    with page.expect_response("**/api/kernels/*/restart*"):
        page.get_by_role("button", name="Confirm Kernel Restart").click()
    lab.wait_until_idle()
    step_through(cells[:answer])
    expect(lab.active_cell).to_contain_text("Your code for exercise 2.1")
    numbers = [cell.cell_type for cell in cells[:answer]].count("code")

    def answer_with(code):
        lab.write(code)
        page.keyboard.press("Shift+Enter")
        check = lab.active_cell
        page.keyboard.press("Shift+Enter")
        lab.wait_until_idle()
        page.keyboard.press("ArrowUp")
        expect(check).to_contain_text('lab.check("2.1")')
        told = check.locator(".jp-OutputArea-output").inner_text()
        page.keyboard.press("ArrowUp")
        return told

    told = answer_with("train('my-setting', 1.0)")
    assert told.startswith(
        "❌ 2.1 not right yet: found C = 1.0 in the run 'my-setting', expected C = 10"
    )
    told = answer_with("train('my-setting', 10)")
    assert told.startswith("✅ 2.1 done:")
    expect(lab.active_cell.locator(".jp-InputPrompt")).to_have_text(f"[{numbers + 3}]:")
    assert (project / "mlruns").is_dir()
    assert not watch.errors and not watch.elsewhere

    lab.menu("File", "Save Notebook")
    expect(page.locator(".jp-mod-dirty")).to_have_count(0)
    saved = nbformat.read(project / "notebooks" / LAB.name, as_version=4)
    assert saved.cells[answer].source == "train('my-setting', 10)"
    assert saved.metadata.kernelspec == nbformat.read(LAB, as_version=4).metadata.kernelspec
    assert [cell.id for cell in saved.cells] == [cell.id for cell in cells]
