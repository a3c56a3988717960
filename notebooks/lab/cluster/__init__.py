"""A cluster of Dask's for lab 9: what can be wrong with it, said in one sentence before anything is sent there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import warnings
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from lab.store import LabError

VARIABLE = "LAB_DASK_SCHEDULER"
SECONDS = 10  # for a scheduler to answer, and to have a worker
NEEDED = {"mlflow": "mlflow", "sklearn": "scikit-learn", "pandas": "pandas"}  # by lab 9's functions


def scheduler() -> tuple[str | None, str]:
    """Return two addresses: of the cluster that `LAB_DASK_SCHEDULER` names, and of this computer as the cluster sees it.

    Without a cluster they are None and 127.0.0.1, and one that is started here keeps a worker that dies twice.

    Raises:
        LabError: Dask is missing; the address is none; nobody answers there; its versions are others; it has no workers.
    """
    missing = [name for name in ("dask", "distributed") if find_spec(name) is None]
    if missing:
        raise LabError(
            f"Lab 9 needs Dask, and this kernel's Python lacks {' and '.join(missing)}: run 'make lab', or 'pip install -r "
            "notebooks/lab/cluster/requirements.txt -c notebooks/lab/constraints.txt' in the project's folder."
        )
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        import dask

        # Fifteen seconds after a worker's death, Dask closes it for good unless it is there at that moment. One that has died
        # again is not: it is just restarting. findings/dask-gives-up-a-worker-that-dies-twice.sh shows it.
        dask.config.set({"distributed.deploy.lost-worker-timeout": "1 day"})
        return None, "127.0.0.1"
    found = _ask(address)
    sides = {f"The scheduler {address}": found["scheduler"]}
    sides |= {f"The worker {worker}": told for worker, told in found["workers"].items()}
    # Dask's own comparison asks for the same in every package, and for the same patch release of Python.
    for name in ("python", "dask", "distributed"):
        here, *others = (
            ".".join(told["packages"][name].split(".")[: 2 if name == "python" else 9])
            for told in (found["client"], *sides.values())
        )
        for side, there in zip(sides, others, strict=True):
            if there != here:
                raise LabError(
                    f"{side} runs {name.capitalize()} {there}, and this notebook {here}: use the same version on both sides."
                )
    if not found["workers"]:
        raise LabError(
            f"The scheduler {address} has no workers: start some, on each host with 'dask worker {address}'."
        )
    from distributed.utils import get_ip

    return address, get_ip(urlsplit(address).hostname)


def check_workers(client: Any, tracking_uri: str) -> None:
    """Raise if a worker lacks a package that the lab's functions need, or cannot reach the tracking server.

    Args:
        client: Dask's client.
        tracking_uri: the address of the tracking server, as the workers will use it.

    Raises:
        LabError: the message names the first such worker.
    """

    # A function within a function travels as a whole: workers elsewhere have no package `lab`.
    def look(uri: str, needed: dict[str, str]) -> tuple[str, str]:
        from importlib.util import find_spec
        from urllib.request import ProxyHandler, build_opener

        missing = ", ".join(name for module, name in needed.items() if find_spec(module) is None)
        try:
            with build_opener(ProxyHandler({})).open(f"{uri}/health", timeout=10):
                return missing, ""
        except OSError as error:
            return missing, str(getattr(error, "reason", error))

    for worker, (missing, problem) in client.run(look, tracking_uri, NEEDED).items():
        if missing:
            raise LabError(
                f"The worker {worker} lacks {missing}: install there what 'make lab' installs here, and start it again."
            )
        if problem:
            raise LabError(
                f"The worker {worker} cannot reach the tracking server {tracking_uri} ({problem}): open that port in the "
                "firewall between them, or start the lab on a computer that the workers can reach."
            )


def _ask(address: str) -> Any:
    """Return the versions here, of a scheduler, and of its workers, for the first of which it waits a little."""
    from distributed import Client
    from distributed.comm.addressing import get_address_host_port
    from distributed.comm.core import connect

    async def ask() -> Any:
        # The client would wait for ever for the answer of somebody who is no scheduler.
        (await asyncio.wait_for(connect(address, timeout=SECONDS), 2 * SECONDS)).abort()
        async with Client(address, asynchronous=True, timeout=SECONDS, set_as_default=False) as it:
            with contextlib.suppress(TimeoutError):
                await it.wait_for_workers(1, SECONDS)
            return await it.get_versions()

    try:
        host_and_port = get_address_host_port(address, strict=True)
        socket.create_connection(host_and_port, timeout=SECONDS).close()
    except (ValueError, OSError) as error:
        raise LabError(
            f"The scheduler {address} does not answer ({getattr(error, 'strerror', None) or error}): start it with 'dask scheduler', "
            f"write {VARIABLE} like tcp://127.0.0.1:8786, or unset it to use this computer alone."
        ) from None
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        # In a thread, as a notebook's own has an event loop that runs.
        with warnings.catch_warnings(), ThreadPoolExecutor(1) as thread:
            warnings.simplefilter("ignore")
            return thread.submit(asyncio.run, ask()).result()
    except (OSError, ValueError, RuntimeError, TypeError):
        raise LabError(
            f"At {address} somebody answers who is no scheduler of this Dask ({version('distributed')}): correct {VARIABLE}, "
            "or start the scheduler with the same versions as here."
        ) from None
    finally:
        logging.disable(before)
