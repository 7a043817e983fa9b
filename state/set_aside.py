"""Puts a ledger that cannot be used any more out of the way, without losing a byte of it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Literal

from state import queries
from state.database import plain_errors
from state.errors import StateDamaged, StateTooNew
from state.private import private_folder
from state.workspace import DATABASE, SET_ASIDE, SPOOL, locked

Condition = Literal["absent", "empty", "rebuilding", "used", "damaged"]
_SIDES = ("", "-wal", "-shm")
_IN_USE = "SELECT (SELECT COUNT(*) FROM slice) + (SELECT COUNT(*) FROM batch)"
_KNOWS = (
    "SELECT (SELECT COUNT(*) FROM crosswalk) + (SELECT COUNT(*) FROM fact WHERE key = 'rebuilt')"
)


def condition(folder: Path) -> Condition:
    """Tell what there is of a ledger: `rebuilding` knows only what a rebuild has learned.

    Changes nothing; reads the whole database. Raises `StateTooNew`, `WorkspaceUnusable`.
    """
    path = folder / DATABASE
    if not path.exists():
        return "absent"
    try:
        address = f"{path.absolute().as_uri()}?mode=ro"
        with plain_errors(), closing(sqlite3.connect(address, uri=True)) as database:
            return _condition(database)
    except (StateDamaged, sqlite3.DatabaseError):
        return "damaged"


def _condition(database: sqlite3.Connection) -> Condition:
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > len(queries.migrations()):
        raise StateTooNew("The workspace was written by a newer version of Deskferry.")
    if database.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
        return "damaged"
    if version == 0:
        return "empty"
    if database.execute(_IN_USE).fetchone()[0]:
        return "used"
    return "rebuilding" if database.execute(_KNOWS).fetchone()[0] else "empty"


def set_aside(folder: Path, *, at: int) -> Path | None:
    """Move the database and the batch files into a folder of their own; returns it.

    None when there was nothing. `at` (epoch s) names the folder. Repeatable: after a crash in the
    middle a second call moves the rest. Raises `WorkspaceLocked`, `WorkspaceUnusable`.
    """
    with plain_errors(), locked(folder):
        spool = folder / SPOOL
        files = sorted(spool.iterdir()) if spool.is_dir() else []
        databases = [folder / f"{DATABASE}{side}" for side in _SIDES]
        databases = [each for each in databases if each.exists()]
        if not files and not databases:
            return None
        to = folder / f"{SET_ASIDE}{at}"
        private_folder(to)
        private_folder(to / SPOOL)
        for file in files:
            file.rename(to / SPOOL / file.name)
        for each in reversed(databases):  # the database itself last: it tells that there is a rest
            each.rename(to / each.name)
        return to
