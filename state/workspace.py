"""The workspace folder and its lock: one working process at a time."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from state.database import plain_errors
from state.errors import WorkspaceCannotLock, WorkspaceLocked
from state.private import private_file, private_folder

DATABASE = "state.sqlite"
SPOOL = "spool"
LOCK = "lock"
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
SET_ASIDE = "set-aside-"  # folders with a damaged database, kept by a rebuild


def make_workspace(folder: Path) -> None:
    """Create the folder and its spool, readable by their owner only; a folder that is there stays."""
    with plain_errors():
        for each in (folder, folder / SPOOL):
            private_folder(each)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the workspace; raises `WorkspaceLocked` with the other's process id.

    The lock is the system's: it ends with the process, however that ends, so that a lock file which a
    killed process left is no obstacle. Raises `WorkspaceCannotLock` where the file system has no locks.
    """
    with plain_errors():
        handle = private_file(folder / LOCK, os.O_RDWR | os.O_CREAT)
    try:
        _take(handle)
        with plain_errors():
            os.ftruncate(handle, 0)
            os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _take(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        other = os.pread(handle, 20, 0).decode(errors="replace").strip() or "unknown"
        raise WorkspaceLocked(f"Another process (pid {other}) works in this workspace.") from None
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        raise WorkspaceCannotLock(
            "The workspace lies on a file system that cannot lock files."
        ) from None


def holder(folder: Path) -> int | None:
    """The process id that holds the workspace now; None when nobody does, 0 when it is not known.

    Looking takes the lock in passing: a process that begins in this very moment may be refused.
    """
    with plain_errors():
        try:
            handle = os.open(folder / LOCK, os.O_RDONLY)
        except FileNotFoundError:
            return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        told = os.read(handle, 20).decode(errors="replace").strip()
        return int(told) if told.isdigit() else 0
    finally:
        os.close(handle)
    return None
