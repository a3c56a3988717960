"""What `lab.start()` finds before it can go wrong: one sentence that says what to do, and nothing lost."""

import inspect
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import lab
import mlflow
import nbformat
import numpy as np
import pytest
from lab import LabError, setup, show_files, store
from lab.setup import adapted, checks
from lab.setup.variables import FOREIGN, ONE_THREAD, SETTINGS
from mlflow import MlflowClient
from mlflow.store.tracking.file_store import FileStore
from sklearn.linear_model import LogisticRegression
from support import ROOT, copy_project, execute, free_port, run, tracking_server, without_privileges


@pytest.fixture(autouse=True, name="own_store")
def _own_store(tmp_path, monkeypatch):
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


def again(capsys) -> list[str]:
    """Start the labs, and return the notices that they print."""
    capsys.readouterr()
    lab.start()
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("Note: ") for line in lines if line.startswith("Note: ")]


def log_a_run(experiment: str) -> str:
    mlflow.set_experiment(experiment)
    with mlflow.start_run() as run:
        mlflow.log_metric("accuracy", 0.5)
    return run.info.run_id


START = "import lab\ntry: lab.start()\nexcept lab.LabError as error: print('LabError:', error)"


def start_in(folder, *prefix, code=START):
    """Start the labs in a process of its own, as a kernel without root's power would, and return what it printed."""
    settings = {"LAB_TRACKING_URI": str(folder), "PYTHONPATH": str(ROOT / "notebooks")}
    command = [*prefix, *without_privileges(), sys.executable, "-c", code]
    return run(command, env=os.environ | settings).stdout


@pytest.mark.parametrize("student", ["", "ann"])
def test_two_lines_on_a_good_day(capsys, own_store, monkeypatch, student):
    monkeypatch.setenv("LAB_STUDENT", student)
    lab.start()
    assert capsys.readouterr().out.splitlines() == [
        f"MLflow {mlflow.__version__} on Python {sys.version.split()[0]}",
        f"Runs go to {own_store}/ (a file store)" + (", as ann" if student else ""),
    ]
    assert mlflow.get_tracking_uri() == mlflow.get_registry_uri() == own_store.as_uri()
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


# Python and the packages.

NEW_PYTHON = "Python 3.99 is newer than the 3.14 these labs were tested with"


@pytest.mark.parametrize(
    "python, versions, told",
    [
        ((3, 10, 4), {}, "need Python 3.11 or newer, and this kernel runs Python 3.10.4"),
        (None, {"mlflow": "2.8.0"}, "need MLflow 2.19 or newer, and this kernel has 2.8.0"),
        (None, {"scikit-learn": ""}, f"This kernel's Python ({sys.executable}) lacks scikit-learn"),
        ((3, 99, 0), {"mlflow": "4.1.0rc1"}, [NEW_PYTHON, "MLflow 4.1 is newer than the 3.17"]),
        (None, {"mlflow": "3.2.0"}, ["MLflow 3.2 is older than the 3.17 these labs were tested"]),
    ],
)
def test_other_versions(monkeypatch, capsys, python, versions, told):
    if python:
        monkeypatch.setattr(checks, "sys", SimpleNamespace(version_info=python))
    version = checks.installed
    monkeypatch.setattr(checks, "installed", lambda name: versions.get(name, version(name)))
    if isinstance(told, str):
        message = sentence()
        assert told in message and "requirements.txt" in message
    else:
        lab.start()
        printed = capsys.readouterr().out
        assert all(words in printed for words in told) and printed.count("Note: ") == 1 + bool(
            python
        )


# What LAB_TRACKING_URI may hold.

MEANT = "and you probably mean {}: write it like that."


@pytest.mark.parametrize(
    "value, meant",
    [
        *((value, "") for value in ("ftp://example.org/runs", "htp://h:5000", "file://h/share")),
        *(
            (value, "")
            for value in ("http://", "http://[", "http://:5000", "http://host:port", "http://h:0")
        ),
        ("10.0.0.5:5000", "http://10.0.0.5:5000"),
        ("localhost:5000/", "http://localhost:5000/"),
        ("C:\\Users\\ann\\mlruns", "/mnt/c/Users/ann/mlruns"),
        ("$HOME/mlruns", f"{Path.home()}/mlruns"),
        ("$NO_SUCH/mlruns", "the path in full, without a variable"),
        ("'/data/mlruns'", "/data/mlruns"),
        ("“http://127.0.0.1:5000”", "http://127.0.0.1:5000"),
        ("mlflow.db", f"sqlite:///{ROOT}/mlflow.db"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="the spellings of other systems")
def test_what_is_no_store_is_told_with_what_was_probably_meant(monkeypatch, value, meant):
    monkeypatch.setenv("LAB_TRACKING_URI", value)
    assert sentence().startswith(
        f"LAB_TRACKING_URI is '{value}', {MEANT.format(meant) * bool(meant)}"
    )


@pytest.mark.parametrize("name", ["MLflow läb %", "a%20b%20c", "x:5000", "my.database/runs"])
def test_every_spelling_of_a_folder_is_the_same_store_and_an_odd_name_no_slip(own_store, name):
    path = own_store / name
    for value in (path.as_uri(), str(path), path.as_uri().replace("///", "/")):
        os.environ["LAB_TRACKING_URI"] = value
        assert store.labs_store().folder == path
        lab.start()
        mlflow.create_experiment(f"here {value}")
    assert len(list(path.glob("*/meta.yaml"))) == 4


def test_store_is_described_as_it_was_named(monkeypatch, capsys):
    for value, shown, kind, uri in (
        ("", "mlruns/", "a file store", "../mlruns"),
        ("sqlite:////tmp/x.db", "sqlite:////tmp/x.db", "a database", "sqlite:////tmp/x.db"),
        ("http://ada:secret@h:9/", "http://h:9", "a tracking server", "http://h:9"),
    ):
        monkeypatch.setenv("LAB_TRACKING_URI", value)
        assert str(store.labs_store()) == f"{shown} ({kind})"
        lab.settings()
        assert capsys.readouterr().out.startswith(f"uri = '{uri}'\n")


# Servers, and what a folder may be.


def test_server_that_is_not_there(monkeypatch):
    address = f"http://ada:secret@127.0.0.1:{free_port()}"
    monkeypatch.setenv("LAB_TRACKING_URI", address)
    message = sentence()
    assert f"{address.replace('ada:secret@', '')} does not answer (no connection)" in message
    assert "unset it" in message


def test_server_that_says_nothing_is_waited_for(monkeypatch):
    monkeypatch.setattr(checks, "PATIENCE", (1, 1.5))
    begin = time.monotonic()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv("LAB_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert "no answer in time" in sentence()
    assert time.monotonic() - begin > 1.5


def test_server_that_is_called_by_a_name_it_does_not_know(monkeypatch, tmp_path):
    with tracking_server(tmp_path, "--allowed-hosts=class.example") as address:
        monkeypatch.setenv("LAB_TRACKING_URI", address)
        message = sentence()
    assert f'start it with --allowed-hosts "{address.removeprefix("http://")}"' in message


def test_servers_of_this_computer_are_not_asked_through_a_proxy(monkeypatch, tmp_path, capsys):
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "example.org")
    with tracking_server(tmp_path) as address:
        monkeypatch.setenv("LAB_TRACKING_URI", address)
        lab.start()
        log_a_run("sklearn_experiment")
    assert os.environ["no_proxy"] == "example.org,127.0.0.1,localhost"


def test_read_only_folder(tmp_path):
    folder = tmp_path / "closed" / "mlruns"
    folder.parent.mkdir()
    folder.parent.chmod(0o555)
    printed = start_in(folder)
    assert printed.startswith("LabError:") and "cannot be written (Permission denied)" in printed
    assert list(folder.parent.iterdir()) == []


def test_full_disk(tmp_path):
    mount = ("unshare", "--mount", *(() if os.geteuid() == 0 else ("--map-root-user",)))
    script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
    prefix = (*mount, "sh", "-c", script, str(tmp_path))
    if not shutil.which("unshare") or run([*prefix, "true"]).returncode:
        pytest.skip("a full disk is imitated with a small tmpfs, which needs the right to mount")
    printed = start_in(tmp_path / "mlruns", *prefix)
    assert printed.startswith("LabError:") and "has 1 MB left" in printed


@pytest.mark.parametrize("given", ["empty folder", "no Default", "nothing"])
def test_a_run_without_an_experiment_has_a_place(capsys, own_store, given):
    if given == "empty folder":
        own_store.mkdir()
    assert again(capsys) == []
    if given == "no Default":
        shutil.rmtree(own_store / "0")
        lab.start()
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "Default"


def test_notebook_shows_the_sentence_and_no_traceback(tmp_path):
    project = copy_project(tmp_path / "project")
    notebook = project / "notebooks" / "one_cell.ipynb"
    options = {"metadata": {"tags": ["raises-exception"]}}
    cell = nbformat.v4.new_code_cell("import lab\n\nlab.start()", **options)
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), notebook)
    (output,) = execute(notebook, {"LAB_TRACKING_URI": "ftp://example.org"}).cells[0].outputs
    assert output.ename == "LabError"
    (line,) = output.traceback
    assert line.startswith("LabError: LAB_TRACKING_URI is 'ftp://")


# The data.


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "data", tmp_path / "data")
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    monkeypatch.setattr(store, "ROOT", tmp_path)
    return tmp_path / "data"


def test_missing_or_cut_csv(own_data):
    path = own_data / "digits.csv"
    whole = path.read_bytes()
    for length in (0, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert "data/digits.csv is cut short" in sentence()
    path.unlink()
    message = sentence()
    assert "data/digits.csv cannot be read" in message and "git checkout data/digits.csv" in message


def test_changed_csv_goes_on_with_a_notice_and_windows_line_endings_without(own_data, capsys):
    for path in own_data.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert again(capsys) == []
    path = own_data / "iris.csv"
    path.write_text(path.read_text().replace("5.1,3.5", "5.2,3.5", 1))
    (notice,) = again(capsys)
    assert notice.startswith("data/iris.csv differs from the original")


def test_store_made_beside_the_notebooks_without_the_first_cell(capsys, own_data):
    stray = own_data.parent / "notebooks" / "mlflow.db"
    stray.parent.mkdir()
    stray.touch()
    (notice,) = again(capsys)
    assert notice.startswith("notebooks/mlflow.db is another store than yours")
    assert stray.exists()


# What is set, and said.

# Prints all that lab.settings() says, and what lab.start() has changed in a process.
CHANGES = """
import logging, os, sys, warnings
import lab, mlflow, mlflow.pyfunc, mlflow.pytorch, mlflow.sklearn
def state():
    functions, handlers = {}, logging.getLogger("mlflow").handlers
    for name, module in list(sys.modules.items()):
        for key, value in list(vars(module).items()) if name.partition(".")[0] == "mlflow" else ():
            for part, function in [("", value), *(vars(value) if isinstance(value, type) else {}).items()]:
                if callable(function):
                    functions[name, key, part] = function
    return functions, dict(os.environ), [
        *warnings.filters, *(f for handler in handlers for f in handler.filters), *sys.meta_path]
before, folder = state(), os.getcwd()
lab.settings(everything=True)
print("=== changed")
lab.start()
after = state()
print(*{part or key for name, key, part in before[0] if after[0][name, key, part] is not before[0][name, key, part]})
print(*sorted(name for name in before[1] | after[1] if before[1].get(name) != after[1].get(name)))
print(len(after[2]) - len(before[2]), os.getcwd() == folder)
"""


@pytest.mark.parametrize("kind", ["folder", "database"])
def test_settings_tell_all_that_is_set(tmp_path, monkeypatch, kind):
    for name in FOREIGN:
        monkeypatch.setenv(name, "http://company.example")
    for name in (*SETTINGS, *ONE_THREAD, "NO_PROXY", "no_proxy", "LOGNAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("LAB_STUDENT", "ann")
    place = tmp_path / "mlruns" if kind == "folder" else f"sqlite:///{tmp_path}/runs.db"
    told, _, changed = start_in(place, code=CHANGES).partition("=== changed\n")
    *_, functions, variables, others = changed.splitlines()
    assert set(functions.split()) == ({"flush", "eprint"} if kind == "folder" else {"eprint"})
    assert ("client.flush" in told) == (kind == "folder") and "(eprint)" in told
    assert set(variables.split()) >= {*FOREIGN, *SETTINGS, *ONE_THREAD, "LOGNAME", "NO_PROXY"}
    for name in set(variables.split()) - {"no_proxy"}:
        assert re.search(rf"^ *{name}(=| removed)", told, re.MULTILINE), name
    # Warnings, the log's filter and the finder of skops.
    assert others == f"{len(adapted.WARNINGS) + 2} True"
    assert "warnings left out" in told and "log messages left out" in told and "skops is" in told


def test_settings_are_few_at_first_and_then_all_with_the_messages(capsys):
    lab.settings()
    *first, more = capsys.readouterr().out.splitlines()
    assert first[-1].startswith("MLFLOW_LOGGING_LEVEL=WARNING")
    lab.settings(everything=True)
    whole = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in whole[: len(first)]] == [line.split()[0] for line in first]
    assert more == "All of it: lab.settings(everything=True)"
    assert whole.index("") <= 36 and max(map(len, whole[1 : whole.index("")])) <= 110
    kept = adapted.MESSAGES | adapted.WARNINGS | adapted.LINES
    assert whole[-len(kept) - 1] == "These messages of MLflow are not shown:"


def test_settings_of_the_shell_are_not_followed_and_said(monkeypatch, capsys, own_store):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://company.example")
    monkeypatch.setenv("MLFLOW_RUN_ID", "0" * 32)
    monkeypatch.setattr(setup, "_told", False)  # as in a new kernel
    told = [notice.split()[0] for notice in again(capsys)]
    assert told == ["MLFLOW_TRACKING_URI", "MLFLOW_RUN_ID"]
    run_id = log_a_run("sklearn_experiment")
    assert mlflow.get_tracking_uri() == own_store.as_uri() and run_id != "0" * 32
    lab.start()  # programs that are started from here find the store, each time
    assert os.environ["MLFLOW_TRACKING_URI"] == own_store.as_uri()


def test_one_thread_unless_the_student_says_otherwise(monkeypatch):
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    lab.start()
    threads = {name: os.environ[name] for name in ONE_THREAD}
    assert threads.pop("OMP_NUM_THREADS") == "4" and set(threads.values()) == {"1"}


def test_chatter_is_off_and_other_warnings_are_not():
    def record(message: str) -> logging.LogRecord:
        return logging.LogRecord("mlflow.pyfunc", logging.WARNING, "", 0, message, (), None)

    lab.start()
    for handler in logging.getLogger("mlflow").handlers:
        kept = [words for words in adapted.MESSAGES if handler.filter(record(words))]
        assert kept == [] and handler.filter(record("Detected one or more mismatches"))


def test_nothing_is_imported_that_mlflow_does_not_import(own_store):
    code = "import sys, {}; print(*(name for name in sys.modules if '.' not in name))"
    before, after = (
        set(start_in(own_store, code=code.format(what)).split())
        for what in ("mlflow", "lab; lab.start()")
    )
    assert not {"torch", "sklearn", "dask", "IPython", "psutil"} & after - before
    alone = start_in(
        own_store, code="import sys, lab; print('mlflow' in sys.modules, 'yaml' in sys.modules)"
    )
    assert alone == "False False\n"
    assert "lab.cloudera" not in start_in(
        own_store, code="import sys, lab, lab.__main__; lab.start(); print(*sys.modules)"
    )


def test_autologging_does_not_read_what_it_still_writes(monkeypatch):
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
from lab.setup.adapted import import_skops_alone

class Missing:
    def find_spec(self, name, *_):
        if name.partition(".")[0] == "{missing}":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Missing())
import_skops_alone()
import_skops_alone()
try:
    import skops.io
    print("imported", sum("SkopsAlone" in str(finder) for finder in sys.meta_path))
except ImportError as error:
    print("missing", error)
"""
    told = "missing skops\n" if missing == "skops" else "imported 1\n"
    assert start_in(own_store, code=code) == told


UNDOCUMENTED = {  # whether it is still there; what MLflow would offer in its place, and does not yet
    "AUTOLOGGING_INTEGRATIONS": (
        lambda: mlflow.utils.autologging_utils.AUTOLOGGING_INTEGRATIONS["sklearn"]["disable"],
        lambda: {name for name in dir(mlflow) if "autolog" in name} - {"autolog"},
    ),
    "eprint": (
        lambda: "eprint(" in inspect.getsource(mlflow.tracking._model_registry.fluent),
        lambda: len(list(inspect.signature(mlflow.register_model).parameters)) > 5,
    ),
    "_MLFLOW_SERVER_ARTIFACT_ROOT": (
        lambda: mlflow.server.ARTIFACT_ROOT_ENV_VAR == "_MLFLOW_SERVER_ARTIFACT_ROOT",
        lambda: {n for n in dir(mlflow.environment_variables) if n.endswith("ARTIFACT_ROOT")},
    ),
    "db_migrations": (
        lambda: list(Path(mlflow.__file__).parent.glob("store/db_migrations/versions/*.py")),
        lambda: {"check", "current", "status", "version"} & set(mlflow.db.commands.commands),
    ),
}


@pytest.mark.parametrize("name", adapted.UNDOCUMENTED)
def test_an_undocumented_name_can_go_as_soon_as_mlflow_has_a_public_way(name):
    import mlflow.db
    import mlflow.server

    mlflow.sklearn.autolog(disable=True)
    there, instead = UNDOCUMENTED[re.split(r"[./]", name)[-1]]
    assert there(), f"{name} is gone"
    assert not instead(), f"drop {name}: {adapted.UNDOCUMENTED[name]}"


# The first cell again, in the middle of a notebook.


def test_starting_again_in_the_middle_goes_on_and_says_what_it_changed(capsys):
    lab.start()
    mlflow.set_experiment("sklearn_experiment")
    mlflow.sklearn.autolog(log_models=False)
    mlflow.set_tag("verdict", "outside of any run")  # opens one, with a name that MLflow makes up
    left_open = mlflow.active_run().info
    closed, chosen, autologging = again(capsys)
    assert closed == f"the run '{left_open.run_name}' was still open; it is closed now."
    assert chosen.startswith("the experiment 'sklearn_experiment' is still chosen")
    assert autologging == "autologging of sklearn was on; it is off now."
    assert mlflow.get_run(left_open.run_id).info.status == "KILLED"
    LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    assert list(mlflow.search_runs()["run_id"]) == [left_open.run_id]
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "sklearn_experiment"
    assert len(again(capsys)) == 1


def test_starting_again_on_another_store_chooses_no_experiment(capsys, monkeypatch, tmp_path):
    lab.start()
    another = f"sqlite:///{tmp_path}/another.db"
    MlflowClient(another).create_experiment("of the same number")
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/first.db")
    mlflow.set_experiment("sklearn_experiment")
    monkeypatch.setenv("LAB_TRACKING_URI", another)
    assert again(capsys) == [
        "no experiment is chosen any more: run the cell with mlflow.set_experiment again."
    ]
    with mlflow.start_run() as run:
        assert mlflow.get_experiment(run.info.experiment_id).name == "Default"
    assert again(capsys) == []


def test_an_experiment_that_was_chosen_before_the_first_cell(own_store):
    code = """
import mlflow
mlflow.set_tracking_uri("sqlite:///before.db")
mlflow.create_experiment("one")
mlflow.set_experiment("two")
import lab
lab.start()
"""
    done = start_in(own_store, code=f"import os; os.chdir({str(own_store.parent)!r}){code}")
    assert done.splitlines()[-1].startswith("Note: no experiment is chosen any more")


def test_autologging_is_paused_in_a_block_and_goes_on_afterwards():
    lab.start()
    mlflow.sklearn.autolog(log_models=False)
    try:
        with adapted.autologging_paused():
            LogisticRegression().fit([[0.0], [1.0]], [0, 1])
        assert len(mlflow.search_runs()) == 0
        LogisticRegression().fit([[0.0], [1.0]], [0, 1])
        assert len(mlflow.search_runs()) == 1
    finally:
        mlflow.sklearn.autolog(disable=True)


def test_step_that_is_no_whole_number(capsys, own_store):
    lab.start()
    mlflow.set_experiment("pytorch_experiment")
    with mlflow.start_run(run_name="faster") as run:
        mlflow.log_param("learning_rate", 0.1)
        mlflow.log_metric("val_loss", 0.5, step=1)
        mlflow.log_metric("val_loss", 0.4, step=1.5)
    (file,) = own_store.rglob("val_loss")
    before = file.read_bytes()
    capsys.readouterr()
    lab.check("3.1")
    assert "cannot be read" in (told := capsys.readouterr().out) and "first cell again" in told
    assert file.read_bytes() == before, "a check mends nothing"
    lab.start()
    lab.check("3.1")
    (*_, notice, _, verdict) = capsys.readouterr().out.splitlines()
    assert f"{run.info.run_id}/metrics/val_loss has the line '" in notice and " 0.4 1.5'" in notice
    assert verdict.startswith("⬜ 3.1 not done yet: the run 'faster' has no parameter 'epochs'")


# A run's files, and the code's version.


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


def test_show_files_says_what_it_cannot_show(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("LAB_TRACKING_URI", f"sqlite:///{tmp_path}/runs.db")
    lab.start()
    with mlflow.start_run() as run:
        mlflow.log_text("hello", "notes/hello.txt")
    assert len(list(tmp_path.glob("mlartifacts/*/*/artifacts/notes/hello.txt"))) == 1
    capsys.readouterr()
    show_files(run.info.run_id)
    printed = capsys.readouterr().out
    assert "(a database) keeps runs in tables" in printed
    assert "hello.txt" in printed and "5 bytes" in printed
