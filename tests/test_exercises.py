"""Every exercise: ⬜ as shipped, ✅ with its solution, and for each wrong answer the sentence that is meant for it."""

from __future__ import annotations

import csv
import json
import os
import re
import sys
from collections import Counter
from importlib import import_module

import mlflow
import pytest
from attempts import Accepted
from exercise_cells import EXERCISES, Kernel, cells_of, ids_of, solution_of, solve
from lab.answers import Answer, Answers, Missing
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from support import NOTEBOOKS, ROOT, copy_project, free_port, run, serving

ADA = "ada o'hara"
solved_by_ada = set()  # on the server
every_lab = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)


@every_lab
def test_every_exercise_has_its_cells_and_its_check(notebook):
    cells = cells_of(notebook)
    order = [id for id in cells if re.match(r"(exercise|answer|check|solution)-\d", id)]
    expected = [
        f"{kind}-{id.replace('.', '-')}"
        for id in ids_of(notebook)
        for kind in ("exercise", "answer", "check", "solution")
    ]
    assert order == expected
    assert 2 <= len(ids_of(notebook)) <= 3
    for id in ids_of(notebook):
        slug = id.replace(".", "-")
        task, solution = cells[f"exercise-{slug}"].source, cells[f"solution-{slug}"].source
        assert task.startswith(f"### Exercise {id} · {EXERCISES[id].title}\n")
        assert "You should" in task, "say what to expect"
        assert "<details><summary>Hint</summary>" in task
        assert solution.startswith("<details><summary>Solution</summary>")
        assert cells[f"answer-{slug}"].metadata.tags == ["exercise"]
        assert cells[f"answer-{slug}"].source == f"# Your code for exercise {id}"
        assert cells[f"check-{slug}"].metadata.tags == ["check"]
        assert cells[f"check-{slug}"].source == f'lab.check("{id}")'
        assert cells[f"check-{slug}"].outputs[0].text.startswith(f"⬜ {id} not done yet: ")


def test_there_are_enough_exercises():
    assert len(EXERCISES) >= 15


@every_lab
def test_every_exercise_has_three_wrong_answers_and_three_right_ones(notebook):
    answers = import_module(f"attempts.lab{notebook.name[:2]}")
    attempts = answers.ATTEMPTS
    for id in ids_of(notebook):
        assert len([attempt for attempt in attempts if attempt.exercise == id]) >= 3, id
        assert len([answer for answer in answers.ACCEPTED if answer.exercise == id]) >= 2, (
            id
        )  # and the solution
    assert {answer.exercise for answer in answers.ACCEPTED} == set(ids_of(notebook))
    assert {attempt.exercise for attempt in attempts} == set(ids_of(notebook))
    assert {attempt.mark for attempt in attempts} <= {"⬜", "❌"}


@every_lab
def test_solutions_pass_the_linter(notebook, tmp_path):
    for id in ids_of(notebook):
        (tmp_path / f"solution_{id.replace('.', '_')}.py").write_text(solution_of(notebook, id))
    command = [sys.executable, "-m", "ruff"]
    config = f"--config={ROOT / '.ruff.toml'}"
    ignore = "--extend-ignore=D,F821,F811,E402,B018,I001"  # names come from the cells above
    checked = run([*command, "check", config, ignore, "--no-cache", str(tmp_path)])
    assert checked.returncode == 0, checked.stdout
    formatted = run([*command, "format", "--check", "--diff", config, "--no-cache", str(tmp_path)])
    assert formatted.returncode == 0, formatted.stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a tracking server, on which a whole class works."""
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host=127.0.0.1", f"--port={port}"]
    command += ["--workers=1", f"--backend-store-uri=sqlite:///{folder}/server.db"]
    command += [f"--artifacts-destination={(folder / 'served').as_uri()}"]
    environment = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with serving(command, f"http://127.0.0.1:{port}", environment, folder) as address:
        yield address


@every_lab
def test_wrong_turns_and_solutions(notebook, tmp_path):
    """On one store, as what a wrong answer is told does not depend on it, and with the rounding of another computer.

    The store's folder exists and is empty. In the end the lessons are run again, in the kernel that has done it all.
    """
    project = copy_project(tmp_path / "project")
    (tmp_path / "mlruns").mkdir()
    cells = list(cells_of(notebook).values())
    answers = import_module(f"attempts.lab{notebook.name[:2]}")
    first = next(place for place, cell in enumerate(cells) if cell.id.startswith("exercise-"))
    problems = []

    def expect(line: str, beginning: str, told: str = ""):
        if not (line.startswith(beginning) and told in line and line.count("\n") == 1):
            problems.append(f"expected: {beginning} … {told}\n   found: {line}")

    environment = {
        "LAB_TRACKING_URI": str(tmp_path / "mlruns"),
        "PYTHONPATH": str(ROOT / "tests" / "other_computer"),
        "ROUNDING_NOISE": "5",
    }
    with Kernel(project / "notebooks", environment) as kernel:
        for cell in cells[:first]:
            if cell.cell_type == "code":
                printed, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}\n{printed}"
        for id in ids_of(notebook):
            expect(kernel.run(f'lab.check("{id}")')[0], f"⬜ {id} not done yet: ")
            for attempt in [attempt for attempt in answers.ATTEMPTS if attempt.exercise == id]:
                printed, _ = kernel.run(attempt.code)
                if "lab.check" not in attempt.code:
                    printed, _ = kernel.run(f'lab.check("{id}")')
                expect(printed, f"{attempt.mark} {id} ", attempt.told)
            accepted = [answer for answer in answers.ACCEPTED if answer.exercise == id]
            solution = Accepted(id, "the solution", solution_of(notebook, id))
            for answer in [*accepted, solution, solution]:  # solving an exercise twice is fine
                printed, error = kernel.run(answer.code)
                if error:
                    problems.append(f"{id}, {answer.style}: {error}")
                expect(kernel.run(f'lab.check("{id}")')[0], f"✅ {id} done: ")
        for cell in cells[first:]:
            if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
                printed, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}"
                if "check" in cell.metadata.get("tags", []):
                    expect(printed, f"✅ {cell.source[11:14]} done: ")
        for cell in cells[:first]:
            if cell.cell_type == "code":
                printed, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}\n{printed}"
    assert not problems, "\n".join(problems)


@every_lab
def test_solutions_in_a_database(notebook, tmp_path):
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": f"sqlite:///{tmp_path}/store.db"}
    solve(project / "notebooks" / notebook.name, environment)
    assert not list((project / "notebooks").glob("*.db"))
    assert not (project / "notebooks" / "mlruns").exists()


@every_lab
def test_solutions_on_a_server(notebook, server, tmp_path):
    project = copy_project(tmp_path / "project")
    environment = {"LAB_TRACKING_URI": server, "LAB_STUDENT": ADA}
    solve(project / "notebooks" / notebook.name, environment)
    solved_by_ada.add(notebook.name)


def test_report_of_a_class_on_a_server(server, tmp_path):
    """Ada has done everything, Ben labs 1 and 2, and Cleo has only begun."""
    ada, ben, cleo = (
        copy_project(tmp_path / name) / "notebooks" for name in ("ada", "ben", "cleo")
    )
    for notebook in NOTEBOOKS:
        if notebook.name not in solved_by_ada:  # by a test above
            solve(ada / notebook.name, {"LAB_TRACKING_URI": server, "LAB_STUDENT": ADA})
    for notebook in NOTEBOOKS[:2]:
        solve(ben / notebook.name, {"LAB_TRACKING_URI": server, "LAB_STUDENT": "ben"})
    with Kernel(cleo, {"LAB_TRACKING_URI": server, "LAB_STUDENT": "cleo"}) as kernel:
        kernel.run("import lab, mlflow\nlab.start()\nmlflow.set_experiment('sklearn_experiment')")
        kernel.run("with mlflow.start_run(run_name='my-setting'):\n    pass")
        _, error = kernel.run("lab.progress()")
        assert not error

    def report():
        table = tmp_path / "class.csv"
        environment = os.environ | {
            "LAB_TRACKING_URI": server,
            "PYTHONPATH": str(cleo),
        }
        command = [sys.executable, "-m", "lab.report", "--class", "--csv", str(table)]
        done = run(command, env=environment, cwd=tmp_path)
        assert done.returncode == 0, done.stdout
        with table.open(encoding="utf-8", newline="") as file:
            return {row.pop("student"): row for row in csv.DictReader(file)}, done.stdout

    rows, printed = report()
    per_lab = Counter(f"lab {id[0]}" for id in EXERCISES)
    everything = {lab: f"{count}/{count}" for lab, count in per_lab.items()}
    nothing = {lab: f"0/{count}" for lab, count in per_lab.items()}
    half = nothing | {lab: everything[lab] for lab in ("lab 1", "lab 2")}
    total = len(EXERCISES)
    assert rows == {
        ADA: everything | {"done": f"{total}/{total}"},
        "ben": half | {"done": f"{per_lab['lab 1'] + per_lab['lab 2']}/{total}"},
        "cleo": nothing | {"done": f"0/{total}"},
    }
    lines = printed.splitlines()
    assert lines[0].split() == ["student", *re.findall(r"\S+", " ".join(per_lab)), "done"]
    assert [line.split()[0] for line in lines[1:4]] == ["ada", "ben", "cleo"]

    # What was right is kept from one report to the next, as long as the student's runs are what they were.
    kept = cleo.parent / "build" / "class_report.json"
    assert len(json.loads(kept.read_text())["right"]) == total + per_lab["lab 1"] + per_lab["lab 2"]
    client = MlflowClient(server)
    places = [place.experiment_id for place in client.search_experiments()]
    named = "attributes.run_name = 'documented' and tags.`mlflow.user` = 'ben'"
    for documented in client.search_runs(places, named):
        client.delete_tag(documented.info.run_id, "purpose")
    changed = rows | {"ben": rows["ben"] | {"lab 2": "2/3", "done": f"4/{total}"}}
    assert report()[0] == changed
    kept.write_text("{")
    assert report()[0] == changed


def test_report_of_an_empty_store_says_so(tmp_path):
    environment = os.environ | {
        "LAB_TRACKING_URI": str(tmp_path / "mlruns"),
        "PYTHONPATH": str(ROOT / "notebooks"),
    }
    done = run([sys.executable, "-m", "lab.report", "--class"], env=environment)
    assert done.returncode == 0
    assert "No student has a run" in done.stdout


def test_model_that_is_gone_is_told_from_one_that_cannot_be_read(monkeypatch, tmp_path):
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    lab.start()
    client = MlflowClient()
    trained = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with mlflow.start_run(experiment_id=client.create_experiment("sklearn_experiment")) as run:
        logged = mlflow.sklearn.log_model(trained, name="mine", pip_requirements=["scikit-learn"])
    answer = Answer(Answers(client, ADA), client.get_run(run.info.run_id))
    assert list(answer.model("mine").predict([[1.0]])) == [1]

    next(tmp_path.rglob("model.skops")).unlink()
    with pytest.raises((mlflow.MlflowException, OSError)):
        answer.model("mine")
    client.delete_logged_model(logged.model_id)
    with pytest.raises(Missing, match="has no model 'mine'"):
        answer.model("mine")


def test_unknown_exercise_lists_those_there_are(capsys):
    import lab

    lab.check("9.9")
    printed = capsys.readouterr().out
    assert printed == f"There is no exercise '9.9'; there are {', '.join(EXERCISES)}.\n"


def test_number_of_an_exercise_needs_no_quotes(capsys, monkeypatch, tmp_path):
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", str(tmp_path / "mlruns"))
    lab.check(2.1)
    assert capsys.readouterr().out.startswith("⬜ 2.1 not done yet: there is no run 'my-setting'")


def test_store_that_cannot_be_reached_is_said_not_raised(capsys, monkeypatch):
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", "http://127.0.0.1:9")
    lab.check("2.1")
    lab.progress()
    first, second = capsys.readouterr().out.splitlines()
    assert first == second and first.startswith("⬜ The store cannot be asked.")
    assert "does not answer" in first
