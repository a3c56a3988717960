"""The automated part of an accessibility check."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

# pandas leaves the corner of a table, above its index, empty.
OPTIONS = {"resultTypes": ["violations"], "rules": {"empty-table-header": {"enabled": False}}}


def problems(page: Page, include: list[str] | None = None) -> str:
    """Return what axe finds wrong with a page: headings, alternative texts, contrast and more; empty if nothing.

    Args:
        page: the page, as it is now.
        include: CSS selectors of what to look at, if not at everything.
    """
    context = {"include": [[selector] for selector in include]} if include else None
    found = Axe().run(page, context=context, options=OPTIONS)
    return found.generate_report() if found.violations_count else ""
