"""`make progress CLASS=1 WATCH=1`: a page for the teacher, on what to explain now, who is stuck, and where everybody stands.

It is one file that loads nothing from elsewhere. What most students are told stands first, as it is for the whole class. Those
who are stuck come next, the longest first. The table of everybody is sorted by name, so that it does not move under the eyes.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from lab import store
from lab.classroom.report import Standing
from lab.exercises import Exercise, all_exercises, ids_by_lab
from lab.exercises.check import WORDS
from lab.exercises.notes import DONE, NOT_RIGHT, TO_DO, Note
from lab.store import LabError

FILE = store.ROOT / "build" / "class.html"
EVERY = 10  # seconds between two looks at the store
STALE = 60  # seconds after which the page itself says that nobody writes it any more
# Who is stuck. A notebook that is run from top to bottom checks each exercise once, without anybody having tried.
TRIES, MINUTES, PAUSED = 2, 10, 30
SENTENCES = 3  # of an exercise
# What differs between sentences of the same kind: quoted names, values, words with a digit in them.
VARIABLE = re.compile(r"((?<!\w)'.*?'(?!\w)|(?<== )[^\s,]+|[\w.+:-]*\d(?:[\w.+:-]*\w)?)")


@dataclass(frozen=True)
class Stuck:
    """One student at one exercise who may need help."""

    student: str
    exercise: Exercise
    minutes: float
    note: Note


@dataclass(frozen=True)
class Said:
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
class Explain:
    """An exercise, and what to explain of it."""

    exercise: Exercise
    done: int
    said: list[Said]

    @property
    def undone(self) -> int:
        """How many students have checked it and are not done."""
        return sum(said.count for said in self.said)


def is_stuck(note: Note, now: float) -> bool:
    """Return whether a student is stuck: tried more than once, for some time, and lately.

    Args:
        note: what the student was told last of an exercise.
        now: in seconds since 1970.
    """
    return (
        note.mark != DONE
        and note.tries >= TRIES
        and now - note.first >= 60 * MINUTES
        and now - note.last <= 60 * PAUSED
    )


def stuck(students: Iterable[Standing], now: float) -> list[Stuck]:
    """Return who is stuck where, the longest first.

    Args:
        students: what `standings` returns.
        now: in seconds since 1970.
    """
    exercises = all_exercises()
    found = [
        Stuck(student.shown_name, exercises[id], (now - note.first) / 60, note)
        for student in students
        for id, note in student.notes.items()
        if id in exercises and is_stuck(note, now)
    ]
    return sorted(found, key=lambda one: -one.minutes)


def to_explain(students: Iterable[Standing], now: float) -> list[Explain]:
    """Return the exercises of which something is to be explained, those first that most students are at just now.

    Args:
        students: what `standings` returns.
        now: in seconds since 1970.
    """
    students = list(students)
    found: dict[tuple[int, int, int], Explain] = {}
    for place, exercise in enumerate(all_exercises().values()):
        notes = [student.notes[exercise.id] for student in students if exercise.id in student.notes]
        undone = [note for note in notes if note.mark != DONE and note.sentence]
        if undone:
            at_it = sum(now - note.last <= 60 * PAUSED for note in undone)
            order = (-at_it, -len(undone), place)
            found[order] = Explain(exercise, len(notes) - len(undone), most_said(undone))
    return [found[order] for order in sorted(found)]


def most_said(notes: Iterable[Note]) -> list[Said]:
    """Return the sentences of some notes, the most frequent first; those that differ in names and values alone are one.

    Args:
        notes: of one exercise.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for note in notes:
        kinds.setdefault((note.mark, VARIABLE.sub("…", note.sentence)), []).append(note.sentence)
    said = []
    for (mark, _), sentences in kinds.items():
        parts = zip(*map(VARIABLE.split, sentences), strict=True)
        common = "".join(same[0] if len(set(same)) == 1 else "…" for same in parts)
        example = Counter(sentences).most_common(1)[0][0]
        said.append(Said(mark, common, len(sentences), "" if example == common else example))
    return sorted(said, key=lambda one: (-one.count, one.mark == TO_DO, one.sentence))


def render(students: Iterable[Standing], read: float | None, now: float, trouble: str = "") -> str:
    """Return the page.

    Args:
        students: what `standings` returns.
        read: when that was, in seconds since 1970; None if it has never been.
        now: the same for this moment.
        trouble: why the store could not be read just now.
    """
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, autoescape=True, trim_blocks=True)
    environment.filters["span"] = span
    students = sorted(students, key=lambda student: student.shown_name.casefold())
    exercises = all_exercises()
    never = Note(TO_DO, "", 0, 0, 0)
    rows = [
        {
            "name": student.shown_name,
            "done": sum(map(student.is_done, exercises)),
            "notes": [student.notes.get(id, never) for id in exercises],
            "last": max((note.last for note in student.notes.values() if note.tries), default=None),
        }
        for student in students
    ]
    return environment.get_template("class.html.j2").render(
        rows=rows,
        labs=ids_by_lab(),
        exercises=list(exercises.values()),
        explain=to_explain(students, now),
        stuck=stuck(students, now),
        is_stuck=is_stuck,
        words=WORDS,
        done=DONE,
        marks=[DONE, NOT_RIGHT, TO_DO],
        rule={"tries": TRIES, "minutes": MINUTES, "paused": PAUSED},
        sentences=SENTENCES,
        place=str(store.labs_store()),
        trouble=trouble,
        now=now,
        read=None if read is None else datetime.fromtimestamp(read).strftime("%H:%M:%S"),
        every=EVERY,
        stale=STALE,
    )


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


def watch(read: Callable[[], list[Standing]], file: Path = FILE, every: float = EVERY) -> None:
    """Write the page again and again until Ctrl-C; a store that cannot be read is said there and does not end it.

    Args:
        read: asks the store where the students stand.
        file: the page; it is replaced as a whole, so that no browser sees half of it.
        every: seconds between two looks.
    """
    students: list[Standing] = []
    last_read, trouble = None, ""
    _write(render(students, None, time.time()), file)
    print(f"The class is on {file.as_uri()}, refreshed every {every:g} s (Ctrl-C ends it).")
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
            _write(render(students, last_read, time.time(), trouble), file)
            time.sleep(every)
    except KeyboardInterrupt:
        print(f"\n{file.name} is not refreshed any more.")


def _write(html: str, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(html, encoding="utf-8")
    os.replace(new, file)
