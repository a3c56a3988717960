"""What a notebook wants to know of a run besides what MLflow says: its code's version, its files, a name for its model."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from lab import store
from lab.room import room_of, student_name
from lab.store import labs_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

COMMAND = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
SMALL = {"params", "metrics", "tags", "aliases"}  # folders of files that hold a value each
SHORT = 60  # characters of a value that fit on a projector beside its name
Files = dict[tuple[str, ...], str]  # the parts of each file's path, and a note on it


def code_version() -> str:
    """Return the git commit that the project's folder is at, for the tag `git_commit` of a run.

    Twelve digits of the commit, and `-dirty` behind them if a file that git knows was changed since: then no commit holds
    the code that runs. `no git` where git, a repository or its first commit is missing. It never raises, and prints nothing.
    """
    try:
        return subprocess.run(
            COMMAND, cwd=store.ROOT, capture_output=True, encoding="utf-8", timeout=30, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return "no git"


def model_name(what: str) -> str:
    """Return a name for a registered model: what it predicts, and the student's name.

    A registry has one list of names for all. On a server that several people share, two students' models must have two.

    Args:
        what: what the model predicts, in a word.
    """
    return name_for(what, student_name())


def name_for(what: str, student: str) -> str:
    """Return what `model_name` does, for any student."""
    return f"{what}-{room_of(student)}"


def show_files(of: str | ModelVersion) -> None:
    """Print the files that a run and the models logged in it left in the store, or those of a registered model's version.

    On a file store this is the run's folder itself, small values beside their names. A database or server keeps
    parameters, metrics and tags in tables, so there only the artifacts are listed, through MLflow's client.

    Args:
        of: the id of a run, as in `run.info.run_id`; or a version, as `mlflow.register_model` returns it.

    Raises:
        mlflow.exceptions.MlflowException: the store has no run of that id.
    """
    import mlflow

    folder = labs_store().folder
    if not isinstance(of, str):
        if folder is None:
            print(f"{labs_store()} keeps its registry in tables.")
        else:
            _print_folder(folder, folder / "models" / of.name, version=str(of.version))
        return
    run = mlflow.get_run(of)
    if folder is None:
        print(f"{labs_store()} keeps runs in tables; these are the run's artifacts:")
        _print_tree(artifacts(mlflow.MlflowClient(), of))
        return
    place = folder / run.info.experiment_id
    _print_folder(folder, place / of, "set by MLflow itself: user, source, name of the run")
    outputs = getattr(run, "outputs", None)  # MLflow 2 keeps models among the run's artifacts
    ids = [output.model_id for output in outputs.model_outputs] if outputs else []
    models = [mlflow.get_logged_model(id) for id in ids]
    for model in sorted(models, key=lambda model: (model.name, model.creation_timestamp)):
        _print_folder(folder, place / "models" / model.model_id, "set by MLflow itself")


def _print_folder(folder: Path, place: Path, own_tags: str = "", version: str = "") -> None:
    """Print the files in a folder of the store; of a registered model those of one version, and the aliases that it has."""
    print(f"{folder.name}/{place.relative_to(folder).as_posix()}/")
    files: Files = {}
    for path in filter(Path.is_file, place.rglob("*")):
        if path.name == "registered_model_meta":
            continue  # which loading a model leaves there, up to MLflow 3.17
        parts, note = path.relative_to(place).parts, ""
        if SMALL.intersection(parts[:-1]) and parts[0] != "artifacts":
            lines = path.read_text(encoding="utf-8").splitlines() or [""]
            more = f" … {len(lines)} lines, one for each value" if len(lines) > 1 else ""
            note = lines[0][:SHORT] + ("…" if len(lines[0]) > SHORT else "") + more
        if parts[0] == "tags" and parts[1].startswith("mlflow."):
            parts, note = ("tags", "mlflow.…"), own_tags
        of_another = parts[0].startswith("version-") and parts[0] != f"version-{version}"
        if not of_another and not (parts[0] == "aliases" and note != version):
            files[parts] = note
    _print_tree(files)


def artifacts(client: MlflowClient, run_id: str, path: str | None = None) -> Files:
    """Return the files among a run's artifacts, all or those of a folder, with their sizes."""
    found: Files = {}
    for item in client.list_artifacts(run_id, path):
        if item.is_dir:
            found |= artifacts(client, run_id, item.path)
        else:
            found[tuple(item.path.split("/"))] = f"{item.file_size} bytes"
    return found


def _print_tree(files: Files) -> None:
    """Print paths, indented under their folders and followed by their notes."""
    width = max((2 * len(parts) + len(parts[-1]) for parts in files), default=0)
    shown: set[tuple[str, ...]] = set()
    for parts in sorted(files, key=lambda parts: (len(parts) > 1, parts)):
        for depth in range(1, len(parts)):
            if parts[:depth] not in shown:
                shown.add(parts[:depth])
                print("  " * depth + parts[depth - 1] + "/")
        line = "  " * len(parts) + parts[-1]
        print(f"{line:{width}}  {files[parts]}".rstrip())
