"""A tracking server that knows no logged models, as managed platforms older than MLflow 3: run with a port and a folder."""

import os
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

UNKNOWN = ("/mlflow/logged-models", "/mlflow/server-info")


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


def main(port: int, folder: Path) -> None:
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder}/server.db"
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = (folder / "artifacts").as_uri()
    from mlflow.server import app

    def without_models(environ, start_response):
        if any(part in environ["PATH_INFO"] for part in UNKNOWN):
            start_response("404 Not Found", [("Content-Type", "text/html")])
            return [b"<h1>Not Found</h1>"]
        return app(environ, start_response)

    make_server("127.0.0.1", port, without_models, handler_class=Quiet).serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
