"""`make ui`: serve the MLflow UI on exactly the store that the notebooks write."""

from __future__ import annotations

import argparse
import json
import os
import sys

from lab import codespaces, store
from lab.serving import HOST, ask, free_port, is_free, port_from, require_mlflow, serve
from lab.setup import checks
from lab.setup.repair import mend_files
from lab.setup.variables import apply_settings
from lab.store import LabError

DEFAULT_PORT = 5000
FIRST_RUNS = "notebooks/02_sklearn_tracking.ipynb"  # the first lab that logs a run


def main() -> None:
    """Serve the UI until Ctrl-C; the command line of this module."""
    parser = argparse.ArgumentParser(
        prog="python -m lab.ui", description="Serve the MLflow UI on the labs' store."
    )
    parser.add_argument("--port", help="the first port to try (default: 5000)")
    port = port_from(parser.parse_args().port)
    if os.environ.get("LAB_TRACKING_URI", "").startswith(f"{store.PLATFORM_SCHEME}:"):
        print("The runs go to the project's Experiments tab, which is their UI: open that.")
        return
    if store.labs_store().is_server:
        print(f"The runs go to {store.labs_store()}, which has its own UI: open that address.")
        return
    require_mlflow("make ui")
    if port is None and (session := checks.cloudera_session()):
        show(*session.place(is_free))
    else:
        chosen = free_port(port or DEFAULT_PORT)
        show(chosen, codespaces.public_host(chosen))


def show(port: int, public_host: str | None = None) -> None:
    """Start MLflow's server on the labs' store, and say where it answers.

    Args:
        port: the port of this computer to use, which nobody listens on.
        public_host: the name under which a proxy in front of this computer serves that port, if there is one.

    Raises:
        LabError: the server does not start or ends early; the message holds its last lines.
    """
    checks.check_store(store.labs_store())
    folder = store.labs_store().folder
    if folder is not None and store.is_unused(folder):
        apply_settings()
        mend_files(store.labs_store())  # makes it, so that it is the labs' own
    options = ["--workers", "1", "--backend-store-uri", store.labs_store().uri]
    # Otherwise an experiment created in the UI would keep its artifacts where only this server finds them.
    options += ["--no-serve-artifacts"]
    # Requests come with the name that the browser used, and MLflow refuses names it does not know.
    if public_host:
        # An editor may forward the port to another one of the reader's computer.
        hosts = [public_host, f"{HOST}:*", "localhost:*"]
        options += ["--allowed-hosts", ",".join(hosts)]
        options += ["--cors-allowed-origins", f"https://{public_host},http://{public_host}"]

    def tell(address: str) -> None:
        shown = f"https://{public_host}" if public_host else address
        print(
            f"The MLflow UI shows {store.labs_store()}: open {shown} (Ctrl-C ends it)", flush=True
        )
        for notice in _notices(address):
            print(f"Note: {notice}", flush=True)

    serve("The MLflow UI", options, port, tell)


def _notices(address: str) -> list[str]:
    """Return what a reader of the UI should know: there is no run yet, or the store is damaged."""
    api = f"{address}/api/2.0/mlflow"
    try:
        found = json.loads(ask(f"{api}/experiments/search", {"max_results": 1000}))
        ids = [experiment["experiment_id"] for experiment in found.get("experiments", [])]
        answer = json.loads(ask(f"{api}/runs/search", {"experiment_ids": ids, "max_results": 1}))
    except OSError:
        return [
            "the store cannot be read as a whole; the first cell of any lab says what is wrong and sets it aside."
        ]
    if answer.get("runs"):
        return []
    return [f"there is no run yet: run {FIRST_RUNS} first, then reload the page."]


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
