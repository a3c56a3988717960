"""The MLflow UI as a student walks through it, for the tests and for the screenshots."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect


class MlflowUI:
    """The steps that the labs describe as "open it yourself", each by what is written on the page."""

    def __init__(self, page: Page, address: str):
        """Take a browser's page, and the address that `make ui` printed."""
        self.page = page
        self.address = address

    def open(self) -> MlflowUI:
        """Open the address, choose "Model training", and close the assistant."""
        self.page.goto(self.address)
        self.page.get_by_text("Model training", exact=True).click()
        assistant = self.page.get_by_placeholder("Ask a question")
        expect(assistant).to_be_visible()
        self.page.get_by_role("button", name="Close").last.click()
        expect(assistant).to_be_hidden()
        return self

    def experiment(self, name: str) -> None:
        """Go to the table of an experiment's runs, through the list of experiments."""
        self.page.goto(f"{self.address}/#/experiments")
        expect(self.page.get_by_role("heading", name="Experiments", exact=True)).to_be_visible()
        self.page.get_by_role("cell").get_by_role("link", name=name, exact=True).click()
        expect(self.page.get_by_role("heading", name="Runs")).to_be_visible()
        expect(self.page.locator(".ag-row").first).to_be_visible()

    @property
    def table(self) -> Locator:
        """The head of the table of runs."""
        return self.page.locator(".ag-header").first

    def row(self, run: str) -> Locator:
        """Return the row of a run in the table, the newest of that name."""
        link = self.page.get_by_role("link", name=run, exact=True)
        return self.page.locator(".ag-row").filter(has=link).first

    def tick(self, *runs: str) -> None:
        """Tick runs in the table; an unfolded parent brings its children along."""
        for run in runs:
            self.row(run).get_by_role("checkbox", name="row selection").check(force=True)

    def search(self, filter_string: str) -> None:
        """Type a filter into the field above the table."""
        field = self.page.get_by_placeholder("metrics.rmse")
        field.press_sequentially(filter_string)
        field.press("Escape")  # the suggestions, which would swallow the next key
        field.press("Enter")

    def unfold(self, parent: str) -> None:
        """Press the plus sign beside a run that has children."""
        self.row(parent).get_by_role("button").click()

    def toggle_columns(self, *names: str) -> None:
        """Show columns of the table that are hidden, and hide those that are shown, in the menu above it."""
        self.page.get_by_role("button", name="Columns").click()
        menu = self.page.get_by_role("dialog")
        for name in names:
            menu.get_by_text(name, exact=True).click()
        self.page.keyboard.press("Escape")
        expect(menu).to_be_hidden()

    def run(self, name: str, tab: str = "Overview") -> None:
        """Go from an experiment's table to the page of a run, and to one of its tabs."""
        self.page.get_by_role("link", name=name, exact=True).first.click()
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()
        self.page.get_by_role("tab", name=tab, exact=True).click()

    def model_of(self, run: str, name: str, tab: str = "Overview") -> None:
        """Go from an experiment's table to the page of a model that a run logged, and to one of its tabs."""
        self.run(run)
        self.page.get_by_role("link", name=name, exact=True).first.click()
        expect(self.page.get_by_text("About this logged model")).to_be_visible()
        self.page.get_by_text(tab, exact=True).first.click()

    def registered_model(self, name: str | re.Pattern[str]) -> None:
        """Go to the page of a registered model, through the list of them, and close the note on aliases."""
        self.page.get_by_role("link", name="Model registry").click()
        self.page.get_by_role("button", name="Try it now").click()
        self.page.get_by_role("link", name=name).click()
        expect(self.page.get_by_role("heading", name=name)).to_be_visible()

    def charts(self) -> None:
        """Choose the charts instead of the table of an experiment's runs."""
        self.page.locator("label").filter(has=self.page.locator("input[value=CHART]")).click()
