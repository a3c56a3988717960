"""What is particular to a Cloudera session: which ports its proxy serves, and under which names.

Source: Cloudera's documentation of CDSW_APP_PORT and CDSW_READONLY_PORT, "TensorBoard, Shiny, and others".
"""

from __future__ import annotations

import os
from collections.abc import Callable

from lab.store import LabError

# The variable that names a port, and what stands before the session's id in the port's public address. JupyterLab itself
# usually runs on the first; the second is for what readers of the project may see.
PORT_VARIABLES = {"CDSW_APP_PORT": "", "CDSW_READONLY_PORT": "read-only-"}


def place(is_free: Callable[[int], bool]) -> tuple[int, str]:
    """Return the first port of the proxy that nobody listens on, and the public host name that leads to it.

    Args:
        is_free: tells whether nobody listens on a port.

    Raises:
        LabError: all of them are taken.
    """
    for name, prefix in PORT_VARIABLES.items():
        port = os.environ.get(name, "")
        if port.isdecimal() and is_free(int(port)):
            return int(port), f"{prefix}{os.environ['CDSW_ENGINE_ID']}.{os.environ['CDSW_DOMAIN']}"
    raise LabError(
        f"Cloudera serves only the ports in {' and '.join(PORT_VARIABLES)}, and both are taken: end "
        "what runs there (another 'make ui'?), or start a second session for the UI."
    )
