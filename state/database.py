"""The SQLite file: one writer and one reader."""

import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
import anyio
import anyio.to_thread

from state import queries
from state.errors import (
    IllegalStep,
    NoWorkspace,
    StateTooOld,
    WorkspaceCannotLock,
    WorkspaceLocked,
    WorkspaceUnusable,
)
from state.forms import bring_up, form_of
from state.plain import gone, plain_errors
from state.private import private_file

__all__ = ["Database", "Tx", "open_database", "plain_errors"]

IN_KEYS = 500
CACHE = "PRAGMA cache_size = -32000"  # KiB, for the writer
# Every commit empties the reader's cache: a small one does.
READ_CACHE = "PRAGMA cache_size = -8000"
# Pages of the log before it is folded in: at 4 MB, SQLite's own choice, ids that come in no order
# cost half as much again, since the same pages are folded in again and again.
FOLD_AFTER = "PRAGMA wal_autocheckpoint = 8000"
# A large transaction's WAL does not keep its room on the disk for ever.
WAL_KEPT = "PRAGMA journal_size_limit = 67108864"
_NO_SIDE_FILES = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


class Tx:
    """An open write transaction; only `Database.write` makes one. Of no use after its end."""

    def __init__(self, connection: aiosqlite.Connection, folder: Path) -> None:
        self._connection: aiosqlite.Connection | None = connection
        self._folder = folder

    def end(self) -> None:
        """Refuse all further work: it would be outside the transaction."""
        self._connection = None

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the id of the row it inserted, if any."""
        with plain_errors(self._folder):
            async with self._open.execute(sql, values) as cursor:
                return cursor.lastrowid or 0

    async def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Execute one statement for many rows; returns how many rows of the database changed."""
        with plain_errors(self._folder):
            before = self._open.total_changes
            async with self._open.executemany(sql, rows):
                pass
            return self._open.total_changes - before

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Read what this transaction sees."""
        with plain_errors(self._folder):
            return list(await self._open.execute_fetchall(sql, values))

    @property
    def _open(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise IllegalStep("A write came after the end of its transaction.")
        return self._connection


class Database:
    """Both connections of one ledger file."""

    def __init__(
        self, path: Path, writer: aiosqlite.Connection | None, reader: aiosqlite.Connection
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._file = _file_at(path)
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One write transaction at a time; rolled back on any error or cancellation inside.

        Once the body has ended, the commit is not interrupted. A commit that fails, as on a full
        disk, leaves nothing behind and the next transaction is free to try. Raises
        `WorkspaceUnusable`, `DiskFull`, `DiskFailed`, `StateDamaged`, `WorkspaceGone` when the file is
        not where it was (a deleted file would still take writes, and keep none), and `WorkspaceLocked`
        when another program holds the database for over 5 s.
        """
        if self._writer is None:
            raise WorkspaceUnusable("The workspace is open for reading only.")
        async with self._turn:
            if _file_at(self._path) != self._file:
                raise gone()
            tx = Tx(self._writer, self._path.parent)
            try:
                await _uninterrupted(self._writer, "BEGIN IMMEDIATE", self._path.parent)
                yield tx
                tx.end()
                await _uninterrupted(self._writer, "COMMIT", self._path.parent)
            except BaseException:
                tx.end()
                with anyio.CancelScope(shield=True), suppress(sqlite3.Error):
                    await self._writer.rollback()  # nothing to do where SQLite did it already
                raise

    async def compact(self) -> None:
        """Write the file anew, so that nothing deleted stays in it, and empty the write-ahead log.

        Needs as much free room as the database takes. Raises `DiskFull`, and `WorkspaceLocked` while
        another process reads: the log cannot be emptied then; what was deleted may still be in it.
        """
        if self._writer is None:
            raise WorkspaceUnusable("The workspace is open for reading only.")
        async with self._turn:
            with plain_errors():
                await self._writer.execute_fetchall("PRAGMA secure_delete = ON")
            await _uninterrupted(self._writer, "VACUUM")
            with plain_errors():
                busy = await self._writer.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        if next(iter(busy))[0]:
            raise WorkspaceLocked("Another program reads the workspace's database.")

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Read committed data."""
        with plain_errors():
            return list(await self._reader.execute_fetchall(sql, values))

    async def fetch_in(self, sql: str, head: Sequence[Any], keys: Sequence[Any]) -> list[Any]:
        """Read by key lists: `/*keys*/` in the statement is filled with up to 500 marks at a time."""
        found: list[Any] = []
        for start in range(0, len(keys), IN_KEYS):
            part = keys[start : start + IN_KEYS]
            marks = ",".join("?" * len(part))
            found.extend(await self.fetch(sql.replace("/*keys*/", marks), (*head, *part)))
        return found


async def _uninterrupted(
    connection: aiosqlite.Connection, sql: str, folder: Path | None = None
) -> None:
    with anyio.CancelScope(shield=True), plain_errors(folder):
        async with connection.execute(sql):
            pass


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file lies there, by device and number; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@asynccontextmanager
async def open_database(path: Path, *, read_only: bool) -> AsyncIterator[Database]:
    """Open the file, bring it to the newest form, and close it at the end.

    Reading only, the file must be in the newest form already, and nothing is changed; a workspace that
    this user may only read can be looked at while nobody works in it. Raises `NoWorkspace`,
    `StateTooOld`, `StateTooNew`, `StateDamaged`, `WorkspaceUnusable`, `WorkspaceCannotLock`,
    `WorkspaceLocked`, `DiskFull`, `DiskFailed`.
    """
    async with AsyncExitStack() as stack:
        with plain_errors(path.parent):
            writer = None if read_only else await _open_writer(stack, path)
            reader = await _open_reader(stack, path)
            if read_only:
                await _look_at_form(reader)
        yield Database(path, writer, reader)


async def _open_writer(stack: AsyncExitStack, path: Path) -> aiosqlite.Connection:
    await anyio.to_thread.run_sync(_make_private, path)
    writer = await _connect(stack, str(path), isolation_level=None)
    await form_of(writer)
    mode = list(await writer.execute_fetchall("PRAGMA journal_mode = WAL"))
    if mode[0][0] != "wal":
        raise WorkspaceCannotLock("The workspace's file system cannot share the database's memory.")
    for pragma in ("PRAGMA synchronous = FULL", CACHE, WAL_KEPT, FOLD_AFTER):
        await writer.execute(pragma)
    await bring_up(writer, path)
    return writer


async def _open_reader(stack: AsyncExitStack, path: Path) -> aiosqlite.Connection:
    """Open for reading. Where SQLite may not make its side files, it reads the file alone.

    That is right only without a write-ahead log, which holds what a working or killed process has
    committed last.
    """
    address = _address_for_reading(path)
    try:
        reader = await _connect(stack, address, uri=True)
        await form_of(reader)
    except sqlite3.OperationalError as error:
        no_side_files = error.sqlite_errorcode & 0xFF in _NO_SIDE_FILES
        log = _file_at(path.with_name(f"{path.name}-wal"))
        if not no_side_files or not _file_at(path) or log:
            raise
        reader = await _connect(stack, f"{address}&immutable=1", uri=True)
    await reader.execute(READ_CACHE)
    return reader


def _address_for_reading(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


async def _look_at_form(reader: aiosqlite.Connection) -> None:
    form, newest = await form_of(reader), len(queries.migrations())
    if form == 0:
        raise NoWorkspace("There is no migration state in the workspace yet.")
    if form < newest:
        raise StateTooOld(
            f"The workspace's state has form {form}; this version uses form {newest}."
        )


def _make_private(path: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same rights."""
    os.close(private_file(path, os.O_RDWR | os.O_CREAT))


async def _connect(stack: AsyncExitStack, address: str, **how: Any) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(address, **how)

    async def close() -> None:
        with anyio.CancelScope(shield=True):
            await connection.close()

    stack.push_async_callback(close)
    return connection
