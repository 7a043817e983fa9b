"""The SQLite file: one writer, one reader, migrations, and errors in our own words."""

import errno
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiosqlite
import anyio
import anyio.to_thread

from state import queries
from state.errors import (
    DiskFull,
    IllegalStep,
    NoWorkspace,
    StateDamaged,
    StateError,
    StateTooNew,
    WorkspaceLocked,
    WorkspaceUnusable,
)

IN_KEYS = 500
CACHE = "PRAGMA cache_size = -32000"  # KiB, for each connection


class Tx:
    """An open write transaction; only `Database.write` makes one. Of no use after its end."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection: aiosqlite.Connection | None = connection

    def end(self) -> None:
        """Refuse all further work: it would be outside the transaction."""
        self._connection = None

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the id of the row it inserted, if any."""
        with plain_errors():
            async with self._open.execute(sql, values) as cursor:
                return cursor.lastrowid or 0

    async def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Execute one statement for many rows; returns how many rows of the database changed."""
        with plain_errors():
            before = self._open.total_changes
            async with self._open.executemany(sql, rows):
                pass
            return self._open.total_changes - before

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Read what this transaction sees."""
        with plain_errors():
            return list(await self._open.execute_fetchall(sql, values))

    @property
    def _open(self) -> aiosqlite.Connection:
        if self._connection is None:
            raise IllegalStep("A write came after the end of its transaction.")
        return self._connection


class Database:
    """Both connections of one ledger file."""

    def __init__(self, writer: aiosqlite.Connection | None, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One write transaction at a time; rolled back on any error or cancellation inside.

        Once the body has ended, the commit is not interrupted. A commit that fails, as on a full
        disk, leaves nothing behind and the next transaction is free to try. Raises
        `WorkspaceUnusable`, `DiskFull`, `StateDamaged`, and `WorkspaceLocked` when another program
        holds the database for over 5 s.
        """
        if self._writer is None:
            raise WorkspaceUnusable("The workspace is open for reading only.")
        async with self._turn:
            tx = Tx(self._writer)
            try:
                await _uninterrupted(self._writer, "BEGIN IMMEDIATE")
                yield tx
                tx.end()
                await _uninterrupted(self._writer, "COMMIT")
            except BaseException:
                tx.end()
                with anyio.CancelScope(shield=True), suppress(sqlite3.Error):
                    await self._writer.rollback()  # nothing to do where SQLite did it already
                raise

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


async def _uninterrupted(connection: aiosqlite.Connection, sql: str) -> None:
    with anyio.CancelScope(shield=True), plain_errors():
        async with connection.execute(sql):
            pass


@asynccontextmanager
async def open_database(path: Path, *, read_only: bool) -> AsyncIterator[Database]:
    """Open the file, bring it to the newest form, and close it at the end.

    Reading only, the file must be in the newest form already. Raises `NoWorkspace`, `StateTooNew`,
    `StateDamaged`, `WorkspaceUnusable`, `WorkspaceLocked`, `DiskFull`.
    """
    async with AsyncExitStack() as stack:
        with plain_errors():
            writer = None if read_only else await _open_writer(stack, path)
            reader = await _connect(stack, _address_for_reading(path), uri=True)
            await reader.execute(CACHE)
            if read_only and await _version(reader) < len(queries.migrations()):
                raise NoWorkspace("The workspace's state is not in its present form yet.")
        yield Database(writer, reader)


async def _open_writer(stack: AsyncExitStack, path: Path) -> aiosqlite.Connection:
    await anyio.to_thread.run_sync(_make_private, path)
    writer = await _connect(stack, str(path), isolation_level=None)
    version = await _version(writer)
    for pragma in ("PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL", CACHE):
        await writer.execute(pragma)
    for number, script in enumerate(queries.migrations()[version:], start=version + 1):
        await writer.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )
    return writer


def _make_private(path: Path) -> None:
    """Make the file for its owner only; SQLite gives its side files the same rights."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)


def _address_for_reading(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"


async def _connect(stack: AsyncExitStack, address: str, **how: Any) -> aiosqlite.Connection:
    connection = await aiosqlite.connect(address, **how)

    async def close() -> None:
        with anyio.CancelScope(shield=True):
            await connection.close()

    stack.push_async_callback(close)
    return connection


async def _version(connection: aiosqlite.Connection) -> int:
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    version = int(rows[0][0])
    if version > len(queries.migrations()):
        raise StateTooNew("The workspace was written by a newer version of Deskferry.")
    return version


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say SQLite's and the system's refusals in our own words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        plain = _sqlite_error(error)
        if plain is None:
            raise
        raise plain from error
    except OSError as error:
        plain = _system_error(error)
        if plain is None:
            raise
        raise plain from error


def _sqlite_error(error: sqlite3.DatabaseError) -> StateError | None:
    primary = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return DiskFull("There is no room left on the workspace's disk.")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StateDamaged("The workspace's database is damaged.")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return WorkspaceLocked("Another program holds the workspace's database.")
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return WorkspaceUnusable("The workspace's database cannot be opened for this.")
    if primary == sqlite3.SQLITE_IOERR:
        return WorkspaceUnusable("The workspace's disk failed to read or write.")
    return None


def _system_error(error: OSError) -> StateError | None:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull("There is no room left on the workspace's disk.")
    if error.errno == errno.EIO:
        return WorkspaceUnusable("The workspace's disk failed to read or write.")
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM, errno.ENOTDIR, errno.EEXIST):
        return WorkspaceUnusable("The workspace folder cannot be used.")
    return None
