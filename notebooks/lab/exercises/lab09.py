"""Lab 9: a sweep of one's own on several workers, a worker that died, and two mistakes mended."""

from itertools import pairwise

from lab.exercises import exercise
from lab.exercises.student import StudentRun, need, only_one, require

EXPERIMENT = "cluster_experiment"
OWN = "my_sweep"
TRIALS = 12
SETTINGS = ("C", "components", "n_splits", "random_state")


@exercise(
    "9.1", "A sweep of your own", (OWN, "my-sweep"), on_own_server=True, dataset={"digits": None}
)
def a_sweep_of_your_own(parent: StudentRun) -> str:
    none_outside(parent)
    hint = "Each trial logs to the experiment_id in its log_to: put the id of 'my_sweep' there."
    trials = whole_trials(parent, TRIALS, "twelve", hint)
    for run in trials:
        run.must_hold(
            dataset={"digits": None},
            param=dict.fromkeys(SETTINGS),
            tag={"git_commit": None, "worker": None},
        )
    settings = {(run.param("C"), run.param("components")) for run in trials}
    found = f"{len(trials)} trials of {len(settings)} settings"
    require(len(settings) >= TRIALS, found, "twelve settings that differ")
    workers = {run.tag("worker") for run in trials}
    found = f"{len(trials)} trials by one worker, {min(workers)}"
    hint = "Use cluster.map, or Parallel(n_jobs=2)."
    require(len(workers) > 1, found, "trials by at least two workers", hint)
    tagged = [run for run in parent.children() if run.tags.get("verdict") == "best"]
    need(tagged, f"no trial of {parent} has the tag verdict = best.")
    chosen = only_one(tagged, "the tag verdict = best", "it on one trial, the best")
    best, own = max(run.metric("accuracy") for run in trials), chosen.metrics.get("accuracy", 0)
    found = f"{chosen} as the best, with an accuracy of {own:.6f}"
    hint = "Sort the trials by metrics.accuracy, and take the highest."
    require(own == best, found, f"one with {best:.6f}", hint)
    return f"{len(trials)} trials by {len(workers)} workers, none lost; the best has an accuracy of {best:.3f}."


@exercise("9.2", "Account for a dead worker", (EXPERIMENT, "my-accident"), on_own_server=True)
def account_for_a_dead_worker(parent: StudentRun) -> str:
    finished = {run.id: run for run in whole_trials(parent, 3, "three")}
    lost = [run for run in parent.children() if run.id not in finished]
    none = f"every trial of {parent} finished: end a worker's process while its trial still runs."
    need(lost, none)
    for run in lost:
        found = f"{run} closed as {run.status}, without an accuracy"
        hint = "set_terminated(run_id, 'KILLED') of MlflowClient closes a run."
        require(run.status == "KILLED", found, "KILLED, as it did not finish", hint)
        worker, reason = run.tag("worker"), run.tag("closed_because")
        expected = f"a reason that names its worker, {worker}"
        require(worker in reason, f"closed_because = {reason}", expected)
        other = finished.get(run.tag("repeated_by"))
        found = f"repeated_by = {run.tag('repeated_by')}"
        require(other is not None, found, f"the id of a finished trial of {parent}")
        same = other is not None and other.params == run.params
        hint = "Compare the parameters of the two."
        require(same, f"{run} repeated by {other}", "a trial of the same settings", hint)
    return f"{len(finished)} trials finished, and {len(lost)} that did not says why, and which repeated it."


@exercise("9.3", "Mend it", (EXPERIMENT, "mended"), on_own_server=True)
def mend_it(parent: StudentRun) -> str:
    none_outside(parent)
    hint = "Without experiment_id, start_run may log to another experiment."
    trials = whole_trials(parent, 4, "four", hint)
    spans = sorted((run.run.info.start_time, run.run.info.end_time) for run in trials)
    overlap = any(begin < end for (_, end), (begin, _) in pairwise(spans))
    found = f"{len(trials)} trials one after another"
    hint = "Start them in a ThreadPoolExecutor, as the mistaken code does."
    require(overlap, found, "trials that run at the same time", hint)
    return f"{len(trials)} trials of several threads, all of them under {parent}."


def none_outside(parent: StudentRun) -> None:
    """Raise if a trial that began after a sweep did is no child of any run."""
    runs = [run for run in parent.student.finished(parent.experiment) if "accuracy" in run.metrics]
    since = [run for run in runs if run.started >= parent.started and run.id != parent.id]
    outside = [run.name for run in since if "mlflow.parentRunId" not in run.tags]
    found = f"{len(outside)} trials outside '{parent.name}' ({', '.join(sorted(outside)[:3])}{' …' * (len(outside) > 3)})"
    hint = "Pass experiment_id and parent_run_id to start_run, in the workers' function, and run it again."
    require(not outside, found, "every trial as a child of it", hint)


def whole_trials(
    parent: StudentRun, at_least: int = 0, in_words: str = "", hint: str = ""
) -> list[StudentRun]:
    """Return the children of a run that finished with an accuracy; raise if one is open, or if there are too few."""
    children = parent.children()
    for run in children:
        need(run.status != "RUNNING", f"{run}, a trial of {parent}, is still open.")
    whole = [run for run in children if run.status == "FINISHED" and "accuracy" in run.metrics]
    some = f"{len(whole)} finished trials with an accuracy"
    hint = "" if children else f" {hint}"  # says where trials go that are in no parent
    need(len(whole) >= at_least, f"{parent} has {some}, and {in_words} are asked for.{hint}")
    return whole
