"""Every exercise: ⬜ as shipped, ✅ with its solution, and for each wrong answer the sentence that is meant for it."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lab
import mlflow
import pytest
from answers import answers_of
from answers.slips import PASS, slips
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


@pytest.fixture
def client(monkeypatch, tmp_path):
    """A client on the labs' store, a folder that the first cell has just made."""
    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    lab.start()
    return MlflowClient()


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
        (shown,) = cells[f"check-{slug}"].outputs
        assert shown.text.startswith(f"⬜ {id} not done yet: ")


@every_lab
def test_every_exercise_has_three_wrong_answers_and_three_right_ones(notebook):
    _, answers = answers_of(notebook)
    assert {answer.mark for answer in answers} <= set("⬜❌✅")
    for marks, at_least in (("⬜❌", 3), ("✅", 2)):  # and the solution
        each = Counter(answer.exercise for answer in answers if answer.mark in marks)
        assert set(each) == set(ids_of(notebook))
        assert min(each.values()) >= at_least, each


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


def lesson(kernel: Kernel, cells: list[Any]) -> Iterator[tuple[Any, str]]:
    """Run the code cells but those for answers, and yield each with what it printed."""
    for cell in cells:
        if cell.cell_type == "code" and "exercise" not in cell.metadata.get("tags", []):
            printed, error = kernel.run(cell.source)
            assert not error, f"{cell.id}: {error}\n{printed}"
            yield cell, printed


def wrongly_judged(kernel: Kernel, notebook: Path, id: str, store: Path) -> Iterator[str]:
    """Try the solution of an exercise, slips with it, and all answers, and yield what is not judged as it should be.

    Args:
        kernel: has done the lesson.
        notebook: the lab.
        id: the exercise.
        store: the folder that the kernel logs to.
    """
    before, aside = store.with_name("before"), store.with_name("aside")
    cells, slug = cells_of(notebook), id.replace(".", "-")
    check, solution = cells[f"check-{slug}"].source, solution_of(notebook, id)
    on_own_server = EXERCISES[id].on_own_server

    def unlike(line: str, mark: str, *told: str) -> Iterator[str]:
        if not (line.startswith(f"{mark} {id} ") and line.count("\n") == 1):
            yield f"expected {mark}, found: {line}"
        elif mark != "✅" and not any(words in line for words in told):
            yield f"expected … {told[0]} …, found: {line}"

    def misjudged() -> Iterator[str]:
        for answer in [answer for answer in answers_of(notebook)[1] if answer.exercise == id]:
            printed, error = kernel.run(answer.code)
            if "lab.check" not in answer.code:
                printed, _ = kernel.run(check)
            found = [
                *unlike(printed, answer.mark, answer.told),
                error if answer.mark == "✅" else "",
            ]
            yield from (f"{answer.code}{each}" for each in found if each)

    if on_own_server:  # which keeps what the solution stores, out of reach of slips
        yield from misjudged()
    shutil.copytree(store, before)
    kernel.run(solution)
    unused = {key for key in PASS if key[0] == id}
    for slip in slips(store, before, cells[f"exercise-{slug}"].source):
        key = (id, slip.name, slip.what)
        with slip.made(aside):
            printed, _ = kernel.run(check)
        unused.discard(key)
        mark = "✅" if key in PASS else printed[0] if printed[0] in "⬜❌" else "⬜ or ❌"
        told = (slip.name, f"'{slip.content}'")
        yield from (f"{key}: {each}" for each in unlike(printed, mark, *told))
    yield from (f"{key} is no slip" for key in unused)
    kernel.run(solution)  # solving an exercise twice is fine
    yield from unlike(kernel.run(check)[0], "✅")
    shutil.rmtree(store)
    before.rename(store)
    if not on_own_server:
        yield from misjudged()


@every_lab
def test_wrong_turns_and_solutions(notebook, tmp_path):
    """On one store, as what a wrong answer is told does not depend on it, and with the rounding of another computer.

    The store's folder exists and is empty. In the end the lessons are run again, in the kernel that has done it all (those of
    the last three labs, which take longest, in `test_other_stores.py` and `test_cluster.py`).
    """
    project, store = copy_project(tmp_path / "project"), tmp_path / "mlruns"
    store.mkdir()
    cells = list(cells_of(notebook).values())
    first = next(place for place, cell in enumerate(cells) if cell.id.startswith("exercise-"))
    environment = {
        "LAB_TRACKING_URI": str(store),
        "PYTHONPATH": str(ROOT / "tests" / "other_computer"),
        "ROUNDING_NOISE": "5",
    }
    with Kernel(project / "notebooks", environment) as kernel:
        list(lesson(kernel, cells[:first]))
        loaded, _ = kernel.run("import sys; print('torch' in sys.modules)")
        assert loaded == f"{notebook.name[:2] in TRAIN_NETWORKS}\n"
        _, error = kernel.run(answers_of(notebook)[0])
        assert not error, error
        problems = []
        for id in ids_of(notebook):
            check = cells_of(notebook)[f"check-{id.replace('.', '-')}"].source
            assert kernel.run(check)[0].startswith(f"⬜ {id} not done yet: ")
            problems += wrongly_judged(kernel, notebook, id, store)
        for cell, printed in lesson(kernel, cells[first:]):
            if "check" in cell.metadata.get("tags", []) and not printed.startswith("✅"):
                problems.append(f"in the end: {printed}")
        if notebook.name[:2] < "08":
            list(lesson(kernel, cells[:first]))
    assert not problems, "\n".join(problems)


def test_checks_are_noted_until_they_are_right(capsys, client):
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


def test_what_was_right_on_a_server_that_has_ended_stays_so(capsys, client, tmp_path):
    """And looking does not lead a notebook away from the store that it is at."""
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

    MlflowClient(second).search_experiments()  # makes it
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


def test_whose_runs_count(client):
    """A student's own do, and those that a client has created without saying whose; another student's never."""
    place = client.create_experiment("sklearn_experiment")
    for name, tags in (("ada's", {"mlflow.user": "ada"}), ("nobody's", {})):
        client.create_run(place, run_name=name, tags=tags)

    def counted(student: str | None) -> list[str]:
        of = Student(client, student)
        return [name for name in ("ada's", "nobody's") if of.named("sklearn_experiment", name)]

    assert counted("ada") == counted(None) == ["ada's", "nobody's"]
    assert counted("ben") == ["nobody's"]


def test_twin_that_a_lost_reply_left_behind_does_not_count(client):
    """MLflow's client sends what had no reply again: the first run stays open and empty, with the other's start."""
    place = client.create_experiment("sklearn_experiment")
    for number in range(9):  # which of the two a search puts first depends on their ids
        client.create_run(place, start_time=1, run_name=f"{number}")
        second = client.create_run(place, start_time=1, run_name=f"{number}")
        client.set_terminated(second.info.run_id)
    for number in range(9):
        assert Student(client, None).run("sklearn_experiment", f"{number}").status == "FINISHED"


def test_report_of_an_empty_store_says_so(tmp_path):
    environment = os.environ | {
        "LAB_TRACKING_URI": str(tmp_path / "mlruns"),
        "PYTHONPATH": str(ROOT / "notebooks"),
    }
    done = run([sys.executable, "-m", "lab.classroom", "progress"], env=environment)
    assert done.returncode == 0
    assert "No student has checked an exercise" in done.stdout


def test_model_that_is_gone_is_told_from_one_that_cannot_be_read(client, tmp_path):
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


def test_number_of_an_exercise_needs_no_quotes_and_an_unknown_one_lists_those_there_are(
    capsys, client
):
    lab.check("9.9")
    lab.check(2.1)
    unknown, known = capsys.readouterr().out.splitlines()[-2:]
    assert unknown == f"There is no exercise '9.9'; there are {', '.join(EXERCISES)}."
    assert known.startswith("⬜ 2.1 not done yet: there is no run 'my-setting'")


def test_store_that_cannot_be_reached_is_said_not_raised(capsys, monkeypatch):
    monkeypatch.setenv("LAB_TRACKING_URI", "http://127.0.0.1:9")
    lab.check("2.1")
    lab.progress()
    first, second = capsys.readouterr().out.splitlines()
    assert first == second and first.startswith("⬜ The store cannot be asked.")
    assert "does not answer" in first


def test_database_that_was_made_anew_is_read_anew(capsys, client, tmp_path):
    own = tmp_path / "own.db"
    for name in ("first", "second"):
        made = MlflowClient(f"sqlite:///{tmp_path}/{name}.db")
        made.create_run(made.create_experiment(name, tags={"capstone": "max accuracy"}))
        own.unlink(missing_ok=True)
        shutil.copy(tmp_path / f"{name}.db", own)
        lab.check("8.3", f"sqlite:///{own}")
        assert f"the experiment '{name}' has 0 finished runs" in capsys.readouterr().out


def test_store_whose_name_is_mistyped_is_not_made(capsys, tmp_path):
    file = tmp_path / "mistyped.db"
    for uri in (f"sqlite:///{file.as_posix()}", file.as_uri()):
        lab.check("8.3", uri)
        told = f"⬜ The store cannot be asked. There is no file {file}: correct its name.\n"
        assert capsys.readouterr().out == told and not file.exists()
    file.touch()
    lab.check("8.3", str(file))
    assert f"write sqlite:///{file}." in capsys.readouterr().out
    for folder in (f"sqlite:///{tmp_path}", str(tmp_path)):
        lab.check("8.3", folder)
        told = f"name the database in it, like sqlite:///{tmp_path}/mlflow.db."
        assert told in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == [file]


def test_run_that_a_log_call_below_a_block_has_opened_is_named(capsys, client):
    mlflow.set_experiment("sklearn_experiment")
    with mlflow.start_run(run_name="my-setting"):
        mlflow.log_param("C", 10.0)
    mlflow.log_metric("accuracy", 1.0)
    lab.check("2.1")
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert "has no metric 'accuracy'" in first and second.endswith("mlflow.end_run() closes it.")
    mlflow.end_run()
    lab.check("2.1")
    assert "closes it" not in capsys.readouterr().out
