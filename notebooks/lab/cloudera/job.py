"""The script of a Cloudera Job: run all labs headless and leave their reading copies in build/html.

A Job runs this file in a kernel: there is no `__file__`, `sys.argv` holds the kernel's own `-f …`, and SystemExit counts
as a failure whatever its status. So nothing here asks for them, and `make html` runs in a process of its own.
"""

import subprocess


def main() -> None:
    """Run `make html` in the current folder, which is the project's, and pass on what it prints.

    Raises:
        RuntimeError: a lab failed; the message is the one of `make html`, which names the cell.
    """
    lines = []
    with subprocess.Popen(
        ["make", "html"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    ) as labs:
        for line in labs.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    if labs.returncode:
        told = [line for line in lines if not line.startswith(("make", "Running", "  "))]
        raise RuntimeError("".join(told).strip() or "'make html' failed and said nothing.")


if __name__ == "__main__":
    main()
