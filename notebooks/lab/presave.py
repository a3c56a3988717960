"""What `make lab` has JupyterLab do before it saves a notebook."""

from __future__ import annotations

from typing import Any

# The kernel that every Jupyter has, and no version of it: opening a notebook elsewhere asks nothing and changes nothing.
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def tidy(model: dict[str, Any], **_: object) -> None:
    """Keep a notebook's metadata the same on every computer; a pre-save hook of Jupyter's contents manager.

    Args:
        model: what is about to be saved, as Jupyter's contents API describes it.
    """
    if model["type"] == "notebook" and model.get("content"):
        model["content"]["metadata"] = METADATA | {
            name: value
            for name, value in model["content"]["metadata"].items()
            if name not in METADATA
        }
