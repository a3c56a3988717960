"""The commands: `python -m lab ui`, `progress`, `reset`, `adopt` and `html`, which `make` calls by the same names."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from lab import store
from lab.exercises.afresh import start_over
from lab.exercises.check import progress
from lab.servers import HOST, any_port, is_free, port_from, require_mlflow, run_until_stopped
from lab.setup import checks, go_to_store
from lab.setup.repair import mend_files
from lab.setup.variables import apply_settings
from lab.store import LabError, labs_store

DEFAULT_PORT = 5000
FIRST_RUNS = "notebooks/02_sklearn_tracking.ipynb"  # the first lab that logs a run
COMMANDS = {
    "ui": "serve the MLflow UI on the store that the notebooks write",
    "progress": "list the exercises, and which are done",
    "reset": "start with an empty store; the old one is moved aside",
    "adopt": "let the labs mend a store that others made, or older labs; a copy is kept",
    "html": "write the labs as pages for reading to build/html",
}


def main() -> None:
    """Do what the command line asks for.

    Raises:
        LabError: it cannot be done; the message says why.
    """
    parser = argparse.ArgumentParser(prog="python -m lab")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, does in COMMANDS.items():
        commands.add_parser(name, help=does, description=does)
    commands.choices["ui"].add_argument("--port", help=f"if it is free (default {DEFAULT_PORT})")
    commands.choices["progress"].add_argument(
        "--verify", action="store_true", help="judge every answer anew"
    )
    where = "where the project's files are online, for links to them"
    commands.choices["html"].add_argument("--source", default="../..", help=where)
    commands.choices["reset"].add_argument(
        "--lab", type=int, choices=range(1, 11), default=0, help="only this one"
    )
    options = parser.parse_args()
    if options.command == "html":
        from lab.pages import write

        write(options.source)
        return
    # Where a relative path in a database's address starts, as it does for the notebooks.
    os.chdir(store.ROOT / "notebooks")
    if options.command == "ui":
        show_ui(port_from(options.port))
        return
    apply_settings()
    if options.command == "progress":
        logging.disable(logging.WARNING)  # what MLflow says of a student's models
        progress(options.verify)
    elif options.command == "reset":
        reset(options.lab)
    else:
        adopt()


def show_ui(port: int | None) -> None:
    """Serve the MLflow UI on the labs' store until Ctrl-C, and say where it answers.

    Args:
        port: the port to use if it is free, None for the one that is usual here.

    Raises:
        LabError: the server does not start or ends early; the message holds its last lines.
    """
    if os.environ.get("LAB_TRACKING_URI", "").startswith(f"{store.PLATFORM_SCHEME}:"):
        print("The runs go to the project's Experiments tab, which is their UI: open that.")
        return
    labs = labs_store()
    if labs.is_server:
        print(f"The runs go to {labs}, which has its own UI: open that address.")
        return
    require_mlflow("make ui")
    public_host = None
    if port is None and (session := checks.cloudera_session()):
        port, public_host = session.place(is_free)
    elif not is_free(port := port or DEFAULT_PORT):
        port = any_port()
    # Source: GitHub's documentation, "Default environment variables for your codespace".
    if domain := os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN"):
        public_host = f"{os.environ['CODESPACE_NAME']}-{port}.{domain}"
    checks.check_store(labs)
    apply_settings()
    for notice in mend_files(labs):
        print(f"Note: {notice}")
    options = ["--workers", "1", "--backend-store-uri", labs.uri]
    # Otherwise an experiment created in the UI would keep its artifacts where only this server finds them.
    options += ["--no-serve-artifacts"]
    # Requests come with the name that the browser used, and MLflow refuses names it does not know.
    if public_host:
        # An editor may forward the port to another one of the reader's computer.
        options += ["--allowed-hosts", f"{public_host},{HOST}:*,localhost:*"]
        options += ["--cors-allowed-origins", f"https://{public_host},http://{public_host}"]

    def tell(address: str) -> None:
        shown = f"https://{public_host}" if public_host else address
        print(f"The MLflow UI shows {labs}: open {shown} (Ctrl-C ends it)", flush=True)
        if labs.folder is not None and not any(labs.folder.glob("*/*/meta.yaml")):
            told = f"run {FIRST_RUNS} first, then reload the page."
            print(f"Note: there is no run yet: {told}", flush=True)

    try:
        run_until_stopped("The MLflow UI", options, port, tell)
    except LabError:
        if is_free(port):
            raise
        # A class on one computer starts it at the same moment, and one of them was faster.
        run_until_stopped("The MLflow UI", options, any_port(), tell)


def reset(lab: int = 0) -> Path | None:
    """Move the labs' file store aside, to a name beside it that ends in the current time, and say so.

    In the student's room on a class's server, and where one lab is named, runs are put out of sight where they are.

    Args:
        lab: the number of a lab that alone is to begin anew; 0 for all.

    Returns:
        Where the store is now, or None if there was none.

    Raises:
        LabError: the runs go to a database or another server, or the folder cannot be moved.
    """
    labs = labs_store()
    folder, shown = labs.folder, str(labs)
    stamp = f"{datetime.now():%Y-%m-%d-%H%M%S}"
    answers = list((store.ROOT / "notebooks").glob("my_*.csv"))  # lab 1's, kept by hand
    has_rooms = labs.is_server and checks.check_store(labs)
    if has_rooms or (lab and folder and store.is_own(folder)):
        import mlflow

        go_to_store(labs, has_rooms)
        if folder and lab == 10 and any((folder / "models").glob("*")):
            # In a folder, MLflow cannot rename a registered model whose versions have tags.
            aside = folder.with_name(f"{folder.name}-models-{stamp}")
            aside.mkdir()
            for model in (folder / "models").iterdir():
                model.rename(aside / model.name)
            print(f"The registered models now lie in {aside.name}/ beside the runs.")
        print(start_over(mlflow.MlflowClient(), lab))
        for answer in answers if lab in (0, 1) else ():
            answer.rename(answer.with_name(f"{answer.stem}-until-{stamp}.csv"))
        print("Run the first cell of an open notebook again.")
        return None
    if folder is None:
        raise LabError(
            f"The runs go to {labs}, which this command leaves alone: delete experiments there in the "
            "MLflow UI, or name a new store in LAB_TRACKING_URI."
        )
    if not folder.exists():
        print(f"Nothing to move: there is no {shown} yet.")
        return None
    if not store.is_own(folder):
        raise LabError(
            f"{folder} was not made by the labs, so this command leaves it alone: move it yourself, or name another folder."
        )
    aside = folder.with_name(f"{folder.name}-{stamp}")
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
    print(f"Moved {shown} to {aside.name}/ beside it; nothing was deleted.")
    print("Notebooks that are open must be restarted, or run their first cell again.")
    print(f"To use it again, rename it back to {folder.name}/, or name it in LAB_TRACKING_URI.")
    return aside


def adopt() -> Path:
    """Make a store that others made, or older labs, the labs' own; mend it, and return where a copy of it lies.

    Raises:
        LabError: there is no such store, or it cannot be copied.
    """
    labs = labs_store()
    folder = labs.folder
    if folder is None or not store.holds_experiments(folder) or store.is_own(folder):
        raise LabError(
            f"{labs} is no folder of MLflow runs that others made: name one in LAB_TRACKING_URI."
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
    print(f"The labs may mend {labs} now; {copy.name}/ beside it is as it was.")
    for notice in mend_files(labs):
        print(f"Note: {notice}")
    return copy


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
