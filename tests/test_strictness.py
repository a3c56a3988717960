"""The tests are strict: a notebook that no longer tells the truth is caught, each fault in the way that is meant for it."""

import re
import sys
from pathlib import Path

import nbformat
import pytest
from nbval.plugin import get_sanitize_patterns
from support import ROOT, copy_project, nbval, run

pytestmark = pytest.mark.thorough


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / "project")


def alter(project: Path, lab: str, changes: dict) -> str:
    """Change cells of a notebook in the copied project, by their ids, and return the notebook's name."""
    (original,) = (ROOT / "notebooks").glob(f"{lab}_*.ipynb")
    content = nbformat.read(original, as_version=4)
    for cell in content.cells:
        if change := changes.get(cell.id):
            before = str(cell)
            change(cell)
            assert str(cell) != before, "the fault was not put in"
    nbformat.write(content, project / "notebooks" / original.name)
    return original.name


def test_numbers_errors_warnings_and_a_students_own_work(project):
    """One fault each: a printed number, a number in a table, a cell that raises, a warning that appears; and an answer."""

    def printed(cell):
        cell.outputs[0].text = cell.outputs[0].text.replace("0.633", "0.634")

    def table(cell):
        html = cell.outputs[0].data["text/html"]
        cell.outputs[0].data["text/html"] = html.replace("0.633", "0.634")

    def raises(cell):
        cell.source += "\nraise ValueError('something broke')"

    def warns(cell):
        cell.source += "\nimport warnings\nwarnings.warn('a new release no longer likes this')"

    def answers(cell):
        cell.source += "\nprint('mine')"

    faults = {"overwrite": printed, "table": table, "pickle": raises, "splits": warns}
    name = alter(project, "01", faults | {"answer-1-2": answers})
    (project / "notebooks" / "my_results.csv").write_text("C,seed,accuracy\n")
    done = nbval(project, [name, "../tests/test_stores.py"], "--lab=01")
    assert done.returncode == 1, done.stdout[-3000:]
    for sign in ("mismatch 'stdout'", "mismatch 'text/html'", "something broke", "stderr"):
        assert sign in done.stdout
    for fault in (
        "my_results.csv is an answer to lab 1",
        f"{name} holds your answer in the cell 'answer-1-2'",
    ):
        assert f"Not as shipped: notebooks/{fault}" in done.stdout
    assert len(re.findall(r"^FAILED .*ipynb", done.stdout, re.MULTILINE)) == len(faults) + 2


def test_nbval_reads_every_pattern_of_what_differs():
    patterns = (ROOT / "tests" / "sanitize.cfg").read_text(encoding="utf-8")
    sanitizers = get_sanitize_patterns(patterns)
    assert len(sanitizers) == len(re.findall(r"^\[", patterns, re.MULTILINE))
    # The digits of a small number are as many as those of an experiment's id.
    line = "    val_loss  1795583068555 0.098765432109876543 150"
    for pattern, text in sanitizers:
        line = re.sub(pattern, text, line)
    assert line == "    val_loss  <milliseconds> 0.0987 150"


def test_one_logging_call_removed(project):
    """The tag is not printed anywhere, so nbval is content, and the test that opens the store is not."""

    def change(cell):
        cell.source = cell.source.replace(
            '\n    mlflow.set_tag("purpose", "see what a run is made of")', ""
        )

    alter(project, "02", {"tags": change})
    # The listing of files would show it; take that away too, so that only the store can tell.
    content = nbformat.read(project / "notebooks" / "02_sklearn_tracking.ipynb", as_version=4)
    content.cells = [cell for cell in content.cells if cell.id != "files"]
    nbformat.write(content, project / "notebooks" / "02_sklearn_tracking.ipynb")

    done = nbval(project, ["02_sklearn_tracking.ipynb", "../tests/test_stores.py"], "--lab=02")
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert len(failures) == 1, done.stdout[-3000:]
    assert "test_lab02_run_is_filled_piece_by_piece" in failures[0] and "purpose" in done.stdout
    assert not (project / "mlruns").exists(), "tests write to stores of their own"


def test_pytest_on_notebooks_alone_is_green_and_touches_nobodys_store(project):
    """What everybody types who knows nbval, with all workers that there are."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "notebooks"]
    done = run([*command, "-k", "01_bad_example or 06_artifacts"], cwd=project)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout and not list(project.glob("mlruns*"))
