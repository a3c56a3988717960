"""JupyterLab in a GitHub codespace: browsers ask for it under the name of a forwarded port, which it would answer with 403.

The token is still needed. Elsewhere than in a codespace this changes nothing.
"""

import os
import re

PORTS = range(8888, 8938)  # JupyterLab takes the next one where one is taken

codespace = os.environ.get("CODESPACE_NAME")
domain = os.environ.get("GITHUB_CODESPACES_PORT_FORWARDING_DOMAIN")
if codespace and domain:
    names = [f"{codespace}-{port}.{domain}" for port in PORTS]
    c = get_config()  # noqa: F821 - Jupyter puts it here
    c.ServerApp.local_hostnames = ["localhost", *names]
    # What asks for a kernel names its origin, which some clients of Codespaces replace by localhost.
    origins = [*(f"https://{re.escape(name)}" for name in names), r"https?://localhost(:\d+)?"]
    c.ServerApp.allow_origin_pat = "|".join(origins)
