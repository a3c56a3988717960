"""What is particular to a GitHub codespace: under which name browsers ask for its ports.

Source: GitHub's documentation, "Default environment variables for your codespace".
"""

from __future__ import annotations

import os


def public_host(port: int) -> str | None:
    """Return the host name under which GitHub forwards a port of this codespace; None elsewhere.

    Args:
        port: a port of this computer.
    """
    name = os.environ.get("CODESPACE_NAME")
    domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
    return f"{name}-{port}.{domain}" if name and domain else None
