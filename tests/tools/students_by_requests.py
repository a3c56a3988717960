"""A class by its requests alone: what `make server` carries, without the notebooks that would fill the computer before it does.

Each student makes an experiment in a room of their own, and a few runs with parameters, metrics, a tag, a file and a note, asks
for all of them, and starts again at once: nobody reads or thinks, so that a class of this size asks much less often.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "notebooks"), str(ROOT / "tests")]

from class_server import ClassServer, class_server, postgres  # noqa: E402

API = "/api/2.0/mlflow"
FILES = "/api/2.0/mlflow-artifacts/artifacts"
AGAIN = (
    0,
    6,
    12,
    24,
    0,
)  # seconds of pause after an answer that MLflow's client takes for "try again"
PATIENCE = 120  # seconds until a request counts as lost, as for MLflow's own client


class Student:
    """A student who asks the server, and notes how long each answer took.

    Attributes:
        seconds: of each request, with what it asked for.
        failures: the requests that were not answered as they should be, by what was answered.
        asked_again: how often the server was busy.
    """

    def __init__(self, port: int, name: str):
        self.port, self.name = port, name
        self.line = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self.seconds: list[tuple[float, str]] = []
        self.failures: Counter[str] = Counter()
        self.asked_again = 0

    def ask(self, method: str, path: str, content: dict[str, Any] | bytes | None = None) -> Any:
        body = json.dumps(content).encode() if isinstance(content, dict) else content
        headers = {"Content-Type": "application/json", "X-MLFLOW-WORKSPACE": self.name}
        if "/workspaces" in path and FILES not in path:
            del headers["X-MLFLOW-WORKSPACE"]
        kind = f"{method} {path.split('?')[0].removeprefix(API)}" if FILES not in path else "file"
        begin = time.monotonic()
        try:
            for pause in AGAIN:
                self.line.request(method, path, body, headers)
                answer = self.line.getresponse()
                text = answer.read()
                if answer.status not in (429, 500, 502, 503, 504):
                    break
                self.asked_again += 1
                time.sleep(pause)
            if answer.status != 200 and not (answer.status == 201 and "/workspaces" in path):
                self.failures[f"{kind}: {answer.status} {text[:80]!r}"] += 1
                return {}
            return json.loads(text or b"{}")
        except OSError as problem:
            self.failures[f"{kind}: {type(problem).__name__}"] += 1
            self.line.close()
            return {}
        finally:
            self.seconds.append((time.monotonic() - begin, kind))

    def learn(self, runs: int) -> None:
        """Do what a student's notebooks do on the server; the number of runs says how much."""
        self.ask("POST", "/api/3.0/mlflow/workspaces", {"name": self.name})
        made = self.ask("POST", f"{API}/experiments/create", {"name": "sklearn_experiment"})
        place = made.get("experiment_id", "0")
        for number in range(runs):
            begin = int(time.time() * 1000)
            question = {"experiment_id": place, "run_name": f"run-{number}", "start_time": begin}
            made = self.ask("POST", f"{API}/runs/create", question)
            run = made.get("run", {}).get("info", {}).get("run_id")
            if run is None:
                continue
            named = {"run_id": run}
            params = [{"key": f"p{key}", "value": str(key)} for key in range(5)]
            self.ask("POST", f"{API}/runs/log-batch", named | {"params": params})
            for step in range(5):
                value = {"key": "loss", "value": 1 / (step + 1), "timestamp": begin, "step": step}
                self.ask("POST", f"{API}/runs/log-metric", named | value)
            self.ask("POST", f"{API}/runs/set-tag", named | {"key": "purpose", "value": "load"})
            self.ask("PUT", f"{FILES}/{place}/{run}/artifacts/model.bin", b"x" * 10_000)
            self.ask(
                "POST", f"{API}/runs/update", named | {"status": "FINISHED", "end_time": begin + 9}
            )
            self.ask("POST", f"{API}/runs/search", {"experiment_ids": [place]})
            note = {"key": "check.2.1", "value": "done"}
            self.ask("POST", f"{API}/runs/set-tag", named | note)
        found = self.ask("POST", f"{API}/runs/search", {"experiment_ids": [place]})
        if (kept := len(found.get("runs", []))) != runs:
            self.failures[f"{runs - kept} runs missing"] += 1


def measure(server: ClassServer, count: int, runs: int) -> None:
    """Let a class ask at the same moment, and print how it was answered."""
    port = int(server.address.rpartition(":")[2])
    students = [Student(port, f"student-{number:03}") for number in range(count)]
    together = threading.Barrier(count)

    def learn(student: Student) -> None:
        together.wait()
        student.learn(runs)

    begin = time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(learn, students))
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
    for kind in sorted({kind for _, kind in taken}):
        of_kind = [one for one, other in taken if other == kind]
        print(f"    {kind:40} {len(of_kind):6} {statistics.median(of_kind):7.2f} s")
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
            database = stack.enter_context(postgres()) if options.postgresql else None
            more = ["--database", database] if database else []
            measure(stack.enter_context(class_server(folder / "data", *more)), count, options.runs)


if __name__ == "__main__":
    main()
