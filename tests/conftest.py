"""What the tests besides the notebooks share: a place to work in, and a client on the store that a notebook has left."""

from __future__ import annotations

from importlib.util import find_spec

import pytest
from kernel import not_as_shipped
from places import Used
from support import NOTEBOOKS, execute

pytest_plugins = ["running"]
# What only `make test-browser` needs is not installed for `make test`.
collect_ignore = [] if find_spec("playwright") else ["browser"]


def pytest_addoption(parser):
    parser.addoption(
        "--mlflow", default="2.19.0", help="of the emulated Cloudera session, or the other MLflow 3"
    )


def pytest_terminal_summary(terminalreporter, exitstatus):
    """Name what differs from the labs as they are shipped."""
    for difference in not_as_shipped() if exitstatus else []:
        terminalreporter.write_line(f"Not as shipped: {difference}", red=True)


@pytest.fixture(scope="session")
def used(tmp_path_factory):
    """A place whose store has seen better days."""
    return Used(tmp_path_factory.mktemp("Übung mit Leerzeichen"))


@pytest.fixture
def client(request):
    """An MLflow client on the store that the test's lab left; executes the notebook if nbval has not done so."""
    import mlflow
    from running import lab_of, store_folder

    lab = lab_of(request.node.nodeid)
    folder = store_folder(request.config, lab)
    if not folder.exists():
        notebook = next(path for path in NOTEBOOKS if path.name.startswith(lab))
        execute(notebook, {"LAB_TRACKING_URI": folder.as_uri()})
    mlflow.set_tracking_uri(folder.as_uri())
    mlflow.set_registry_uri(folder.as_uri())
    return mlflow.MlflowClient()
