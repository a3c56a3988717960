"""Slips: wrong answers that nobody has to write, as each spoils one thing of what a solution has left in the store."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

# The exercise, the thing and what became of it: those that pass, and why that is right.
PASS = {
    ("8.3", "model", "param changed"): "of one's own data no check knows what is right",
    ("8.3", "git_commit", "tag changed"): "as above",
}


class Slip(NamedTuple):
    """What the spoilt thing is called, what became of it, where it lies, and what it then holds; None if it is gone."""

    name: str
    what: str
    place: Path
    content: str | None = None

    @contextlib.contextmanager
    def made(self, aside: Path) -> Iterator[None]:
        """Let the store hold the slip during a block; the thing itself is aside, at a path of the same disk."""
        self.place.rename(aside)
        if self.content is not None:
            self.place.write_text(self.content, encoding="utf-8")
        yield
        self.place.unlink(missing_ok=True)
        aside.rename(self.place)


def slips(store: Path, before: Path, task: str) -> Iterator[Slip]:
    """Yield slips with all that a solution has left in the store under a name that its task mentions.

    Of several of a name, as in the runs of a sweep, the newest is enough.

    Args:
        store: the store, a folder.
        before: a copy of it, from before the solution.
        task: the text of the exercise.
    """
    mentioned = " ".join(re.findall(r"`([^`]+)`", task))
    files = [path for path in store.rglob("*") if path.is_file()]
    seen = set()
    for file in sorted(files, key=lambda file: file.stat().st_mtime, reverse=True):
        old = before / file.relative_to(store)
        if old.exists() and old.read_bytes() == file.read_bytes():
            continue
        kind, name = thing(store, file)
        told = name and re.search(rf"(?<![.\w]){re.escape(name)}(?!\w)", mentioned)
        if told and (kind, name) not in seen:
            seen.add((kind, name))
            yield from slips_with(kind, name, file)


def thing(store: Path, file: Path) -> tuple[str, str]:
    """Return of what kind a thing in the store is that a file holds, and its name; two empty texts if it is none."""
    match file.relative_to(store).parts:
        case ("models", _, _, "tags", name) | (_, "tags", name):
            return "tag", name
        case ("models", _, "aliases", name):
            return "alias", name
        case (_, _, ("params" | "metrics" | "tags") as kind, name):
            return kind.removesuffix("s"), name
        case (_, run, "artifacts", *path) if run != "models":
            return "artifact", "/".join(path)
        case (experiment, _, "inputs" | "outputs", _, _):
            id = written("destination_id", file)
            folder = "models" if id.startswith("m-") else "datasets"
            return folder, written("name", store / experiment / folder / id / "meta.yaml")
        case (_, _, "meta.yaml"):
            return "run", written("run_name", file)
    return "", ""


def written(key: str, file: Path) -> str:
    found = re.search(rf"^{key}: (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else ""


def slips_with(kind: str, name: str, file: Path) -> Iterator[Slip]:
    """Yield the slips that can be made with one thing; the arguments are what `thing` returns of a file."""
    if kind in ("models", "datasets"):
        yield Slip(name, f"{kind} dropped", file.parent)
        return
    text = file.read_text(encoding="utf-8", errors="replace")
    if kind == "run":
        yield Slip(name, "run renamed", file, text.replace(f"_name: {name}", f"_name: {name}2"))
        yield Slip(name, "run open", file, text.replace("status: 3", "status: 1"))
        yield Slip(name, "run failed", file, text.replace("status: 3", "status: 4"))
        return
    yield Slip(name, f"{kind} dropped", file)
    if kind != "metric":
        number = re.fullmatch(r"\d+(\.\d+)?", text)
        yield Slip(name, f"{kind} changed", file, f"{float(text) + 1:g}" if number else "another")
        return
    values = [line.split(" ", 2) for line in text.splitlines()]  # time, value, step and more
    spoilt = {
        "changed": [[t, str(float(v) + 0.02 * max(1, abs(float(v)))), s] for t, v, s in values]
    }
    if len(values) > 1:
        spoilt |= {"cut short": values[:-1], "twice": values * 2}
        spoilt["without steps"] = [[t, v, "0"] for t, v, _ in values]
    for what, lines in spoilt.items():
        yield Slip(name, f"metric {what}", file, "".join(f"{' '.join(line)}\n" for line in lines))
