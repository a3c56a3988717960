"""The one kind of error that the labs raise themselves."""

from __future__ import annotations


class LabError(Exception):
    """A problem the reader can mend, in one sentence that says how. Notebooks show it without a traceback."""

    def _render_traceback_(self) -> list[str]:
        # IPython asks an exception for this method before it formats a traceback of its own.
        return [f"{type(self).__name__}: {self}"]
