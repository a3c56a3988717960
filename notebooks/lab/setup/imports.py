"""Importing skops without what it loads for nothing.

`skops.io` asks scikit-learn for all of its estimators. That search imports every module of scikit-learn, and with them, where they are
installed, PyTorch and Dask's arrays: a second or more, and some 180 MB in each kernel that logs a model of scikit-learn's.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

NOT_NEEDED = ("torch", "dask")


class _SkopsAlone:
    """Finds `skops.io`, once, and hides other packages while it is imported; afterwards they can be imported as ever."""

    at_work = False

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if self.at_work and name.partition(".")[0] in NOT_NEEDED:
            raise ModuleNotFoundError(f"{name} is not needed by skops", name=name)
        if self.at_work or name != "skops.io":
            return None
        self.at_work = True
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            sys.meta_path.remove(self)
            return spec
        load = spec.loader.exec_module

        def load_alone(module: ModuleType) -> None:
            try:
                load(module)
            finally:
                sys.meta_path.remove(self)

        spec.loader.exec_module = load_alone  # type: ignore[method-assign]
        return spec


def import_skops_alone() -> None:
    """Prepare for its import; nothing is imported now, and where skops is missing nothing ever happens."""
    if "skops.io" not in sys.modules and not any(isinstance(f, _SkopsAlone) for f in sys.meta_path):
        sys.meta_path.insert(0, _SkopsAlone())
