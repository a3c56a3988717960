"""A cluster of Dask's for lab 9: what can be wrong with it, said in one sentence before anything is sent there.

The notebook calls `lab.scheduler()` and `lab.check_workers(…)`, and does the rest with Dask's own API.
"""

from __future__ import annotations

import asyncio
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from lab.store import LabError

VARIABLE = "LAB_DASK_SCHEDULER"
SECONDS = 10  # for a scheduler to answer, and to have a worker
NEEDED = ("mlflow", "sklearn", "pandas")  # by the functions that lab 9 sends to workers
NAMES = {"sklearn": "scikit-learn"}
SAME = ("python", "dask", "distributed")


def scheduler() -> str | None:
    """Return the address of the cluster that `LAB_DASK_SCHEDULER` names, None if it is not set.

    Raises:
        LabError: Dask is missing; the address is none; nobody answers there; its versions are others; it has no workers.
    """
    missing = [name for name in ("dask", "distributed") if find_spec(name) is None]
    if missing:
        raise LabError(
            f"Lab 9 needs Dask, and this kernel's Python lacks {' and '.join(missing)}: run 'make lab', or 'pip install -r "
            "notebooks/lab/cluster/requirements.txt -c tests/constraints.txt' in the project's folder."
        )
    address = os.environ.get(VARIABLE, "").strip()
    if not address:
        return None
    _require_answer(address)
    with _client(address) as client:
        _compare_versions(address, client)
        try:
            client.wait_for_workers(1, timeout=SECONDS)
        except TimeoutError:
            raise LabError(
                f"The scheduler {address} has no workers: start some, on each host with 'dask worker {address}'."
            ) from None
    return address


def check_workers(client: Any, tracking_uri: str) -> None:
    """Raise if a worker lacks a package that the lab's functions need, or cannot reach the tracking server.

    Args:
        client: Dask's client.
        tracking_uri: the address of the tracking server, as the workers will use it.

    Raises:
        LabError: the message names the first such worker.
    """

    # A function within a function travels as a whole: workers elsewhere have no package `lab`.
    def look(uri: str, needed: tuple[str, ...]) -> tuple[list[str], str]:
        from importlib.util import find_spec
        from urllib.request import ProxyHandler, build_opener

        missing = [name for name in needed if find_spec(name) is None]
        try:
            with build_opener(ProxyHandler({})).open(f"{uri}/health", timeout=10):
                return missing, ""
        except OSError as error:
            return missing, str(getattr(error, "reason", error))

    for worker, (missing, problem) in client.run(look, tracking_uri, NEEDED).items():
        if missing:
            names = ", ".join(NAMES.get(name, name) for name in missing)
            raise LabError(
                f"The worker {worker} lacks {names}: install there what 'make lab' installs here, and start it again."
            )
        if problem:
            raise LabError(
                f"The worker {worker} cannot reach the tracking server {tracking_uri} ({problem}): open that port in the "
                "firewall between them, or start the lab on a computer that the workers can reach."
            )


def _require_answer(address: str) -> None:
    """Raise unless somebody listens at the address of a scheduler."""
    try:
        uri = urlsplit(address)
        host, port = uri.hostname, uri.port
    except ValueError:
        host = port = None
    if not address.startswith("tcp://") or not host or not port:
        raise LabError(
            f"{VARIABLE} is '{address}', which is no scheduler's address: write it like tcp://127.0.0.1:8786, or unset it to "
            "use this computer alone."
        )
    try:
        socket.create_connection((host, port), timeout=SECONDS).close()
    except OSError as error:
        raise LabError(
            f"The scheduler {address} does not answer ({error.strerror or error}): start it with 'dask scheduler', correct "
            f"{VARIABLE}, or unset it to use this computer alone."
        ) from None


def _client(address: str) -> Any:
    """Return a client of Dask's for a moment; raise if the other side does not speak as a scheduler does."""
    import logging
    import warnings

    from distributed import Client
    from distributed.comm.core import connect

    async def handshake() -> None:
        comm = await asyncio.wait_for(connect(address, timeout=SECONDS), 2 * SECONDS)
        comm.abort()

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that versions differ is told below, in a sentence
            # In a thread, as a notebook's own has an event loop that runs.
            with ThreadPoolExecutor(1) as thread:
                thread.submit(asyncio.run, handshake()).result()
            return Client(address, timeout=SECONDS, set_as_default=False)
    except (OSError, ValueError, RuntimeError, TypeError):
        raise LabError(
            f"At {address} somebody answers who is no scheduler of this Dask ({_version('distributed')}): correct {VARIABLE}, "
            "or start the scheduler with the same versions as here."
        ) from None
    finally:
        logging.disable(before)


def _version(package: str) -> str:
    from importlib.metadata import version

    return version(package)


def _compare_versions(address: str, client: Any) -> None:
    """Raise if the scheduler or a worker runs another Python or Dask: what one sends the other may not understand."""
    found = client.get_versions(check=False)
    here = found["client"]["packages"]
    sides = {f"The scheduler {address}": found["scheduler"]}
    sides |= {f"The worker {worker}": told for worker, told in found["workers"].items()}
    for side, told in sides.items():
        for name in SAME:
            there = told["packages"].get(name)
            if _shown(name, there) != _shown(name, here[name]):
                raise LabError(
                    f"{side} runs {name.capitalize()} {_shown(name, there)}, and this notebook "
                    f"{_shown(name, here[name])}: use the same version on both sides."
                )


def _shown(name: str, version: str | None) -> str:
    """Return a version as far as it matters: of Python the first two numbers, as bytecode differs between these."""
    return ".".join(str(version).split(".")[:2]) if name == "python" else str(version)
