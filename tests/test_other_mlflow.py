"""All labs and all solutions on another MLflow 3 than that of requirements.txt; `make test-mlflow` makes its environment."""

import pytest
from kernel import solve
from support import NOTEBOOKS, ROOT, copy_project

pytestmark = pytest.mark.other_mlflow


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_lab_and_solutions(notebook, pytestconfig, tmp_path):
    version = pytestconfig.getoption("--mlflow")
    is_old = [int(part) for part in version.split(".")] < [3, 13]
    if is_old and notebook.name[:2] in ("08", "09", "10"):
        pytest.skip("labs 8 to 10 say that they need MLflow 3.13 or newer")
    python = ROOT / "build" / f"mlflow-{version}" / "bin" / "python"
    assert python.exists(), f"Run 'make test-mlflow MLFLOW={version}', which makes {python}."
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": str(tmp_path / "mlruns"), "PYTHONPATH": ""}
    printed = solve(project / "notebooks" / notebook.name, environment, str(python))
    assert f"MLflow {version} on Python" in printed["start"]
    assert f"Note: MLflow {version.rpartition('.')[0]} is " in printed["start"]
