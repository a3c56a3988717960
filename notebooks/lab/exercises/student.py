"""A student and the student's runs, asked for in the words of an exercise.

A check asks for one thing after another. The first that is not there ends it, with a sentence: `Missing` if it is yet to
be done, `Wrong` if it is there and something else was asked for.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from lab import store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Dataset, DatasetInput, Run
    from mlflow.pyfunc import PyFuncModel
    from numpy import ndarray
    from pandas import DataFrame
    from sklearn.base import BaseEstimator

BY_HAND = "answers_by_hand"  # the experiment of files that a student hands in


class Missing(Exception):
    """Something is yet to be done; the message says what."""


class Wrong(Exception):
    """Something is there, but not as asked; the message says what was found, what was expected, and a hint."""


def require(holds: bool, found: str, expected: str, hint: str = "") -> None:
    """Raise `Wrong` unless a condition holds.

    Args:
        holds: the condition.
        found: what was found, in words.
        expected: what was asked for, in words.
        hint: what to do about it, a sentence with its full stop.
    """
    if not holds:
        raise Wrong(f"found {found}, expected {expected}." + (f" {hint}" if hint else ""))


def largest_difference(
    model: PyFuncModel, trained: BaseEstimator, rows: DataFrame | ndarray
) -> float:
    """Return how far a logged model's predictions are from those of another one at most.

    Args:
        model: the logged model, loaded for `predict`.
        trained: the other one, of scikit-learn.
        rows: what both predict for.
    """
    import numpy as np

    return float(np.abs(np.ravel(model.predict(rows)) - trained.predict(rows)).max())


@dataclass
class Student:
    """One student, whose runs are the answers.

    Attributes:
        client: an `mlflow.MlflowClient` on the labs' store.
        name: the student, as in MLflow's tag `mlflow.user`; None takes the runs of all, in a store of the student's own.
        experiments: names of experiments by their ids.
        here: whether the student sits at this computer, so that files in `notebooks/` are this student's.
        scratch: a folder for copies of artifacts, as long as an exercise is judged.
    """

    client: MlflowClient
    name: str | None
    experiments: dict[str, str] = field(default_factory=dict)
    here: bool = True
    scratch: str | None = None

    def __post_init__(self) -> None:
        if not self.experiments:
            self.experiments = lab_experiments(self.client)
        # By the name of their experiment.
        self._runs: dict[str, list[Run]] = {}

    def run(self, experiment: str, name: str) -> StudentRun:
        """Return the student's newest finished run of a name.

        Args:
            experiment: the name of the experiment it belongs in.
            name: the run's name.

        Raises:
            Missing: there is none, or it is still open.
            Wrong: it stands in another experiment, or its code failed.
        """
        runs = [run for run in self._in(experiment) if run.info.run_name == name]
        if runs:
            return self._closed(runs[0])
        similar = get_close_matches(
            name, [run.info.run_name for run in self._in(experiment)], 1, 0.85
        )
        if similar:
            raise Missing(
                f"there is no run '{name}' of yours in the experiment '{experiment}', but one named '{similar[0]}'."
            )
        for elsewhere in self.experiments.values():
            if any(run.info.run_name == name for run in self._in(elsewhere)):
                hint = f"Call mlflow.set_experiment('{experiment}') before it starts, or give start_run its id."
                found = f"the run '{name}' in the experiment '{elsewhere}'"
                require(False, found, f"it in '{experiment}'", hint)
        place = self.client.get_experiment_by_name(experiment)
        if place and place.lifecycle_stage == "deleted":
            raise Missing(
                f"the experiment '{experiment}' was deleted; run the first cell again, which restores it."
            )
        raise Missing(f"there is no run '{name}' of yours in the experiment '{experiment}'.")

    def runs(self, experiment: str, tag: tuple[str, str]) -> list[StudentRun]:
        """Return the student's runs of an experiment that carry a tag of a value, newest first; maybe none."""
        found = self._in(experiment)
        return [StudentRun(self, run) for run in found if run.data.tags.get(tag[0]) == tag[1]]

    def named(self, experiment: str, name: str) -> list[StudentRun]:
        """Return all the student's runs of a name in an experiment, in whatever state, newest first; maybe none."""
        found = self._in(experiment)
        return [StudentRun(self, run) for run in found if run.info.run_name == name]

    def finished(self, experiment: str) -> list[StudentRun]:
        """Return the student's finished runs of an experiment, newest first; maybe none."""
        found = self._in(experiment)
        return [StudentRun(self, run) for run in found if run.info.status.endswith("FINISHED")]

    def experiment_tagged(self, tag: str) -> tuple[str, str]:
        """Return the name of the student's newest experiment that has a tag, and the tag's text.

        Args:
            tag: the name of the tag.

        Raises:
            Missing: there is none in which the student has a run.
        """
        found = [place for place in self.client.search_experiments() if tag in place.tags]
        for place in sorted(found, key=lambda place: -(place.last_update_time or 0)):
            self.experiments[place.experiment_id] = place.name
            if self._in(place.name):
                return place.name, place.tags[tag]
        raise Missing(f"there is no experiment with the tag '{tag}' and a run of yours.")

    def table(self, name: str) -> DataFrame:
        """Return a table that the student keeps by hand, as a data frame.

        At the student's own computer it is a CSV file in `notebooks/`. It is handed in to the store, as the artifact of
        a run, so that a report made elsewhere finds it too.

        Args:
            name: the name of the file.

        Raises:
            Missing: there is none.
            Wrong: it is no table of comma-separated values.
        """
        import pandas as pd

        if self.here:
            self._hand_in(store.ROOT / "notebooks" / name)
        path = self.run(BY_HAND, name).artifact(name)
        try:
            return pd.read_csv(path)
        except (ValueError, UnicodeDecodeError):
            raise Wrong(
                f"'{name}' is no table of comma-separated values; write it with pandas: table.to_csv('{name}', index=False)."
            ) from None

    def _hand_in(self, file: Path) -> None:
        if not file.exists():
            raise Missing(f"there is no file '{file.name}' beside this notebook.")
        try:
            if self.run(BY_HAND, file.name).artifact(file.name).read_bytes() == file.read_bytes():
                return
        except (Missing, Wrong):
            pass
        # The client's own calls: a run that the student has open must not be disturbed.
        self._runs.pop(BY_HAND, None)
        experiment = self.client.get_experiment_by_name(BY_HAND)
        place = experiment.experiment_id if experiment else self.client.create_experiment(BY_HAND)
        self.experiments[place] = BY_HAND
        run = self.client.create_run(
            place, run_name=file.name, tags={"mlflow.user": str(self.name)}
        )
        self.client.log_artifact(run.info.run_id, str(file))
        self.client.set_terminated(run.info.run_id)

    def _in(self, experiment: str) -> list[Run]:
        """Return the student's runs of an experiment, newest first; each experiment is searched once.

        Raises:
            Wrong: the store cannot read one of its runs.
        """
        if experiment not in self._runs:
            places = [place for place, name in self.experiments.items() if name == experiment]
            try:
                self._runs[experiment] = self._search(places) if places else []
            except ValueError as error:
                raise Wrong(
                    f"a run in the experiment '{experiment}' cannot be read ({error}): run the first cell again, which "
                    "sets aside what is broken, or delete that run."
                ) from None
        return self._runs[experiment]

    def _search(self, places: list[str]) -> list[Run]:
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                places, order_by=["attributes.start_time DESC"], page_token=token
            )
            runs += [run for run in page if self._is_mine(run)]
            token = page.token
            if not token:
                return runs

    def _is_mine(self, run: Run) -> bool:
        # A run that a client has created with its own calls has no user.
        return self.name is None or run.data.tags.get("mlflow.user", self.name) == self.name

    def _closed(self, run: Run) -> StudentRun:
        name, status = run.info.run_name, run.info.status
        if status.endswith("RUNNING"):
            raise Missing(
                f"the run '{name}' is still open; use 'with mlflow.start_run(…)', or call mlflow.end_run()."
            )
        require(
            status.endswith("FINISHED"),
            f"the run '{name}', which ended as {status}",
            "one that finished",
            "Read the error under your cell, mend it, and run the cell again.",
        )
        return StudentRun(self, run)


@dataclass
class StudentRun:
    """One run of a student, and what can be asked of it.

    Attributes:
        student: whose it is.
        run: the run, as MLflow's client returns it.
    """

    student: Student
    run: Run

    def __str__(self) -> str:
        return f"the run '{self.name}'"

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.run.info.run_id)

    @property
    def name(self) -> str:
        """The run's name."""
        return str(self.run.info.run_name)

    @property
    def started(self) -> float:
        """When the run began, in seconds since 1970."""
        return float(self.run.info.start_time) / 1000

    @property
    def params(self) -> dict[str, str]:
        """The text of each parameter, by its name."""
        return self.run.data.params

    @property
    def metrics(self) -> dict[str, float]:
        """The last value of each metric, by its name."""
        return self.run.data.metrics

    @property
    def tags(self) -> dict[str, str]:
        """The text of each tag, by its name."""
        return self.run.data.tags

    def param(self, name: str, expected: float | str | None = None) -> str:
        """Return a parameter's text.

        Args:
            name: the parameter.
            expected: the value it must have, compared as a number if it is one; None for any.

        Raises:
            Missing: it was not logged.
            Wrong: it has another value.
        """
        if name not in self.params:
            raise Missing(f"{self} has no parameter '{name}'.")
        value = self.params[name]
        require(
            expected is None or _same(value, expected),
            f"{name} = {value} in {self}",
            f"{name} = {expected}",
        )
        return value

    def metric(
        self, name: str, expected: float | None = None, hint: str = "", tolerance: float = 0.001
    ) -> float:
        """Return a metric's last value.

        Args:
            name: the metric.
            expected: the value it must have, within `tolerance`; None for any.
            hint: what to do if it has not.
            tolerance: how far from `expected` is near enough, relative to its size or 1, whichever is larger.

        Raises:
            Missing: it was not logged.
            Wrong: it has another value.
        """
        if name not in self.metrics:
            raise Missing(f"{self} has no metric '{name}'.")
        value = self.metrics[name]
        if expected is not None:
            require(
                abs(value - expected) <= tolerance * max(1.0, abs(expected)),
                f"{name} = {value:.4g} in {self}",
                f"{expected:.4g}",
                hint,
            )
        return value

    def tag(self, name: str, expected: str | None = None) -> str:
        """Return a tag's text; raise `Missing` if there is none, `Wrong` if it is not `expected`."""
        if name not in self.tags:
            raise Missing(f"{self} has no tag '{name}'.")
        value = self.tags[name]
        require(expected in (None, value), f"the tag {name} = {value}", f"{name} = {expected}")
        return value

    def datasets(self) -> list[DatasetInput]:
        """Return the records of all datasets that were logged with the run, with their tags; maybe none."""
        return self.run.inputs.dataset_inputs if self.run.inputs else []

    def dataset(self, name: str) -> Dataset:
        """Return the record of a dataset that was logged with the run; raise `Missing` if there is none."""
        inputs = self.datasets()
        for logged in inputs:
            if logged.dataset.name == name:
                return logged.dataset
        others = ", ".join(f"'{logged.dataset.name}'" for logged in inputs)
        if others:
            raise Missing(
                f"{self} has no dataset '{name}', but {others}; give from_pandas the name."
            )
        raise Missing(f"{self} has no dataset '{name}'; use mlflow.log_input.")

    def history(self, metric: str) -> dict[int, float]:
        """Return a metric's values by step.

        Raises:
            Missing: it was not logged.
            Wrong: some step has two values.
        """
        self.metric(metric)
        points = self.student.client.get_metric_history(self.id, metric)
        values = {point.step: point.value for point in points}
        # Logging a model can write the values of step 0 once more.
        again = [point.step for point in points if point.step]
        require(
            len(again) == len(set(again)),
            f"{len(points)} values of {metric} for {len(values)} steps in {self}",
            "one value for each step",
            "Start a new run for each training, and give each value its step.",
        )
        return values

    def children(self) -> list[StudentRun]:
        """Return the run's nested runs, newest first; maybe none."""
        experiment = self.student.experiments[self.run.info.experiment_id]
        return self.student.runs(experiment, ("mlflow.parentRunId", self.id))

    def artifact(self, path: str) -> Path:
        """Return a local copy of an artifact; raise `Missing` if there is none of that path, `Wrong` if it is a folder."""
        import mlflow

        target = tempfile.mkdtemp(dir=self.student.scratch)
        uri = f"{self.run.info.artifact_uri}/{path}"  # by the run's id MLflow asks a server thrice as much
        try:
            file = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=target))
            is_folder = file.is_dir()
        except (mlflow.MlflowException, OSError):
            folder, _, _ = path.rpartition("/")
            listed = self.student.client.list_artifacts(self.id, folder or None)
            there = {item.path: item for item in listed}
            if path not in there:
                raise Missing(
                    f"{self} has no artifact '{path}'"
                    + (f", but {', '.join(there)}." if there else ".")
                ) from None
            is_folder = there[path].is_dir
            if not is_folder:
                raise
        hint = "The argument artifact_path names the folder alone, without the file."
        require(not is_folder, f"a folder '{path}' in {self}", "a file", hint)
        return file

    def artifacts(self, folder: str | None = None) -> list[str]:
        """Return the paths of all files among the run's artifacts; maybe none."""
        paths = []
        for item in self.student.client.list_artifacts(self.id, folder):
            paths += self.artifacts(item.path) if item.is_dir else [item.path]
        return paths

    def model_name(self) -> str | None:
        """Return the name of a model that was logged in the run, None if there is none."""
        logged = self.run.outputs.model_outputs if self.run.outputs else []
        for output in logged:
            return str(self.student.client.get_logged_model(output.model_id).name)
        return None

    def model(self, name: str) -> PyFuncModel:
        """Return a model that was logged in the run, loaded for `predict`; raise `Missing` if there is none."""
        import mlflow

        model: PyFuncModel = mlflow.pyfunc.load_model(self._place_of_model(name))
        return model

    def requirements_of(self, name: str) -> list[str]:
        """Return the packages that a model which was logged in the run asks for; raise `Missing` if there is none."""
        import mlflow

        uri = f"{self._place_of_model(name)}/requirements.txt"
        target = tempfile.mkdtemp(dir=self.student.scratch)
        file = mlflow.artifacts.download_artifacts(artifact_uri=uri, dst_path=target)
        return Path(file).read_text(encoding="utf-8").split()

    def _place_of_model(self, name: str) -> str:
        """Return where the run's newest model of a name lies; raise `Missing` if there is none."""
        from mlflow import MlflowException

        missing = Missing(
            f"{self} has no model '{name}'; log it with log_model(…, name='{name}', …)."
        )
        client, run_id = self.student.client, self.id
        if not hasattr(self.run, "outputs"):  # MLflow 2
            if not client.list_artifacts(run_id, name):
                raise missing
            return f"runs:/{run_id}/{name}"
        logged = self.run.outputs.model_outputs if self.run.outputs else []
        models = []
        for output in logged:
            with contextlib.suppress(MlflowException):  # it was deleted
                models.append(client.get_logged_model(output.model_id))
        named = [model for model in models if model.name == name]
        if not named:
            raise missing
        newest = max(named, key=lambda model: model.creation_timestamp)
        return str(newest.artifact_location)


def lab_experiments(client: MlflowClient) -> dict[str, str]:
    """Return the names of the experiments in which answers are looked for, by their ids."""
    names = ("Default", *store.EXPERIMENTS)
    return {e.experiment_id: e.name for e in client.search_experiments() if e.name in names}


def steps(values: Iterable[int]) -> str:
    """Return steps in words: `1 to 150`, or the few there are."""
    ordered = sorted(values)
    if len(ordered) > 3 and ordered == list(range(ordered[0], ordered[-1] + 1)):
        return f"{ordered[0]} to {ordered[-1]}"
    return ", ".join(map(str, ordered[:5])) + (" …" if len(ordered) > 5 else "")


def _same(text: str, expected: float | str) -> bool:
    try:
        return math.isclose(float(text), float(expected))
    except (TypeError, ValueError):
        return text == str(expected)
