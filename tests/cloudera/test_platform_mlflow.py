"""All labs and all solutions on MLflow 2.19, as Cloudera's sessions have it, in three kinds of store."""

import os

import pytest
from kernel import EXERCISES, solve
from support import NOTEBOOKS, run

pytestmark = pytest.mark.cloudera
# Cells on what only MLflow 3 has.
NEEDS = {"05_signatures": 1, "06_artifacts": 1}
# The labs after the seventh are about MLflow's own defaults and programs of today, and say that they need MLflow 3.13. Each of the
# others in the project's Experiments tab, as a session has it, and by turns in a folder or on a server.
WHERE = [(path, "cml") for path in NOTEBOOKS[:7]]
WHERE += [(path, ("file", "server")[number % 2]) for number, path in enumerate(NOTEBOOKS[:7])]


@pytest.mark.parametrize("notebook, kind", WHERE, ids=lambda each: getattr(each, "stem", each))
def test_lab_and_solutions(request, notebook, kind, session_python, session_mlflow, session, home):
    store = {"LAB_TRACKING_URI": "cml://localhost"} if kind == "cml" else {}
    if kind == "server":
        store = {"LAB_TRACKING_URI": request.getfixturevalue("server")}
    printed = solve(home / "notebooks" / notebook.name, session | store, session_python)
    assert f"MLflow {session_mlflow} on Python" in printed["start"]
    needs = [text for text in printed.values() if text.startswith("Needs MLflow 3")]
    assert all(f"This is MLflow {session_mlflow}: read on." in text for text in needs)
    assert len(needs) == NEEDS.get(notebook.stem, 0)
    assert not [text for text in printed.values() if "View run" in text]
    assert (home / "mlruns").exists() == (kind == "file")
    assert (home / ".experiments").exists() == (kind == "cml")


def test_report_of_a_class(session_python, session, home):
    environment = session | {"LAB_TRACKING_URI": "cml://localhost", "LAB_STUDENT": "ben"}
    for notebook in NOTEBOOKS[:2]:
        solve(home / "notebooks" / notebook.name, environment, session_python)
    command = [session_python, "-m", "lab.classroom", "progress"]
    done = run(command, env=os.environ | environment, cwd=home / "notebooks")
    assert done.returncode == 0, done.stdout
    right = sum(id.startswith(("1.", "2.")) for id in EXERCISES)
    (ben,) = done.stdout.splitlines()[1:]
    assert ben.split()[:4] == ["ben", "2/2", "3/3", "0/3"]
    assert f"{right}/{len(EXERCISES)}" in ben.split()
