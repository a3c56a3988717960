"""What the notebooks need beside MLflow: a safe start, a look at what a run left on disk, and checked exercises.

A notebook calls `lab.start()`, `lab.settings()`, `lab.code_version()`, `lab.show_files(…)`, `lab.check("2.1")` and
`lab.progress()`; labs 8 to 10 also `lab.serve(…)`, `lab.scheduler()`, `lab.check_workers(…)` and
`lab.model_name(…)`. Everything else it does with MLflow's own API.
"""

from lab.cluster import check_workers, scheduler
from lab.exercises.check import check, progress
from lab.record import code_version, model_name, show_files
from lab.servers import serve
from lab.setup import start
from lab.setup.variables import settings
from lab.store import LabError

__all__ = [
    "LabError",
    "check",
    "check_workers",
    "code_version",
    "model_name",
    "progress",
    "scheduler",
    "serve",
    "settings",
    "show_files",
    "start",
]
