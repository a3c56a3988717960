#!/usr/bin/env bash
# MLflow 3.17.2, found on 2026-11-30: if the reply to runs/create is lost (the server ends, or a proxy closes the connection), MLflow's client sends
# the request again, although it creates something, and the script goes on with the second run. The first stays RUNNING for ever, empty, with the
# same name and the same start time, because the client sends the start.
#
# So "the newest run of this name" is a toss-up between the two: a search sorts by the start, and ties are decided by the random id. Ask for
# finished runs (attributes.status = 'FINISHED'), or sort by attributes.end_time, too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mlflow==3.17.2
cd "$folder"
cat >script.py <<'PYTHON'
import socket, subprocess, sys, threading, time, urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import mlflow

with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    port = probe.getsockname()[1]
server = f"http://127.0.0.1:{port}"
lost = []


class Proxy(BaseHTTPRequestHandler):
    """Hands each request on; the connection of the first runs/create is closed before its reply."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        kind = {"Content-Type": "application/json"}
        call = urllib.request.Request(server + self.path, body or None, kind, method=self.command)
        try:
            with urllib.request.urlopen(call) as reply:
                status, answer = reply.status, reply.read()
        except urllib.error.HTTPError as error:
            status, answer = error.code, error.read()
        if self.path.endswith("/runs/create") and not lost:
            lost.append(self.path)
            self.connection.close()
            return
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_):
        pass


command = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1", "--backend-store-uri", "sqlite:///own.db"]
process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{server}/health", timeout=1)
            break
        except OSError:
            time.sleep(0.5)
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    mlflow.set_tracking_uri(f"http://127.0.0.1:{proxy.server_address[1]}")
    with mlflow.start_run(run_name="once"):
        mlflow.log_param("C", 1)
    runs = sorted(mlflow.search_runs(output_format="list"), key=lambda run: run.info.status)
    ends = ", ".join(f"{run.info.status} with {run.data.params}" for run in runs)
    starts, names = ({getattr(run.info, what) for run in runs} for what in ("start_time", "run_name"))
    print(f"{len(runs)} runs named {names}, {len(starts)} start time: {ends}", file=sys.stderr)
finally:
    process.terminate()
    process.wait(60)
PYTHON
seen=$(MLFLOW_DISABLE_TELEMETRY=true timeout 300 "$folder/venv/bin/python" -W ignore script.py 2>&1 >/dev/null | grep "runs named")
echo "$seen"
[ "$seen" = "2 runs named {'once'}, 1 start time: FINISHED with {'C': '1'}, RUNNING with {}" ]
