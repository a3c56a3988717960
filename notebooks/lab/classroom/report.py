"""Where a class stands, from the notes that `lab.check` leaves in the store of each student."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from lab.classroom.roster import Person
from lab.exercises import all_exercises, notes
from lab.exercises.check import OURS, judge
from lab.exercises.notes import DONE, Note
from lab.exercises.student import Student
from lab.room import room_of
from lab.setup import use_store
from lab.setup.checks import check_store
from lab.store import LabError, labs_store


def as_sorted(name: str) -> str:
    """Return what to sort a name by: Änne comes beside Anna."""
    return unicodedata.normalize("NFKD", name.casefold())


@dataclass(frozen=True)
class Standing:
    """One student of a class.

    Attributes:
        name: the name on the student's runs; that of the room, where nothing was checked yet.
        room: the student's workspace, None on a store that has none.
        notes: what `lab.check` said last, by exercise; exercises that were never checked are missing.
        person: the student in the list of the class, None without a list or for somebody who is not in it.
        came: when the last run was begun, or the room first entered, in seconds since 1970; None if never, or where there are no rooms.
    """

    name: str
    room: str | None
    notes: dict[str, Note]
    person: Person | None = None
    came: float | None = None

    @property
    def shown_name(self) -> str:
        """What a student is called in a report: by the list of the class, else by the name on the runs."""
        return self.person.name if self.person else self.name

    def last_check(self, exercises: Iterable[str]) -> float | None:
        """Return when some exercises were last checked, in seconds since 1970; None if never."""
        found = [self.notes[id] for id in exercises if id in self.notes]
        return max((note.last for note in found if note.tries or note.mark == DONE), default=None)

    def last_seen(self) -> float | None:
        """Return when there was the last sign of life, in seconds since 1970; None if there never was one."""
        times = [self.came, self.last_check(self.notes)]
        return max((time for time in times if time is not None), default=None)

    def points(self, exercises: Iterable[str]) -> int:
        """Return how many of some exercises were found done."""
        return sum(id in self.notes and self.notes[id].mark == DONE for id in exercises)


def standings(people: Iterable[Person] = (), verify: bool = False) -> list[Standing]:
    """Return where the students of a class stand, by name.

    Args:
        people: the list of the class; those of it who never came are in the result, too.
        verify: whether to judge every answer anew, instead of believing the notes.

    Raises:
        LabError: the store cannot be used.
    """
    import mlflow

    try:
        found = _in_store(verify)
    except mlflow.MlflowException as error:
        reason = str(error).splitlines()[0][:200]
        raise LabError(
            f"The class cannot be read from {labs_store()} ({reason}): a server with accounts wants "
            "MLFLOW_TRACKING_USERNAME=teacher and the password of that account."
        ) from None
    by_name = {standing.name: standing for standing in found}
    by_room = {standing.room: standing for standing in found}
    for person in people:
        known = by_name.get(person.user) or by_name.get(person.account)
        known = known or by_room.get(room_of(person.account)) or Standing(person.user, None, {})
        by_name[known.name] = replace(known, person=person)
    return sorted(by_name.values(), key=lambda standing: as_sorted(standing.name))


def _in_store(verify: bool) -> list[Standing]:
    import mlflow

    store = labs_store()
    has_rooms = check_store(store)
    use_store(store)
    client = mlflow.MlflowClient()

    def in_room(room: str) -> Standing:
        mlflow.set_workspace(room)  # of this thread
        noted = notes.of_all(client)
        # A room belongs to one student, who may have changed the spelling of the name.
        name = max(noted, key=lambda name: len(noted[name]), default=room)
        places = client.search_experiments()  # lab.start() makes the first
        ids, order = [place.experiment_id for place in places], ["attributes.start_time DESC"]
        newest = client.search_runs(ids, order_by=order, max_results=1) if ids else []
        times = [run.info.start_time for run in newest] or [place.creation_time for place in places]
        came = max(times) / 1000 if times else None
        return Standing(name, room, noted.get(name, {}), came=came)

    if has_rooms:
        # An earlier look has left this process in some student's room.
        mlflow.set_workspace(None)
        rooms = [room.name for room in mlflow.list_workspaces() if room.name != "default"]
        with ThreadPoolExecutor(max_workers=4) as pool:
            found = list(pool.map(in_room, rooms))
    else:
        found = [Standing(name, None, noted) for name, noted in notes.of_all(client).items()]
    return [_judged(standing) for standing in found] if verify else found


def _judged(standing: Standing) -> Standing:
    """Return the same student with the marks that the answers get now."""
    import mlflow

    if standing.room is not None:
        mlflow.set_workspace(standing.room)
    student = Student(mlflow.MlflowClient(), standing.name, here=False)
    judged: dict[str, Note] = {}
    for exercise in all_exercises().values():
        before = standing.notes.get(exercise.id)
        verdict = None if exercise.on_own_server else judge(exercise, student)
        # A server that has ended with the student's kernel, or a mistake of the course: the note stands.
        if verdict is None or verdict.mark == OURS:
            judged |= {exercise.id: before} if before else {}
            continue
        now = time.time()
        before = before or Note(verdict.mark, "", now, now, 0)
        judged[exercise.id] = replace(before, mark=verdict.mark, sentence=verdict.sentence)
    return replace(standing, notes=judged)
