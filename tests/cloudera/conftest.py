"""An emulated Cloudera session: its Python with the packages that the platform brings along, its user's home, its variables."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from lab.servers import in_background
from support import ROOT, copy_project, free_port


@pytest.fixture(scope="session")
def session_mlflow(pytestconfig):
    """The version of MLflow in the session."""
    return pytestconfig.getoption("--mlflow")


@pytest.fixture(scope="session")
def session_python(session_mlflow):
    python = ROOT / "build" / f"cloudera-{session_mlflow}" / "session" / "bin" / "python"
    if not python.exists():
        pytest.exit("There is no emulated session: run 'make test-cloudera'.", returncode=1)
    return str(python)


@pytest.fixture
def home(tmp_path):
    """The home of the user `cdsw`, in which the project lies, as on Cloudera."""
    home = tmp_path / "cdsw"
    copy_project(home)
    return home


@pytest.fixture
def session(home):
    """The environment variables of a session."""
    return {
        "HOME": str(home),
        "USER": "cdsw",
        "LOGNAME": "cdsw",
        "PROJECT_OWNER": "student",
        "CDSW_PROJECT": "mlflow-labs",
        "CDSW_PROJECT_ID": "4711",
        "CDSW_ENGINE_ID": "x0y1z2a3b4c5d6e7",
        "CDSW_DOMAIN": "ml-0815.example.site",
        "CDSW_APP_PORT": "8100",
        "CDSW_READONLY_PORT": "8090",
        "MLFLOW_TRACKING_URI": "cml://localhost",
        "MLFLOW_REGISTRY_URI": "cml://localhost",
    }


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The address of a tracking server that answers 404 where logged models are asked for."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    program = Path(__file__).with_name("server_without_models.py")
    command = [sys.executable, str(program), str(port), str(folder)]
    server = in_background(command, folder, f"http://127.0.0.1:{port}")
    yield server.address
    server.end()


@pytest.fixture(autouse=True)
def not_of_this_process(monkeypatch):
    """Keep what these tests run from what this process was told."""
    for name in list(os.environ):
        if name.startswith(("MLFLOW_", "LAB_", "JUPYTER_", "PYTHONPATH")):
            monkeypatch.delenv(name)
