"""Each lab with its solutions in a database or on a server with rooms, there each cell again; and the report of a class."""

from __future__ import annotations

import csv
import os
import sys
from collections import Counter

import mlflow
import pytest
from kernel import EXERCISES, Kernel, solve
from lab.room import room_of
from support import NOTEBOOKS, copy_project, run, tracking_server

pytestmark = pytest.mark.thorough

# Lab 9 starts a server of its own wherever the labs' store is, and is done in `test_cluster.py`. A server keeps its runs in a
# database, too, and others' files in other places: 2, 5 and 8 are done in both.
IN_A_DATABASE = [path for path in NOTEBOOKS if path.name[:2] in ("02", "05", "08")]
ON_A_SERVER = [path for path in NOTEBOOKS if path.name[:2] != "09"]
# When each cell of a lab is run again. Those of labs 8 and 10 start programs and take long.
AGAIN = {path: ("at once", "in the end")[path.name[:2] in ("08", "10") :] for path in NOTEBOOKS}
ADA = "ada o'hara"
solved_by_ada = []  # on the server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a tracking server with rooms, on which a whole class works."""
    rooms = ("--enable-workspaces", "--default-artifact-root=mlflow-artifacts:/")
    with tracking_server(tmp_path_factory.mktemp("server"), *rooms) as address:
        mlflow.set_tracking_uri(address)
        mlflow.create_workspace(room_of(ADA))  # to look into it from the first cell on
        yield address


@pytest.fixture
def notebooks(tmp_path):
    return copy_project(tmp_path / "project") / "notebooks"


@pytest.mark.parametrize("notebook", IN_A_DATABASE, ids=lambda path: path.stem)
def test_solutions_in_a_database(notebook, notebooks, tmp_path):
    store = f"sqlite:///{tmp_path}/store.db"
    at, again = {"LAB_TRACKING_URI": store}, AGAIN[notebook]
    solve(notebooks / notebook.name, at, again=again, client=mlflow.MlflowClient(store))
    assert not list(notebooks.glob("*.db")) and not (notebooks / "mlruns").exists()


@pytest.mark.parametrize("notebook", ON_A_SERVER, ids=lambda path: path.stem)
def test_solutions_on_a_server(notebook, server, notebooks):
    at = {"LAB_TRACKING_URI": server, "LAB_STUDENT": ADA}
    again = () if notebook in IN_A_DATABASE else AGAIN[notebook]
    mlflow.set_workspace(room_of(ADA))
    solve(notebooks / notebook.name, at, again=again, client=mlflow.MlflowClient(server))
    mlflow.set_workspace(None)
    solved_by_ada.append(notebook.name)


def test_report_of_a_class_on_a_server(server, notebooks, tmp_path):
    """Ada has done what was done in the tests above, Ben lab 2, and Cleo has only begun."""
    at = {"LAB_TRACKING_URI": server}
    solve(notebooks / NOTEBOOKS[1].name, at | {"LAB_STUDENT": "ben"})
    with Kernel(notebooks, at | {"LAB_STUDENT": "cleo"}) as kernel:
        kernel.run("import lab, mlflow\nlab.start()\nmlflow.set_experiment('sklearn_experiment')")
        kernel.run("with mlflow.start_run(run_name='my-setting'):\n    pass")
        _, error = kernel.run("lab.check('2.1')")
        assert not error

    def report(*options):
        """Return each student's points by the file, and what was printed."""
        command = [sys.executable, "-m", "lab.classroom", "progress", "--csv=class.csv", *options]
        environment = os.environ | at | {"PYTHONPATH": str(notebooks)}
        done = run(command, env=environment, cwd=tmp_path)
        with (tmp_path / "class.csv").open(encoding="utf-8", newline="") as file:
            return {row.pop(next(iter(row))).strip(): row for row in csv.DictReader(file)}, done.stdout  # fmt: skip

    labs = Counter(f"Lab {id.partition('.')[0]}" for id in EXERCISES)

    def points(*done, less=0):
        got = {lab: count for lab, count in labs.items() if int(lab.split()[1]) in done}
        got = {lab: got.get(lab, 0) for lab in labs} | {"Lab 2": got.get("Lab 2", 0) - less}
        return {column: str(n) for column, n in (got | {"total": sum(got.values())}).items()}

    rows, printed = report()
    if not solved_by_ada:  # this test alone: her room is empty
        del rows[room_of(ADA)]
    assert rows == {
        "Points Possible": points(*range(1, 11)),
        **({ADA: points(*(int(name[:2]) for name in solved_by_ada))} if solved_by_ada else {}),
        "ben": points(2),
        "cleo": points(),
    }
    first, *lines = printed.splitlines()
    assert first.split() == ["student", *" ".join(labs).lower().split(), "done", "last", "seen"]
    assert f"{'ben':24}    0/2    3/3    0/3" in lines[-3]
    assert f"  3/{len(EXERCISES)}  " in lines[-3]

    # What was right once is believed, unless every answer is judged anew.
    client = mlflow.MlflowClient(server)
    mlflow.set_tracking_uri(server)
    mlflow.set_workspace("ben")
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    for documented in client.search_runs(experiments, "attributes.run_name = 'documented'"):
        client.delete_tag(documented.info.run_id, "purpose")
    mlflow.set_workspace(None)
    # A list of other people would give everybody nothing; the names of a list are shown.
    (tmp_path / "others.csv").write_text("id,name\n1001,Ben B\n")
    told = "Error: Nobody in others.csv has come yet, and these have, who are not in it: "
    assert report("--roster=others.csv")[1].startswith(told)
    (tmp_path / "roster.csv").write_text("id,name\nben,Ben B\nann,Ann A\n")
    graded, printed = report("--roster=roster.csv")
    assert "Ben B" in printed and "Not in roster.csv: " in printed and "cleo." in printed
    assert list(graded) == ["Points Possible", "ben", "ann"]
    assert (graded["ben"]["Lab 2"], graded["ann"]["Lab 2"]) == ("3", "0")
    judged, _ = report("--verify")
    for each in (rows, judged):
        for ada in (ADA, room_of(ADA)):
            each.pop(ada, None)  # the lessons' cells ran again after the answers, and moved some on
    assert judged == rows | {"ben": points(2, less=1)}
