#!/usr/bin/env bash
# MLflow 3.17.2 with requests 2.32.5, found on 2026-11-30: a server that is started for a name with capitals, as many computers have one, refuses
# everybody who calls it by that name.
#
# --allowed-hosts "LocalHost:*" is compared letter by letter, although names of computers have no case. requests, and so MLflow's own client, sends
# the name in small letters, whatever the address says. So http://LocalHost and http://localhost both get 403, "Invalid Host header"; listed in small
# letters, both get 200.
set -euo pipefail
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait; rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2 requests==2.32.5
export MLFLOW_DISABLE_TELEMETRY=true NO_PROXY=localhost,127.0.0.1
cd "$folder"
seen=
for listed in LocalHost localhost; do
	port=$("$folder/venv/bin/python" -c "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); print(s.getsockname()[1])")
	"$folder/venv/bin/mlflow" server --workers 1 --host 127.0.0.1 --port "$port" --backend-store-uri sqlite:///own.db \
		--allowed-hosts "$listed:*" >server.log 2>&1 &
	server=$!
	seen+=$("$folder/venv/bin/python" - "$listed" "$port" <<'PYTHON'
import sys
import time

import requests

listed, port = sys.argv[1:]
for _ in range(120):
    try:
        requests.get(f"http://127.0.0.1:{port}/health", timeout=10)
        break
    except requests.ConnectionError:
        time.sleep(1)
called = {}
for name in ("LocalHost", "localhost"):
    address = f"http://{name}:{port}/api/2.0/mlflow/experiments/search?max_results=1"
    called[name] = requests.get(address, timeout=10).status_code
print(f"listed {listed}:", *(f"{name} {code}" for name, code in called.items()), end="; ")
PYTHON
	)
	kill "$server"
	wait "$server" || true
	server=
done
echo "$seen"
[ "$seen" = "listed LocalHost: LocalHost 403 localhost 403; listed localhost: LocalHost 200 localhost 200; " ]
