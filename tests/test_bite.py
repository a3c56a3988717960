"""The tests bite: a notebook that no longer tells the truth is caught, each fault in the way that is meant for it."""

import subprocess
from pathlib import Path

import nbformat
import pytest
from support import ROOT, copy_project, nbval


@pytest.fixture
def project(tmp_path):
    return copy_project(tmp_path / "project")


def alter(project: Path, lab: str, cell_id: str, change) -> str:
    """Change one cell of a notebook in the copied project, and return the notebook's name."""
    (original,) = (ROOT / "notebooks").glob(f"{lab}_*.ipynb")
    content = nbformat.read(original, as_version=4)
    (cell,) = [cell for cell in content.cells if cell.id == cell_id]
    before = str(cell)
    change(cell)
    assert str(cell) != before, "the fault was not put in"
    nbformat.write(content, project / "notebooks" / original.name)
    return original.name


def failed_cells(done: subprocess.CompletedProcess) -> int:
    assert done.returncode == 1, done.stdout[-3000:]
    return done.stdout.count("\nFAILED ")


def test_one_printed_number_changed(project):
    def change(cell):
        cell.outputs[0].text = cell.outputs[0].text.replace("0.633", "0.634")

    done = nbval(project, [alter(project, "01", "overwrite", change)])
    assert failed_cells(done) == 1
    assert "mismatch 'stdout'" in done.stdout and "0.634" in done.stdout


def test_one_number_in_a_table_changed(project):
    def change(cell):
        cell.outputs[0].data["text/html"] = (
            cell.outputs[0].data["text/html"].replace("0.633", "0.634")
        )

    done = nbval(project, [alter(project, "01", "table", change)])
    assert failed_cells(done) == 1
    assert "mismatch 'text/html'" in done.stdout


def test_one_cell_raises(project):
    def change(cell):
        cell.source += "\nraise ValueError('something broke')"

    done = nbval(project, [alter(project, "01", "splits", change)])
    assert failed_cells(done) >= 1
    assert "ValueError" in done.stdout and "something broke" in done.stdout


def test_a_warning_appears(project):
    def change(cell):
        cell.source += "\nimport warnings\nwarnings.warn('a new release no longer likes this')"

    done = nbval(project, [alter(project, "01", "splits", change)])
    assert failed_cells(done) == 1
    assert "stderr" in done.stdout


def test_one_logging_call_removed(project):
    """The tag is not printed anywhere, so nbval is content, and the test that opens the store is not."""

    def change(cell):
        cell.source = cell.source.replace(
            '\n    mlflow.set_tag("purpose", "see what a run is made of")', ""
        )

    alter(project, "02", "tags", change)
    # The listing of files would show it; take that away too, so that only the store can tell.
    content = nbformat.read(project / "notebooks" / "02_sklearn_tracking.ipynb", as_version=4)
    content.cells = [cell for cell in content.cells if cell.id != "files"]
    nbformat.write(content, project / "notebooks" / "02_sklearn_tracking.ipynb")

    done = nbval(project, ["02_sklearn_tracking.ipynb", "../tests/test_stores.py"], "--lab=02")
    failures = [line for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    assert len(failures) == 1, done.stdout[-3000:]
    assert "test_lab02_run_is_filled_piece_by_piece" in failures[0] and "purpose" in done.stdout
    assert not (project / "mlruns").exists(), "tests write to stores of their own"
