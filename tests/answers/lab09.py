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
    parent = store.create_run(where, run_name="my-accident").info.run_id
    store.set_terminated(parent)
    runs = []
    for number in range(3 + lost):
        tags = {"mlflow.parentRunId": parent, "worker": "a:1"}
        runs.append(store.create_run(where, run_name=f"number {number}", tags=tags).info.run_id)
        store.log_param(runs[-1], "components", number if number < 3 else components)
        if number < 3:
            store.log_metric(runs[-1], "accuracy", 0.9)
        if number < 3 or status != "RUNNING":
            store.set_terminated(runs[-1], "FINISHED" if number < 3 else status)
    if lost and reason:
        store.set_tag(runs[-1], "closed_because", reason)
    if lost and repeated_by is not None:
        store.set_tag(runs[-1], "repeated_by", runs[repeated_by])


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
# cluster.gather(cluster.map(train, settings, dataset=dataset, log_to=my_place, pure=False)) → Parallel(n_jobs=2)(delayed(train)(trial, dataset, my_place, pause=0.3) for trial in settings)
# %% 9.1 ✅ with futures one by one, found by a search
# cluster.gather(cluster.map(train, settings, dataset=dataset, log_to=my_place, pure=False)) → cluster.gather([cluster.submit(train, trial, dataset, my_place, pure=False) for trial in settings])
# children_of(my_run).sort_values("metrics.accuracy", ascending=False) → mlflow.search_runs([mine], f"tags.mlflow.parentRunId = '{my_run.info.run_id}'", order_by=["metrics.accuracy DESC"])
# %% 9.1 ✅ made run by run, the parent closed first
made_up()

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
# run_name="mended" → run_name="hasty"
# %% 9.3 ❌ found 4 trials outside 'mended'
# parent_run_id=parent_run_id → nested=True
# %% 9.3 ❌ found 4 trials one after another, expected trials that run at the same time
# threads.map( → map(
# parent_run_id=parent_run_id → parent_run_id=parent_run_id, nested=True
# %% 9.3 ⬜ the run 'mended' has 0 finished trials
# experiment_id=experiment_id, parent_run_id → experiment_id="0", parent_run_id
# %% 9.3 ✅ with joblib's threads
# list(threads.map(mended, trials[:4], [mended_run.info.run_id] * 4)) → Parallel(n_jobs=2, prefer="threads")(delayed(mended)(trial, mended_run.info.run_id) for trial in trials[:5])
# %% 9.3 ✅ with the parent's tag, which is what parent_run_id sets
# parent_run_id=parent_run_id → tags={"mlflow.parentRunId": parent_run_id}
