"""`make verified`: fill the README's table "Verified with" from the last green run of each suite, and Python, here."""

from __future__ import annotations

import json
import platform
import re
import sys
from datetime import date
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "build" / "verified.json"
COLUMNS = [
    "command",
    "MLflow",
    "scikit-learn",
    "PyTorch",
    "pandas",
    "Python",
    "system",
    "tests",
    "day",
]
TABLE = re.compile(r"(<!-- verified -->\n).*?(<!-- /verified -->)", re.DOTALL)


def note(suite: str, passed: int, packages: list[str] | None = None) -> None:
    """Keep the versions of a run in which every test of a suite passed.

    Args:
        suite: the command that ran, as in `make test`.
        passed: how many tests passed.
        packages: the folder of the packages under test, in a list; None for those of this Python.
    """
    found = distributions(path=packages) if packages else distributions()
    versions = {d.name.lower(): d.version.partition("+")[0] for d in found}
    record = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    python = platform.python_version()
    record[f"{suite}, Python {python.rpartition('.')[0]}"] = {
        "command": f"`{suite}`",
        "tests": passed,
        "mlflow": versions.get("mlflow") or versions["mlflow-skinny"],
        "scikit-learn": versions["scikit-learn"],
        "pytorch": versions["torch"],
        "pandas": versions["pandas"],
        "python": python,
        "system": platform.system(),
        "day": date.today().isoformat(),
    }
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1), encoding="utf-8")


def table(record: dict) -> str:
    """Return the table of all suites in a record, as Markdown."""
    rows = [[str(run[name.lower()]) for name in COLUMNS] for _, run in sorted(record.items())]
    rows = [COLUMNS, ["---"] * len(COLUMNS), *rows]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> None:
    """Write the table into the README."""
    if not RECORD.exists():
        sys.exit("No suite has passed here yet: run 'make test' first.")
    readme = ROOT / "README.md"
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    filled = TABLE.sub(lambda found: found[1] + table(record) + found[2], readme.read_text("utf-8"))
    readme.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
