"""The script of a Cloudera Job: make the kernel "MLflow labs" in the current folder, which is the project's."""

import subprocess

subprocess.run(["make", "kernel"], check=True)
