"""Runs each notebook once, in a store of its own, and lets the tests of that notebook look at what it left."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest
import verified
from kernel import not_as_shipped
from lab.settings import FOREIGN, apply_settings
from places import Place, new_place, use
from support import NOTEBOOKS, execute, other_mlflow_folder, session_folder

# These tests are another process than the kernels, and open the stores with the settings that lab.start() makes.
apply_settings()
# What was given to the make that started the tests is not meant for those that they start.
for name in (*FOREIGN, "LAB_TRACKING_URI", "MAKEFLAGS", "ARGS"):
    os.environ.pop(name, None)

SUITES = {  # the marks and the folders that a command of the Makefile asks for
    (
        "not browser and not cloudera and not other_mlflow and not class_server",
        ("notebooks", "tests"),
    ): "make test",
    ("class_server", ("tests/test_class_server.py",)): "make test-class",
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
    config.pluginmanager.register(Groups())
    chosen = config.getoption("--lab")
    if chosen and chosen not in {path.name[:2] for path in NOTEBOOKS}:
        raise pytest.UsageError(
            f"There is no lab {chosen}: choose one of {', '.join(p.name[:2] for p in NOTEBOOKS)}."
        )


def pytest_unconfigure(config):
    shutil.rmtree(config.stash.get(STORES, None) or "", ignore_errors=True)


def pytest_terminal_summary(terminalreporter, exitstatus, config):
    """Name what differs from the labs as they are shipped, and note what a whole suite passed with, for the table in tests/README.md."""
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
    for item in items:
        if item.path.suffix == ".ipynb" or "client" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group(lab_of(item.nodeid)))
    # The longest chains of tests first, so that no worker ends up alone with one.
    long = ("test_other_computers.py", "test_exercises.py")
    items.sort(key=lambda item: item.path.name not in long)


class Groups:
    """Tells xdist which tests share a store, so that one worker runs them, in order: those with the same `xdist_group`.

    `--dist=loadgroup` should read these marks by itself, but groups nothing since pytest 9.2
    (https://github.com/pytest-dev/pytest-xdist/issues/1386): it writes them behind the names of tests, which no longer
    can be changed. So each worker writes down the groups of its tests, and here they are put behind the names that xdist
    distributes. Delete this class when that issue is closed.
    """

    def pytest_configure_node(self, node):
        node.workerinput["groups"] = str(node.config.stash[STORES] / f"{node.gateway.id}.json")

    @pytest.hookimpl(tryfirst=True)  # before xdist says that the tests are collected
    def pytest_collection_finish(self, session):
        if path := getattr(session.config, "workerinput", {}).get("groups"):
            marks = [item.get_closest_marker("xdist_group") for item in session.items]
            groups = [f"@{mark.args[0]}" if mark else "" for mark in marks]
            Path(path).write_text(json.dumps(groups), encoding="utf-8")

    def pytest_xdist_node_collection_finished(self, node, ids):
        groups = json.loads(Path(node.workerinput["groups"]).read_text(encoding="utf-8"))
        ids[:] = [id + group for id, group in zip(ids, groups, strict=True)]


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


@pytest.fixture(scope="session")
def places(tmp_path_factory):
    """A function that gives each name a place of its own; the store of the one named `used` has seen better days."""
    made = {}

    def place(name: str) -> Place:
        if name not in made:
            made[name] = new_place(tmp_path_factory.mktemp("Übung mit Leerzeichen"))
            if name == "used":
                use(made[name])
        return made[name]

    return place


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
