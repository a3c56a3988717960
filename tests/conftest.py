"""Runs each notebook once, in a store of its own, and lets the tests of that notebook look at what it left."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
import verified
from exercise_cells import not_as_shipped
from lab.preflight import FOREIGN, apply_settings
from support import NOTEBOOKS, execute, other_mlflow_folder, session_folder
from xdist.scheduler import LoadScopeScheduling

# These tests are another process than the kernels, and open the stores with the settings that lab.start() makes.
apply_settings()
for name in (*FOREIGN, "LAB_TRACKING_URI"):
    os.environ.pop(name, None)

SUITES = {  # the marks and the folders that a command of the Makefile asks for
    ("not browser and not cloudera and not other_mlflow", ("notebooks", "tests")): "make test",
    ("browser", ("tests/browser",)): "make test-browser",
    ("cloudera", ("tests/cloudera",)): "make test-cloudera",
    ("other_mlflow", ("tests/test_other_mlflow.py",)): "make test-mlflow",
}
STORES = pytest.StashKey[Path]()


def pytest_addoption(parser):
    parser.addoption(
        "--mlflow", default="2.19.0", help="of the emulated Cloudera session, or the other MLflow 3"
    )
    parser.addoption("--lab", metavar="NN", help="only what belongs to one lab, for example 03")


def pytest_configure(config):
    config.stash[STORES] = Path(tempfile.mkdtemp(prefix="lab-stores-"))
    config.pluginmanager.register(OwnStores())
    chosen = config.getoption("--lab")
    if chosen and chosen not in {path.name[:2] for path in NOTEBOOKS}:
        raise pytest.UsageError(
            f"There is no lab {chosen}: choose one of {', '.join(p.name[:2] for p in NOTEBOOKS)}."
        )


def pytest_unconfigure(config):
    shutil.rmtree(config.stash.get(STORES, None) or "", ignore_errors=True)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Name what differs from the labs as they are shipped, and note what a whole suite passed with, for the README's table."""
    if exitstatus:
        for difference in not_as_shipped():
            terminalreporter.write_line(f"Not as shipped: {difference}", red=True)
    narrowed = config.getoption("--lab") or config.getoption("keyword") or config.option.collectonly
    suite = SUITES.get((config.getoption("markexpr"), tuple(config.args)))
    if exitstatus or narrowed or suite is None:
        return
    packages = None
    if suite in ("make test-cloudera", "make test-mlflow"):
        version = config.getoption("--mlflow")
        folder = session_folder(version) if "cloudera" in suite else other_mlflow_folder(version)
        suite += f" MLFLOW={version}"
        packages = [str(next((folder / "lib").glob("*/site-packages")))]
    verified.note(suite, len(terminalreporter.stats.get("passed", [])), packages)


def lab_of(nodeid: str) -> str | None:
    """Return the two digits of the lab that a test belongs to, by the name of its notebook, function or parameter."""
    found = re.search(r"(?:notebooks/|::test_lab|[\[-])(\d\d)_", nodeid)
    return found[1] if found else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    chosen = config.getoption("--lab")
    if chosen:
        config.hook.pytest_deselected(
            items=[item for item in items if lab_of(item.nodeid) != chosen]
        )
        items[:] = [item for item in items if lab_of(item.nodeid) == chosen]
    # The longest chains of tests first, so that no worker ends up alone with one.
    long = ("test_other_computers.py", "test_exercises.py")
    items.sort(key=lambda item: item.path.name not in long)


def pytest_xdist_make_scheduler(config, log):
    return OneStoreOneWorker(config, log)


class OneStoreOneWorker(LoadScopeScheduling):
    """Keeps tests that share a store in one worker, and in order.

    xdist's own way, `--dist=loadgroup` and marks, groups nothing since pytest 9.2, whose items have no `_nodeid`.
    """

    def _split_scope(self, nodeid):
        if "test_other_computers.py" in nodeid:
            place = re.search(r"\[(\w+)-", nodeid)
            return place[1] if place else "used"
        if "on_a_server" in nodeid:
            return "server"
        if "test_stores.py" in nodeid or nodeid.startswith("notebooks/"):
            return lab_of(nodeid) or nodeid
        return nodeid


class OwnStores:
    """Gives every notebook a store of its own. A plug-in, as a conftest's hooks reach only the tests beside it."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item):
        for name in FOREIGN:  # mlflow.set_tracking_uri of an earlier test wrote some of them
            os.environ.pop(name, None)
        if (
            item.path.suffix == ".ipynb"
        ):  # nbval starts the kernel after this, with this environment
            folder = store_folder(item.config, lab_of(item.nodeid))
            os.environ["LAB_TRACKING_URI"] = folder.as_uri()
        else:
            os.environ.pop("LAB_TRACKING_URI", None)


def store_folder(config, lab: str) -> Path:
    return config.stash[STORES] / lab / "mlruns"


@pytest.fixture
def client(request):
    """An MLflow client on the store that the test's lab left; executes the notebook if nbval has not done so."""
    import mlflow

    lab = lab_of(request.node.nodeid)
    folder = store_folder(request.config, lab)
    if not folder.exists():
        notebook = next(path for path in NOTEBOOKS if path.name.startswith(lab))
        execute(notebook, {"LAB_TRACKING_URI": folder.as_uri()})
    mlflow.set_tracking_uri(folder.as_uri())
    mlflow.set_registry_uri(folder.as_uri())
    return mlflow.MlflowClient()
