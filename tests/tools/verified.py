"""`make verified`: fill tests/README.md's table "Verified with" from the last green run of each suite, and Python, here.

Rows of that table that no run here replaces are kept: those of other computers, and those kept by hand.
"""

from __future__ import annotations

import json
import platform
import re
import subprocess
import sys
from datetime import date
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "build" / "verified.json"
README = ROOT / "tests" / "README.md"
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
    "commit",
]
TABLE = re.compile(r"(<!-- verified -->\n)(.*?)(<!-- /verified -->)", re.DOTALL)


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
        "commit": commit(),
    }
    RECORD.parent.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1), encoding="utf-8")


def commit(folder: Path = ROOT) -> str:
    """Return the short name of the commit in a folder, and whether its files differ from it; '?' if there is no git."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(folder), *arguments]
        return subprocess.run(command, capture_output=True, encoding="utf-8", check=True).stdout

    try:
        name = git("rev-parse", "--short=7", "HEAD").strip()
        return f"{name} and changes" if git("status", "--porcelain").strip() else name
    except (OSError, subprocess.CalledProcessError):
        return "?"


def merged(table: str, record: dict[str, dict[str, str | int]]) -> str:
    """Return the rows of a Markdown table, with those of a record added or put in the place of older ones.

    Args:
        table: the table as it is; rows of the same command and minor version of Python are replaced.
        record: what `note` keeps.
    """
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    rows = [row for row in rows[2:] if len(row) == len(COLUMNS)]
    rows += [[str(run.get(name.lower(), "?")) for name in COLUMNS] for run in record.values()]
    python = COLUMNS.index("Python")
    last = {(row[0], row[python].rpartition(".")[0]): row for row in rows}
    rows = [COLUMNS, ["---"] * len(COLUMNS), *(last[key] for key in sorted(last))]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def main() -> None:
    """Write the rows into the table."""
    if not RECORD.exists():
        sys.exit("No suite has passed here yet: run 'make test' first.")
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    filled = TABLE.sub(
        lambda found: found[1] + merged(found[2], record) + found[3],
        README.read_text(encoding="utf-8"),
    )
    README.write_text(filled, encoding="utf-8")


if __name__ == "__main__":
    main()
