"""A class by its requests alone: what `make server` carries, without the notebooks that would fill the computer before it does.

Each student makes an experiment in a room of their own, and a few runs with parameters, metrics, a tag, a file and a note, asks
for all of them, and starts again at once: nobody reads or thinks, so that a class of this size asks much less often.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from urllib3 import Retry, connection_from_url
from urllib3.exceptions import HTTPError

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "notebooks"), str(ROOT / "tests")]

from class_server import ClassServer, class_server, postgres  # noqa: E402

# As MLflow's own client does it: again after 0, 6, 12 and 24 seconds, and a request is lost after two minutes.
BUSY = (429, 500, 502, 503, 504)
AGAIN = Retry(
    4, allowed_methods=None, backoff_factor=3, status_forcelist=BUSY, raise_on_status=False
)


class Student:
    """A student who asks the server, and notes how long each answer took, what failed, and how often the server was busy."""

    def __init__(self, address: str, name: str):
        self.name = name
        self.line = connection_from_url(address, timeout=120, retries=AGAIN)
        self.seconds: list[tuple[float, str]] = []
        self.failures: Counter[str] = Counter()
        self.asked_again = 0

    def ask(self, what: str, content: dict[str, Any] | None = None, **request: Any) -> Any:
        """Return the answer to a request: by default a question of the API, whose content is JSON."""
        question = {"method": "POST", "url": f"/api/2.0/mlflow/{what}", "json": content}
        question["headers"] = {"X-MLFLOW-WORKSPACE": self.name}
        begin = time.monotonic()
        try:
            answer = self.line.request(**question | request)
            self.asked_again += len(answer.retries.history) if answer.retries else 0
            if answer.status in (200, 201):
                return answer.json() if answer.data else {}
            self.failures[f"{what}: {answer.status} {answer.data[:80]!r}"] += 1
        except HTTPError as problem:
            self.failures[f"{what}: {type(problem).__name__}"] += 1
        finally:
            self.seconds.append((time.monotonic() - begin, what))
        return {}

    def learn(self, runs: int) -> None:
        """Do what a student's notebooks do on the server; the number of runs says how much."""
        room = {"name": self.name}
        self.ask("workspaces", room, url="/api/3.0/mlflow/workspaces", headers={})
        made = self.ask("experiments/create", {"name": "sklearn_experiment"})
        place = made.get("experiment_id", "0")
        for number in range(runs):
            begin = int(time.time() * 1000)
            named = {"experiment_id": place, "run_name": f"run-{number}", "start_time": begin}
            run_id = self.ask("runs/create", named).get("run", {}).get("info", {}).get("run_id")
            if run_id is None:
                continue
            run = {"run_id": run_id}
            params = [{"key": f"p{key}", "value": str(key)} for key in range(5)]
            self.ask("runs/log-batch", run | {"params": params})
            for step in range(5):
                value = {"key": "loss", "value": 1 / (step + 1), "timestamp": begin, "step": step}
                self.ask("runs/log-metric", run | value)
            self.ask("runs/set-tag", run | {"key": "purpose", "value": "load"})
            file = f"/api/2.0/mlflow-artifacts/artifacts/{place}/{run_id}/artifacts/model.bin"
            self.ask("a file", method="PUT", url=file, body=b"x" * 10_000)
            self.ask("runs/update", run | {"status": "FINISHED", "end_time": begin + 9})
            self.ask("runs/search", {"experiment_ids": [place]})
            self.ask("runs/set-tag", run | {"key": "check.2.1", "value": "done"})
        found = self.ask("runs/search", {"experiment_ids": [place]})
        if (kept := len(found.get("runs", []))) != runs:
            self.failures[f"{runs - kept} runs missing"] += 1


def measure(server: ClassServer, count: int, runs: int) -> None:
    """Let a class ask at the same moment, and print how it was answered."""
    students = [Student(server.address, f"student-{number:03}") for number in range(count)]
    begin = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda student: student.learn(runs), students))
    seconds = time.monotonic() - begin
    taken = [one for student in students for one in student.seconds]
    failures = sum((student.failures for student in students), Counter())
    twentieths = statistics.quantiles([one for one, _ in taken], n=20)
    print(
        f"{count} students, {len(taken)} requests in {seconds:.0f} s: {len(taken) / seconds:.0f} a second, answered after "
        f"{twentieths[9]:.2f} s (p50), {twentieths[18]:.2f} s (p95), {max(taken)[0]:.1f} s at worst ({max(taken)[1]}); "
        f"{sum(student.asked_again for student in students)} asked again, {failures.total()} failed",
        flush=True,
    )
    for what, times in failures.most_common(5):
        print(f"    {times} × {what}")


def main() -> None:
    """Measure; the command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, nargs="+", default=[30, 100, 300])
    parser.add_argument("--runs", type=int, default=3, help="of each student")
    parser.add_argument("--postgresql", action="store_true", help="in place of SQLite")
    options = parser.parse_args()
    for count in options.students:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lab-class-")))
            more = ["--database", stack.enter_context(postgres())] if options.postgresql else []
            measure(stack.enter_context(class_server(folder / "data", *more)), count, options.runs)


if __name__ == "__main__":
    main()
