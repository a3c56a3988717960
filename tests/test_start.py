"""What `lab.start()` finds before it can go wrong: one sentence that says what to do, and nothing lost."""

import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import lab
import mlflow
import nbformat
import numpy as np
import pytest
import yaml
from lab import LabError, store
from lab.setup import checks as environment
from lab.setup import quiet
from lab.setup.variables import ONE_THREAD, SETTINGS
from mlflow.entities import ViewType
from mlflow.store.tracking.file_store import FileStore
from sklearn.linear_model import LogisticRegression
from support import ROOT, copy_project, execute, free_port, run, tracking_server, without_privileges


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    """Point the labs at an empty folder, and give back the environment as it was."""
    environment = dict(os.environ)
    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "mlruns"))
    yield tmp_path / "mlruns"
    while mlflow.active_run():
        mlflow.end_run()
    mlflow.tracking.fluent._active_experiment_id = None  # as in a new kernel
    os.environ.clear()
    os.environ.update(environment)


def sentence() -> str:
    """Start the labs, expect them to refuse, and return why: one line that is a sentence."""
    with pytest.raises(LabError) as caught:
        lab.start()
    message = str(caught.value)
    assert "\n" not in message and message.endswith(".")
    return message


def test_two_lines_on_a_good_day(capsys, own_store):
    lab.start()
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        f"MLflow {mlflow.__version__} on Python {sys.version.split()[0]}",
        f"Runs go to {own_store}/ (a file store)",
    ]
    assert mlflow.get_tracking_uri() == mlflow.get_registry_uri() == own_store.as_uri()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_default_store_is_the_repositorys(monkeypatch):
    monkeypatch.delenv("LAB_TRACKING_URI")
    assert store.labs_store().folder == ROOT / "mlruns"
    assert str(store.labs_store()) == "mlruns/ (a file store)"


def test_old_python(monkeypatch):
    monkeypatch.setattr(environment, "sys", SimpleNamespace(version_info=(3, 10, 4, "final", 0)))
    assert "need Python 3.11 or newer" in sentence()


def test_newer_python_and_mlflow_go_on_with_a_notice(monkeypatch, capsys):
    monkeypatch.setattr(environment, "sys", SimpleNamespace(version_info=(3, 99, 0, "final", 0)))
    monkeypatch.setattr(environment, "version", lambda name: "4.1.0")
    lab.start()
    notices = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note: ")]
    assert len(notices) == 2
    assert "Python 3.99 is newer than the 3.14" in notices[0]
    assert "MLflow 4.1 is newer than the 3.17" in notices[1]


def test_old_mlflow(monkeypatch):
    monkeypatch.setattr(environment, "version", lambda name: "2.8.0")
    message = sentence()
    assert (
        "need MLflow 2.19 or newer" in message
        and "has 2.8.0" in message
        and "requirements.txt" in message
    )


@pytest.mark.parametrize(
    "found, told", [("3.13.0", "They run on it"), ("3.2.0", "They were not tried")]
)
def test_older_mlflow_goes_on_with_a_notice(monkeypatch, capsys, found, told):
    monkeypatch.setattr(environment, "version", lambda name: found)
    lab.start()
    (notice,) = notices(capsys)
    assert f"MLflow {found[:-2]} is older than the 3.17" in notice and told in notice


def test_missing_package(monkeypatch):
    monkeypatch.setattr(
        environment, "find_spec", lambda name: None if name == "sklearn" else object()
    )
    message = sentence()
    assert "lacks scikit-learn" in message and sys.executable in message


@pytest.mark.parametrize(
    "value",
    [
        "ftp://example.org/runs",
        "htp://127.0.0.1:5000",
        "http://",
        "http://:5000",
        "http://host:port",
        "file://server/share",
    ],
)
def test_malformed_or_unknown_uri(monkeypatch, value):
    monkeypatch.setenv("LAB_TRACKING_URI", value)
    assert f"LAB_TRACKING_URI is '{value}'" in sentence()


@pytest.mark.parametrize("spelling", ["{path}", "file://{path}", "file:{path}"])
def test_every_spelling_of_a_folder_is_the_same_store(monkeypatch, tmp_path, spelling):
    path = tmp_path / "mit Leerzeichen" / "läb"
    monkeypatch.setenv("LAB_TRACKING_URI", spelling.format(path=path))
    assert store.labs_store().folder == path
    lab.start()
    mlflow.create_experiment("here")
    assert (path / "0" / "meta.yaml").exists()


def test_database_is_described_as_it_was_named(monkeypatch):
    monkeypatch.setenv("LAB_TRACKING_URI", "sqlite:////tmp/x.db")
    assert str(store.labs_store()) == "sqlite:////tmp/x.db (a database)"


def test_password_is_not_shown(monkeypatch):
    monkeypatch.setenv("LAB_TRACKING_URI", "http://ada:secret@127.0.0.1:9")
    assert "secret" not in str(store.labs_store()) and "secret" not in sentence()


def test_server_that_is_not_there(monkeypatch):
    monkeypatch.setenv("LAB_TRACKING_URI", address := f"http://127.0.0.1:{free_port()}")
    message = sentence()
    assert f"{address} does not answer" in message and "unset it" in message


def test_server_that_says_nothing_is_waited_for(monkeypatch, capsys):
    monkeypatch.setattr(environment, "SERVER_SECONDS", 0.5)
    monkeypatch.setattr(environment, "PATIENCE_SECONDS", 1)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("LAB_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "no answer in time" in sentence()
    waiting = capsys.readouterr().out.splitlines()
    assert waiting and all("which is slow" in line for line in waiting)


def test_server_that_is_called_by_a_name_it_does_not_know(monkeypatch, tmp_path):
    with tracking_server(tmp_path, "--allowed-hosts=class.example") as address:
        monkeypatch.setenv("LAB_TRACKING_URI", address)
        message = sentence()
    assert f'start it with --allowed-hosts "{address.removeprefix("http://")}"' in message


def test_student_is_named(monkeypatch, capsys):
    monkeypatch.setenv("LAB_STUDENT", "ann")
    lab.start()
    assert capsys.readouterr().out.splitlines()[1].endswith("(a file store), as ann")


START = "import lab\ntry: lab.start()\nexcept lab.LabError as error: print('LabError:', error)"


def start_in(folder, *prefix, code=START):
    """Start the labs in a process of its own, as a kernel without root's power would, and return what it printed."""
    environment = os.environ | {
        "LAB_TRACKING_URI": str(folder),
        "PYTHONPATH": str(ROOT / "notebooks"),
    }
    return run([*prefix, *without_privileges(), sys.executable, "-c", code], env=environment).stdout


def test_read_only_folder(tmp_path):
    folder = tmp_path / "closed" / "mlruns"
    folder.parent.mkdir()
    folder.parent.chmod(0o555)
    printed = start_in(folder)
    assert printed.startswith("LabError:") and "cannot be written (Permission denied)" in printed
    assert list(folder.parent.iterdir()) == []


def test_full_disk(tmp_path):
    mount = (
        ("unshare", "--mount", "--map-root-user")
        if os.name == "posix" and os.geteuid()
        else ("unshare", "--mount")
    )
    script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
    prefix = (*mount, "sh", "-c", script, str(tmp_path))
    if not shutil.which("unshare") or run([*prefix, "true"]).returncode:
        pytest.skip(
            "a full disk is imitated with a small tmpfs, which needs Linux and the right to mount"
        )
    printed = start_in(tmp_path / "mlruns", *prefix)
    assert printed.startswith("LabError:") and "has 1 MB left" in printed


def log_a_run(experiment: str) -> str:
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.5)
    return run.info.run_id


@pytest.mark.parametrize(
    "content", ["", "name: [", "just a word", "\x00\x00", "lifecycle_stage: active\n"]
)
def test_broken_experiment_is_set_aside_and_the_rest_goes_on(own_store, capsys, content):
    lab.start()
    kept = log_a_run("whole_experiment")
    log_a_run("broken_experiment")
    broken = own_store / mlflow.get_experiment_by_name("broken_experiment").experiment_id
    (broken / "meta.yaml").write_text(content)
    files = {
        path.relative_to(broken): path.read_bytes() for path in broken.rglob("*") if path.is_file()
    }
    capsys.readouterr()

    lab.start()
    assert f"mlruns/{broken.name} has a broken meta.yaml" in capsys.readouterr().out
    aside = own_store.with_name("mlruns-before-mending") / broken.name
    assert {
        path.relative_to(aside): path.read_bytes() for path in aside.rglob("*") if path.is_file()
    } == files
    mlflow.set_experiment("whole_experiment")
    assert list(mlflow.search_runs()["run_id"]) == [kept]
    mlflow.set_experiment("broken_experiment")


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


def test_whole_files_in_any_yaml_style_stay(own_store, capsys):
    lab.start()
    run_id = log_a_run("sklearn_experiment")
    for meta in own_store.glob("*/meta.yaml"):
        meta.write_text(yaml.safe_dump(yaml.safe_load(meta.read_text()), default_flow_style=True))
    capsys.readouterr()
    lab.start()
    assert "broken" not in capsys.readouterr().out
    assert mlflow.get_run(run_id)


def test_deleted_experiment_is_restored_with_its_runs(capsys):
    lab.start()
    run_id = log_a_run("sklearn_experiment")
    mlflow.delete_experiment(mlflow.get_run(run_id).info.experiment_id)
    capsys.readouterr()

    lab.start()
    assert "'sklearn_experiment' had been deleted; it is restored" in capsys.readouterr().out
    mlflow.set_experiment("sklearn_experiment")
    assert list(mlflow.search_runs()["run_id"]) == [run_id]


def test_deleted_experiment_of_somebody_else_stays_deleted():
    lab.start()
    mlflow.delete_experiment(mlflow.create_experiment("somebody_else"))
    lab.start()
    assert len(mlflow.search_experiments(view_type=ViewType.DELETED_ONLY)) == 1


def test_programs_that_a_notebook_starts_find_its_store(own_store):
    for _ in ("first", "again"):
        lab.start()
        assert os.environ["MLFLOW_TRACKING_URI"] == own_store.as_uri()


def test_autologging_does_not_read_what_it_still_writes(monkeypatch, own_store):
    """A slow disk: MLflow makes the folder of a dataset's entry, and the file in it only a while later."""
    entry = FileStore._FileStoreInput
    write = entry.write_yaml

    def slowly(*arguments):
        time.sleep(0.5)
        write(*arguments)

    monkeypatch.setattr(entry, "write_yaml", slowly)
    lab.start()
    mlflow.sklearn.autolog(serialization_format="skops")
    try:
        with mlflow.start_run() as run:
            LogisticRegression().fit(np.array([[0.0], [1.0]]), np.array([0, 1]))
    finally:
        mlflow.sklearn.autolog(disable=True)
    record = mlflow.get_run(run.info.run_id)
    assert record.data.metrics and record.inputs.dataset_inputs and record.outputs.model_outputs


def test_logging_a_model_loads_no_pytorch_which_can_be_imported_afterwards(own_store):
    code = """
import sys, lab
lab.start()
import mlflow
from sklearn.linear_model import Ridge
with mlflow.start_run():
    model = mlflow.sklearn.log_model(Ridge().fit([[0.0], [1.0]], [0, 1]), name="m", pip_requirements=[])
print(sorted({"torch", "dask"} & set(sys.modules)), mlflow.sklearn.load_model(model.model_uri))
import skops.io, torch
from sklearn.externals.array_api_compat import torch as compatible
torch.nn.Linear(1, 1)(torch.ones(1, 1)).sum().backward()
print(type(skops.io.loads(skops.io.dumps(Ridge()))).__name__, compatible.ones(2).numpy())
"""
    done = start_in(own_store, code=code)
    assert done.splitlines()[2:] == ["[] Ridge()", "Ridge [1. 1.]"]


@pytest.mark.parametrize("missing", ["skops", "torch"])
def test_without_skops_or_pytorch_importing_is_as_ever(own_store, missing):
    code = f"""
import sys
from lab.setup.imports import import_skops_alone

class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "{missing}":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import_skops_alone()
import_skops_alone()
try:
    import skops.io
    print("imported", sum("SkopsAlone" in type(finder).__name__ for finder in sys.meta_path))
except ImportError as error:
    print("missing", error)
"""
    told = "missing skops\n" if missing == "skops" else "imported 0\n"
    assert start_in(own_store, code=code) == told


def test_settings_of_the_shell_are_not_followed_and_said(monkeypatch, capsys, own_store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://company.example")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    lab.start()
    notices = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Note: ")]
    assert [notice.split()[1] for notice in notices] == ["MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"]
    run_id = log_a_run("sklearn_experiment")
    assert mlflow.get_tracking_uri() == own_store.as_uri() and run_id != "0" * 32


def test_settings_fit_on_a_page_and_name_the_store(capsys, own_store):
    lab.settings()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"uri = '{own_store.as_uri()}'"
    assert len(lines) <= 21 and max(map(len, lines[1:])) <= 110
    for name in (*SETTINGS, *ONE_THREAD):
        assert any(line.startswith(f"{name}=") for line in lines)
    lab.settings(messages=True)
    more = capsys.readouterr().out.splitlines()[len(lines) :]
    kept = quiet.KEPT_QUIET | quiet.WARNINGS_KEPT_QUIET | quiet.PRINTS_KEPT_QUIET
    assert len(more) == 2 + len(kept)


def test_settings_name_the_project_s_own_store_as_a_notebook_would(monkeypatch, capsys):
    monkeypatch.delenv("LAB_TRACKING_URI")
    lab.settings()
    assert capsys.readouterr().out.startswith("uri = '../mlruns'\n")


def test_version_of_the_code_is_the_commit_and_whether_it_holds_everything(
    tmp_path, monkeypatch, capfd
):
    def git(*arguments):
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        subprocess.run(["git", *author, *arguments], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(store, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert lab.code_version() == "no git"  # no repository
    git("init")
    (tmp_path / "train.py").write_text("C = 1")
    assert lab.code_version() == "no git"  # no commit yet
    git("add", "train.py")
    git("commit", "--message=first")
    git("tag", "--annotate", "v1", "--message=a name is not what is asked for")
    clean = lab.code_version()
    assert re.fullmatch("[0-9a-f]{12}", clean)
    (tmp_path / "train.py").write_text("C = 2")
    assert lab.code_version() == f"{clean}-dirty"
    monkeypatch.setenv("PATH", "")
    assert lab.code_version() == "no git"  # no git
    assert capfd.readouterr() == ("", "")


def notices(capsys) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("Note: ") for line in lines if line.startswith("Note: ")]


def test_starting_again_in_the_middle_goes_on_and_says_what_it_changed(capsys):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    mlflow.sklearn.autolog(log_models=False)
    mlflow.set_tag("verdict", "outside of any run")  # opens one, with a name that MLflow makes up
    left_open = mlflow.active_run().info
    capsys.readouterr()

    lab.start()
    closed, chosen, autologging = notices(capsys)
    assert closed == f"the run '{left_open.run_name}' was still open; it is closed now."
    assert chosen.startswith("the experiment 'sklearn_experiment' is still chosen")
    assert autologging == "autologging of sklearn was on; it is off now."
    assert mlflow.get_run(left_open.run_id).info.status == "KILLED"
    LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert list(mlflow.search_runs()["run_id"]) == [left_open.run_id]
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "sklearn_experiment"
    lab.start()
    assert len(notices(capsys)) == 1


def test_starting_again_on_another_store_chooses_no_experiment(capsys, monkeypatch, tmp_path):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "another"))
    capsys.readouterr()
    lab.start()
    assert notices(capsys) == [
        "no experiment is chosen any more: run the cell with mlflow.set_experiment again."
    ]
    assert mlflow.search_experiments()[0].name == "Default"


def test_folder_that_exists_and_is_empty(capsys, own_store):
    own_store.mkdir()
    lab.start()
    assert notices(capsys) == []
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "Default"


def test_default_experiment_that_is_gone(own_store):
    lab.start()
    shutil.rmtree(own_store / "0")
    lab.start()
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "Default"


def test_default_experiment_that_was_deleted_in_a_database(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    lab.start()
    mlflow.delete_experiment("0")
    capsys.readouterr()
    lab.start()
    (notice,) = notices(capsys)
    assert notice.startswith(
        "the experiment 'Default' is deleted in this store, which is not the labs'"
    )
    (deleted,) = mlflow.search_experiments(view_type=ViewType.DELETED_ONLY)
    assert deleted.name == "Default"


def test_experiment_deleted_while_a_notebook_is_open(capsys):
    lab.start()
    place = mlflow.set_experiment("sklearn_experiment").experiment_id
    mlflow.delete_experiment(place)
    capsys.readouterr()
    lab.check("2.1")
    told = "the experiment 'sklearn_experiment' was deleted; run the first cell again, which restores it."
    assert capsys.readouterr().out == f"⬜ 2.1 not done yet: {told}\n"
    lab.start()
    restored, chosen = notices(capsys)
    assert "it is restored" in restored and "is still chosen" in chosen
    log_a_run("sklearn_experiment")


@pytest.mark.parametrize("move", [shutil.move, shutil.copytree], ids=["moved", "copied"])
def test_store_that_was_moved_or_copied_is_whole_there(own_store, move):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.sklearn.log_model(LogisticRegression(), name="m", pip_requirements=["scikit-learn"])
    there = own_store.with_name("elsewhere läb")
    move(own_store, there)
    files = {path: path.read_bytes() for path in own_store.rglob("*") if path.is_file()}

    code = f"""
import lab, mlflow
lab.start()
uri = "runs:/{run.info.run_id}"
print(mlflow.artifacts.load_text(f"{{uri}}/notes/hello.txt"), mlflow.sklearn.load_model(f"{{uri}}/m"))
with mlflow.start_run(run_id="{run.info.run_id}"):
    mlflow.log_text("new", "notes/new.txt")
lab.start()
"""
    done = start_in(there, code=code)
    assert f"Note: this store was moved or copied from {own_store};" in done
    assert done.count("moved or copied") == 1 and "hello LogisticRegression()" in done
    assert {path: path.read_bytes() for path in own_store.rglob("*") if path.is_file()} == files
    assert len(list(there.rglob("new.txt"))) == 1


def test_step_that_is_no_whole_number(capsys, own_store):
    lab.start()
    mlflow.set_experiment("pytorch_experiment")
    with mlflow.start_run(run_name="faster") as run:
        mlflow.log_param("learning_rate", 0.1)
        mlflow.log_metric("val_loss", 0.5, step=1)
        mlflow.log_metric("val_loss", 0.4, step=1.5)
    with pytest.raises(ValueError):
        mlflow.search_runs()
    capsys.readouterr()

    files = {path: path.read_bytes() for path in own_store.rglob("val_loss")}
    lab.check("3.1")
    assert "cannot be read" in (told := capsys.readouterr().out) and "first cell again" in told
    assert files and {path: path.read_bytes() for path in files} == files, "a check mends nothing"

    lab.start()
    lab.check("3.1")
    (*_, notice, going_on, verdict) = capsys.readouterr().out.splitlines()
    assert "'pytorch_experiment' is still chosen" in going_on
    assert f"{run.info.run_id}/metrics/val_loss has the line '" in notice and " 0.4 1.5'" in notice
    assert verdict.startswith("⬜ 3.1 not done yet: the run 'faster' has no parameter 'epochs'")
    (aside,) = own_store.parent.glob(f"mlruns-before-mending/*/{run.info.run_id}/metrics/val_loss")
    assert len(aside.read_text().splitlines()) == 2
    assert list(mlflow.search_runs()["run_id"]) == [run.info.run_id]


def test_store_made_beside_the_notebooks_without_the_first_cell(capsys, monkeypatch, own_data):
    stray = own_data.parent / "notebooks" / "mlflow.db"
    stray.parent.mkdir()
    stray.touch()
    lab.start()
    (notice,) = notices(capsys)
    assert notice.startswith("notebooks/mlflow.db is another store than yours")
    assert stray.exists()


def test_one_thread_unless_the_student_says_otherwise(monkeypatch):
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    lab.start()
    threads = {name: os.environ[name] for name in ONE_THREAD}
    assert threads.pop("OMP_NUM_THREADS") == "4" and set(threads.values()) == {"1"}


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    monkeypatch.setattr(store, "ROOT", tmp_path)
    return tmp_path / "data"


def test_missing_csv(own_data):
    (own_data / "digits.csv").unlink()
    message = sentence()
    assert "data/digits.csv cannot be read" in message and "git checkout data/digits.csv" in message


def test_csv_cut_short(own_data):
    whole = (own_data / "iris.csv").read_bytes()
    for length in (0, len(whole) // 2, len(whole) - 1):
        (own_data / "iris.csv").write_bytes(whole[:length])
        assert "data/iris.csv is cut short" in sentence()


def test_changed_csv_goes_on_with_a_notice(own_data, capsys):
    path = own_data / "iris.csv"
    path.write_text(path.read_text().replace("5.1,3.5", "5.2,3.5", 1))
    lab.start()
    assert "Note: data/iris.csv differs from the original" in capsys.readouterr().out


def test_windows_line_endings_are_the_same_data(own_data, capsys):
    for path in own_data.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    lab.start()
    assert "Note" not in capsys.readouterr().out


def test_notebook_shows_the_sentence_and_no_traceback(tmp_path):
    project = copy_project(tmp_path / "project")
    notebook = project / "notebooks" / "one_cell.ipynb"
    cell = nbformat.v4.new_code_cell(
        "import lab\n\nlab.start()", metadata={"tags": ["raises-exception"]}
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    (output,) = execute(notebook, {"LAB_TRACKING_URI": "ftp://example.org"}).cells[0].outputs
    assert output.ename == "LabError"
    assert len(output.traceback) == 1 and output.traceback[0].startswith(
        "LabError: LAB_TRACKING_URI is 'ftp://"
    )


def test_chatter_is_off_and_other_warnings_are_not():
    lab.start()
    for handler in logging.getLogger("mlflow").handlers:
        kept = [words for words in quiet.KEPT_QUIET if handler.filter(record(words))]
        assert kept == [] and handler.filter(record("Detected one or more mismatches"))


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("mlflow.pyfunc", logging.WARNING, "", 0, message, (), None)


def test_show_files_lists_what_is_on_disk(capsys, own_store):
    from lab import show_files

    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run() as run:
        mlflow.log_param("C", 0.5)
        for step in range(3):
            mlflow.log_metric("loss", 1.0 / (step + 1), step=step)
        mlflow.log_text("hello", "notes/hello.txt")
        mlflow.set_tag("note", "long " * 30)
    capsys.readouterr()
    show_files(run.info.run_id)
    printed = capsys.readouterr().out
    assert printed.startswith(f"mlruns/{run.info.experiment_id}/{run.info.run_id}/\n  meta.yaml\n")
    lines = {line.split()[0]: line.split(maxsplit=1)[-1] for line in printed.splitlines()[1:]}
    assert lines["C"] == "0.5"
    assert lines["loss"].endswith("1.0 0 … 3 lines, one a step")
    assert lines["note"].endswith("…") and len(lines["note"]) <= 61
    assert "      hello.txt" in printed.splitlines()
    on_disk = {
        path.name
        for path in (own_store / run.info.experiment_id / run.info.run_id).rglob("*")
        if path.is_file()
    }
    assert {name for name in on_disk if not name.startswith("mlflow.")} <= set(lines)


def test_show_files_says_what_it_cannot_show(monkeypatch, capsys, tmp_path):
    from lab import show_files

    monkeypatch.setenv("LAB_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    lab.start()
    experiment = mlflow.create_experiment(
        "elsewhere", artifact_location=(tmp_path / "artifacts").as_uri()
    )
    with mlflow.start_run(experiment_id=experiment) as run:
        mlflow.log_text("hello", "notes/hello.txt")
    capsys.readouterr()
    show_files(run.info.run_id)
    printed = capsys.readouterr().out
    assert "(a database) keeps runs in tables" in printed
    assert "hello.txt" in printed and "5 bytes" in printed
