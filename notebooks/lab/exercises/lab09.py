"""Lab 9: a sweep of one's own on several workers, a worker that died, and two mistakes mended."""

from __future__ import annotations

from itertools import pairwise

from lab.exercises import exercise
from lab.exercises.student import Missing, Student, StudentRun, require

EXPERIMENT = "cluster_experiment"
OWN = "my_sweep"
TRIALS = 12


@exercise("9.1", "A sweep of your own", on_own_server=True)
def a_sweep_of_your_own(student: Student) -> str:
    know_the_experiments(student)
    parent = student.run(OWN, "my-sweep")
    none_outside(student, parent)
    trials = whole_trials(parent)
    if len(trials) < TRIALS:
        raise Missing(
            f"{parent} has {len(trials)} finished trials with an accuracy, and twelve are asked for. "
            "Trials go where the experiment_id says that they are told, so the sweep's must be that of 'my_sweep'."
        )
    for run in trials:
        run.dataset("digits")
        for name in ("C", "components", "n_splits", "random_state"):
            run.param(name)
        run.tag("git_commit")
    settings = {(run.param("C"), run.param("components")) for run in trials}
    require(
        len(settings) >= TRIALS,
        f"{len(trials)} trials of {len(settings)} settings",
        "twelve settings that differ",
    )
    workers = {run.tag("worker") for run in trials}
    require(
        len(workers) > 1,
        f"{len(trials)} trials by one worker, {min(workers)}",
        "trials by at least two workers",
        "Use client.map, or Parallel(n_jobs=2).",
    )
    tagged = [run for run in parent.children() if run.tags.get("verdict") == "best"]
    if not tagged:
        raise Missing(f"no trial of {parent} has the tag verdict = best.")
    names = " and ".join(f"'{run.name}'" for run in tagged)
    require(len(tagged) == 1, f"the tag verdict = best on {names}", "it on one trial, the best")
    best = max(run.metric("accuracy") for run in trials)
    require(
        tagged[0].metrics.get("accuracy") == best,
        f"{tagged[0]} as the best, with an accuracy of {tagged[0].metrics.get('accuracy', 0):.3f}",
        f"one with {best:.3f}",
        "Order the search by metrics.accuracy DESC.",
    )
    return f"{len(trials)} trials by {len(workers)} workers, none lost; the best has an accuracy of {best:.3f}."


@exercise("9.2", "Account for a dead worker", on_own_server=True)
def account_for_a_dead_worker(student: Student) -> str:
    know_the_experiments(student)
    parent = student.run(EXPERIMENT, "my-accident")
    trials = whole_trials(parent)
    finished = {run.id: run for run in trials}
    lost = [run for run in parent.children() if run.id not in finished]
    if not lost:
        raise Missing(
            f"every trial of {parent} finished: end a worker's process while its trial still runs."
        )
    for run in lost:
        require(
            run.run.info.status.endswith("KILLED"),
            f"{run} closed as {run.run.info.status}, without an accuracy",
            "KILLED, as it did not finish",
            "set_terminated(run_id, 'KILLED') of MlflowClient closes a run.",
        )
        worker, reason = run.tag("worker"), run.tag("closed_because")
        require(
            worker in reason,
            f"closed_because = {reason}",
            f"a reason that names its worker, {worker}",
        )
        repeated_by = run.tag("repeated_by")
        require(
            repeated_by in finished,
            f"repeated_by = {repeated_by}",
            f"the id of a finished trial of {parent}",
        )
        require(
            finished[repeated_by].params == run.params,
            f"{run} repeated by {finished[repeated_by]}",
            "a trial of the same settings",
            "Compare the parameters of the two.",
        )
    return f"{len(trials)} trials finished, and {len(lost)} that did not says why, and which repeated it."


@exercise("9.3", "Mend it", on_own_server=True)
def mend_it(student: Student) -> str:
    know_the_experiments(student)
    parent = student.run(EXPERIMENT, "mended")
    none_outside(student, parent)
    trials = whole_trials(parent)
    if len(trials) < 4:
        raise Missing(
            f"{parent} has {len(trials)} finished trials with an accuracy, and four are asked for. "
            f"A trial that start_run is told no experiment_id of may lie in another one than '{EXPERIMENT}'."
        )
    spans = sorted((run.run.info.start_time, run.run.info.end_time) for run in trials)
    require(
        any(begin < end for (_, end), (begin, _) in pairwise(spans)),
        f"{len(trials)} trials one after another",
        "trials that run at the same time",
        "Start them in a ThreadPoolExecutor, as the mistaken code does.",
    )
    return f"{len(trials)} trials of several threads, all of them under {parent}."


def know_the_experiments(student: Student) -> None:
    """Let a student's runs be looked for in the experiments of this lab, which are on no store but its own."""
    for name in (EXPERIMENT, OWN):
        if place := student.client.get_experiment_by_name(name):
            student.experiments[place.experiment_id] = name


def none_outside(student: Student, parent: StudentRun) -> None:
    """Raise if a trial that began after a sweep did is no child of any run."""
    outside = [
        run
        for run in student.finished(student.experiments[parent.run.info.experiment_id])
        if run.started >= parent.started
        and run.id != parent.id
        and "mlflow.parentRunId" not in run.tags
        and "accuracy" in run.metrics
    ]
    names = ", ".join(sorted(run.name for run in outside)[:3])
    require(
        not outside,
        f"{len(outside)} trials outside '{parent.name}' ({names})",
        "every trial as a child of it",
        "Pass experiment_id and parent_run_id to start_run, in the function that the workers run.",
    )


def whole_trials(parent: StudentRun) -> list[StudentRun]:
    """Return the children of a run that finished with an accuracy; raise if one is open."""
    children = parent.children()
    for run in children:
        if run.run.info.status.endswith("RUNNING"):
            raise Missing(f"{run}, a trial of {parent}, is still open.")
    return [
        run
        for run in children
        if run.run.info.status.endswith("FINISHED") and "accuracy" in run.metrics
    ]
