"""Every exercise: ⬜ as shipped, ✅ with its solution, and for each wrong answer the sentence that is meant for it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import Counter
from dataclasses import asdict
from importlib import import_module

import mlflow
import pytest
from answers import Accepted
from kernel import EXERCISES, Kernel, cells_of, ids_of, solution_of
from lab.exercises import expected, notes
from lab.exercises.student import Missing, Student, StudentRun
from lab.room import student_name
from mlflow import MlflowClient
from sklearn.linear_model import LogisticRegression
from support import NOTEBOOKS, ROOT, copy_project, run

ADA = "ada o'hara"
TRAIN_NETWORKS = ("03", "04")  # the labs whose kernels hold PyTorch
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
        where = ", address" if EXERCISES[id].on_own_server else ""
        assert cells[f"check-{slug}"].source == f'lab.check("{id}"{where})'
        assert cells[f"check-{slug}"].outputs, f"run the cell check-{slug}, and save the notebook"
        assert cells[f"check-{slug}"].outputs[0].text.startswith(f"⬜ {id} not done yet: ")


def test_there_are_enough_exercises():
    assert len(EXERCISES) >= 15


@every_lab
def test_every_exercise_has_three_wrong_answers_and_three_right_ones(notebook):
    answers = import_module(f"answers.lab{notebook.name[:2]}")
    for those, at_least in ((answers.WRONG, 3), (answers.RIGHT, 2)):  # and the solution
        each = Counter(answer.exercise for answer in those)
        assert set(each) == set(ids_of(notebook))
        assert min(each.values()) >= at_least, each
    assert {answer.mark for answer in answers.WRONG} <= {"⬜", "❌"}


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


@every_lab
def test_wrong_turns_and_solutions(notebook, tmp_path):
    """On one store, as what a wrong answer is told does not depend on it, and with the rounding of another computer.

    The store's folder exists and is empty. In the end the lessons are run again, in the kernel that has done it all (those of
    the last three labs, which take longest, in `test_other_stores.py`).
    """
    project = copy_project(tmp_path / "project")
    (tmp_path / "mlruns").mkdir()
    cells = list(cells_of(notebook).values())
    answers = import_module(f"answers.lab{notebook.name[:2]}")
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
        loaded, _ = kernel.run("import sys; print('torch' in sys.modules)")
        expect(loaded, str(notebook.name[:2] in TRAIN_NETWORKS))
        for id in ids_of(notebook):
            check = cells_of(notebook)[f"check-{id.replace('.', '-')}"].source
            expect(kernel.run(check)[0], f"⬜ {id} not done yet: ")
            for attempt in [attempt for attempt in answers.WRONG if attempt.exercise == id]:
                printed, _ = kernel.run(attempt.code)
                if "lab.check" not in attempt.code:
                    printed, _ = kernel.run(check)
                expect(printed, f"{attempt.mark} {id} ", attempt.told)
            accepted = [answer for answer in answers.RIGHT if answer.exercise == id]
            solution = Accepted(id, "the solution", solution_of(notebook, id))
            for answer in [*accepted, solution, solution]:  # solving an exercise twice is fine
                printed, error = kernel.run(answer.code)
                if error:
                    problems.append(f"{id}, {answer.style}: {error}")
                expect(kernel.run(check)[0], f"✅ {id} done: ")
        for cell in cells[first:]:
            if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
                printed, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}"
                if "check" in cell.metadata.get("tags", []):
                    id = cell.id.removeprefix("check-").replace("-", ".")
                    expect(printed, f"✅ {id} done: ")
        for cell in cells[:first] if notebook.name[:2] < "08" else []:
            if cell.cell_type == "code":
                printed, error = kernel.run(cell.source)
                assert not error, f"{cell.id}: {error}\n{printed}"
    assert not problems, "\n".join(problems)


def test_checks_are_noted_until_they_are_right(capsys, monkeypatch, tmp_path):
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    lab.start()
    client = MlflowClient()
    student = Student(client, student_name()).name

    lab.check("6.3")
    mlflow.set_experiment("artifact_experiment")
    with mlflow.start_run(run_name="sorted-out"):
        mlflow.log_metric("max_iter", 10_000)
        lab.check("6.3")
        assert client.search_runs(["0"]) == [] and mlflow.active_run() is not None
    lab.check("6.3")
    with mlflow.start_run(run_name="sorted-out"):
        mlflow.log_param("max_iter", 10_000)
        mlflow.log_metric("mistakes", 16)
        mlflow.set_tag("weakest_digit", 8)
        mlflow.log_text(expected.report(), "report.txt")
    lab.progress()
    lab.progress()
    lab.check("6.3")
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines if line[2:5] == "6.3"] == ["⬜", "⬜", "❌", "✅"]
    (noted,) = notes.of_all(client).values()
    assert noted == notes.of_student(client, student) and list(noted) == ["6.3"]
    note = noted["6.3"]
    assert (note.mark, note.tries) == ("✅", 4) and note.first < note.last
    assert f"✅ 6.3 done: {note.sentence}" in lines

    # What somebody else wrote there is no note, and spoils none.
    (run,) = client.search_runs([client.get_experiment_by_name(notes.EXPERIMENT).experiment_id])
    for number, text in enumerate(
        ["{", "[1]", '{"mark": "✅"}', json.dumps(asdict(note) | {"last": "now"})]
    ):
        client.set_tag(run.info.run_id, f"check.1.{number}", text)
    assert notes.of_student(client, student) == noted


def test_what_was_right_on_a_server_that_has_ended_stays_so(capsys, monkeypatch, tmp_path):
    """And looking does not lead a notebook away from the store that it is at."""
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    lab.start()
    first, second = (f"sqlite:///{tmp_path}/{name}.db" for name in ("first", "second"))
    client = MlflowClient(first)
    place = client.create_experiment("cluster_experiment")
    parent = client.create_run(place, start_time=1, run_name="mended").info.run_id
    client.set_terminated(parent)
    for number in range(4):
        tags = {"mlflow.parentRunId": parent}
        run = client.create_run(place, start_time=2 + number, tags=tags).info.run_id
        client.log_metric(run, "accuracy", 0.9)
        client.set_terminated(run, end_time=10)

    mlflow.set_tracking_uri(second)
    capsys.readouterr()
    for look in (
        lambda: lab.check("9.3", first),
        lambda: lab.check("9.3", second),
        lambda: lab.check("9.3"),
        lab.progress,
    ):
        look()
        assert mlflow.get_tracking_uri() == second
    checked, again, noted, *progress = capsys.readouterr().out.splitlines()
    assert checked.startswith("✅ 9.3 done: 4 trials of several threads")
    assert again.startswith("⬜ 9.3 not done yet: there is no run 'mended'")
    assert noted == checked
    assert any("✅ 9.3" in line for line in progress)
    lab.start()
    assert "Note: MLFLOW_TRACKING_URI" not in capsys.readouterr().out


def test_whose_runs_count(tmp_path):
    """A student's own do, and those that a client has created without saying whose; another student's never."""
    client = MlflowClient((tmp_path / "mlruns").as_uri())
    place = client.create_experiment("sklearn_experiment")
    for name, tags in (("ada's", {"mlflow.user": "ada"}), ("nobody's", {})):
        client.create_run(place, run_name=name, tags=tags)

    def counted(student: str | None) -> list[str]:
        of = Student(client, student)
        return [name for name in ("ada's", "nobody's") if of.named("sklearn_experiment", name)]

    assert counted("ada") == counted(None) == ["ada's", "nobody's"]
    assert counted("ben") == ["nobody's"]


def test_report_of_an_empty_store_says_so(tmp_path):
    environment = os.environ | {
        "LAB_TRACKING_URI": str(tmp_path / "mlruns"),
        "PYTHONPATH": str(ROOT / "notebooks"),
    }
    done = run([sys.executable, "-m", "lab.classroom", "progress", "--class"], env=environment)
    assert done.returncode == 0
    assert "No student has checked an exercise" in done.stdout


def test_model_that_is_gone_is_told_from_one_that_cannot_be_read(monkeypatch, tmp_path):
    import lab

    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    lab.start()
    client = MlflowClient()
    trained = LogisticRegression().fit([[0.0], [1.0]], [0, 1])
    with mlflow.start_run(experiment_id=client.create_experiment("sklearn_experiment")) as run:
        logged = mlflow.sklearn.log_model(trained, name="mine", pip_requirements=["scikit-learn"])
    answer = StudentRun(Student(client, ADA), client.get_run(run.info.run_id))
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
    lab.start()
    capsys.readouterr()
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
