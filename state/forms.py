"""The forms of the state: which one a file has, and how an older one is brought up.

A form is the number of the last migration applied, kept in the database itself. Each migration is one
transaction: a process that is killed in its middle leaves the earlier form whole. Before the first of
them the database is copied aside, since there is no way back to an earlier form.
"""

import os
import sqlite3
from pathlib import Path

import aiosqlite
import anyio.to_thread

from state import queries
from state.errors import StateTooNew

WRITTEN_BY = "written_by"


async def form_of(connection: aiosqlite.Connection) -> int:
    """Return the form (0: an empty file); raises `StateTooNew`, which names the version that wrote it."""
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    form, newest = int(rows[0][0]), len(queries.migrations())
    if form > newest:
        by = await _writer_of(connection)
        raise StateTooNew(
            f"The workspace's state has form {form}, written by {by}; this version knows forms "
            f"up to {newest}."
        )
    return form


async def _writer_of(connection: aiosqlite.Connection) -> str:
    """The version in the state's own words; a newer form may keep it elsewhere."""
    try:
        sql = queries.load("facts")["get"]
        rows = list(await connection.execute_fetchall(sql, (WRITTEN_BY,)))
    except sqlite3.OperationalError:
        rows = []
    return f"Deskferry {rows[0][0]}" if rows else "a newer Deskferry"


async def bring_up(writer: aiosqlite.Connection, path: Path) -> None:
    """Apply the migrations that are missing; an older state is copied to `NAME.before-FORM` first.

    Killed at any moment, the next opening goes on from a form that is whole. Raises SQLite's and the
    system's errors; nothing is changed when the copy cannot be made.
    """
    form, scripts = await form_of(writer), queries.migrations()
    if 0 < form < len(scripts):
        await _copy_aside(writer, path.with_name(f"{path.name}.before-{len(scripts)}"))
    for number, script in enumerate(scripts[form:], start=form + 1):
        await writer.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )


async def _copy_aside(writer: aiosqlite.Connection, copy: Path) -> None:
    """Make a copy that is whole or not there, readable by its owner only."""
    part = copy.with_name(f"{copy.name}.part")
    try:
        await anyio.to_thread.run_sync(_make_empty, part)
        await writer.execute("VACUUM INTO ?", (str(part),))
        await anyio.to_thread.run_sync(_put_in_place, part, copy)
    except BaseException:
        part.unlink(missing_ok=True)  # a full disk needs the room back
        raise


def _make_empty(part: Path) -> None:
    part.unlink(missing_ok=True)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _put_in_place(part: Path, copy: Path) -> None:
    for path, then in ((part, lambda: part.replace(copy)), (copy.parent, lambda: None)):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        then()
