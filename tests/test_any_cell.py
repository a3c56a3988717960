"""Any cell, any time: each twice in a row, and again when the lab is done; no cell changes the runs of another one."""

from __future__ import annotations

from typing import Any

import pytest
from kernel import Kernel, cells_of, solution_of
from mlflow import MlflowClient
from mlflow.entities import Run, ViewType
from support import NOTEBOOKS, copy_project

pytestmark = pytest.mark.thorough


def state_of(client: MlflowClient) -> dict[str, Any]:
    """Return what each run of a store holds, by its id, also of those that are deleted."""
    experiments = client.search_experiments(view_type=ViewType.ALL)
    ids = [experiment.experiment_id for experiment in experiments]
    runs: list[Run] = client.search_runs(ids, run_view_type=ViewType.ALL, max_results=1000)
    return {
        run.info.run_id: (
            run.info.status,
            run.info.lifecycle_stage,
            run.data.params,
            run.data.metrics,
            run.data.tags,
        )
        for run in runs
        if run.info.run_name != "what lab.check said"
    }


# Lab 9's server ends with its last cell, and each of its cells would start servers and workers anew.
LABS = [path for path in NOTEBOOKS if path.name[:2] != "09"]


@pytest.mark.parametrize("notebook", LABS, ids=lambda path: path.stem)
def test_each_cell_again(notebook, tmp_path):
    project, store = copy_project(tmp_path / "project"), tmp_path / "mlruns"
    cells = [cell for cell in cells_of(notebook).values() if cell.cell_type == "code"]
    touched: dict[str, set[str]] = {cell.id: set() for cell in cells}
    client = MlflowClient(store.as_uri())
    with Kernel(project / "notebooks", {"LAB_TRACKING_URI": store.as_uri()}) as kernel:

        def run(cell: Any, again: bool) -> None:
            code = cell.source
            if cell.id.startswith("answer-"):
                code = solution_of(notebook, cell.id.removeprefix("answer-").replace("-", "."))
            before = state_of(client) if store.is_dir() else {}
            printed, error = kernel.run(code)
            assert not error, f"{cell.id}: {error}\n{printed}"
            after = state_of(client)
            changed = {id for id, state in after.items() if before.get(id, state) != state}
            foreign = {after[id][-1]["mlflow.runName"] for id in changed - touched[cell.id]}
            assert not (again and foreign), f"{cell.id} changes {foreign}"
            touched[cell.id] |= {id for id in after if after[id] != before.get(id)}

        for cell in cells:
            run(cell, again=False)
            run(cell, again=True)
        for cell in reversed(cells):
            run(cell, again=True)
