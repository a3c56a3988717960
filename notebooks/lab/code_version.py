"""`lab.code_version()`: which version of the code makes a run, as git knows it."""

from __future__ import annotations

import subprocess

from lab import store

COMMAND = ("git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
NO_GIT = "no git"


def code_version() -> str:
    """Return the git commit that the project's folder is at, for the tag `git_commit` of a run.

    Twelve digits of the commit, and `-dirty` behind them if a file that git knows was changed since: then no commit holds
    the code that runs. `no git` where git, a repository or its first commit is missing. It never raises, and prints nothing.
    """
    try:
        asked = subprocess.run(
            COMMAND, cwd=store.ROOT, capture_output=True, encoding="utf-8", timeout=30, check=False
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return NO_GIT
    return asked.stdout.strip() if asked.returncode == 0 else NO_GIT
