"""A class's server as an Application: behind a proxy that has its public name, and asks for a login unless it is told not to.

What Cloudera's proxy does with passwords and large files is not published; the stand-in does what such proxies do.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import mlflow
import pytest
import requests
from class_server import class_server, entering, log_a_run, login
from lab.store import LabError

pytestmark = pytest.mark.cloudera
NAME = "class.ml-0815.example.site"
LARGE = 30_000_000  # bytes, more than any model of the labs


class Proxy(BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        if self.server.kind == "takes the password":
            headers.pop("Authorization", None)
        if self.server.kind == "login":
            status, headers, content = 200, {"Content-Type": "text/html"}, b"<html>Log in"
            if self.path != "/login":
                status, headers, content = 302, {"Location": "/login"}, b""
        else:
            address, headers = self.server.behind + self.path, headers | {"Host": NAME}
            passed = requests.request(self.command, address, data=body, headers=headers, timeout=60)
            status, content = passed.status_code, passed.content
            headers = {"Content-Type": passed.headers.get("Content-Type", "text/plain")}
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("application")
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", f"{NAME},127.0.0.1:*")
        with class_server(folder / "data", *login(folder / "list.csv", "ann", "ben")) as server:
            yield server


@pytest.fixture
def line(application, request):
    """A student's variables, with the address of a proxy of some kind."""
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    proxy.behind, proxy.kind = application.address, request.param
    threading.Thread(target=proxy.serve_forever).start()
    yield application.student("ann") | {"LAB_TRACKING_URI": f"http://127.0.0.1:{proxy.server_port}"}
    proxy.shutdown()
    proxy.server_close()


@pytest.mark.parametrize("line", ["passes all on"], indirect=True)
def test_student_reaches_the_room(line, capsys, tmp_path):
    with entering(capsys) as start:
        (told,) = start(line)
        assert told.endswith("in the room 'ann', as ann")
        run = log_a_run("through a proxy")
        (tmp_path / "large").write_bytes(b"x" * LARGE)
        mlflow.MlflowClient().log_artifact(run, tmp_path / "large")
        back = mlflow.artifacts.download_artifacts(f"runs:/{run}/large")
        assert Path(back).stat().st_size == LARGE


@pytest.mark.parametrize(
    "line, told",
    [
        ("login", "a web page answers instead of MLflow, such as a platform's login"),
        ("takes the password", "does not let you in: start with the line that your teacher gave"),
    ],
    indirect=["line"],
)
def test_student_who_is_stopped_is_told_by_whom(line, told, capsys):
    with entering(capsys) as start, pytest.raises(LabError, match=told):
        start(line)
