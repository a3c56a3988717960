"""`make progress CLASS=1 WATCH=1`: a page for the teacher, on what to explain now, who is stuck, and where everybody stands.

It is one file that loads nothing from elsewhere. What most students are told stands first, as it is for the whole class. Those
who are stuck come next, the longest first. The table of everybody is sorted by name, so that it does not move under the eyes.

Times are in seconds since 1970.
"""

from __future__ import annotations

import contextlib
import io
import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab import store
from lab.classroom.accounts import write_private
from lab.classroom.grades import Labs
from lab.classroom.report import Standing, as_sorted
from lab.classroom.server import name_of_this_computer
from lab.exercises import Exercise, all_exercises, ids_by_lab
from lab.exercises.check import WORDS
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO, Note
from lab.servers import ANY_HOST, any_port, is_free
from lab.store import LabError

FILE = store.ROOT / "build" / "class.html"
EVERY = 10  # seconds between two looks at the store
PORT = 5050  # the first that is tried for the page
STALE = 60  # seconds after which the page itself says that nobody writes it any more
# Who is stuck. A notebook that is run from top to bottom checks each exercise once, without anybody having tried.
RULE = {"tries": 2, "minutes": 10, "paused": 30}
# What differs between sentences of the same kind: quoted names, values, words with a digit in them.
VARIABLE = re.compile(r"((?<!\w)'.*?'(?!\w)|(?<== )[^\s,]+|[\w.+:-]*\d(?:[\w.+:-]*\w)?)")


@dataclass(frozen=True)
class Message:
    """What some students were told last at an exercise that is not done.

    Attributes:
        mark: of all these students.
        sentence: with … where it differs between them.
        count: how many students.
        example: the sentence that most of them got; empty if all got the same.
    """

    mark: str
    sentence: str
    count: int
    example: str


@dataclass(frozen=True)
class Topic:
    """An exercise to explain: how many have checked it and are not done, how many of these have lately, what they were told."""

    exercise: Exercise
    undone: int
    at_it: int
    messages: list[Message]


def is_stuck(note: Note, now: float) -> bool:
    """Return whether the student of a note is stuck: tried more than once, for some time, and lately."""
    return (
        note.mark != DONE
        and note.tries >= RULE["tries"]
        and now - note.first >= 60 * RULE["minutes"]
        and now - note.last <= 60 * RULE["paused"]
    )


def stuck(students: list[Standing], now: float) -> list[tuple[str, Exercise, Note]]:
    """Return the names of those who are stuck, where, and what they were told; the longest first."""
    exercises = all_exercises()
    found = [
        (student.shown_name, exercises[id], note)
        for student in students
        for id, note in student.notes.items()
        if id in exercises and is_stuck(note, now)
    ]
    return sorted(found, key=lambda each: each[2].first)


def topics(students: list[Standing], now: float) -> list[Topic]:
    """Return the exercises of which something is to be explained, those first that most students are at just now."""
    found = []
    for exercise in all_exercises().values():
        notes = [student.notes[exercise.id] for student in students if exercise.id in student.notes]
        undone = [note for note in notes if note.mark != DONE and note.sentence]
        if undone:
            at_it = sum(now - note.last <= 60 * RULE["paused"] for note in undone)
            found.append(Topic(exercise, len(undone), at_it, messages(undone)))
    return sorted(found, key=lambda topic: (-topic.at_it, -topic.undone))


def messages(notes: list[Note]) -> list[Message]:
    """Return the sentences of an exercise's notes, the most frequent first; those that differ in names and values alone are one."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        kinds.setdefault((note.mark, VARIABLE.sub("…", note.sentence)), []).append(note.sentence)
    found = []
    for (mark, _), sentences in kinds.items():
        parts = zip(*map(VARIABLE.split, sentences), strict=True)
        common = "".join(same[0] if len(set(same)) == 1 else "…" for same in parts)
        example = Counter(sentences).most_common(1)[0][0]
        found.append(Message(mark, common, len(sentences), "" if example == common else example))
    return sorted(found, key=lambda one: (-one.count, one.mark == TO_DO, one.sentence))


def render(
    students: list[Standing],
    read: float | None,
    now: float,
    trouble: str = "",
    labs: Labs | None = None,
) -> str:
    """Return the page.

    Args:
        students: what `standings` returns.
        read: when that was; None if it has never been.
        now: this moment.
        trouble: why the store could not be read just now.
        labs: those to show; by default those of which somebody has checked an exercise, or else all.
    """
    import jinja2

    checked = {id for student in students for id in student.notes}
    of_all = ids_by_lab()
    labs = labs or {n: ids for n, ids in of_all.items() if checked.intersection(ids)} or of_all
    exercises = {id: all_exercises()[id] for ids in labs.values() for id in ids}
    template = Path(__file__).with_name("class.html.j2").read_text(encoding="utf-8")
    html: str = jinja2.Template(template, autoescape=True, trim_blocks=True).render(
        students=sorted(students, key=lambda student: as_sorted(student.shown_name)),
        exercises=exercises,
        done_by={id: sum(one.points([id]) for one in students) for id in exercises},
        topics=[topic for topic in topics(students, now) if topic.exercise.id in exercises],
        stuck=[each for each in stuck(students, now) if each[1].id in exercises],
        is_stuck=is_stuck,
        span=span,
        ago=ago,
        words={mark: WORDS[mark] for mark in (DONE, TO_DO, NOT_RIGHT)},
        never=Note(TO_DO, "", 0, 0, 0),
        rule=RULE,
        store=str(store.labs_store()),
        trouble=trouble,
        now=now,
        read=None if read is None else datetime.fromtimestamp(read).strftime("%H:%M:%S"),
        every=EVERY,
        stale=STALE,
    )
    return html


def ago(time: float | None, now: float) -> str:
    """Return how long ago something was, in words."""
    if time is None:
        return "not yet"
    return span(now - time) + (" ago" if now - time >= 60 else "")


def span(seconds: float) -> str:
    """Return a time in words: `just now`, `7 min`, `1 h 20 min` or `3 days`."""
    minutes = int(seconds / 60)
    if minutes < 1:  # or less than nothing, where two computers' clocks differ
        return "just now"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def watch(
    read: Callable[[], list[Standing]],
    labs: Labs | None = None,
    host: str | None = None,
    port: int | None = None,
    file: Path = FILE,
    every: float = EVERY,
) -> None:
    """Write the page again and again until Ctrl-C; a store that cannot be read is said there and does not end it.

    Args:
        read: asks the store where the students stand.
        labs: see `render`.
        host: where to hand the page out over http, under an address that nobody can guess; by default it is a file alone.
        port: where, if the usual one is not to be used.
        file: the page; it is replaced as a whole, so that no browser sees half of it.
        every: seconds between two looks.
    """
    students: list[Standing] = []
    last_read, trouble = None, ""
    file.parent.mkdir(parents=True, exist_ok=True)
    write_private(file, render(students, None, time.time(), labs=labs))
    address = (
        hand_out(file, host, port or (PORT if is_free(PORT) else any_port()))
        if host
        else file.as_uri()
    )
    print(f"The class is on {address}, refreshed every {every:g} s (Ctrl-C ends it).", flush=True)
    try:
        while True:
            before, trouble = trouble, ""
            try:
                # What is said again and again while a server is slow stands on the page, too.
                with contextlib.redirect_stdout(io.StringIO()):
                    students = read()
                last_read = time.time()
            except LabError as error:
                trouble = str(error)
            except Exception as error:  # whatever it is, the next look may be better
                trouble = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
            if trouble and not before:
                print(f"{trouble} Trying again.", flush=True)
            elif before and not trouble:
                print("The class can be read again.", flush=True)
            write_private(file, render(students, last_read, time.time(), trouble, labs))
            time.sleep(every)
    except KeyboardInterrupt:
        print(f"\n{file.name} is not refreshed any more.")


def hand_out(file: Path, host: str, port: int) -> str:
    """Serve a page to whoever knows its address, as long as this process runs; return the address."""
    path = f"/{secrets.token_urlsafe(9)}"

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = secrets.compare_digest(self.path.encode(), path.encode())
            self.send_response(200 if known else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(file.read_bytes() if known else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing of each request."""

    try:
        door = ThreadingHTTPServer((host, port), Door)
    except OSError as error:
        raise LabError(
            f"The page cannot be handed out at {host}:{port} ({error.strerror}): name others with HOST= and PORT=."
        ) from None
    threading.Thread(target=door.serve_forever, daemon=True).start()
    return f"http://{name_of_this_computer() if host == ANY_HOST else host}:{port}{path}"
