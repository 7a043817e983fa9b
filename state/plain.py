"""SQLite's and the system's refusals in our own words."""

import errno
import os
import resource
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from state.errors import (
    DiskFailed,
    DiskFull,
    StateDamaged,
    StateError,
    WorkspaceCannotLock,
    WorkspaceGone,
    WorkspaceLocked,
    WorkspaceUnusable,
)

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_PROBE_BYTES = 131_072
_IO_WRITES = (
    sqlite3.SQLITE_IOERR_WRITE,
    sqlite3.SQLITE_IOERR_FSYNC,
    sqlite3.SQLITE_IOERR_DIR_FSYNC,
    sqlite3.SQLITE_IOERR_TRUNCATE,
)
_IO_LOCKS = (
    sqlite3.SQLITE_IOERR_LOCK,
    sqlite3.SQLITE_IOERR_RDLOCK,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMOPEN,
)


@contextmanager
def plain_errors(folder: Path | None = None) -> Iterator[None]:
    """Say SQLite's and the system's refusals in our own words; what we have no word for passes.

    With `folder`, a write that SQLite could not make is looked into there: a full disk and a reached
    quota are told from a broken disk.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        plain = _sqlite_error(error, folder)
        if plain is None:
            raise
        raise plain from error
    except OSError as error:
        plain = _system_error(error)
        if plain is None:
            raise
        raise plain from error


def disk_full() -> DiskFull:
    """The one sentence for all that has no room."""
    return DiskFull("There is no room left on the workspace's disk.")


def _sqlite_error(error: sqlite3.DatabaseError, folder: Path | None) -> StateError | None:
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    primary = code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return disk_full()
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StateDamaged("The workspace's database is damaged.")
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return WorkspaceLocked("Another program holds the workspace's database.")
    if code == sqlite3.SQLITE_READONLY_DBMOVED:
        return gone()
    if primary in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return WorkspaceUnusable("The workspace's database cannot be opened for this.")
    if primary in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL):
        return _io_error(code, folder)
    return None


def _io_error(code: int, folder: Path | None) -> StateError:
    if code in _IO_LOCKS or code & 0xFF == sqlite3.SQLITE_PROTOCOL:
        return WorkspaceCannotLock("The workspace's file system cannot lock or share the database.")
    if code == sqlite3.SQLITE_IOERR_SHMSIZE or (code in _IO_WRITES and _has_no_room(folder)):
        return disk_full()
    return DiskFailed("The workspace's disk failed to read or write.")


def _has_no_room(folder: Path | None) -> bool:
    """Try a small write: SQLite does not tell a reached quota or size limit from a broken disk."""
    if resource.getrlimit(resource.RLIMIT_FSIZE)[0] != resource.RLIM_INFINITY:
        return True
    if folder is None:
        return False
    probe = folder / f".probe-{os.getpid()}"
    try:
        handle = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(handle, bytes(_PROBE_BYTES))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        return error.errno in NO_ROOM
    finally:
        with suppress(OSError):
            probe.unlink()
    return False


def gone() -> WorkspaceGone:
    """The one sentence for a workspace that is not where it was."""
    return WorkspaceGone("The workspace folder, or a part of it, is gone.")


def _system_error(error: OSError) -> StateError | None:
    number = error.errno
    if number in NO_ROOM:
        return disk_full()
    if number == errno.EIO:
        return DiskFailed("The workspace's disk failed to read or write.")
    if number in (errno.ENOENT, errno.ESTALE):
        return gone()
    if number == errno.EROFS:
        return WorkspaceUnusable(
            "The workspace's disk is read-only.",
            next_step="Mount it for writing, or set workspace to another folder.",
        )
    if number in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return WorkspaceUnusable(
            "The workspace's path leads to a file, or to no folder that can be.",
            next_step="Set workspace in the config to a folder of its own.",
        )
    if number in (errno.EACCES, errno.EPERM):
        return WorkspaceUnusable("This user may not use the workspace folder.")
    return None
