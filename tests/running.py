"""How the tests run: a store of its own for each notebook, one worker for what shares a store, as many workers as the computer bears.

A plug-in of pytest's, which both `tests/conftest.py` and `notebooks/conftest.py` load, so that `pytest notebooks` does the same.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
from lab.setup.variables import FOREIGN, apply_settings

STORES = pytest.StashKey[Path]()
GIGABYTES_EACH = 2  # a worker with its kernel, or with a server and its workers
SHARED = {  # tests that share a project or a server, by a part of their ids
    "test_other_computers.py": "used",
    "test_used_store.py": "used",
    "test_other_stores.py::test_solutions_on_a_server": "server",
    "test_other_stores.py::test_report": "server",
    "test_rooms.py": "rooms",
    "test_jupyterlab.py": "jupyterlab",
    "test_mlflow_ui.py": "jupyterlab",
    "test_pages.py": "pages",
}

# These tests are another process than the kernels, and open the stores with the settings that lab.start() makes.
apply_settings()
# What was given to the make that started the tests is not meant for those that they start.
for name in (*FOREIGN, "LAB_TRACKING_URI", "MAKEFLAGS", "MAKELEVEL", "ARGS"):
    os.environ.pop(name, None)


def pytest_addoption(parser):
    parser.addoption("--lab", metavar="NN", help="only what belongs to one lab, for example 03")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Use as many workers as there are cores and memory for, where xdist is installed and nothing else was asked for."""
    option = config.option
    is_worker = hasattr(config, "workerinput")
    unsaid = getattr(option, "numprocesses", 0) is None and not is_worker
    if unsaid and not (option.usepdb or option.collectonly):
        import psutil

        by_memory = psutil.virtual_memory().total // (GIGABYTES_EACH * 1024**3)
        option.numprocesses = max(1, min(os.cpu_count() or 1, by_memory))
        option.dist, option.loadscopereorder = "loadscope", False


def pytest_configure(config):
    folder = config.stash[STORES] = Path(tempfile.mkdtemp(prefix="lab-tests-"))
    # What a kernel that is killed leaves is gone with the tests.
    (folder / "tmp").mkdir()
    os.environ["TMPDIR"] = str(folder / "tmp")


def pytest_unconfigure(config):
    if folder := config.stash.get(STORES, None):
        shutil.rmtree(folder, ignore_errors=True)


def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadScopeScheduling

    class ByStore(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid)

    return ByStore(config, log)


pytest_xdist_make_scheduler.pytest_impl = {"optionalhook": True}


def lab_of(nodeid: str) -> str | None:
    """Return the two digits of the lab that a test belongs to, by the name of its notebook, function or parameter."""
    found = re.search(r"(?:notebooks/|^|::test_lab|[\[-])(\d\d)_", nodeid)
    return found[1] if found else None


def group_of(nodeid: str) -> str:
    """Return what a test shares a worker with: a notebook's cells and the tests that look into its store are one group."""
    file = nodeid.partition("::")[0].rpartition("/")[2]
    if file.endswith(".ipynb") or file in ("test_stores.py", "test_rebuild.py"):
        return lab_of(nodeid) or nodeid
    return next((group for part, group in SHARED.items() if part in nodeid), nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    chosen = config.getoption("--lab")
    if chosen:
        others = [item for item in items if lab_of(item.nodeid) != chosen]
        if len(others) == len(items):
            raise pytest.UsageError(f"There is no lab {chosen}, or no test of it here.")
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    items.sort(key=_turn)


def _turn(item) -> tuple[bool, bool]:
    """The longest first, so that no worker ends up alone with one: what shares a server, and the last three labs, which start some."""
    shared = group_of(item.nodeid) in SHARED.values()
    return not shared, not shared and lab_of(item.nodeid) not in ("08", "09", "10")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    for name in FOREIGN:  # mlflow.set_tracking_uri of an earlier test wrote some of them
        os.environ.pop(name, None)
    os.environ.pop("LAB_TRACKING_URI", None)
    if item.path.suffix == ".ipynb":  # nbval starts the kernel after this, with this environment
        os.environ["LAB_TRACKING_URI"] = store_folder(item.config, lab_of(item.nodeid)).as_uri()


def store_folder(config, lab: str) -> Path:
    return config.stash[STORES] / lab / "mlruns"
