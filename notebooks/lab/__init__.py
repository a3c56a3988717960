"""What the notebooks need beside MLflow: a safe start, a look at what a run left on disk, and checked exercises.

A notebook calls `lab.start()`, `lab.show_files(…)`, `lab.check("2.1")` and `lab.progress()`. Everything else it does with
MLflow's own API.
"""

from lab.checking import check, progress
from lab.files import show_files
from lab.preflight import LabError, start

__all__ = ["LabError", "check", "progress", "show_files", "start"]
