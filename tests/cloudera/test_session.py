"""Around the notebooks in a Cloudera session: the kernel of one's own, the UI behind the proxy, a Job, the project's file."""

import base64
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
import pytest
import yaml
from kernel import Kernel
from support import ROOT, execute, free_port, run, started, status

pytestmark = pytest.mark.cloudera
MAKE = ["make", "-o", ".venv/labs.done"]
UI = [sys.executable, "-m", "lab", "ui"]
SEARCH, ONE = "/api/2.0/mlflow/experiments/search", {"max_results": 1}
ADD_ON = ("mlflow_skinny", "protobuf", "typing_extensions", "cml_stand_in")


@pytest.fixture
def isolated(home, session, session_python):
    """The session with the labs' packages in .venv, the add-on on the path of every Python, as the platform puts it there."""
    (home / ".venv").symlink_to(sys.prefix)
    packages = next(Path(session_python).parents[1].glob("lib/python*/site-packages"))
    return session | {"PYTHONPATH": str(packages), "JUPYTER_PREFER_ENV_PATH": "0"}


def digests(python: str) -> dict[str, str]:
    """Return a digest of every file of a session's Python, but for what the labs had installed there and bytecode."""
    root = Path(python).parents[1]
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file() and not {"__pycache__", "torch"} & set(path.parts)
    }


def test_session_requirements_leave_the_add_on_alone(session_python):
    requirements = (ROOT / "notebooks/lab/cloudera/requirements.txt").read_text(encoding="utf-8")
    assert "mlflow" not in re.sub(r"#.*", "", requirements)
    before, after = (
        set((Path(session_python).parents[2] / f"{name}.txt").read_text().splitlines())
        for name in ("before", "after")
    )
    assert before < after, "a package of the platform was changed or removed"
    packages = next(Path(session_python).parents[1].glob("lib/python*/site-packages"))
    for name in ADD_ON:
        (record,) = packages.glob(f"{name}-*.dist-info/RECORD")
        for line in record.read_text().splitlines():
            path, digest, _ = line.rsplit(",", 2)
            if digest and not path.startswith(".."):
                found = hashlib.sha256((packages / path).read_bytes()).digest()
                assert digest == "sha256=" + base64.urlsafe_b64encode(found).decode().rstrip("=")


def test_kernel_of_its_own_leaves_the_session_alone(isolated, home, session_python, monkeypatch):
    """A Jupyter server whose own PYTHONPATH names the add-on starts the kernel that the notebooks ask for."""
    before = digests(session_python)
    done = run([*MAKE, "kernel"], cwd=home, env=os.environ | isolated)
    assert done.returncode == 0, done.stdout
    assert "The notebooks now open with the kernel 'MLflow labs'." in done.stdout
    spec = json.loads((home / ".local/share/jupyter/kernels/python3/kernel.json").read_text())
    assert spec["argv"][0] == str(home / ".venv" / "bin" / "python")
    assert spec["display_name"] == "MLflow labs"
    for name in ("HOME", "JUPYTER_PREFER_ENV_PATH"):  # which say where kernels are
        monkeypatch.setenv(name, isolated[name])
    executed = execute(home / "notebooks" / "02_sklearn_tracking.ipynb", isolated)
    first, *_ = [cell for cell in executed.cells if cell.cell_type == "code"]
    told = first.outputs[0].text
    assert told.startswith("MLflow 3.") and "Runs go to mlruns/ (a file store)" in told
    assert "MLFLOW_TRACKING_URI is set in your environment; the labs do not follow it" in told
    assert (home / "mlruns").is_dir() and not (home / ".experiments").exists()
    assert digests(session_python) == before


def test_what_a_bare_session_lacks_is_said_without_breaking_it(home, session, session_python):
    code = "import lab; from lab.setup import checks; checks.PACKAGES = ('mlflow', 'tensors'); lab.start()"
    done = run([session_python, "-c", code], cwd=home / "notebooks", env=os.environ | session)
    assert "lacks tensors: run 'make kernel' in a terminal" in done.stdout
    assert "'pip install -r notebooks/lab/cloudera/requirements.txt'" in done.stdout
    assert "pip install -r requirements.txt" not in done.stdout


def test_store_that_this_mlflow_cannot_use(home, session, server):
    for place, told in (
        ("cml://localhost", "LAB_TRACKING_URI is 'cml://localhost', Cloudera's Experiments tab"),
        (server, f"The tracking server {server} keeps no logged models"),
    ):
        with Kernel(home / "notebooks", session | {"LAB_TRACKING_URI": place}) as kernel:
            _, error = kernel.run("import lab\nlab.start()")
        assert error.startswith(f"LabError: {told}")
        assert "the session's kernel" in error or place == server


@contextlib.contextmanager
def ui(home, session, app, readonly):
    """Serve the UI in a session with two ports, and lend its process, and the host name that it prints."""
    ports = {"CDSW_APP_PORT": str(app), "CDSW_READONLY_PORT": str(readonly)}
    pattern = r"open https://(\S+) \(Ctrl-C"
    folder = home / "notebooks"
    with started(UI, pattern, folder, session | ports) as (process, _, found):
        yield process, found[1]


def test_ui_is_served_where_the_grid_icon_leads(home, session):
    app, public = free_port(), "x0y1z2a3b4c5d6e7.ml-0815.example.site"
    with ui(home, session, app, free_port()) as (process, host):
        assert host == public
        search, other = f"http://127.0.0.1:{app}{SEARCH}", "elsewhere.ml-0815.example.site"
        assert status(search, ONE, Host=public, Origin=f"https://{public}") == 200
        assert status(search, ONE, Host=other) == 403
        assert status(search, ONE, Host=public, Origin=f"https://{other}") == 403
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
        connections = [c for p in family for c in psutil.Process(p.pid).net_connections("tcp")]
        listening = {c.laddr for c in connections if c.status == psutil.CONN_LISTEN}
        assert listening == {("127.0.0.1", app)}


def test_ui_beside_jupyterlab_takes_the_other_port(home, session):
    readonly = free_port()
    with socket.socket() as jupyterlab:
        jupyterlab.bind(("127.0.0.1", 0))
        jupyterlab.listen()
        taken = jupyterlab.getsockname()[1]
        with ui(home, session, taken, readonly) as (_, host):
            assert host == "read-only-x0y1z2a3b4c5d6e7.ml-0815.example.site"
            assert status(f"http://127.0.0.1:{readonly}{SEARCH}", ONE, Host=host) == 200
        ports = dict.fromkeys(("CDSW_APP_PORT", "CDSW_READONLY_PORT"), str(taken))
        done = run(UI, cwd=home / "notebooks", env=os.environ | session | ports)
        assert done.returncode == 1 and "both are taken" in done.stdout


def test_ui_of_the_experiments_tab_is_that_tab(home, session):
    environment = os.environ | session | {"LAB_TRACKING_URI": "cml://localhost"}
    done = run(UI, cwd=home / "notebooks", env=environment)
    told = "The runs go to the project's Experiments tab, which is their UI: open that.\n"
    assert done.stdout == told


# What a Job does with its script: no __file__, the kernel's own argument, and any SystemExit is a failure.
JOB = """
import sys
sys.argv = ["ipykernel_launcher", "-f", "/tmp/connection.json"]
source = open("notebooks/lab/cloudera/job.py", encoding="utf-8").read()
try:
    exec(compile(source, "<job>", "exec"), {"__name__": "__main__"})
except SystemExit:
    print("SystemExit")
    raise
"""


def test_job_leaves_reading_copies_or_fails_with_the_message_of_the_cell(
    home, session, session_python
):
    (home / ".venv").symlink_to(sys.prefix)
    for notebook in (home / "notebooks").glob("[01][02-9]_*.ipynb"):
        notebook.unlink()
    done = run([session_python, "-c", JOB], cwd=home, env=os.environ | session)
    assert done.returncode == 0 and "SystemExit" not in done.stdout, done.stdout
    assert (home / "build" / "html" / "01_bad_example.html").exists()
    path = home / "notebooks" / "01_bad_example.ipynb"
    content = nbformat.read(path, as_version=4)
    cell = next(cell for cell in content.cells if cell.id == "splits-plot")
    cell.source = "raise ValueError('something broke')"
    nbformat.write(content, path)
    done = run([session_python, "-c", JOB], cwd=home, env=os.environ | session)
    assert done.returncode == 1 and "SystemExit" not in done.stdout
    last = done.stdout.strip().splitlines()[-1]
    assert last.startswith("RuntimeError: FAILED notebooks/01_bad_example.ipynb::")
    assert re.search(r"ValueError\S*: something broke", done.stdout)


@pytest.fixture
def metadata():
    return yaml.safe_load((ROOT / ".project-metadata.yaml").read_text(encoding="utf-8"))


JOB_FIELDS = {"name", "script", "arguments", "kernel", "cpu", "memory"}


def test_project_file_has_the_documented_fields(metadata):
    required = {"name", "description", "author", "specification_version", "prototype_version"}
    optional = {"date", "runtimes", "environment_variables", "tasks"}
    assert required <= set(metadata) <= required | optional
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", metadata["date"]), "a date without quotes is no text"
    assert all({"editor", "kernel", "edition"} <= set(each) for each in metadata["runtimes"])
    readme = (ROOT / "notebooks/lab/cloudera/README.md").read_text(encoding="utf-8")
    assert set(metadata["environment_variables"]) == {"LAB_TRACKING_URI", "LAB_STUDENT"}
    for name, variable in metadata["environment_variables"].items():
        assert set(variable) == {"default", "description", "prompt_user"}
        assert isinstance(variable["default"], str) and f"`{name}`" in readme
    created = []
    for task in metadata["tasks"]:
        common = {"type", "entity_label", "short_summary"}
        if task["type"] == "create_job":
            assert set(task) == common | JOB_FIELDS and (ROOT / task["script"]).exists()
            created.append(task["entity_label"])
        else:
            assert task["type"] == "run_job" and set(task) == common
            assert task["entity_label"] in created


def test_project_file_s_first_task_makes_the_kernel(metadata, isolated, home, session_python):
    task, made, _ = metadata["tasks"]
    assert (made["type"], made["entity_label"]) == ("run_job", task["entity_label"])
    isolated = {name: value for name, value in isolated.items() if name != "PYTHONPATH"}
    for file in (home / "requirements.txt", *(home / "notebooks").rglob("*.txt")):
        os.utime(file, (0, 0))  # older than what .venv holds of it: nothing is installed
    done = subprocess.run(
        [session_python, "-c", (ROOT / task["script"]).read_text(encoding="utf-8")],
        cwd=home,
        env=os.environ | isolated,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0
    assert (home / ".local/share/jupyter/kernels/python3/kernel.json").exists()
