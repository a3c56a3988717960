"""The script of a Cloudera Job: run all labs headless, compare their outputs, and leave reading copies in build/html.

A Job runs this file in a kernel: there is no `__file__`, `sys.argv` holds the kernel's own `-f …`, and SystemExit counts
as a failure whatever its status. So nothing here asks for them, and make runs in processes of its own.
"""

import subprocess


def main() -> None:
    """Run the labs and write their pages in the current folder, which is the project's, and pass on what make prints.

    Raises:
        RuntimeError: a lab failed, or printed something else than it shows; the message is the last line that says so.
    """
    for command in (["make", "test", "ARGS=notebooks"], ["make", "html"]):
        lines = []
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        ) as running:
            for line in running.stdout or ():
                print(line, end="", flush=True)
                lines.append(line.strip())
        if running.returncode:
            told = [line for line in lines if line.startswith(("FAILED", "Error"))]
            raise RuntimeError(told[-1] if told else f"'{' '.join(command)}' failed.")


if __name__ == "__main__":
    main()
