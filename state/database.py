"""The SQLite file: one writer, one reader, migrations, and errors in our own words."""

import errno
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import anyio
import anyio.to_thread

from state import queries
from state.errors import DiskFull, StateDamaged, StateTooNew, WorkspaceUnusable

IN_KEYS = 500


class Tx:
    """An open write transaction; only `Database.write` makes one."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def run(self, sql: str, values: Sequence[Any] = ()) -> int:
        """Execute one statement; returns the id of the row it inserted, if any."""
        with plain_errors():
            async with self._connection.execute(sql, values) as cursor:
                return cursor.lastrowid or 0

    async def run_many(self, sql: str, rows: Sequence[Sequence[Any]]) -> int:
        """Execute one statement for many rows; returns how many rows of the database changed."""
        with plain_errors():
            before = self._connection.total_changes
            async with self._connection.executemany(sql, rows):
                pass
            return self._connection.total_changes - before

    async def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[Any]:
        """Read what this transaction sees."""
        with plain_errors():
            return list(await self._connection.execute_fetchall(sql, values))


class Database:
    """Both connections of one ledger file."""

    def __init__(self, writer: aiosqlite.Connection | None, reader: aiosqlite.Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._turn = anyio.Lock()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Tx]:
        """One write transaction at a time; rolled back on any error or cancellation inside.

        Once the body has ended, the commit is not interrupted.
        """
        if self._writer is None:
            raise WorkspaceUnusable("The workspace is open for reading only.")
        async with self._turn:
            with plain_errors():
                with anyio.CancelScope(shield=True):
                    await self._writer.execute("BEGIN IMMEDIATE")
                try:
                    yield Tx(self._writer)
                except BaseException:
                    with anyio.CancelScope(shield=True):
                        await self._writer.rollback()
                    raise
                with anyio.CancelScope(shield=True):
                    await self._writer.commit()

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


@asynccontextmanager
async def open_database(path: Path, *, read_only: bool) -> AsyncIterator[Database]:
    """Open the file, bring it to the newest form, and close it at the end.

    Raises `StateTooNew`, `StateDamaged`, `WorkspaceUnusable`, `DiskFull`.
    """
    with plain_errors():
        if read_only:
            async with aiosqlite.connect(f"file:{path}?mode=ro", uri=True) as reader:
                await _check_version(reader)
                yield Database(None, reader)
            return
        async with aiosqlite.connect(path, isolation_level=None) as writer:
            await anyio.to_thread.run_sync(path.chmod, 0o600)
            await writer.execute("PRAGMA journal_mode = WAL")
            await writer.execute("PRAGMA synchronous = FULL")
            await writer.execute("PRAGMA cache_size = -32000")
            await _migrate(writer)
            async with aiosqlite.connect(f"file:{path}?mode=ro", uri=True) as reader:
                await reader.execute("PRAGMA cache_size = -32000")
                yield Database(writer, reader)


async def _check_version(connection: aiosqlite.Connection) -> int:
    rows = list(await connection.execute_fetchall("PRAGMA user_version"))
    version = int(rows[0][0])
    if version > len(queries.migrations()):
        raise StateTooNew("The workspace was written by a newer version of Deskferry.")
    return version


async def _migrate(connection: aiosqlite.Connection) -> None:
    version = await _check_version(connection)
    for number, script in enumerate(queries.migrations()[version:], start=version + 1):
        await connection.executescript(
            f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {number};\nCOMMIT;"
        )


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say SQLite's and the system's refusals in our own words."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        text = str(error)
        if "full" in text:
            raise DiskFull("There is no room left on the workspace's disk.") from error
        if "readonly" in text or "unable to open" in text:
            raise WorkspaceUnusable("The workspace's database cannot be opened.") from error
        if "malformed" in text or "not a database" in text:
            raise StateDamaged("The workspace's database is damaged.") from error
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise DiskFull("There is no room left on the workspace's disk.") from error
        if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise WorkspaceUnusable("The workspace folder cannot be written.") from error
        raise
