"""A notebook in JupyterLab as a student handles it: by the menu, the file browser and the keyboard."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Locator, Page, expect

JUPYTERLAB_ADDRESS = r"(http://127\.0\.0\.1:\d+)/\S*\?token=(\w+)"  # as `make lab` prints it
RUN_SECONDS = 300  # for all cells of a lab; usually about ten


def all_cells_on_the_page(settings: Path) -> dict[str, str]:
    """Return the environment in which JupyterLab puts all cells on the page, not only those in sight.

    Args:
        settings: an empty folder, for JupyterLab's settings.
    """
    tracker = settings / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    tracker.parent.mkdir(parents=True)
    tracker.write_text('{"windowingMode": "none"}', encoding="utf-8")
    return {"JUPYTERLAB_SETTINGS_DIR": str(settings)}


class NotebookPage:
    """One notebook in one browser window."""

    def __init__(self, page: Page, address: str, token: str):
        """Take a browser's page, and what `make lab` printed."""
        self.page = page
        self.address = address
        self.token = token

    def open(self, name: str) -> None:
        """Open JupyterLab in a window without other notebooks, and a notebook by a double click on its name."""
        self.page.goto(
            f"{self.address}/lab/workspaces/{name.partition('.')[0]}?reset&token={self.token}"
        )
        files = self.page.get_by_role("region", name="File Browser Section")
        if not files.get_by_text(name, exact=True).is_visible():
            files.get_by_text("notebooks", exact=True).last.dblclick()
        files.get_by_text(name, exact=True).dblclick()
        expect(self.page.get_by_role("tab", name=name)).to_be_visible()
        expect(self.cells.first).to_be_visible()
        self.wait_until_idle()

    @property
    def cells(self) -> Locator:
        """The code cells."""
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell")

    def menu(self, name: str, item: str) -> None:
        """Choose an item of the menu bar."""
        self.page.get_by_role("menuitem", name=name, exact=True).first.click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()

    def wait_until_idle(self) -> None:
        """Wait until the kernel has nothing to do any more."""
        waiting = self.page.locator(".jp-InputPrompt").filter(has_text="[*]")
        expect(waiting).to_have_count(0, timeout=RUN_SECONDS * 1000)
        expect(self.page.locator("#jp-main-statusbar")).to_contain_text(
            "Idle", timeout=RUN_SECONDS * 1000
        )

    def outputs(self) -> list[str]:
        """Return the text under each code cell, as a reader sees it."""
        return [
            "\n".join(output.inner_text() for output in cell.locator(".jp-OutputArea-output").all())
            for cell in self.cells.all()
        ]

    @property
    def active_cell(self) -> Locator:
        """The cell that the next key acts on."""
        return self.page.locator(".jp-NotebookPanel:visible .jp-Cell.jp-mod-active")

    def choose_first_cell(self) -> None:
        """Make the first cell the active one."""
        self.page.locator(".jp-NotebookPanel:visible .jp-Cell").first.click()
        self.page.keyboard.press("Escape")

    def write(self, code: str) -> None:
        """Replace what stands in the active cell."""
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("ControlOrMeta+a")
        self.page.keyboard.insert_text(code)
