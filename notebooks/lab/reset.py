"""`make reset`: start with an empty store. The old one is moved aside, and nothing is deleted."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

from lab import store
from lab.errors import LabError


def reset() -> Path | None:
    """Move the labs' file store aside, to a name beside it that ends in the current time.

    Returns:
        Where the store is now, or None if there was none.

    Raises:
        LabError: the runs go to a database or a server, or the folder cannot be moved.
    """
    folder = store.folder()
    if folder is None:
        raise LabError(
            f"The runs go to {store.describe()}, which this command leaves alone: delete experiments there in the "
            "MLflow UI, or name a new store in LAB_TRACKING_URI."
        )
    if store.ROOT.is_relative_to(folder):
        raise LabError(
            f"LAB_TRACKING_URI names {folder}, which holds this project itself: name a folder of its own."
        )
    if not folder.exists():
        return None
    aside = folder.with_name(f"{folder.name}-{datetime.now():%Y-%m-%d-%H%M%S}")
    try:
        folder.rename(aside)
        for answer in (store.ROOT / "notebooks").glob("my_*.csv"):  # lab 1's, kept by hand
            answer.rename(aside / answer.name)
        return aside
    except OSError as error:
        raise LabError(
            f"{folder} cannot be moved ({error.strerror}): close JupyterLab and the MLflow UI, which may use it, "
            "and try again."
        ) from None


def main() -> None:
    """Move the store aside and say where to; the command line of this module."""
    folder, shown = store.folder(), store.describe()
    aside = reset()
    if folder is None or aside is None:
        print(f"Nothing to move: there is no {shown} yet.")
        return
    print(f"Moved {shown} to {aside.name}/ beside it; nothing was deleted.")
    print(f"To use it again, rename it back to {folder.name}/, or name it in LAB_TRACKING_URI.")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
