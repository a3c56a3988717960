"""`make html`: run all labs and write them as pages to build/html. They need neither Jupyter nor the internet."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from lab import pages, store
from lab.store import LabError

NOTEBOOKS = store.ROOT / "notebooks"
TARGET = store.ROOT / "build" / "html"
WORK = store.ROOT / "build" / "html-work"  # executed notebooks, and a store for each of them
AT_A_TIME = 2
CELL_SECONDS = 300


def main() -> None:
    """Execute all notebooks on stores of their own, two at a time, and write their pages.

    Raises:
        LabError: a cell failed; the message names the notebook and the cell.
    """
    parser = argparse.ArgumentParser(prog="make html", description=__doc__)
    parser.add_argument(
        "--source", default="", help="where the files are online, for links to them"
    )
    source = parser.parse_args().source
    shutil.rmtree(TARGET, ignore_errors=True)
    shutil.rmtree(WORK, ignore_errors=True)
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    print(f"Running {len(paths)} notebooks …", flush=True)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        executed = dict(zip((path.stem for path in paths), pool.map(_execute, paths), strict=True))
    shutil.copytree(NOTEBOOKS / "images", TARGET / "images")
    pages.write(executed, TARGET, source)
    print("Open build/html/index.html in a browser.")


def _execute(path: Path) -> nbformat.NotebookNode:
    """Return the notebook as it is after running all cells; the file itself stays as it is."""
    begin = time.monotonic()
    work = WORK / path.stem
    command = [sys.executable, "-m", "nbconvert", "--to=notebook", f"--output-dir={work}"]
    command += ["--execute", "--allow-errors", f"--ExecutePreprocessor.timeout={CELL_SECONDS}"]
    done = subprocess.run(
        [*command, "--log-level=ERROR", str(path)],
        check=False,
        env=os.environ | {"LAB_TRACKING_URI": (work / "mlruns").as_uri()},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise LabError(f"{path.name} could not be run to its end:\n{done.stderr.strip()}")
    printed = (work / path.name).read_text(encoding="utf-8")
    # Show the folder that a student sees, not the one of this command.
    printed = printed.replace(f"{work.relative_to(store.ROOT).as_posix()}/mlruns", "mlruns")
    notebook: nbformat.NotebookNode = nbformat.reads(printed, as_version=4)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "error" and "raises-exception" not in cell.metadata.get(
                "tags", []
            ):
                begins = cell.source.partition("\n")[0]
                problem = f"with {output.ename}: {output.evalue}"
                raise LabError(f"{path.name} failed at the cell that begins '{begins}' {problem}")
    print(f"  {path.name}  {time.monotonic() - begin:.0f} s", flush=True)
    return notebook


if __name__ == "__main__":
    try:
        main()
    except LabError as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped; build/html is not complete.")
