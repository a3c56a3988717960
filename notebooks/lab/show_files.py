"""`lab.show_files()`: what a run, or a version of a registered model, left in the store, as a tree of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lab import store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

SHORT = 60  # characters of a value that fit on a projector beside its name


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

    folder = store.labs_store().folder
    if not isinstance(of, str):
        _show_version(folder, of)
        return
    run_id = of
    run = mlflow.get_run(run_id)
    if folder is None:
        print(f"{store.labs_store()} keeps runs in tables; these are the run's artifacts:")
        _print_tree(_artifacts(mlflow.MlflowClient(), run_id))
        return
    place = folder / run.info.experiment_id
    _print_folder(folder, place / run_id, "set by MLflow itself: user, source, name of the run")
    outputs = getattr(run, "outputs", None)  # MLflow 2 keeps models among the run's artifacts
    models = (
        [mlflow.get_logged_model(output.model_id) for output in outputs.model_outputs]
        if outputs
        else []
    )
    for model in sorted(models, key=lambda model: (model.name, model.creation_timestamp)):
        _print_folder(folder, place / "models" / model.model_id, "set by MLflow itself")


def _show_version(folder: Path | None, version: ModelVersion) -> None:
    """Print the files of a registered model, and of its versions and aliases those of one version."""
    if folder is None:
        print(f"{store.labs_store()} keeps its registry in tables.")
        return
    place = folder / "models" / version.name
    print(f"{folder.name}/{place.relative_to(folder).as_posix()}/")
    files: dict[tuple[str, ...], str] = {}
    for path in filter(Path.is_file, place.rglob("*")):
        parts = path.relative_to(place).parts
        of_another = parts[0].startswith("version-") and parts[0] != f"version-{version.version}"
        text = "" if parts[-1] == "meta.yaml" else _value(path)
        if not of_another and not (parts[0] == "aliases" and text != str(version.version)):
            files[parts] = text
    _print_tree(files)


def _print_folder(folder: Path, place: Path, own_tags: str) -> None:
    print(f"{folder.name}/{place.relative_to(folder).as_posix()}/")
    files: dict[tuple[str, ...], str] = {}
    for path in place.rglob("*"):
        parts = path.relative_to(place).parts
        if path.is_dir():
            continue
        if parts[0] == "tags" and parts[1].startswith("mlflow."):
            files["tags", "mlflow.…"] = own_tags
        elif parts[0] in ("params", "metrics", "tags"):
            files[parts] = _value(path)
        else:
            files[parts] = ""
    _print_tree(files)


def _value(path: Path) -> str:
    """Return the content of a parameter, metric or tag: one short line each in the file store."""
    lines = path.read_text(encoding="utf-8").splitlines() or [""]
    more = f" … {len(lines)} lines, one a step" if len(lines) > 1 else ""
    return lines[0][:SHORT] + ("…" if len(lines[0]) > SHORT else "") + more


def _artifacts(
    client: MlflowClient, run_id: str, path: str | None = None
) -> dict[tuple[str, ...], str]:
    found: dict[tuple[str, ...], str] = {}
    for item in client.list_artifacts(run_id, path):
        if item.is_dir:
            found |= _artifacts(client, run_id, item.path)
        else:
            found[tuple(item.path.split("/"))] = f"{item.file_size} bytes"
    return found


def _print_tree(files: dict[tuple[str, ...], str]) -> None:
    """Print paths, given as tuples of their parts, indented under their folders and followed by their notes."""
    width = max((2 * len(parts) + len(parts[-1]) for parts in files), default=0)
    shown: set[tuple[str, ...]] = set()
    for parts in sorted(files, key=lambda parts: (len(parts) > 1, parts)):
        for depth in range(1, len(parts)):
            if parts[:depth] not in shown:
                shown.add(parts[:depth])
                print("  " * depth + parts[depth - 1] + "/")
        line = "  " * len(parts) + parts[-1]
        print(f"{line:{width}}  {files[parts]}".rstrip())
