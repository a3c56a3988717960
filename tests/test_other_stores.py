"""Each lab with its solutions in a database or on a server with rooms, some in both; and the report of a class there."""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter

import pytest
from kernel import EXERCISES, Kernel, solve
from mlflow import MlflowClient
from support import NOTEBOOKS, copy_project, run, tracking_server

pytestmark = pytest.mark.thorough

# A server keeps its runs in a database, too. Labs 8 and 9 start servers and databases of their own wherever the labs' store is, so
# 8 is done in a database alone, and 9 in `test_cluster.py`; 2, 5 and 10 in both, as models and the registry lie in other places.
IN_A_DATABASE = [path for path in NOTEBOOKS if path.name[:2] in ("02", "05", "08", "10")]
ON_A_SERVER = [path for path in NOTEBOOKS if path.name[:2] not in ("08", "09")]
ADA = "ada o'hara"
solved_by_ada = set()  # on the server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a tracking server with rooms, on which a whole class works."""
    rooms = ("--enable-workspaces", "--default-artifact-root=mlflow-artifacts:/")
    with tracking_server(tmp_path_factory.mktemp("server"), *rooms) as address:
        yield address


@pytest.mark.parametrize("notebook", IN_A_DATABASE, ids=lambda path: path.stem)
def test_solutions_in_a_database(notebook, tmp_path):
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": f"sqlite:///{tmp_path}/store.db"}
    solve(project / "notebooks" / notebook.name, environment, twice=True)
    assert not list((project / "notebooks").glob("*.db"))
    assert not (project / "notebooks" / "mlruns").exists()


@pytest.mark.parametrize("notebook", ON_A_SERVER, ids=lambda path: path.stem)
def test_solutions_on_a_server(notebook, server, tmp_path):
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": server, "LAB_STUDENT": ADA}
    solve(project / "notebooks" / notebook.name, environment)
    solved_by_ada.add(notebook.name)


def test_report_of_a_class_on_a_server(server, monkeypatch, tmp_path):
    """Ada has done all labs that are done on a server here, Ben labs 1 and 2, and Cleo has only begun."""
    ada, ben, cleo = (
        copy_project(tmp_path / name) / "notebooks" for name in ("ada", "ben", "cleo")
    )
    for notebook in ON_A_SERVER:
        if notebook.name not in solved_by_ada:  # by a test above
            solve(ada / notebook.name, {"LAB_TRACKING_URI": server, "LAB_STUDENT": ADA})
    for notebook in NOTEBOOKS[:2]:
        solve(ben / notebook.name, {"LAB_TRACKING_URI": server, "LAB_STUDENT": "ben"})
    with Kernel(cleo, {"LAB_TRACKING_URI": server, "LAB_STUDENT": "cleo"}) as kernel:
        kernel.run("import lab, mlflow\nlab.start()\nmlflow.set_experiment('sklearn_experiment')")
        kernel.run("with mlflow.start_run(run_name='my-setting'):\n    pass")
        _, error = kernel.run("lab.check('2.1')\nlab.progress()")
        assert not error

    table = tmp_path / "class.csv"
    environment = os.environ | {"LAB_TRACKING_URI": server, "PYTHONPATH": str(cleo)}
    command = [sys.executable, "-m", "lab.classroom", "progress", "--class", "--csv", str(table)]

    def report(*options):
        done = run([*command, *options], env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        with table.open(encoding="utf-8", newline="") as file:
            points, *rows = csv.DictReader(file)
        assert {name: int(cell) for name, cell in list(points.items())[1:]} == everything
        return {
            row.pop("student"): {lab: int(cell) for lab, cell in row.items()} for row in rows
        }, done.stdout

    everything = Counter(f"Lab {id.partition('.')[0]}" for id in EXERCISES)
    everything = everything | {"total": everything.total()}
    nothing = dict.fromkeys(everything, 0)
    hers = everything | {"Lab 8": 0, "Lab 9": 0}
    hers["total"] -= everything["Lab 8"] + everything["Lab 9"]
    half = {lab: everything[lab] for lab in ("Lab 1", "Lab 2")}
    rows, printed = report()
    assert rows == {
        ADA: hers,
        "ben": nothing | half | {"total": sum(half.values())},
        "cleo": nothing,
    }
    lines = printed.splitlines()
    titles = [word.lower() for lab in list(everything)[:-1] for word in lab.split()]
    assert lines[0].split() == ["student", *titles, "done"]
    assert [line.split()[0] for line in lines[1:4]] == ["ada", "ben", "cleo"]
    assert lines[2].split()[-1] == f"{sum(half.values())}/{len(EXERCISES)}"

    # A list of other people would give everybody nothing; the names of a list are shown.
    (tmp_path / "roster.csv").write_text("id,name\n1001,Ben B\n")
    listed = [*command, "--roster", "roster.csv"]
    done = run(listed, env=environment, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "Error: Nobody in roster.csv is a student of this class, who are "
    )
    (tmp_path / "roster.csv").write_text("id,name\nben,Ben B\n")
    printed = run(listed, env=environment, cwd=tmp_path).stdout
    assert "Ben B" in printed and "not in the grades: ada o'hara, cleo." in printed

    # What was right once is believed, unless every answer is judged anew.
    monkeypatch.setenv("MLFLOW_WORKSPACE", "ben")
    client = MlflowClient(server)
    places = [place.experiment_id for place in client.search_experiments()]
    for documented in client.search_runs(places, "attributes.run_name = 'documented'"):
        client.delete_tag(documented.info.run_id, "purpose")
    monkeypatch.delenv("MLFLOW_WORKSPACE")
    assert report()[0] == rows
    changed = rows | {"ben": rows["ben"] | {"Lab 2": 2, "total": 4}}
    assert report("--verify")[0] == changed
