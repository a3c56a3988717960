"""How exercises are judged (`lab/exercises/`): what an exercise asks for, and whose an error is."""

import lab
import mlflow
import pytest
from lab.exercises import Exercise, all_exercises, notes
from lab.exercises import check as engine
from lab.exercises.check import judge
from lab.exercises.student import Student, Wrong, reading, require
from mlflow import MlflowClient

ADA = "ada"


@pytest.fixture
def store(monkeypatch, tmp_path):
    """An empty store of the labs' for ada, and a client on it."""
    monkeypatch.setenv("LAB_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("LAB_STUDENT", ADA)
    monkeypatch.setenv("LOGNAME", ADA)
    lab.start()
    return MlflowClient()


def logged(client: MlflowClient, params=(), metrics=(), tags=(), text=None) -> None:
    """Log a run named `mine`, by ada."""
    experiment = client.get_experiment_by_name("sklearn_experiment")
    home = (
        experiment.experiment_id if experiment else client.create_experiment("sklearn_experiment")
    )
    run = client.create_run(home, run_name="mine", tags=dict(tags) | {"mlflow.user": ADA})
    for name, value in dict(params).items():
        client.log_param(run.info.run_id, name, value)
    for name, value in dict(metrics).items():
        client.log_metric(run.info.run_id, name, value)
    if text is not None:
        client.log_text(run.info.run_id, text, "notes.txt")
    client.set_terminated(run.info.run_id)


def verdict(client: MlflowClient, check=lambda run: "well done.", **asked) -> str:
    exercise = Exercise("0.1", "x", check, ("sklearn_experiment", "mine"), False, asked)
    return str(judge(exercise, Student(client, ADA)))


def has_two_words(text: str) -> None:
    require(len(text.split()) == 2, f"'{text}'", "two words")


ASKED = {
    "param": {"C": 10, "optimizer": {"Adam", "adam"}, "seed": None},
    "metric": {"loss": (0.5, "Compute it again."), "exact": (1.0, "Do not round.", 1e-6)},
    "tag": {"of": lambda run: run.param("C")},
    "only": {"C": "a parameter"},
    "text": {"notes.txt": has_two_words},
}
RIGHT = {
    "params": {"C": "10.0", "optimizer": "adam", "seed": 7},
    "metrics": {"loss": 0.5004, "exact": 1.0},
    "tags": {"of": "10"},
    "text": "two words",
}
OTHERS = [
    ({"params": {"C": 10, "optimizer": "adam"}}, "⬜", "the run 'mine' has no parameter 'seed'."),
    ({"params": {"C": 1}}, "❌", "found C = 1 in the run 'mine', expected C = 10."),
    (
        {"params": {"C": 10, "optimizer": "SGD"}},
        "❌",
        "found optimizer = SGD in the run 'mine', expected optimizer = Adam.",
    ),
    ({"metrics": {}}, "⬜", "the run 'mine' has no metric 'loss'."),
    (
        {"metrics": {"loss": 0.51}},
        "❌",
        "found loss = 0.51 in the run 'mine', expected 0.5. Compute it again.",
    ),
    (
        {"metrics": {"loss": 0.5, "exact": 1.00001}},
        "❌",
        "found exact = 1.00001 in the run 'mine', expected 1. Do not round.",
    ),
    ({"tags": {}}, "⬜", "the run 'mine' has no tag 'of'."),
    ({"tags": {"of": "9"}}, "❌", "found the tag of = 9 in the run 'mine', expected of = 10.0."),
    ({"tags": {"of": "10", "C": "10"}}, "❌", "found C as a tag, expected it as a parameter."),
    ({"text": None}, "⬜", "the run 'mine' has no artifact 'notes.txt'."),
    ({"text": "one"}, "❌", "found 'one', expected two words."),
]


def test_a_run_that_holds_what_is_asked_for_is_done(store):
    assert verdict(store, **ASKED) == (
        "⬜ 0.1 not done yet: there is no run 'mine' of yours in the experiment 'sklearn_experiment'."
    )
    logged(store, **RIGHT)
    assert verdict(store, **ASKED) == "✅ 0.1 done: well done."


@pytest.mark.parametrize("change, mark, sentence", OTHERS)
def test_a_run_that_does_not_is_told_what_is_amiss(change, mark, sentence, store):
    logged(store, **RIGHT | change)
    told = verdict(store, **ASKED)
    assert told.startswith(f"{mark} 0.1 ") and sentence in told


def broken(run):
    return {}["no such key"]


def broken_in_a_library(run):
    import numpy as np

    return f"{np.ones(3) @ np.ones(4)}"  # a mistake of ours can be raised by others


def unreadable(run):
    with reading():
        return {}["no such key"]


def refused_by_mlflow(run):
    return mlflow.artifacts.load_text(f"{run.run.info.artifact_uri}/nothing.txt")


def wrong(run):
    with reading():
        raise Wrong("found one thing, expected another.")


@pytest.mark.parametrize(
    "check, beginning",
    [
        (
            broken,
            "🔧 0.1 not judged: the course has a mistake here, and your answer may be right; ",
        ),
        (broken_in_a_library, "🔧 0.1 not judged: "),
        (
            unreadable,
            "❌ 0.1 not right yet: what is there could not be read (KeyError: 'no such key')",
        ),
        (refused_by_mlflow, "❌ 0.1 not right yet: what is there could not be read ("),
        (wrong, "❌ 0.1 not right yet: found one thing, expected another."),
    ],
)
def test_a_mistake_of_ours_is_told_from_an_answer_that_cannot_be_read(check, beginning, store):
    logged(store)
    told = verdict(store, check)
    assert told.startswith(beginning)
    if "🔧" in beginning:
        assert '"An exercise\'s check is wrong"' in told and "in test_engine.py, line " in told


def test_a_mistake_of_ours_changes_no_note(capsys, monkeypatch, store):
    notes.write(store, ADA, "2.1", notes.NOT_RIGHT, "found nothing.")
    notes.write(store, ADA, "2.2", notes.DONE, "it was done.")
    before = notes.of_student(store, ADA)
    exercises = {id: all_exercises()[id] for id in ("2.1", "2.2", "2.3")}
    for exercise in exercises.values():
        monkeypatch.setitem(exercise.__dict__, "run", None)
        monkeypatch.setitem(exercise.__dict__, "check", broken)
    monkeypatch.setattr(engine, "all_exercises", lambda: exercises)
    monkeypatch.setattr(engine, "ids_by_lab", lambda: {2: list(exercises)})
    capsys.readouterr()
    lab.check("2.1")
    lab.progress(verify=True)
    first, *progress = capsys.readouterr().out.splitlines()
    assert first.startswith("🔧 2.1 not judged: ")
    assert progress[0] == "Lab 2:  ❌ 2.1  ✅ 2.2  🔧 2.3"
    assert notes.of_student(store, ADA) == before


def test_a_mistake_of_ours_changes_no_grade(monkeypatch, store):
    from lab.classroom.report import standings

    notes.write(store, ADA, "2.1", notes.DONE, "it was done.")
    for exercise in all_exercises().values():
        monkeypatch.setitem(exercise.__dict__, "run", None)
        monkeypatch.setitem(exercise.__dict__, "check", broken)
    (ada,) = standings(verify=True)
    assert {id: note.mark for id, note in ada.notes.items()} == {"2.1": notes.DONE}


def test_note_that_cannot_be_written_does_not_hide_the_verdict(capsys, monkeypatch, store):
    def refuse(*_):
        raise OSError("the disk is full")

    monkeypatch.setattr(notes, "write", refuse)
    capsys.readouterr()
    lab.check("2.1")
    assert capsys.readouterr().out.startswith("⬜ 2.1 not done yet: there is no run 'my-setting'")
