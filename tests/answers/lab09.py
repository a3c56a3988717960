"""Answers to the exercises of lab 9.

Sweeps and accidents are made up run by run; each wrong answer leaves out, or changes, one thing.
"""

from mlflow.entities import DatasetInput, Metric, Param

recorded = DatasetInput(dataset._to_mlflow_entity())


def made_up(
    count=12,
    settings=12,
    workers=("a:1", "b:2"),
    values={"n_splits": 10, "random_state": 0},
    inputs=(recorded,),
    data=(recorded,),
    tagged=(11,),
    outside=0,
    still_open=0,
):
    where = mlflow.set_experiment("my_sweep").experiment_id
    parent = store.create_run(where, run_name="my-sweep")
    store.log_inputs(parent.info.run_id, list(data))
    store.set_terminated(parent.info.run_id)
    for number in range(count + outside + still_open):
        tags = {"worker": workers[number % len(workers)], "git_commit": "no git"}
        if not count <= number < count + outside:
            tags["mlflow.parentRunId"] = parent.info.run_id
        if number in tagged:
            tags["verdict"] = "best"
        run = store.create_run(where, run_name=f"number {number}", tags=tags).info.run_id
        params = {"C": 1, "components": number % settings, **values}
        params = [Param(key, str(value)) for key, value in params.items()]
        store.log_batch(run, [Metric("accuracy", number / 20, 0, 0)], params)
        store.log_inputs(run, list(inputs))
        if number < count + outside:
            store.set_terminated(run)


def accident(status="KILLED", reason="its worker a:1 died", repeated_by=0, components=0, lost=True):
    where = mlflow.set_experiment("cluster_experiment").experiment_id
    with mlflow.start_run(experiment_id=where, run_name="my-accident") as parent:
        pass
    runs = []
    for number in range(4 if lost else 3):
        tags = {"mlflow.parentRunId": parent.info.run_id, "worker": "a:1"}
        run = store.create_run(where, run_name=f"number {number}", tags=tags).info.run_id
        runs.append(run)
        store.log_param(run, "components", number if number < 3 else components)
        if number < 3:
            store.log_metric(run, "accuracy", 0.9)
            store.set_terminated(run)
        elif status != "RUNNING":
            store.set_terminated(run, status)
    if lost and reason:
        store.set_tag(run, "closed_because", reason)
    if lost and repeated_by is not None:
        store.set_tag(run, "repeated_by", runs[repeated_by])


def trial_of(trial, **place):
    with mlflow.start_run(nested=True, **place):
        mlflow.log_params(trial)
        mlflow.log_metric("accuracy", accuracy_of(trial, digits))


# %% 9.1 ❌ the run 'my-sweep' in the experiment 'cluster_experiment', expected it in 'my_sweep'
with mlflow.start_run(experiment_id=experiment_id, run_name="my-sweep"):
    pass
# %% 9.1 ⬜ has 11 finished trials
made_up(count=11)
# %% 9.1 ❌ found 12 trials of 6 settings
made_up(settings=6)
# %% 9.1 ❌ 12 trials by one worker, a:1, expected trials by at least two workers
made_up(workers=("a:1",))
# %% 9.1 ❌ found 2 trials outside 'my-sweep' (number 12, number 13), expected every trial as a child
made_up(outside=2)
# %% 9.1 ⬜ the run 'number 12', a trial of the run 'my-sweep', is still open
made_up(still_open=1)
# %% 9.1 ⬜ the run 'my-sweep' has no dataset 'digits'
made_up(data=())
# %% 9.1 ⬜ the run 'number 11' has no dataset 'digits'
made_up(inputs=())
# %% 9.1 ⬜ has no parameter 'n_splits'
made_up(values={})
# %% 9.1 ⬜ no trial of the run 'my-sweep' has the tag
made_up(tagged=())
# %% 9.1 ❌ as the best, with an accuracy of 0.000
made_up(tagged=(0,))
# %% 9.1 ❌ expected it on one trial
made_up(tagged=(10, 11))
# %% 9.1 ✅ with joblib, which is told to take its time
place = mlflow.set_experiment("my_sweep").experiment_id
many = [{"C": C, "components": n} for C in (0.2, 2.0) for n in range(3, 9)]
with mlflow.start_run(run_name="my-sweep") as parent:
    mlflow.log_input(dataset)
    told = sweep | {"experiment_id": place, "parent_run_id": parent.info.run_id}
    Parallel(n_jobs=2)(delayed(train)(trial, dataset, told, pause=0.3) for trial in many)
best = mlflow.search_runs(order_by=["metrics.accuracy DESC"], max_results=1)["run_id"][0]
with mlflow.start_run(run_id=best):
    mlflow.set_tag("verdict", "best")
# %% 9.1 ✅ with futures one by one, on a client of its own, from a parent that is closed
place = mlflow.get_experiment_by_name("my_sweep").experiment_id
whole = mlflow.MlflowClient().create_run(place, run_name="my-sweep")
store.log_inputs(whole.info.run_id, [recorded])
told = {**sweep, "experiment_id": place, "parent_run_id": whole.info.run_id}
pending = [
    client.submit(train, {"C": C, "components": 5}, dataset, told, pure=False)
    for C in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 5.0)
]
for future in pending:
    future.result()
mlflow.MlflowClient().set_terminated(whole.info.run_id)
store.set_tag(
    children_of(whole).sort_values("metrics.accuracy")["run_id"].iloc[-1], "verdict", "best"
)

# %% 9.2 ⬜ end a worker's process while its trial still runs
accident(lost=False)
# %% 9.2 ⬜ is still open
accident(status="RUNNING")
# %% 9.2 ❌ closed as FINISHED, without an accuracy
accident(status="FINISHED")
# %% 9.2 ⬜ has no tag 'closed_because'
accident(reason="")
# %% 9.2 ❌ a reason that names its worker, a:1
accident(reason="I do not know")
# %% 9.2 ⬜ has no tag 'repeated_by'
accident(repeated_by=None)
# %% 9.2 ❌ the id of a finished trial of the run 'my-accident'
accident(repeated_by=3)
# %% 9.2 ❌ a trial of the same settings
accident(components=1)
# %% 9.2 ✅ an account made run by run
accident()
# %% 9.2 ✅ told at greater length
accident(reason="The process a:1 was ended by hand; the scheduler gave the trial to another.")


# %% 9.3 ⬜ there is no run 'mended' of yours
def hasty(trial):
    mlflow.set_experiment("cluster_experiment")
    with mlflow.start_run(nested=True):
        mlflow.log_params(trial)
        mlflow.log_metric("accuracy", accuracy_of(trial, digits))


with mlflow.start_run(run_name="hasty"):
    list(threads.map(hasty, trials[:4]))
# %% 9.3 ❌ found 4 trials outside 'mended'
mlflow.set_experiment("cluster_experiment")
with mlflow.start_run(run_name="mended"):
    list(threads.map(hasty, trials[:4]))
# %% 9.3 ❌ found 4 trials one after another, expected trials that run at the same time
with mlflow.start_run(experiment_id=experiment_id, run_name="mended") as parent:
    for trial in trials[:4]:
        trial_of(trial, experiment_id=experiment_id)
        time.sleep(0.01)
# %% 9.3 ⬜ the run 'mended' has 0 finished trials
with mlflow.start_run(experiment_id=experiment_id, run_name="mended") as parent:
    list(
        threads.map(
            lambda trial: trial_of(trial, experiment_id="0", parent_run_id=parent.info.run_id),
            trials[:4],
        )
    )
# %% 9.3 ✅ with joblib's threads
with mlflow.start_run(experiment_id=experiment_id, run_name="mended") as parent:
    place = {"experiment_id": experiment_id, "parent_run_id": parent.info.run_id}
    Parallel(n_jobs=2, prefer="threads")(delayed(trial_of)(trial, **place) for trial in trials[:5])
# %% 9.3 ✅ with the parent's tag, which is what parent_run_id sets
with mlflow.start_run(experiment_id=experiment_id, run_name="mended") as parent:
    tags = {"mlflow.parentRunId": parent.info.run_id}
    list(threads.map(lambda t: trial_of(t, experiment_id=experiment_id, tags=tags), trials[:4]))
