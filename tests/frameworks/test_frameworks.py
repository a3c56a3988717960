"""The help's table of frameworks: each row on each kind of store, in the environment that `make test-frameworks` makes for it."""

from contextlib import nullcontext
from pathlib import Path

import pytest
from support import ROOT, run, tracking_server

pytestmark = pytest.mark.frameworks
HERE = Path(__file__).parent
HELP = ROOT / "notebooks" / "lab" / "README.md"
VARIABLES = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1",  # the table says nothing of a model's packages
}
NAMES = sorted(path.stem for path in HERE.glob("*.txt"))


def rows() -> dict[str, list[str]]:
    """Return the cells of each row of the table, by the name of the framework's package."""
    text = HELP.read_text(encoding="utf-8").partition("| framework |")[2]
    lines = text.partition("\n\n")[0].splitlines()[2:]
    found = {line.lower().split()[1]: line.strip("| ").split(" | ") for line in lines}
    assert sorted(found) == NAMES, "the table and the pins in tests/frameworks differ"
    return found


@pytest.mark.parametrize("store", ["folder", "database", "server"])
@pytest.mark.parametrize("name", NAMES)
def test_what_the_help_says_of(name, store, tmp_path):
    programs = ROOT / "build" / f"framework-{name}" / "bin"
    assert programs.exists(), f"{name} is not installed: run 'make test-frameworks NAME={name}'."
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "PYTHONPATH": str(ROOT / "notebooks")}
    environment |= {"HOME": str(tmp_path), "KERAS_BACKEND": "torch", **VARIABLES}
    uris = {"folder": (tmp_path / "mlruns").as_uri(), "database": f"sqlite:///{tmp_path}/own.db"}
    with nullcontext(uris[store]) if store in uris else tracking_server(tmp_path) as uri:
        command = [programs / "python", "-W", "ignore", HERE / "prove.py", uri, *rows()[name]]
        done = run(command, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stdout[-3000:]
