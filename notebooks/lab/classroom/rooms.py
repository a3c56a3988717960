"""The rooms of a class: one begun anew, through the server; one merged, deleted or taken home, in the database and among its files.

A room's rows are found by the columns that MLflow's tables share: what belongs to a workspace, to its experiments, to their runs.
"""

from __future__ import annotations

import logging
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from lab.classroom.server import kept_at
from lab.exercises.afresh import start_over
from lab.room import room_of
from lab.setup import use_store
from lab.setup.checks import check_store
from lab.store import LabError, labs_store

# Cloudera's sessions lack it, and have no server whose rooms these are.
with suppress(ModuleNotFoundError):
    import sqlalchemy as sql

# The columns in which MLflow keeps addresses of files.
ADDRESSES = ("artifact_location", "artifact_uri", "source", "storage_location")
OF_EXPERIMENT = ("experiments", "experiment_tags", "datasets")


def reset(options: Namespace) -> None:
    """Let a student begin a lab anew, or all: what was done is moved out of sight, and the noted marks with it."""
    import mlflow

    store = labs_store()
    if not check_store(store):
        raise LabError(f"{store} keeps no rooms: name the class's server in LAB_TRACKING_URI.")
    use_store(store)
    mlflow.set_workspace(None)
    room = _one_of([room.name for room in mlflow.list_workspaces()], options.student)
    mlflow.set_workspace(room)
    print(f"{options.student}: {start_over(mlflow.MlflowClient(), options.lab)}")


def merge(options: Namespace) -> None:
    """Put what a student did under a wrong name into the room of the right one, which is made if it is missing."""
    with _opened(options) as (connection, artifacts):
        rooms = _rooms(connection)
        wrong, right = _one_of(rooms, options.student), room_of(options.into)
        if wrong == right:
            raise LabError(f"'{options.student}' and '{options.into}' have one room, '{right}'.")
        source, target = Rows(connection, wrong), Rows(connection, right)
        with tempfile.TemporaryDirectory() as copy:
            if _files(artifacts, wrong).list_artifacts():
                _files(artifacts, wrong).download_artifacts("", copy)
                _files(artifacts, right).log_artifacts(copy)
        if right not in rooms:
            row = {"name": right, "description": f"the room of {options.into}"}
            connection.execute(source.tables["workspaces"].insert().values(row))
        source.give(options.into, target)
    _files(artifacts, wrong).delete_artifacts()
    print(f"What '{options.student}' did is now in the room '{right}', as {options.into}'s.")


def forget(options: Namespace) -> None:
    """Delete for good what a student left on the server: rows and files."""
    with _opened(options) as (connection, artifacts):
        room = _one_of(_rooms(connection), options.student)
        found = Rows(connection, room)
        for table, condition in reversed(found.conditions):
            connection.execute(table.delete().where(condition))
    _files(artifacts, room).delete_artifacts()
    print(
        f"Deleted: the room '{room}', its {len(found.runs)} runs and their files. Your copies stay."
    )


def take_home(options: Namespace) -> None:
    """Copy a student's room, or all, into folders, each with a database and files that `mlflow server` opens as they stand."""
    import mlflow

    logging.disable(logging.INFO)
    with _opened(options) as (connection, artifacts):
        rooms = _rooms(connection)
        for room in [_one_of(rooms, options.student)] if options.student else rooms:
            home = options.to.expanduser().resolve() / room
            files = home / "mlartifacts" / "workspaces" / room
            if home.exists():
                raise LabError(f"{home} is there already: move it away, or name another with TO=.")
            files.mkdir(parents=True)
            address = f"sqlite:///{home / 'mlflow.db'}"
            mlflow.MlflowClient(address).search_experiments()  # makes its tables, and *Default*
            with sql.create_engine(address).begin() as copy:
                Rows(connection, room).copy(copy)
            if _files(artifacts, room).list_artifacts():
                _files(artifacts, room).download_artifacts("", str(files))
            print(f"{home}: opened with 'mlflow server' in that folder")


class Rows:
    """The rows of a room.

    Attributes:
        tables: the database's, by name.
        experiments: the room's, their ids by name.
        runs: the ids of its runs.
        conditions: tables, those first that others point to, each with what chooses the room's rows.
    """

    def __init__(self, connection: sql.Connection, room: str):
        """Find them; a room that is not there has none."""
        schema = sql.MetaData()
        schema.reflect(connection)
        self.room, self.tables, self._connection = room, dict(schema.tables), connection

        def ids(table: str, column: str, among: list[Any], wanted: str) -> list[Any]:
            columns = self.tables[table].c
            chosen = sql.select(columns[wanted]).where(columns[column].in_(among))
            return list(connection.scalars(chosen.order_by(columns[wanted])))

        owned = self.tables["experiments"].c
        named = sql.select(owned.name, owned.experiment_id).where(owned.workspace == room)
        self.experiments: dict[str, int] = {name: id for name, id in connection.execute(named)}
        experiments = list(self.experiments.values())
        self.runs = ids("runs", "experiment_id", experiments, "run_uuid")
        models = ids("logged_models", "experiment_id", experiments, "model_id")
        known: dict[str, list[Any]] = {
            "workspace": [room],
            "experiment_id": experiments,
            "run_uuid": self.runs,
            "input_uuid": ids("inputs", "destination_id", [*self.runs, *models], "input_uuid"),
        }
        self.conditions = [(self.tables["workspaces"], self.tables["workspaces"].c.name == room)]
        for table in schema.sorted_tables:
            if column := next((column for column in known if column in table.c), None):
                self.conditions.append((table, table.c[column].in_(known[column])))

    def copy(self, target: sql.Connection) -> None:
        """Copy them to a new store without rooms, which has a *Default* of its own."""
        for table, condition in self.conditions[1:]:
            found = self._connection.execute(table.select().where(condition)).mappings()
            for row in (rows := [dict(row) for row in found]):
                row |= {"workspace": "default"} if "workspace" in row else {}
                if table.name == "experiments" and row["name"] == "Default":
                    row["name"] = f"Default of {self.room}"
            if rows:
                target.execute(table.insert(), rows)

    def give(self, student: str, target: Rows) -> None:
        """Make them another student's, and those of the other's room; runs of an experiment that is there go into that one."""
        run, experiments = self._connection.execute, self.tables["experiments"]
        tags, models = self.tables["tags"], self.tables["registered_models"]
        of_runs = (tags.c.key == "mlflow.user") & tags.c.run_uuid.in_(self.runs)
        run(tags.update().where(of_runs).values(value=student))
        taken = sql.select(models.c.name).where(models.c.workspace == target.room)
        # As lab 10 names them.
        named = sql.func.replace(models.c.name, f"-{self.room}", f"-{target.room}")
        free = (models.c.workspace == self.room) & named.not_in(taken)
        run(models.update().where(free).values(name=named))
        for table, condition in self.conditions:
            for column in (table.c[name] for name in ADDRESSES if name in table.c):
                here, there = (f"workspaces/{room}/" for room in (self.room, target.room))
                address = sql.func.replace(column, here, there)
                run(table.update().where(condition).values({column.name: address}))
        for name in self.experiments.keys() & target.experiments.keys():
            old = self.experiments[name]
            for table in self.tables.values():
                # A dataset belongs to its experiment, and its runs find it by its own id: it stays.
                if "experiment_id" in table.c and table.name not in OF_EXPERIMENT:
                    moved = table.update().where(table.c.experiment_id == old)
                    run(moved.values(experiment_id=target.experiments[name]))
            emptied = {"name": f"{name} of {self.room}", "lifecycle_stage": "deleted"}
            run(experiments.update().where(experiments.c.experiment_id == old).values(emptied))
        for table, condition in self.conditions:
            if "workspace" in table.c:
                run(table.update().where(condition).values(workspace=target.room))
        run(self.tables["workspaces"].delete().where(self.conditions[0][1]))


@contextmanager
def _opened(options: Namespace) -> Iterator[tuple[sql.Connection, str]]:
    """Open the database of a class's server, whose file keeps nothing of what is deleted; yield it and the address of the files."""
    folder, database, artifacts = kept_at(options)
    is_file = database.startswith("sqlite")
    if is_file and not Path(database.partition(":///")[2]).exists():
        raise LabError(f"There is no class in {folder}: name its server's folder with FOLDER=.")
    engine = sql.create_engine(database)
    try:
        with engine.begin() as connection:
            if is_file:
                for setting in ("foreign_keys", "secure_delete"):
                    connection.exec_driver_sql(f"PRAGMA {setting} = ON")
            yield connection, artifacts
        if is_file:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    except sql.exc.OperationalError as error:
        raise LabError(
            f"The database cannot be used ({error.orig}): end the server, and try again."
        ) from None
    finally:
        engine.dispose()


def _rooms(connection: sql.Connection) -> list[str]:
    return list(connection.scalars(sql.text("SELECT name FROM workspaces WHERE name <> 'default'")))


def _one_of(rooms: list[str], student: str) -> str:
    """Return the room of a student, who may also be called by the room's own name."""
    room = student if student in rooms else room_of(student)
    if room not in rooms:
        near = get_close_matches(room, rooms) or rooms[:9]
        raise LabError(f"There is no room of '{student}': there are those of {', '.join(near)}.")
    return room


def _files(artifacts: str, room: str) -> Any:
    from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

    return get_artifact_repository(f"{artifacts.rstrip('/')}/workspaces/{room}")
