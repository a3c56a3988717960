"""Who the student is, and the student's own room: a workspace on a server that keeps one for each.

In a workspace, the names of experiments and models, and every search, are the student's own. Source: MLflow's documentation,
"Workspaces" (https://mlflow.org/docs/latest/self-hosting/workspaces/), experimental since MLflow 3.10.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import os
import platform
import re
import time
import unicodedata
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from lab import store
from lab.store import LabError

if TYPE_CHECKING:
    from mlflow import MlflowClient

A_DAY = 86_400  # seconds


def student_name() -> str:
    """Return the name on a student's runs: `LAB_STUDENT`, else the user of a server with accounts, else the computer's."""
    return given_name() or getpass.getuser()


def given_name() -> str:
    """Return the student's name where one was given to the labs, else an empty text.

    Raises:
        LabError: the name holds a quotation mark that no search could ask for, or what cannot be seen.
    """
    for variable in ("LAB_STUDENT", "MLFLOW_TRACKING_USERNAME"):
        name = os.environ.get(variable, "").strip()
        if name:
            if '"' in name or "\\" in name or not name.isprintable():
                raise LabError(
                    f"{variable} is {name!r}: write the name without quotation marks, backslashes and line breaks."
                )
            return name
    return ""


def room_of(student: str) -> str:
    """Return the name of a student's workspace: the student's name in small letters, digits and hyphens.

    A name that needs other characters gets a short digest at its end, so that no two students share a room.

    Args:
        student: the student's name, in any script.
    """
    plain = unicodedata.normalize("NFKD", student.casefold()).encode("ascii", "ignore").decode()
    room = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")
    if room == student.casefold() and len(room) > 1 and room not in RESERVED:
        return room
    return f"{room or 'student'}-{hashlib.sha256(student.casefold().encode()).hexdigest()[:6]}"


RESERVED = ("default", "workspaces", "api", "ajax-api", "static-files")


def enter(mlflow: ModuleType) -> tuple[str, list[str]]:
    """Enter the student's room on a server that keeps one for each student, and make it if it is missing.

    Args:
        mlflow: the imported package, pointed at such a server.

    Returns:
        the name of the room, and notices.

    Raises:
        LabError: nobody said who the student is, the room cannot be entered, or this MLflow knows no workspaces.
    """
    server = store.labs_store().shown
    if not hasattr(mlflow, "set_workspace"):
        raise LabError(
            f"The server {server} keeps a room for each student, which MLflow {mlflow.__version__} cannot enter: use MLflow "
            "3.10 or newer, or unset LAB_TRACKING_URI to use the folder mlruns/."
        )
    name = given_name()
    if not name:
        with _let_in(server):  # one with accounts asks for them first
            mlflow.list_workspaces()
        raise LabError(
            f"The server {server} keeps a room for each student: set LAB_STUDENT to your name, for example with "
            "'LAB_STUDENT=ada make lab', and start again."
        )
    room = room_of(name)
    notices = _make(mlflow, room, server)
    mlflow.set_workspace(room)
    return room, notices


def choose_default(mlflow: ModuleType) -> str:
    """Have runs without an experiment go to *Default* in a room, and make it if it is missing; return its id.

    MLflow knows *Default* by the id 0, which belongs to no student's room.

    Args:
        mlflow: the imported package, in the student's room.
    """
    with contextlib.suppress(mlflow.MlflowException):  # it is there
        mlflow.MlflowClient().create_experiment("Default")
    place = str(mlflow.get_experiment_by_name("Default").experiment_id)
    os.environ["MLFLOW_EXPERIMENT_ID"] = place
    return place


def _make(mlflow: ModuleType, room: str, server: str) -> list[str]:
    """Make a room if it is missing; return a notice if it was made on another computer."""
    here = f"made on the computer '{platform.node()}'"
    mlflow.set_workspace(None)
    with _let_in(server, room):
        # Asking for one room by its name is allowed to administrators alone.
        found = next((known for known in mlflow.list_workspaces() if known.name == room), None)
        if found is None:
            try:
                mlflow.create_workspace(room, description=here)
            except mlflow.MlflowException as error:
                # Made by another notebook of the student's at this moment?
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
            return []
    made_on = found.description or ""
    if made_on != here and made_on.startswith("made on "):
        return [
            f"the room '{room}' was {made_on}; if that was not you, choose another LAB_STUDENT."
        ]
    return []


@contextlib.contextmanager
def _let_in(server: str, room: str = "") -> Iterator[None]:
    """Say in a sentence that a server with accounts refuses what a block asks for."""
    from mlflow import MlflowException

    try:
        yield
    except MlflowException as error:
        user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
        if "ermission denied" in str(error):
            told = f"the account '{user}' has no room '{room}': set LAB_STUDENT to the account's own name, or unset it"
        elif "authenticate" in str(error):
            told = (
                "start with the line that your teacher gave you, or set MLFLOW_TRACKING_USERNAME and "
                "MLFLOW_TRACKING_PASSWORD to those of your account"
            )
        else:
            raise
        raise LabError(f"The server {server} does not let you in: {told}.") from None


def require_to_be_alone(client: MlflowClient) -> None:
    """Raise if somebody else has used the labs on this store within a day: without rooms, runs are in each other's way.

    Only looks: what is said of two students at the same moment, the one hears whose second call comes after the other's first run.

    Raises:
        LabError: the message names one of the others.
    """
    labs = [e.experiment_id for e in client.search_experiments() if e.name in store.EXPERIMENTS]
    of_today = f"attributes.start_time > {int(time.time() - A_DAY) * 1000}"
    for run in client.search_runs(labs, of_today) if labs else []:
        name = run.data.tags.get("mlflow.user", student_name())
        if name != student_name():
            raise LabError(
                f"'{name}' uses the labs on {store.labs_store()} too, and there your runs would be in each other's way: use a "
                "server with a room for each student ('make server'), or unset LAB_TRACKING_URI to use the folder mlruns/."
            )
