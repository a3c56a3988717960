"""A student and the student's runs and models, asked for in the words of an exercise.

A check asks for one thing after another. The first that is not there ends it, with a sentence: `Missing` if it is yet to
be done, `Wrong` if it is there and something else was asked for, `Unreadable` if it is there and cannot be read.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from lab import store
from lab.exercises import notes
from lab.record import artifacts

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.pyfunc import PyFuncModel
    from pandas import DataFrame

BY_HAND = "answers_by_hand"  # the experiment of files that a student hands in
# Where answers are looked for; the last two are on a server that lab 9 starts.
EXPERIMENTS = ("Default", *store.EXPERIMENTS, "cluster_experiment", "my_sweep")
# What was found, and what was expected.
SENTENCES = {
    "tag": ("the tag {name} = {value} in {run}", "{name} = {right}"),
    "parameter": ("{name} = {value} in {run}", "{name} = {right}"),
    "metric": ("{name} = {value:.{digits}g} in {run}", "{right:.{digits}g}"),
    "dataset": ("a dataset '{name}' with the digest {value}", "{right}"),
}
NOT_STORED = (
    "Read the error under your cell: if skops refused a type, section 5.7 says what to do; a model of another library than "
    "scikit-learn needs that library's flavor, like mlflow.pytorch, mlflow.xgboost or mlflow.lightgbm."
)


class Missing(Exception):
    """Something is yet to be done; the message says what."""


class Wrong(Exception):
    """Something is there, but not as asked; the message says what was found, what was expected, and a hint."""


class Unreadable(OSError):
    """Something is there, and reading or using it raises an error, which is this one's cause."""


def need(there: object, sentence: str) -> None:
    """Raise `Missing` with a sentence unless something is there: not zero, empty or None."""
    if not there:
        raise Missing(sentence)


def require(holds: bool, found: str, expected: str, hint: str = "") -> None:
    """Raise `Wrong` unless a condition holds.

    Args:
        holds: the condition.
        found: what was found, in words.
        expected: what was asked for, in words.
        hint: what to do about it, a sentence with its full stop.
    """
    if not holds:
        refuse(found, expected, hint)


def refuse(found: str, expected: str, hint: str = "") -> NoReturn:
    """Raise `Wrong`; the arguments are those of `require`."""
    raise Wrong(f"found {found}, expected {expected}." + (f" {hint}" if hint else ""))


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Raise `Unreadable` for an error in a block, which does nothing but read or use what a student has made.

    An error outside of such a block is taken for a mistake of the course (see `lab.exercises.check.judge`).
    """
    try:
        yield
    except (Missing, Wrong, Unreadable):
        raise
    except Exception as error:
        raise Unreadable(str(error)) from error


@dataclass
class Student:
    """One student, whose runs are the answers.

    Attributes:
        client: an `mlflow.MlflowClient` on the labs' store.
        name: the student, as in MLflow's tag `mlflow.user`; None takes the runs of all, in a store of the student's own.
        here: whether the student sits at this computer, so that files in `notebooks/` are this student's.
        scratch: a folder for copies of artifacts, as long as an exercise is judged.
    """

    client: MlflowClient
    name: str | None
    here: bool = True
    scratch: str | None = None

    def __post_init__(self) -> None:
        experiments = self.client.search_experiments()
        self.experiments = {e.experiment_id: e.name for e in experiments if e.name in EXPERIMENTS}
        self._runs: dict[str, list[StudentRun]] = {}  # by the name of their experiment

    def run(self, experiment: str, name: str) -> StudentRun:
        """Return the student's newest finished run of a name in an experiment.

        Raises:
            Missing: there is none, or it is still open.
            Wrong: it stands in another experiment, or its code failed.
        """
        if named := self.named(experiment, name):
            return named[0].closed()
        none = f"there is no run '{name}' of yours in the experiment '{experiment}'"
        others = [run.name for run in self.runs(experiment)]
        if similar := get_close_matches(name, others, 1, 0.85):
            raise Missing(f"{none}, but one named '{similar[0]}'.")
        for elsewhere in self.experiments.values():
            found = f"the run '{name}' in the experiment '{elsewhere}'"
            hint = f"Call mlflow.set_experiment('{experiment}') before it starts, or give start_run its id."
            require(not self.named(elsewhere, name), found, f"it in '{experiment}'", hint)
        known = self.client.get_experiment_by_name(experiment)
        if known and known.lifecycle_stage == "deleted":
            none = f"the experiment '{experiment}' was deleted; run the first cell again, which restores it"
        raise Missing(f"{none}.")

    def named(self, experiment: str, name: str) -> list[StudentRun]:
        """Return all the student's runs of a name in an experiment, in whatever state, newest first; maybe none."""
        return [run for run in self.runs(experiment) if run.name == name]

    def finished(self, experiment: str) -> list[StudentRun]:
        """Return the student's finished runs of an experiment, newest first; maybe none."""
        return [run for run in self.runs(experiment) if run.status == "FINISHED"]

    def runs(self, experiment: str) -> list[StudentRun]:
        """Return the student's runs of an experiment, newest first, maybe none; each experiment is searched once.

        Raises:
            Wrong: the store cannot read one of them.
        """
        if experiment not in self._runs:
            ids = [id for id, name in self.experiments.items() if name == experiment]
            try:
                with reading():
                    found = notes.all_runs(self.client, ids)
            except Unreadable as error:
                if not isinstance(error.__cause__, ValueError):
                    raise
                raise Wrong(
                    f"a run in the experiment '{experiment}' cannot be read ({error}): run the first cell again, which "
                    "sets aside what is broken, or delete that run."
                ) from None
            if self.name:  # a run that a client has created with its own calls has no user
                found = [
                    run for run in found if run.data.tags.get("mlflow.user", self.name) == self.name
                ]
            self._runs[experiment] = [StudentRun(self, run, experiment) for run in found]
        return self._runs[experiment]

    def experiment_tagged(self, tag: str) -> tuple[str, str]:
        """Return the name of the student's newest experiment that has a tag, and the tag's text.

        Raises:
            Missing: there is none in which the student has a run.
        """
        found = [known for known in self.client.search_experiments() if tag in known.tags]
        for known in sorted(found, key=lambda known: -(known.last_update_time or 0)):
            self.experiments[known.experiment_id] = known.name
            if self.runs(known.name):
                return known.name, known.tags[tag]
        raise Missing(f"there is no experiment with the tag '{tag}' and a run of yours.")

    def handed_in(self, name: str) -> Path:
        """Return a local copy of a file that the student keeps by hand; raise `Missing` if there is none.

        At the student's own computer it is a file in `notebooks/`. It is handed in to the store, as the artifact of a run, so
        that a report made elsewhere finds it too.
        """
        file = store.ROOT / "notebooks" / name
        if self.here and not file.exists():
            raise Missing(f"there is no file '{name}' beside this notebook.")
        with contextlib.suppress(Missing, Wrong, Unreadable):
            kept = self.run(BY_HAND, name).artifact(name)
            if not self.here or kept.read_bytes() == file.read_bytes():
                return kept
        if self.here:
            run = notes.new_run(self.client, BY_HAND, name, str(self.name))
            self.client.log_artifact(run.info.run_id, str(file))
            self.experiments[run.info.experiment_id] = BY_HAND
            self._runs.pop(BY_HAND, None)
        return self.run(BY_HAND, name).artifact(name)


@dataclass
class StudentRun:
    """One run of a student, and what can be asked of it.

    `tag`, `param`, `dataset` and `metric` raise `Missing` if the run has none of a name, and `Wrong` unless it is right: None for
    any, a value, a set of those that will do, or a function of the run that returns one of these, or raises. A hint is
    a sentence that says what to do.

    Attributes:
        student: whose it is.
        run: the run, as MLflow's client returns it.
        experiment: the name of its experiment.
    """

    student: Student
    run: Run
    experiment: str = "Default"

    def __post_init__(self) -> None:
        info, data = self.run.info, self.run.data
        self.id, self.name = str(info.run_id), str(info.run_name)
        # Cloudera's plugin calls it EXPERIMENT_RUN_FINISHED.
        self.status = str(info.status).rpartition(".")[2].removeprefix("EXPERIMENT_RUN_")
        self.started = float(info.start_time) / 1000  # in seconds since 1970
        self.params: dict[str, str] = data.params
        self.metrics: dict[str, float] = data.metrics  # the last value of each
        self.tags: dict[str, str] = data.tags
        self.datasets = self.run.inputs.dataset_inputs if self.run.inputs else []

    def __str__(self) -> str:
        return f"the run '{self.name}'"

    def closed(self) -> StudentRun:
        """Return the run itself; raise `Missing` if it is open, `Wrong` if it did not finish."""
        if self.status == "RUNNING":
            raise Missing(
                f"{self} is still open; use 'with mlflow.start_run(…)', or call mlflow.end_run(). If its kernel is gone, run your "
                "cell again."
            )
        found = f"{self}, which ended as {self.status}"
        hint = "Read the error under your cell, mend it, and run the cell again."
        if self.status == "KILLED":  # by lab.start()
            hint = "It was left open, and closed for you: run your cell again, with 'with mlflow.start_run(…)'."
        require(self.status == "FINISHED", found, "one that finished", hint)
        return self

    def must_hold(self, **asked: Mapping[str, Any]) -> None:
        """Raise `Missing` or `Wrong` unless the run holds what an exercise asks for.

        Args:
            asked: what is asked for, as in `lab.exercises.exercise`.
        """
        for kind, names in asked.items():
            for name, right in names.items():
                getattr(self, kind)(name, *(right if isinstance(right, tuple) else (right,)))

    def tag(self, name: str, right: object = None, hint: str = "") -> str:
        """Return a tag's text."""
        return str(self._look("tag", self.tags, name, right, hint))

    def param(self, name: str, right: object = None, hint: str = "") -> str:
        """Return a parameter's text; it is compared as a number if it is one."""
        return str(self._look("parameter", self.params, name, right, hint))

    def metric(
        self, name: str, right: object = None, hint: str = "", tolerance: float = 0.001
    ) -> float:
        """Return a metric's last value, which may be off by a tolerance, relative to its size or 1, whichever is larger."""
        return float(self._look("metric", self.metrics, name, right, hint, tolerance))

    def dataset(self, name: str, right: object = None, hint: str = "") -> str:
        """Return the digest of a dataset that was logged with the run."""
        digests = {logged.dataset.name: logged.dataset.digest for logged in self.datasets}
        if name not in digests:
            others = ", ".join(f"'{other}'" for other in digests)
            use = (
                f", but {others}; give from_pandas the name."
                if others
                else "; use mlflow.log_input."
            )
            raise Missing(f"{self} has no dataset '{name}'{use}")
        return str(self._look("dataset", digests, name, right, hint))

    def _look(
        self,
        kind: str,
        values: Mapping[str, Any],
        name: str,
        right: Any,
        hint: str,
        tolerance: float = 1e-9,
    ) -> Any:
        if name not in values:
            raise Missing(f"{self} has no {kind} '{name}'.")
        right = right(self) if callable(right) else right
        accepted = sorted(right) if isinstance(right, set) else [right]
        if right is None or any(same(values[name], each, tolerance) for each in accepted):
            return values[name]
        digits = 4 if tolerance > 1e-4 else 8
        found, expected = (
            text.format(name=name, value=values[name], run=self, right=accepted[0], digits=digits)
            for text in SENTENCES[kind]
        )
        refuse(found, expected, hint)

    def only(self, name: str, kind: str) -> None:
        """Raise `Wrong` if something of a name was logged as another kind of thing than this one, like `a metric`."""
        logged: dict[str, Mapping[str, object]]
        logged = {"a parameter": self.params, "a metric": self.metrics, "a tag": self.tags}
        wrong = [other for other, names in logged.items() if other != kind and name in names]
        hint = "Start a new run and log all four there, each in one way only; section 6.4 has the rule."
        require(not wrong, f"{name} as {' and '.join(wrong)}", f"it as {kind}", hint)

    def text(self, path: str, look: Callable[[str], object] = str) -> str:
        """Return the text of an artifact, after a function has had a look at it; it raises `Wrong` if it is not right."""
        with reading():
            text = self.artifact(path).read_text(encoding="utf-8")
        look(text)
        return text

    def artifact(self, path: str) -> Path:
        """Return a local copy of an artifact; raise `Missing` if there is none of that path, `Wrong` if it is a folder."""
        folder = path.rpartition("/")[0] or None
        there = {a.path: a.is_dir for a in self.student.client.list_artifacts(self.id, folder)}
        if path not in there:
            others = ", ".join(self.artifacts()[:5])
            besides = f", but {others}." if others else "."
            raise Missing(f"{self} has no artifact '{path}'{besides}")
        hint = "The argument artifact_path names the folder alone, without the file."
        require(not there[path], f"a folder '{path}' in {self}", "a file", hint)
        # By the run's id MLflow asks a server thrice as much.
        return self._copy(f"{self.run.info.artifact_uri}/{path}")

    def artifacts(self, folder: str | None = None) -> list[str]:
        """Return the paths of all files among the run's artifacts; maybe none."""
        return ["/".join(parts) for parts in artifacts(self.student.client, self.id, folder)]

    def history(self, metric: str) -> dict[int, float]:
        """Return a metric's values by step; raise `Missing` if it was not logged, `Wrong` if some step has two values."""
        self.metric(metric)
        with reading():
            points = self.student.client.get_metric_history(self.id, metric)
        values = {point.step: point.value for point in points}
        # Logging a model can write the values of step 0 once more.
        again = [point.step for point in points if point.step]
        found = f"{len(points)} values of {metric} for {len(values)} steps in {self}"
        hint = "Start a new run for each training, and give each value its step."
        require(len(again) == len(set(again)), found, "one value for each step", hint)
        return values

    def children(self) -> list[StudentRun]:
        """Return the run's nested runs, newest first; maybe none."""
        runs = self.student.runs(self.experiment)
        return [run for run in runs if run.tags.get("mlflow.parentRunId") == self.id]

    def source(self, tag: str, name: str) -> StudentRun:
        """Return the run whose id a tag holds; raise `Wrong` unless it is one of a name, in the same experiment."""
        newest, id = self.student.run(self.experiment, name).id, self.tag(tag)
        runs = {run.id: run for run in self.student.named(self.experiment, name)}
        expected = f"the id of a run '{name}' of yours; the newest is {newest}"
        require(id in runs, f"{tag} = {id}", expected)
        return runs[id]

    def model(self, name: str | None = None) -> StudentModel:
        """Return the newest model of a name that was logged in the run, or of any; raise `Missing` if there is none."""
        return StudentModel.load(self._model_uri(name))

    def model_file(self, name: str, file: str) -> Path:
        """Return a local copy of a file of a model that was logged in the run; raise `Missing` if there is no such model."""
        return self._copy(f"{self._model_uri(name)}/{file}")

    def _model_uri(self, name: str | None) -> str:
        from mlflow import MlflowException

        uris: dict[str, str] = {}  # by the models' names, the newest last
        if hasattr(self.run, "outputs"):
            models = []
            for output in self.run.outputs.model_outputs if self.run.outputs else []:
                with contextlib.suppress(MlflowException):  # it was deleted
                    models.append(self.student.client.get_logged_model(output.model_id))
            models.sort(key=lambda model: model.creation_timestamp)
            uris = {m.name: str(m.artifact_location) for m in models if m.status == "READY"}
            failed = [m.name for m in models if m.name not in uris and name in (None, m.name)]
            if failed and (name or not uris):
                found = f"a model '{failed[-1]}' in {self} that could not be stored"
                refuse(found, "one that is", NOT_STORED)
        else:  # MLflow 2
            for path in self.artifacts():
                folder, _, file = path.rpartition("/")
                uris |= {folder: f"runs:/{self.id}/{folder}"} if file == "MLmodel" else {}
        if name is None and uris:
            return [*uris.values()][-1]
        if name not in uris:
            log = f" '{name}'; log it with log_model(…, name='{name}', …)."
            log = log if name else "; log the best model in its run with log_model."
            raise Missing(f"{self} has no model{log}")
        return uris[name]

    def _copy(self, uri: str) -> Path:
        import mlflow

        target = tempfile.mkdtemp(dir=self.student.scratch)
        with reading():
            return Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=target))


@dataclass
class StudentModel:
    """A model that a student has logged, loaded for `predict`; what it raises when it is used counts as the student's."""

    loaded: PyFuncModel

    @classmethod
    def load(cls, uri: str) -> StudentModel:
        """Return the model that lies at an address."""
        import mlflow

        with reading():
            return cls(mlflow.pyfunc.load_model(uri))

    def inside(self, kind: str = "", of: str = "", hint: str = "") -> Any:
        """Return the model of the library that it was trained with; raise `Wrong` if it is a pipeline, or of another class.

        Args:
            kind: the name of the class, empty for any.
            of: what to say of the model.
            hint: what to do if it is of another kind.
        """
        wrapped = set(self.loaded.metadata.flavors) == {"python_function"}
        with reading():
            model = self.loaded if wrapped else self.loaded.get_raw_model()
        found = "wrapper of mlflow.pyfunc" if wrapped else type(model).__name__
        right = not wrapped and kind in ("", found)
        require(right, f"a {found} as the model{of}", f"a plain {kind or 'model'}", hint)
        return model

    def inputs(self) -> list[Any]:
        """Return the inputs that the model's signature asks for; raise `Missing` if it has none."""
        signature = self.loaded.metadata.signature
        if signature is None or signature.inputs is None:
            raise Missing("the model has no signature; pass signature=… to log_model.")
        return list(signature.inputs.inputs)

    def example(self) -> Any:
        """Return the model's input example; raise `Missing` if it has none."""
        with reading():
            example = self.loaded.input_example
        if example is None:
            raise Missing("the model has no input example; pass input_example=… to log_model.")
        return example

    def predict(self, rows: Any) -> Any:
        """Return the model's predictions."""
        with reading():
            return self.loaded.predict(rows)

    def error(self, rows: Any) -> Exception | None:
        """Return what the model raises when it is to predict for some rows, None if it predicts."""
        try:
            self.loaded.predict(rows)
        except Exception as error:
            return error
        return None

    def refusal(self, rows: DataFrame, hint: str) -> str | None:
        """Return why the model's signature refuses rows, or None if the model predicts for them.

        Args:
            rows: what it is asked for.
            hint: what to do if the signature lets the rows pass, and the model fails.
        """
        from mlflow import MlflowException

        error = self.error(rows)
        if isinstance(error, MlflowException):
            return str(error).split("Error: ")[-1].split(" Hint:")[0]
        found = (
            f"a signature that lets a frame pass on which the model fails ({type(error).__name__})"
        )
        require(error is None, found, "a model and a signature that fit", hint)
        return None

    def difference(self, trained: Any, rows: Any) -> float:
        """Return how far the model's predictions for some rows are, at most, from those of a model of scikit-learn's."""
        import numpy as np

        right = trained.predict(rows)
        with reading():
            return float(np.abs(np.ravel(self.loaded.predict(rows)) - right).max())


def columns(table: DataFrame, shown: str, *names: str) -> DataFrame:
    """Return some columns of a table, which is called something in words; raise `Missing` if there is none of a name."""
    for name in names:
        if name not in table:
            raise Missing(
                f"{shown} has no column '{name}', but {', '.join(map(str, table.columns))}."
            )
    return table[list(names)]


def only_one(tagged: list[StudentRun], found: str, expected: str, hint: str = "") -> StudentRun:
    """Return the one run that has a tag; raise `Wrong` if several have; the other arguments are those of `require`."""
    names = " and ".join(f"'{run.name}'" for run in tagged)
    require(len(tagged) == 1, f"{found} on {names}", expected, hint)
    return tagged[0]


def number(text: str, found: str, expected: str = "a number and nothing else") -> float:
    """Return the number that a student wrote; raise `Wrong` if it is none; the other arguments are those of `require`."""
    with contextlib.suppress(ValueError):
        if math.isfinite(float(text)):
            return float(text)
    refuse(found, expected)


def same(value: float | str, right: float | str, tolerance: float = 1e-9) -> bool:
    """Return whether two things that were recorded are the same: as numbers if they are, within a tolerance; else as texts."""
    try:
        return math.isclose(float(value), float(right), rel_tol=tolerance, abs_tol=tolerance)
    except ValueError:
        return value == str(right)
