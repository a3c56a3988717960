"""`make reset`: start with an empty store, the old one is moved aside; `make adopt`: let the labs mend a store that others made."""

from __future__ import annotations

import shutil
import sys
from datetime import datetime
from pathlib import Path

from lab import store
from lab.setup.repair import mend_files
from lab.setup.variables import apply_settings
from lab.store import LabError


def reset() -> Path | None:
    """Move the labs' file store aside, to a name beside it that ends in the current time.

    Returns:
        Where the store is now, or None if there was none.

    Raises:
        LabError: the runs go to a database or a server, or the folder cannot be moved.
    """
    folder = store.labs_store().folder
    if folder is None:
        raise LabError(
            f"The runs go to {store.labs_store()}, which this command leaves alone: delete experiments there in the "
            "MLflow UI, or name a new store in LAB_TRACKING_URI."
        )
    if not folder.exists():
        return None
    if not store.is_own(folder):
        raise LabError(
            f"{folder} was not made by the labs, so this command leaves it alone: move it yourself, or name another folder."
        )
    aside = folder.with_name(f"{folder.name}-{datetime.now():%Y-%m-%d-%H%M%S}")
    answers = list((store.ROOT / "notebooks").glob("my_*.csv"))  # lab 1's, kept by hand
    try:
        # Copied first, as the store may be on another disk: all is moved, or nothing.
        for answer in answers:
            shutil.copy2(answer, folder)
        folder.rename(aside)
    except OSError as error:
        for answer in answers:
            (folder / answer.name).unlink(missing_ok=True)
        raise LabError(
            f"{folder} cannot be moved ({error.strerror}): close JupyterLab and the MLflow UI, which may use it, "
            "and try again."
        ) from None
    for answer in answers:
        answer.unlink()
    return aside


def adopt() -> Path:
    """Make a store that others made, or older labs, the labs' own, and return where a copy of it lies.

    Raises:
        LabError: there is no such store, or it cannot be copied.
    """
    folder = store.labs_store().folder
    if folder is None or not store.holds_experiments(folder) or store.is_own(folder):
        raise LabError(
            f"{store.labs_store()} is no folder of MLflow runs that others made: name one in LAB_TRACKING_URI."
        )
    copy = folder.with_name(f"{folder.name}-copy-{datetime.now():%Y-%m-%d-%H%M%S}")
    try:
        shutil.copytree(folder, copy, symlinks=True)
        (folder / store.MARKER).touch()
    except OSError as error:
        shutil.rmtree(copy, ignore_errors=True)
        raise LabError(
            f"{folder} cannot be copied ({str(error)[:200]}); it is as it was."
        ) from None
    return copy


def main() -> None:
    """Move the store aside and say where to, or with `adopt` make it the labs' own; the command line of this module."""
    if sys.argv[1:] == ["adopt"]:
        print(
            f"The labs may mend {store.labs_store()} now; {adopt().name}/ beside it is as it was."
        )
        apply_settings()
        for notice in mend_files(store.labs_store()):
            print(f"Note: {notice}")
        return
    folder, shown = store.labs_store().folder, str(store.labs_store())
    aside = reset()
    if folder is None or aside is None:
        print(f"Nothing to move: there is no {shown} yet.")
        return
    print(f"Moved {shown} to {aside.name}/ beside it; nothing was deleted.")
    print("Notebooks that are open must be restarted, or run their first cell again.")
    print(f"To use it again, rename it back to {folder.name}/, or name it in LAB_TRACKING_URI.")


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
