#!/usr/bin/env bash
# MLflow 3.17.2, found on 2026-11-30: a server that lists its name in --allowed-hosts serves scripts and the page of its own UI under that name, and
# refuses the runs to that page.
#
# A browser sends an Origin with each POST, to the page's own server, too, and the UI asks for runs by POST. MLflow compares the origin with
# --cors-allowed-origins alone, never with the server's name: 403, "Cross-origin request blocked", and the UI shows "Request error", INTERNAL_ERROR.
# On http://localhost and http://127.0.0.1 nobody sees it: these origins always pass.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 requests==2.32.5
export MLFLOW_DISABLE_TELEMETRY=true NO_PROXY=localhost,127.0.0.1
cd "$folder"
seen=
for origins in http://localhost:1 "http://lab-server:*"; do
	port=$("$folder/venv/bin/python" -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
	"$folder/venv/bin/mlflow" server --workers 1 --host 127.0.0.1 --port "$port" --backend-store-uri sqlite:///own.db \
		--allowed-hosts "lab-server:*,127.0.0.1:*" --cors-allowed-origins "$origins" >server.log 2>&1 &
	server=$!
	seen+=$("$folder/venv/bin/python" - "$port" <<'PYTHON'
import sys
import time

import requests

address = f"http://127.0.0.1:{sys.argv[1]}"
for _ in range(120):
    try:
        requests.get(f"{address}/health", timeout=10)
        break
    except requests.ConnectionError:
        time.sleep(1)
name = f"lab-server:{sys.argv[1]}"  # as browser and script would call it on a network
script, browser = {"Host": name}, {"Host": name, "Origin": f"http://{name}"}
runs = f"{address}/ajax-api/2.0/mlflow/runs/search", {"experiment_ids": ["0"]}
page = requests.get(address, headers=browser, timeout=30).status_code
asked = [requests.post(runs[0], json=runs[1], headers=by, timeout=30) for by in (script, browser)]
print("page", page, "script", asked[0].status_code, "browser", asked[1].status_code, end="; ")
PYTHON
	)
	kill "$server"
	wait "$server" || true
	server=
done
echo "$seen"
[ "$seen" = "page 200 script 200 browser 403; page 200 script 200 browser 200; " ]
