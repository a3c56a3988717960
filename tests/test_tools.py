"""`make` and what it starts: JupyterLab, the MLflow UI, the reading copies, and a fresh store."""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import requests
from kernel import EXERCISES, Kernel
from support import NOTEBOOKS, ROOT, copy_project, free_port, make, run, started, status

posix = pytest.mark.skipif(os.name != "posix", reason="make and signals as on Linux and macOS")
INSTALLED = ("-o", ".venv/packages.done")  # but for what make itself adds


@pytest.fixture
def project(tmp_path):
    """A copy of the project in a folder with a space, whose .venv is the environment of these tests."""
    return copy_project(tmp_path / "my labs", installed=os.name == "posix")


@pytest.fixture
def start(project):
    """Start a server, return its process, and what a pattern found in what it printed; end all of it afterwards."""
    with contextlib.ExitStack() as servers:

        def start(command, pattern, folder="notebooks", **environment):
            running = started(command, pattern, project / folder, environment)
            process, _, found = servers.enter_context(running)
            return process, found

        yield start


def lab(*arguments):
    """Return the command that lab/README.md gives for computers without make, in the folder `notebooks`."""
    return [sys.executable, "-m", "lab", *arguments]


def log_a_run(project):
    code = "import lab, mlflow; lab.start(); mlflow.set_experiment('sklearn_experiment'); mlflow.start_run(run_name='seen'); mlflow.end_run()"
    done = run([sys.executable, "-c", code], cwd=project / "notebooks")
    assert done.returncode == 0, done.stdout


def listeners(process):
    """Return the computer's addresses on which a process or its descendants listen."""
    root = psutil.Process(process.pid)
    found = [one.net_connections("tcp") for one in (root, *root.children(recursive=True))]
    return {c.laddr.ip for some in found for c in some if c.status == psutil.CONN_LISTEN}


UI = r"The MLflow UI shows (.+) \(a file store\): open (http://127\.0\.0\.1:(\d+))"


def test_two_who_start_the_ui_at_the_same_moment_get_one_each(project, start):
    command = lab("ui", "--port", str(free_port()))
    with ThreadPoolExecutor(2) as two:
        begun = list(two.map(lambda _: start(command, UI), range(2)))
    assert begun[0][1][3] != begun[1][1][3]
    assert [status(found[2]) for _, found in begun] == [200, 200]


def test_ui_shows_the_store_that_the_notebooks_write(project, start):
    log_a_run(project)
    (project / "mlruns" / "@eaDir").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process, found = start(lab("ui", "--port", str(port)), UI)
    place, address, chosen = found.groups()
    assert place == "mlruns/"
    assert int(chosen) != port, "the port was taken"
    assert "Note: mlruns/@eaDir has no meta.yaml, which stops MLflow" in found.string
    api = f"{address}/api/2.0/mlflow"
    asked = {"json": {"max_results": 10}, "timeout": 60}
    found = requests.post(f"{api}/experiments/search", **asked).json()["experiments"]
    (ours,) = [e["experiment_id"] for e in found if e["name"] == "sklearn_experiment"]
    asked = {"json": {"experiment_ids": [ours]}, "timeout": 60}
    runs = requests.post(f"{api}/runs/search", **asked).json()["runs"]
    assert [found["info"]["run_name"] for found in runs] == ["seen"]
    assert "<title>MLflow</title>" in requests.get(address, timeout=60).text
    assert listeners(process) == {"127.0.0.1"}


@posix
@pytest.mark.parametrize(("ends", "code"), [("SIGTERM", 0), ("SIGKILL", 2)])
def test_ui_says_what_to_run_first_and_leaves_nothing_running(project, start, ends, code):
    process, _ = start(
        make("ui"),
        r"Note: there is no run yet: run notebooks/02_sklearn_tracking\.ipynb first",
        folder="",
    )
    family = psutil.Process(process.pid).children(recursive=True)
    assert len(family) > 1
    for child in psutil.Process(process.pid).children():
        child.send_signal(getattr(signal, ends))
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive and process.wait() == code


CODESPACE = {
    "CODESPACE_NAME": "tidy-otter-x4y5",
    "GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN": "app.github.example",
}


def test_ui_in_a_codespace_answers_under_its_public_name(project, start):
    pattern = r"open (https://(tidy-otter-x4y5-(\d+)\.app\.github\.example)) \(Ctrl-C"
    process, found = start(lab("ui", "--port", str(free_port())), pattern, **CODESPACE)
    public, name, port = found.groups()
    search = f"http://127.0.0.1:{port}/api/2.0/mlflow/experiments/search?max_results=1"
    assert status(search, Host=name, Origin=public) == 200
    assert status(search, Host="localhost:5001") == 200, "an editor may choose another port"
    assert status(search, Host=f"other-{port}.app.github.example") == 403
    create = search.replace("search?max_results=1", "create")
    made = status(create, {"name": "made in the UI"}, Host=name, Origin=public)
    assert made == 200, "the UI may not write"
    assert listeners(process) == {"127.0.0.1"}


@posix
def test_jupyterlab_in_a_codespace_answers_under_its_public_name(project, start):
    dev_container = json.loads(
        re.sub(r"^ *//.*$", "", (ROOT / ".devcontainer/devcontainer.json").read_text(), flags=re.M)
    )
    place = dev_container["containerEnv"]["JUPYTER_CONFIG_PATH"]
    place = place.replace("${containerWorkspaceFolder}", str(project))
    command = [*make("lab", "ARGS=--no-browser"), "PORT=8900"]
    pattern = r"(http://127\.0\.0\.1:(\d+))/\S*\?token=(\w+)"
    _, found = start(command, pattern, folder="", JUPYTER_CONFIG_PATH=place, **CODESPACE)
    address, port, token = found.groups()
    name = f"tidy-otter-x4y5-{port}.app.github.example"
    kernels = f"{address}/api/kernelspecs"
    assert status(kernels, Host="elsewhere.example") == 403
    assert status(kernels, Host=name) == 403, "the token is still needed"
    with requests.Session() as browser:  # it has a cookie once it has shown the token
        browser.headers["Host"] = name
        assert browser.get(f"{address}/lab?token={token}", timeout=60).status_code == 200
        for origin, answer in {
            f"https://{name}": 200,
            f"http://localhost:{port}": 200,
            f"https://{name}.elsewhere.example": 404,
        }.items():
            found = browser.get(kernels, headers={"Origin": origin}, timeout=60)
            assert found.status_code == answer, origin


@pytest.mark.parametrize(
    ("command", "store", "code", "said"),
    [
        ("ui", "http://127.0.0.1:9", 0, "http://127.0.0.1:9 (a tracking server), which has its own UI"),
        ("ui --port many", "", 1, "Error: The port is 'many': give a number between 1 and 65535.\n"),
        ("reset", "", 0, "Nothing to move: there is no mlruns/ (a file store) yet.\n"),
        ("reset", "sqlite:///runs.db", 1, "which this command leaves alone: delete experiments there"),
        ("reset everything", "", 2, "unrecognized arguments: everything"),
        ("adopt", "", 1, "Error: mlruns/ (a file store) is no folder of MLflow runs that others made"),
    ],
)  # fmt: skip
def test_commands_that_do_nothing_say_why(project, command, store, code, said):
    environment = os.environ | {"LAB_TRACKING_URI": store}
    done = run(lab(*command.split()), cwd=project / "notebooks", env=environment)
    assert done.returncode == code and said in done.stdout
    assert "Traceback" not in done.stdout and not list(project.glob("mlruns*"))


def test_progress_lists_the_exercises_and_reset_moves_the_store_and_loses_nothing(project):
    log_a_run(project)
    done = run(lab("progress", "--verify"), cwd=project / "notebooks").stdout
    assert "Lab 2:  ⬜ 2.1" in done and f"\n0 of {len(EXERCISES)} done. Next: 1.1" in done
    store = project / "mlruns"
    before = {
        path.relative_to(store): path.read_bytes() for path in store.rglob("*") if path.is_file()
    }
    answer = project / "notebooks" / "my_results.csv"
    answer.write_text("C,seed,accuracy")
    done = run(lab("reset"), cwd=project / "notebooks")
    (aside,) = re.findall(
        r"to (mlruns-\d{4}-\d\d-\d\d-\d{6})/ beside it; nothing was deleted", done.stdout
    )
    assert not store.exists() and not answer.exists()
    moved = project / aside
    after = {
        path.relative_to(moved): path.read_bytes() for path in moved.rglob("*") if path.is_file()
    }
    assert after.pop(Path("my_results.csv")) == b"C,seed,accuracy" and after == before


def test_html_copies_show_the_outputs_and_load_nothing_from_elsewhere(project):
    """Those that the notebooks hold: nothing is executed. Files beside the pages are linked as they are online."""
    source = "https://example.org/blob/main"
    done = run(lab("html", "--source", source), cwd=project / "notebooks")
    assert done.returncode == 0, done.stdout
    assert not (project / "mlruns").exists()
    target = project / "build" / "html"
    labs = {path.stem for path in NOTEBOOKS}
    assert {path.stem for path in target.glob("*.html")} == labs | {"index", "search"}
    for path in target.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"""(src|data)=["']?(https?:)?//|@import""", text), path.name
        assert not re.search(r"<link[^>]+href=.(https?:)?//", text), path.name
        for link in re.findall(r'(?:src|href)="(?!data:|https?:|#|\.\./\.\./)([^"#?]+)', text):
            assert (target / link).exists(), f"{path.name} leads to {link}"
    first = (target / "01_bad_example.html").read_text(encoding="utf-8")
    assert "Model accuracy: 0.967" in first and "Dots: how many of 30 flowers are right" in first
    eighth = (target / "08_your_own_script.html").read_text(encoding="utf-8")
    assert f'<a href="{source}/notebooks/train.py"' in eighth


def test_html_without_its_packages_or_with_what_it_cannot_show_says_so(project):
    (project / "sphinx.py").write_text("")  # a module in place of the package
    environment = os.environ | {"PYTHONPATH": str(project)}
    done = run(lab("html"), cwd=project / "notebooks", env=environment)
    assert done.returncode == 1 and done.stdout.startswith("Error: The pages need Sphinx: run")
    (project / "notebooks" / "images" / "why.svg").unlink()
    done = run(lab("html"), cwd=project / "notebooks")
    assert done.returncode == 1 and done.stdout.startswith("Error: The pages could not be written")
    assert "why.svg" in done.stdout


@posix
def test_make_lab_opens_the_first_lab_with_a_token_and_finds_the_programs_of_venv(project, start):
    pattern = r"(http://127\.0\.0\.1:\d+)(/\S*)\?token=(\w+)"
    process, found = start(make("lab", "ARGS=--no-browser"), pattern, folder="")
    address, page, token = found.groups()
    assert page == "/lab/tree/notebooks/01_bad_example.ipynb"
    assert status(f"{address}/api/contents/notebooks") == 403
    own = {"Authorization": f"token {token}"}
    answer = requests.get(f"{address}/api/contents/notebooks", headers=own, timeout=60).json()
    assert "07_run_search.ipynb" in {entry["name"] for entry in answer["content"]}
    assert listeners(process) == {"127.0.0.1"}
    jupyterlab = psutil.Process(process.pid).children()[0]
    for kind in ("kernels", "terminals"):
        assert status(f"{address}/api/{kind}", {}, **own) in (200, 201)
    kernel_and_shell = jupyterlab.children()
    assert len(kernel_and_shell) == 2
    for child in kernel_and_shell:
        found = shutil.which("mlflow", path=child.environ()["PATH"])
        assert found == str(project / ".venv" / "bin" / "mlflow"), child.cmdline()


@posix
def test_programs_of_venv_find_the_package_in_any_folder_and_when_the_project_was_moved(tmp_path):
    project = copy_project(tmp_path / "Übung mit 'Leerzeichen'")
    run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"])
    (packages,) = (project / ".venv").glob("lib/*/site-packages")
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "of_the_tests.pth").write_text("\n".join(theirs))
    environment = os.environ | {"HOME": str(tmp_path)}
    environment.pop("PYTHONPATH", None)
    done = run(["make", *INSTALLED, "kernel"], cwd=project, env=environment)
    assert "JupyterLab now has the kernel 'MLflow labs'" in done.stdout
    (spec,) = tmp_path.glob("**/kernels/mlflow-labs/kernel.json")
    assert json.loads(spec.read_text())["argv"][0] == str(project / ".venv" / "bin" / "python")
    moved = project.rename(tmp_path / "moved")
    python = str(moved / ".venv" / "bin" / "python")
    with Kernel(tmp_path, {"PYTHONPATH": ""}, python) as kernel:
        printed, error = kernel.run("import lab\nlab.start()\nprint(lab.__file__)")
    assert not error and printed.splitlines()[-1] == f"{moved}/notebooks/lab/__init__.py"


@posix
def test_make_alone_lists_a_students_targets_and_help_all_the_rest(project):
    students = ["lab", "test", "ui", "html", "progress", "reset", "adopt", "kernel"]
    makefiles = "".join((ROOT / name).read_text() for name in ("Makefile", "tests/maintain.mk"))
    every = re.findall(r"^([a-z-]+):.*## ", makefiles, re.MULTILINE)
    assert every[: len(students)] == students and {"server", "test-browser", "lint"} <= set(every)
    for folder in (project, project / "notebooks"):
        for command, targets in ((["make"], students), (["make", "help-all"], every)):
            printed = run(command, cwd=folder).stdout
            assert re.findall(r"^  make ([a-z-]+) +\w+", printed, re.MULTILINE) == targets
    printed = run(["make", "-n", "lab", "PORT=9000"], cwd=project / "notebooks").stdout
    assert "-m jupyterlab --ip=127.0.0.1 --port=9000" in printed


@posix
@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "lab progress"),
        (["VERIFY=1"], "lab progress --verify"),
        (["CLASS=1", "VERIFY=1"], "lab.classroom progress --verify"),
        (["GRADES=my grades.csv", "LONG=1"], "lab.classroom progress --csv 'my grades.csv' --long"),
        (["WATCH=1", "ROSTER=r.csv"], "lab.classroom progress --watch --roster 'r.csv'"),
    ],
)
def test_make_progress_is_of_a_student_or_of_a_class(arguments, command):
    printed = run([*make("progress"), "-n", *arguments], cwd=ROOT).stdout
    assert f"-m {command}" == " ".join(printed.replace("\\\n", " ").split()[2:])


@posix
@pytest.mark.parametrize("version", [(3, 9, 1), (3, 15, 0)])
def test_make_with_a_python_that_is_too_old_or_too_new_says_so(tmp_path, version):
    project = copy_project(tmp_path / "my labs")
    other = tmp_path / "other python"
    number = ".".join(map(str, version))
    other.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo Python {number} && exit\n'
        f'exec "{sys.executable}" -c "import sys; sys.version_info = {version}; $2"\n'
    )
    other.chmod(0o755)
    done = run(["make", "lab", f"PYTHON={other}"], cwd=project)
    assert done.returncode != 0
    assert "need Python 3.11 to 3.14" in done.stdout and f"Python {number}:" in done.stdout
    assert not (project / ".venv").exists()


def test_students_install_the_eight_packages():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [line.partition("==")[0] for line in lines if not line.startswith("#")]
    assert " ".join(names) == "mlflow scikit-learn torch pandas matplotlib jupyter nbval pytest"
