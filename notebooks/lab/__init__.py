"""What the notebooks need beside MLflow: a safe start, and a look at what a run left on disk.

A notebook calls two names, `lab.start()` and `lab.show_files(...)`. Everything else it does with MLflow's own API.
"""

from lab.files import show_files
from lab.preflight import LabError, start

__all__ = ["LabError", "show_files", "start"]
