"""`make` and what it starts: JupyterLab, the MLflow UI, the reading copies, and a fresh store."""

import contextlib
import json
import os
import re
import signal
import socket
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import psutil
import pytest
from support import ROOT, chromium, copy_project, run, started

posix = pytest.mark.skipif(os.name != "posix", reason="make and signals as on Linux and macOS")


@pytest.fixture
def project(tmp_path):
    """A copy of the project in a folder with a space, whose .venv is the environment of these tests."""
    project = copy_project(tmp_path / "my labs")
    if os.name == "posix":
        (project / ".venv").symlink_to(sys.prefix)
    return project


@pytest.fixture
def start(project):
    """Start a server, return its process and what it printed up to a pattern; end all of it afterwards."""
    with contextlib.ExitStack() as servers:
        yield lambda command, pattern, **environment: servers.enter_context(
            started(command, pattern, project, environment)
        )


def in_notebooks(project, module, *arguments):
    """Return the command that the README gives for computers without make."""
    code = f"import os, runpy, sys; os.chdir({str(project / 'notebooks')!r}); sys.path.insert(0, os.getcwd()); "
    code += f"sys.argv = ['{module}', *{list(arguments)!r}]; runpy.run_module('{module}', run_name='__main__')"
    return [sys.executable, "-c", code]


def log_a_run(project):
    code = "import lab, mlflow; lab.start(); mlflow.set_experiment('sklearn_experiment'); mlflow.start_run(run_name='seen'); mlflow.end_run()"
    environment = os.environ | {"PYTHONPATH": str(project / "notebooks")}
    done = run([sys.executable, "-c", code], env=environment)
    assert done.returncode == 0, done.stdout


def ask(address, path, **question):
    from urllib.request import Request

    body = json.dumps(question).encode()
    request = Request(f"{address}{path}", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)


def listeners(process):
    """Return the addresses on which a process or its descendants listen."""
    family = [
        process.pid,
        *(child.pid for child in psutil.Process(process.pid).children(recursive=True)),
    ]
    found = [psutil.Process(pid).net_connections("tcp") for pid in family]
    return {
        (c.laddr.ip, c.laddr.port) for some in found for c in some if c.status == psutil.CONN_LISTEN
    }


UI = r"The MLflow UI shows (.+) \(a file store\): open (http://127\.0\.0\.1:(\d+))"


def test_ui_shows_the_store_that_the_notebooks_write(project, start):
    log_a_run(project)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, _, found = start(in_notebooks(project, "lab.ui", "--port", str(port)), UI)
    place, address, chosen = found.groups()
    assert place == "mlruns/"
    assert int(chosen) > port, "the port was taken"
    api = "/api/2.0/mlflow"
    experiments = ask(address, f"{api}/experiments/search", max_results=10)["experiments"]
    (ours,) = [e["experiment_id"] for e in experiments if e["name"] == "sklearn_experiment"]
    runs = ask(address, f"{api}/runs/search", experiment_ids=[ours])["runs"]
    assert [found["info"]["run_name"] for found in runs] == ["seen"]
    assert b"<title>MLflow</title>" in urlopen(address, timeout=60).read()
    assert {ip for ip, _ in listeners(process)} == {"127.0.0.1"}


@posix
def test_ui_says_what_to_run_first_and_leaves_nothing_running(project, start):
    process, _, _ = start(
        ["make", "-o", ".venv/labs.done", "ui", "PORT=15000"],
        r"Note: there is no run yet: run notebooks/02_sklearn_tracking\.ipynb first",
    )
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 1
    for child in psutil.Process(process.pid).children():
        child.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive


def test_ui_on_a_server_starts_nothing(project):
    environment = os.environ | {"LAB_TRACKING_URI": "http://127.0.0.1:9"}
    done = run(in_notebooks(project, "lab.ui"), env=environment)
    assert done.returncode == 0
    assert "http://127.0.0.1:9 (a tracking server), which has its own UI" in done.stdout


def test_ui_refuses_in_one_sentence(project):
    done = run(in_notebooks(project, "lab.ui", "--port", "many"))
    assert done.returncode == 1
    assert done.stdout == "Error: The port is 'many': give a number between 1 and 65535.\n"


def test_reset_moves_the_store_and_loses_nothing(project):
    log_a_run(project)
    store = project / "mlruns"
    before = {
        path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()
    }
    answer = project / "notebooks" / "my_results.csv"
    answer.write_text("C,seed,accuracy")
    done = run(in_notebooks(project, "lab.reset"))
    (aside,) = re.findall(
        r"to (mlruns-\d{4}-\d\d-\d\d-\d{6})/ beside it; nothing was deleted", done.stdout
    )
    assert not store.exists()
    moved = project / aside
    assert {
        path.relative_to(moved): path.read_bytes()
        for path in moved.rglob("*")
        if path.is_file() and path.name != answer.name
    } == before
    assert (moved / "my_results.csv").read_text() == "C,seed,accuracy" and not answer.exists()
    assert "Nothing to move" in run(in_notebooks(project, "lab.reset")).stdout


def test_reset_leaves_databases_alone(project):
    environment = os.environ | {"LAB_TRACKING_URI": "sqlite:///runs.db"}
    done = run(in_notebooks(project, "lab.reset"), env=environment)
    assert done.returncode == 1 and "this command leaves alone" in done.stdout


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The reading copies of two labs, of which one runs quickly and one writes to a store."""
    project = copy_project(tmp_path_factory.mktemp("html") / "my labs")
    for notebook in (project / "notebooks").glob("0[2-57]_*.ipynb"):
        notebook.unlink()
    done = run(in_notebooks(project, "lab.html"))
    assert done.returncode == 0, done.stdout
    return project


def test_html_copies_are_executed_and_stand_alone(pages):
    target = pages / "build" / "html"
    names = {path.name for path in target.glob("*.html")}
    assert names == {"index.html", "01_bad_example.html", "06_artifacts.html"}
    for path in target.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(src|data)=["']?(https?:)?//""", text), (
            f"{path.name} loads something"
        )
        assert not re.search(r"<link[^>]+href=.(https?:)?//|@import|<script[^>]+src", text)
        assert '<html lang="en">' in text and text.count("<h1") == 1
        for link in re.findall(r'(?:src|href)="(?!data:|https?:|#)([^"#]+)', text):
            if not re.match(r"0[2-57]_", link):
                assert (target / link).exists(), f"{path.name} leads to {link}"
    first = (target / "01_bad_example.html").read_text(encoding="utf-8")
    assert "Model accuracy: 0.967" in first and "data:image/png" in first
    assert 'href="02_sklearn_tracking.html"' in first
    assert "Without tracking" in (target / "index.html").read_text(encoding="utf-8")
    assert "mlruns/" in (target / "06_artifacts.html").read_text(encoding="utf-8")


def test_html_touches_neither_notebooks_nor_store(pages):
    assert not (pages / "mlruns").exists()
    for name in ("01_bad_example.ipynb", "06_artifacts.ipynb"):
        copied = (pages / "notebooks" / name).read_bytes()
        assert copied == (ROOT / "notebooks" / name).read_bytes()


def test_html_of_a_failing_lab_says_which_cell(project):
    for notebook in (project / "notebooks").glob("0[2-7]_*.ipynb"):
        notebook.unlink()
    path = project / "notebooks" / "01_bad_example.ipynb"
    content = json.loads(path.read_text(encoding="utf-8"))
    cell = next(cell for cell in content["cells"] if cell["id"] == "splits-plot")
    cell["source"] = "raise ValueError('something broke')"
    path.write_text(json.dumps(content), encoding="utf-8")
    done = run(in_notebooks(project, "lab.html"))
    assert done.returncode == 1
    assert "01_bad_example.ipynb failed at the cell that begins 'raise ValueError" in done.stdout
    assert "ValueError: something broke" in done.stdout and "Traceback" not in done.stdout


@posix
def test_make_lab_opens_the_first_lab_with_a_token(project, start):
    command = ["make", "-o", ".venv/labs.done", "lab", "PORT=18888", "ARGS=--no-browser"]
    process, _, found = start(command, r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)")
    address, page, token = found.groups()
    assert page == "/lab/tree/notebooks/01_bad_example.ipynb"
    with pytest.raises(HTTPError) as refused:
        urlopen(f"{address}/api/contents/notebooks", timeout=60)
    assert refused.value.code == 403
    answer = urlopen(f"{address}/api/contents/notebooks?token={token}", timeout=60)
    assert "07_run_search.ipynb" in {entry["name"] for entry in json.load(answer)["content"]}
    assert {ip for ip, _ in listeners(process)} == {"127.0.0.1"}


@posix
def test_make_alone_lists_the_targets(project):
    printed = run(["make"], cwd=project).stdout
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert len(targets) >= 7
    for target in targets:
        assert re.search(rf"make {target}\b +\w+", printed), target


@posix
def test_make_with_an_old_python_says_so(tmp_path):
    project = copy_project(tmp_path / "my labs")
    old = tmp_path / "python3.9"
    old.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.1\n[ "$1" = --version ] || [ -z "$2" ]\n'
    )
    old.chmod(0o755)
    done = run(["make", "lab", f"PYTHON={old}"], cwd=project)
    assert done.returncode != 0
    assert "need Python 3.11 or newer" in done.stdout and "Python 3.9.1" in done.stdout
    assert not (project / ".venv").exists()


def test_requirements_and_constraints_agree():
    """What students install is what the tests passed with."""

    def pins(path: Path) -> dict[str, str]:
        lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
        return dict(line.lower().split("==") for line in lines if line)

    constraints = pins(ROOT / "tests" / "constraints.txt")
    students = pins(ROOT / "requirements.txt")
    assert set(students) == {
        "mlflow",
        "scikit-learn",
        "torch",
        "pandas",
        "matplotlib",
        "jupyter",
        "nbval",
        "pytest",
    }
    for name, version in {**students, **pins(ROOT / "tests" / "requirements.txt")}.items():
        assert constraints[name] == version


def test_without_a_browser_it_is_said_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="There is no Chromium here: install it with 'sudo"):
        chromium()
