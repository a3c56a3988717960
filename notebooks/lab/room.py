"""Who the student is, and the student's own room: a workspace on a server that keeps one for each.

In a workspace, the names of experiments and models, and every search, are the student's own. Source: MLflow's documentation,
"Workspaces" (https://mlflow.org/docs/latest/self-hosting/workspaces/), experimental since MLflow 3.10.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import platform
import re
import time
import unicodedata

from lab.store import EXPERIMENTS, LabError, Store

VARIABLES = ("LAB_STUDENT", "MLFLOW_TRACKING_USERNAME")
A_DAY = 86_400  # seconds
RESERVED = ("default", "workspaces", "api", "ajax-api", "static-files")  # no student's room


def student_name() -> str:
    """Return the name on a student's runs: `LAB_STUDENT`, else the user of a server with accounts, else the computer's."""
    return chosen_name() or getpass.getuser()


def chosen_name() -> str:
    """Return the student's name where one was given to the labs, else an empty text.

    Raises:
        LabError: the name holds a quotation mark that no search could ask for, or what cannot be seen.
    """
    names = {name: os.environ.get(name, "").strip() for name in VARIABLES}
    variable, name = next(((key, name) for key, name in names.items() if name), ("", ""))
    if '"' in name or "\\" in name or not name.isprintable():
        raise LabError(
            f"{variable} is {name!r}: write the name without quotation marks, backslashes and line breaks."
        )
    return name


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


def enter(store: Store) -> tuple[str, list[str]]:
    """Enter the student's room on a server that keeps one for each student, and make it if it is missing.

    Args:
        store: such a server, to which MLflow points.

    Returns:
        the name of the room, and a notice if it was made on another computer.

    Raises:
        LabError: nobody said who the student is, the room cannot be entered, or this MLflow knows no workspaces.
    """
    import mlflow

    if not hasattr(mlflow, "set_workspace"):
        raise LabError(
            f"The server {store.shown} keeps a room for each student, which MLflow {mlflow.__version__} cannot enter: use MLflow "
            "3.10 or newer, or unset LAB_TRACKING_URI to use the folder mlruns/."
        )
    name, here, made = chosen_name(), f"made on the computer '{platform.node()}'", {}
    room = room_of(name)
    mlflow.set_workspace(None)
    try:
        # Asking for one room by its name is allowed to administrators alone.
        made = {known.name: known.description or "" for known in mlflow.list_workspaces()}
        if name and room not in made:
            mlflow.create_workspace(room, description=here)
    except mlflow.MlflowException as error:
        # Made by another notebook of the student's at this moment?
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise _refusal(error, store, room) from None
    if not name:
        raise LabError(
            f"The server {store.shown} keeps a room for each student: set LAB_STUDENT to your name, for example with "
            "'LAB_STUDENT=ada make lab', and start again."
        )
    mlflow.set_workspace(room)
    made_on = made.get(room, here)
    told = f"the room '{room}' was {made_on}; if that was not you, choose another LAB_STUDENT."
    return room, [told] if made_on.startswith("made on ") and made_on != here else []


def _refusal(error: Exception, store: Store, room: str) -> Exception:
    """Return in a sentence that a server with accounts refused something, or the error itself if it says something else."""
    if "ermission denied" in str(error):
        user = os.environ.get("MLFLOW_TRACKING_USERNAME", "")
        told = f"the account '{user}' has no room '{room}': set LAB_STUDENT to the account's own name, or unset it"
        if room == room_of(user):
            told = f"the room of '{user}' was deleted; your teacher's server makes a new one when it is started again"
    elif "authenticate" in str(error):
        told = (
            "start with the line that your teacher gave you, or set MLFLOW_TRACKING_USERNAME and "
            "MLFLOW_TRACKING_PASSWORD to those of your account"
        )
    else:
        return error
    return LabError(f"The server {store.shown} does not let you in: {told}.")


def require_to_be_alone(store: Store) -> None:
    """Raise if somebody else has used the labs on this store within a day: without rooms, runs are in each other's way.

    Raises:
        LabError: the message names one of the others.
    """
    import mlflow

    client, me = mlflow.MlflowClient(), student_name()
    labs = [e.experiment_id for e in client.search_experiments() if e.name in EXPERIMENTS]
    of_today = f"attributes.start_time > {int(time.time() - A_DAY) * 1000}"
    for run in client.search_runs(labs, of_today) if labs else []:
        if (name := run.data.tags.get("mlflow.user", me)) != me:
            raise LabError(
                f"'{name}' uses the labs on {store} too, and there your runs would be in each other's way: use a "
                "server with a room for each student ('make server'), or unset LAB_TRACKING_URI to use the folder mlruns/."
            )
