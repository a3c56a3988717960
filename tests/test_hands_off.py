"""`lab.start()` changes nothing that the labs did not make, and finds again what they made, wherever it was carried."""

import os
import random
import shutil
import sqlite3
import tempfile
from pathlib import Path

import lab
import mlflow
import pytest
import yaml
from kernel import Kernel
from lab import LabError, store
from lab.__main__ import adopt, reset
from lab.setup import checks, repair
from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.store.tracking.file_store import FileStore
from sklearn.linear_model import LogisticRegression
from support import ROOT
from test_start import _own_store, again, log_a_run, sentence, start_in  # noqa: F401


def everything(folder: Path) -> dict[str, bytes | None]:
    """Return each file of a folder with its bytes, and each folder in it."""
    paths = sorted(folder.rglob("*"))
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in paths}


def assert_kept(before: dict[str, bytes | None], folder: Path) -> None:
    now = everything(folder)
    assert {name: now.get(name, "is gone") for name in before} == before


@pytest.fixture
def of_others(tmp_path, monkeypatch):
    """A store that MLflow made without the labs, with a run that has a file, chosen as the labs' store."""
    folder = tmp_path / "their store" / "mlruns"
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    make_a_run(MlflowClient(folder.as_uri()), "sklearn_experiment")
    monkeypatch.setenv("LAB_TRACKING_URI", str(folder))
    return folder


def make_a_run(client: MlflowClient, experiment: str) -> str:
    if (place := client.get_experiment_by_name(experiment)) is None:
        client.create_experiment(experiment)
        place = client.get_experiment_by_name(experiment)
    run_id = client.create_run(place.experiment_id, run_name="theirs").info.run_id
    client.log_param(run_id, "C", 1)
    client.log_metric(run_id, "loss", 0.5)
    client.log_text(run_id, "hello", "hello.txt")
    client.set_terminated(run_id)
    return run_id


# Folders that are no store.


def odd_folder(folder: Path, seed: int) -> None:
    """Fill a folder with a few of the things that people keep in folders, some of which look like parts of a store."""
    things = {
        "pkg/train/metrics/accuracy.py": "def accuracy(): ...\n",
        "pkg/train/params/grid.yaml": "C: [1, 10]\n",
        "recipes/numpy/meta.yaml": "package:\n  name: numpy\n  version: '{{ version }}'\n",
        "0/meta.yaml": "name: [",
        "1/meta.yaml": "experiment: 1\n",
        "1/6f2e/artifacts/model/MLmodel": "flavors: {}\n",
        "wandb/run-1/files/config.yaml": "lr: 0.1\n",
        ".dvc/config": "[core]\n",
        ".git/HEAD": "ref: refs/heads/main\n",
        "models/champion/weights.bin": "\x00\x01",
        "results.csv": "C,accuracy\n1,0.96\n",
        "mlflow.db": "SQLite format 3\x00",
        "notebook.ipynb": '{"cells": []}',
        ".trash/old/meta.yaml": "",
        "tags/v1": "release\n",
        ".made by hand": "",
    }
    draw = random.Random(seed)
    for name in draw.sample(sorted(things), draw.randint(1, 9)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(things[name])


@pytest.mark.parametrize("seed", range(50))
def test_a_folder_that_is_no_store_stays_bit_for_bit(monkeypatch, tmp_path, seed):
    folder = tmp_path / "work"
    folder.mkdir()
    odd_folder(folder, seed)
    before = everything(tmp_path)
    monkeypatch.setenv("LAB_TRACKING_URI", str(folder))
    told = sentence()
    assert str(folder) in told and "holds other things than MLflow's runs" in told
    lab.check("2.1")
    with pytest.raises(LabError, match="was not made by the labs"):
        reset()
    with pytest.raises(LabError, match="no folder of MLflow runs"):
        adopt()
    assert everything(tmp_path) == before


def test_other_things_in_the_projects_own_folder_stay(monkeypatch, tmp_path):
    folder = tmp_path / "mlruns"
    odd_folder(folder, 1)
    before = everything(tmp_path)
    monkeypatch.setattr(store, "DEFAULT_FOLDER", folder)
    monkeypatch.setenv("LAB_TRACKING_URI", "")
    assert "holds other things than MLflow's runs" in sentence()
    assert everything(tmp_path) == before


def test_one_folder_too_high_is_told_where_the_store_is(monkeypatch, of_others):
    monkeypatch.setenv("LAB_TRACKING_URI", str(of_others.parent))
    assert f"you may mean {of_others}" in sentence()


# Stores of others.


def test_artifacts_elsewhere_on_purpose_stay_there(own_store, of_others, capsys, tmp_path):
    elsewhere = tmp_path / "artifacts"
    for folder in (of_others, own_store):
        os.environ["LAB_TRACKING_URI"] = str(folder)
        if folder == own_store:
            lab.start()
        client = MlflowClient(folder.as_uri())
        # As a server does that was started with --default-artifact-root.
        FileStore(str(folder), elsewhere.as_uri()).create_experiment("art")
        run_id = make_a_run(client, "art")
        assert len(list(elsewhere.glob(f"*/{run_id}/artifacts/hello.txt"))) == 1
        before = everything(folder)
        assert again(capsys) == []
        assert_kept(before, folder)
        assert mlflow.artifacts.load_text(f"runs:/{run_id}/hello.txt") == "hello"


@pytest.mark.parametrize(
    "kind, name", [("of_others", "sklearn_experiment"), ("database", "Default")]
)
def test_deleted_experiments_of_others_stay_deleted_and_are_told(request, capsys, kind, name):
    place = request.getfixturevalue(kind)
    client = MlflowClient(place.as_uri() if kind == "of_others" else f"sqlite:///{place}")
    make_a_run(client, name)
    client.delete_experiment(client.get_experiment_by_name(name).experiment_id)
    before = everything(place.parent)
    (notice,) = again(capsys)
    assert notice.startswith(f"the experiment '{name}' is deleted in this store, which is not the")
    assert_kept(before, place.parent)


def test_a_store_without_empty_folders_is_told_and_adopted_with_a_copy(of_others, capsys):
    (run_id,) = [path.parent.name for path in of_others.glob("*/*/params")]
    shutil.rmtree(next(of_others.glob("*/*/metrics")))
    with pytest.raises(mlflow.MlflowException, match="not found"):  # what MLflow alone says
        MlflowClient(of_others.as_uri()).get_run(run_id)
    before = everything(of_others)
    (notice,) = again(capsys)
    assert "'make adopt' keeps a copy" in notice
    assert_kept(before, of_others)
    copy = adopt()
    assert_kept(before, copy)
    assert "Note: 1 runs had lost empty folders" in capsys.readouterr().out
    assert again(capsys) == []
    assert mlflow.get_run(run_id).data.params == {"C": "1"}
    with pytest.raises(LabError, match="that others made"):
        adopt()


def lose_empty_folders(folder: Path) -> None:
    """Do what git, zip and sync tools do."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()


# What stops MLflow: in the labs' own store it is set aside, in another's it is named.

RUN = "*/*[0-9a-f]/"  # the folder of a run, as a pattern
BROKEN = [  # a file in the store, its content, and what is said of it
    (RUN + "metrics/.DS_Store", b"\x00\x00\x00\x01Bud1\xff", "content that is no text"),
    (RUN + "metrics/desktop.ini", b"[.ShellClassInfo]\r\nIconResource=x,0\r\n", "the line '"),
    (RUN + "metrics/loss (ann's conflicted copy)", b"1 0.5 0\n", "a name that MLflow does not"),
    (RUN + "metrics/@eaDir/loss", b"1 0.5 0\n", "a name that MLflow does not"),
    (RUN + "metrics/empty", b"", "no value in it"),
    (RUN + "metrics/one-word", b"1\n", "the line '"),
    (RUN + "metrics/four", b"1 0.5 0 iris\n", "the line '"),
    (RUN + "metrics/spaced", b"1 0.5 0 iris data 4f2a\n", "the line '"),
    (RUN + "metrics/time", b"1.5 0.5 0\n", "the line '"),
    (RUN + "metrics/step", b"1 0.5 0\n2 0.5 1.5\n", "the line '"),
    (RUN + "metrics/value", b"1 low 0\n", "the line '"),
    (RUN + "params/Thumbs.db", b"\xd0\xcf\x11\xe0", "content that is no text"),
    (RUN + "tags/latin", "été".encode("latin-1"), "content that is no text"),
    (RUN + "inputs/.DS_Store", b"\x00", "no meta.yaml"),
    (RUN + "meta.yaml", b"run_id: ", "a broken meta.yaml"),
    (RUN[:2] + "meta.yaml", b"experiment_id: '1", "a broken meta.yaml"),
    (RUN[:2] + "meta.yaml", b"", "a broken meta.yaml"),
    (RUN[:2] + "meta.yaml", b"just a word", "a broken meta.yaml"),
    (RUN[:2] + "meta.yaml", b"\x00\x00", "a broken meta.yaml"),
    (RUN[:2] + "meta.yaml", b"lifecycle_stage: active\n", "a broken meta.yaml"),
    ("@eaDir/x", b"", "no meta.yaml"),
    (".ipynb_checkpoints/x", b"", "no meta.yaml"),
]
broken = pytest.mark.parametrize("name, content, flaw", BROKEN)


def put(folder: Path, run_id: str, name: str, content: bytes) -> Path:
    """Write a file of `BROKEN` into a store."""
    (run_folder,) = folder.glob(f"*/{run_id}")
    name = name.replace(RUN, f"{run_folder.parent.name}/{run_id}/")
    path = folder / name.replace("*/", f"{run_folder.parent.name}/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@broken
def test_own_store_goes_on_without_what_stops_mlflow(own_store, capsys, name, content, flaw):
    lab.start()
    kept = log_a_run("artifact_experiment")
    path = put(own_store, log_a_run("sklearn_experiment"), name, content)
    with pytest.raises(Exception):  # noqa: B017, as MLflow alone raises a dozen kinds
        mlflow.search_experiments()
        mlflow.search_runs(search_all_experiments=True)
        assert content  # it passes over an empty meta.yaml, and the name stays taken
    before = everything(own_store)
    told = [notice for notice in again(capsys) if "which stops MLflow" in notice]
    assert len(told) == 1 and f"has {flaw}" in told[0]
    aside = own_store.with_name("mlruns-before-mending")
    assert_kept({name: before[name] for name in everything(aside)}, aside)
    assert (aside / path.relative_to(own_store)).exists()
    assert kept in list(mlflow.search_runs(search_all_experiments=True)["run_id"])
    if path.name == "meta.yaml":
        mlflow.set_experiment("sklearn_experiment")
    assert not any("stops MLflow" in notice for notice in again(capsys))


@broken
def test_in_another_s_store_one_sentence_names_the_file(of_others, name, content, flaw):
    (run_id,) = [path.parent.name for path in of_others.glob("*/*/params")]
    path = put(of_others, run_id, name, content)
    before = everything(of_others)
    told = sentence()
    assert flaw in told and "'make adopt' keeps a copy" in told
    assert any(f"{place} in your store" in told for place in (path, path.parent))
    assert_kept(before, of_others)


def test_a_store_of_mlflow_1_is_used_as_it_is(of_others, capsys):
    """Its experiments have a whole number as id and no times, and its runs the key `run_uuid`; as MLflow 1.20 wrote them."""
    for meta in of_others.glob("*/meta.yaml"):
        lines = meta.read_text().replace("'", "").splitlines(keepends=True)
        meta.write_text("".join(line for line in lines if "_time" not in line))
    (run,) = of_others.glob("*/*/meta.yaml")
    run.write_text(f"{run.read_text()}run_uuid: {run.parent.name}\ntags: []\n")
    before = everything(of_others)
    assert again(capsys) == []
    assert_kept(before, of_others)
    assert mlflow.get_run(run.parent.name).data.params == {"C": "1"}
    assert len(mlflow.search_runs(search_all_experiments=True)) == 1


def test_an_experiment_without_its_meta_yaml(own_store, of_others, capsys):
    """MLflow passes over it, with a page of traceback: another's store is used, the own one mended."""
    for folder, told in ((of_others, []), (own_store, ["mlruns/123"])):
        os.environ["LAB_TRACKING_URI"] = str(folder)
        assert again(capsys) == []
        (folder / "123").mkdir()
        assert [notice.split()[0] for notice in again(capsys)] == told


def test_same_experiment_broken_twice_keeps_both(own_store):
    lab.start()
    mlflow.create_experiment("labs")
    for _ in range(2):
        experiment = own_store / mlflow.get_experiment_by_name("labs").experiment_id
        whole = (experiment / "meta.yaml").read_text()
        (experiment / "meta.yaml").write_text("")
        lab.start()
        experiment.mkdir()
        (experiment / "meta.yaml").write_text(whole)
    assert len(list(own_store.with_name("mlruns-before-mending").iterdir())) == 2


def test_whole_files_in_any_style_stay(own_store, capsys):
    """Also a run without a lifecycle stage, as MLflow before 1.0 wrote it."""
    lab.start()
    run_id = log_a_run("sklearn_experiment")
    for meta in own_store.glob("*/meta.yaml"):
        meta.write_text(yaml.safe_dump(yaml.safe_load(meta.read_text()), default_flow_style=True))
    (meta,) = own_store.glob(f"*/{run_id}/meta.yaml")
    lines = meta.read_text().splitlines(keepends=True)
    meta.write_text("".join(line for line in lines if "lifecycle_stage" not in line))
    before = everything(own_store)
    assert len(again(capsys)) == 1  # the experiment is chosen
    assert_kept(before, own_store)
    assert list(mlflow.search_runs()["run_id"]) == [run_id]


# The labs' own store, carried elsewhere.


def test_own_store_that_went_through_git(own_store, capsys):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run() as empty:
        pass
    run_id = log_a_run("sklearn_experiment")
    lose_empty_folders(own_store)
    with pytest.raises(Exception, match=r"Invalid parent directory|not found"):
        mlflow.get_run(run_id)
    assert again(capsys)[0].startswith("2 runs had lost empty folders")
    for id in (run_id, empty.info.run_id):
        lab.show_files(id)
        mlflow.get_run(id)
    assert not any("empty folders" in notice for notice in again(capsys))


@pytest.mark.parametrize("spelling", ["{uri}", "{path}", "./mlruns"])
def test_own_store_moved_or_copied_whatever_its_addresses_look_like(own_store, capsys, spelling):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "hello.txt")
        mlflow.log_text("", "meta.yaml")
        mlflow.sklearn.log_model(LogisticRegression(), name="m", pip_requirements=["scikit-learn"])
    old = spelling.format(uri=own_store.as_uri(), path=own_store)
    for meta in own_store.rglob("meta.yaml"):
        meta.write_text(meta.read_text().replace(own_store.as_uri(), old))
    (foreign,) = own_store.glob("*/*/artifacts/meta.yaml")
    foreign.write_bytes(b"\xff\x00 no text")
    there, before = own_store.with_name("elsewhere läb"), everything(own_store)
    (shutil.copytree if old == own_store.as_uri() else shutil.move)(own_store, there)
    original = everything(own_store)
    os.environ["LAB_TRACKING_URI"] = str(there)
    told = f"this store was moved or copied from {old.removeprefix('file://')};"
    assert again(capsys)[0].startswith(told)
    assert everything(own_store) == original
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/hello.txt") == "hello"
    assert mlflow.sklearn.load_model(f"runs:/{run.info.run_id}/m")
    kept = everything(there.with_name("elsewhere läb-before-mending"))
    assert {name: before[name] for name in kept} == kept
    changed = {name for name, content in everything(there).items() if before.get(name) != content}
    assert changed == {name for name in kept if name.endswith("meta.yaml")}
    code = f"import lab, mlflow\nlab.start()\nmlflow.log_text('', 'new.txt', '{run.info.run_id}')"
    assert "moved or copied" not in start_in(there, code=code)
    assert len(list(there.rglob("new.txt"))) == 1


def test_mending_that_was_cut_off_goes_on(own_store, capsys, monkeypatch):
    lab.start()
    run_id = log_a_run("sklearn_experiment")
    with mlflow.start_run(run_id=run_id):
        mlflow.log_text("hello", "hello.txt")
    there = own_store.rename(own_store.with_name("elsewhere"))
    os.environ["LAB_TRACKING_URI"] = str(there)
    replace, calls = Path.replace, []

    def fails_once(path, target):
        calls.append(path)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fails_once)
    assert "cannot be mended" in sentence()
    lab.start()
    assert mlflow.artifacts.load_text(f"runs:/{run_id}/hello.txt") == "hello"


def test_store_deleted_while_a_notebook_is_open(own_store, capsys):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    mlflow.start_run()
    shutil.rmtree(own_store)
    capsys.readouterr()
    lab.check("2.1")
    assert "run the first cell again, which makes it" in capsys.readouterr().out
    assert not own_store.exists()
    lab.start()
    log_a_run("sklearn_experiment")
    lab.check("2.1")
    assert "no run 'my-setting'" in capsys.readouterr().out


def test_experiment_deleted_while_its_run_is_open(own_store, capsys):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    with pytest.raises(mlflow.MlflowException), mlflow.start_run() as run:
        mlflow.log_text("before", "before.txt")
        mlflow.delete_experiment(run.info.experiment_id)
        mlflow.log_text("after", "after.txt")  # makes the experiment's folder anew
    aside, restored, _ = again(capsys)
    assert "has no meta.yaml" in aside and "it is restored" in restored
    assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/before.txt") == "before"
    assert len(list(own_store.parent.glob("mlruns-before-mending/*/*/artifacts/after.txt"))) == 1
    assert mlflow.get_run(run.info.run_id).info.status == "KILLED"


def test_only_what_was_deleted_together_is_restored_and_only_under_a_free_name(own_store, capsys):
    lab.start()
    gone, kept = log_a_run("sklearn_experiment"), log_a_run("sklearn_experiment")
    mlflow.delete_run(gone)
    client = MlflowClient()
    client.delete_experiment(mlflow.get_run(kept).info.experiment_id)
    others = {client.create_experiment(name) for name in ("second", "of somebody else")}
    for id in others:
        client.delete_experiment(id)
        meta = own_store / ".trash" / id / "meta.yaml"
        meta.write_text(meta.read_text().replace("name: second", "name: Default"))
    capsys.readouterr()
    lab.check("2.1")
    told = "the experiment 'sklearn_experiment' was deleted; run the first cell again, which restores it."
    assert capsys.readouterr().out == f"⬜ 2.1 not done yet: {told}\n"
    restored, chosen = again(capsys)
    assert restored == "the experiment 'sklearn_experiment' had been deleted; it is restored."
    assert "is still chosen" in chosen
    assert list(mlflow.search_runs()["run_id"]) == [kept]
    still = mlflow.search_experiments(view_type=ViewType.DELETED_ONLY)
    assert {experiment.experiment_id for experiment in still} == others


def test_another_student_of_the_same_folder_is_told(own_store, capsys, monkeypatch):
    for name, expected in (("ann", 0), ("ann", 0), ("bob", 1), ("ann", 0)):
        monkeypatch.setenv("LAB_STUDENT", name)
        told = again(capsys)
        assert len(told) == expected
        assert all("has runs of 'ann', and you are 'bob'" in notice for notice in told)


# Databases.


@pytest.fixture
def database(tmp_path, monkeypatch):
    path = tmp_path / "team.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    monkeypatch.setenv("LAB_TRACKING_URI", f"sqlite:///{path}")
    return path


def test_nothing_is_written_into_a_database_before_something_is_logged(database):
    before = database.read_bytes()
    lab.start()
    assert database.read_bytes() == before


@pytest.mark.parametrize(
    "change, told",
    [
        ("UPDATE alembic_version SET version_num = '451aebb31d03'", "of another version of MLflow"),
        ("UPDATE alembic_version SET version_num = 'ffffffffffff'", "of another version of MLflow"),
        ("DROP TABLE runs", "holds other tables than MLflow's"),
        ("", "cannot be read"),
    ],
    ids=["older", "newer", "of another program", "no database"],
)
def test_a_database_of_others_is_refused_before_mlflow_opens_it(database, change, told):
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute(change)
    connection.close()
    if not change:
        database.write_text("C,accuracy\n")
    before = everything(database.parent)
    assert told in sentence()
    assert everything(database.parent) == before


# Other places.


def test_a_notebook_that_an_editor_starts_in_the_top_folder(own_store):
    environment = {"PYTHONPATH": str(ROOT / "notebooks"), "LAB_TRACKING_URI": str(own_store)}
    with Kernel(ROOT, environment) as kernel:
        printed, error = kernel.run("import lab\nlab.start()\nopen('../data/iris.csv').readline()")
    assert not error and f"it now runs in {ROOT}/notebooks" in printed


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="there is no second disk to try it on")
def test_reset_of_a_store_on_another_disk_is_whole(tmp_path, monkeypatch):
    notebooks = tmp_path / "notebooks"
    notebooks.mkdir()
    (notebooks / "my_results.csv").write_text("C,accuracy\n")
    monkeypatch.setattr(store, "ROOT", tmp_path)
    shm = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        monkeypatch.setenv("LAB_TRACKING_URI", str(shm / "mlruns"))
        (shm / "mlruns").mkdir()
        (shm / "mlruns" / store.MARKER).touch()
        monkeypatch.setattr(Path, "rename", refuse)
        with pytest.raises(LabError, match="cannot be moved"):
            reset()
        assert (notebooks / "my_results.csv").exists() and len(everything(shm)) == 2
        monkeypatch.undo()
        monkeypatch.setattr(store, "ROOT", tmp_path)
        monkeypatch.setenv("LAB_TRACKING_URI", str(shm / "mlruns"))
        aside = reset()
        assert (aside / "my_results.csv").read_text() == "C,accuracy\n"
        assert not (notebooks / "my_results.csv").exists() and not (shm / "mlruns").exists()
    finally:
        shutil.rmtree(shm)


def refuse(path, target):
    raise OSError(16, "Device or resource busy")


def test_a_second_notebook_at_the_same_moment_finds_a_store_of_the_labs(monkeypatch):
    """It starts when the first one has made the folder, and nothing but the trash in it."""
    make, seen = tempfile.TemporaryDirectory, []

    def make_while_another_starts(*arguments, **options):
        seen.append(store.labs_store())
        checks.check_store(seen[0])
        if len(seen) == 1:
            repair.mend_files(seen[0])
        return make(*arguments, **options)

    monkeypatch.setattr(repair.tempfile, "TemporaryDirectory", make_while_another_starts)
    lab.start()
    assert len(seen) == 2
    assert [path.name for path in seen[0].folder.glob("[0-9]*")] == ["0"]
