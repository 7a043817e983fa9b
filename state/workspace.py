"""The workspace folder and its lock: one working process at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from state.database import plain_errors
from state.errors import WorkspaceLocked

DATABASE = "state.sqlite"
SPOOL = "spool"
LOCK = "lock"


def make_workspace(folder: Path) -> None:
    """Create the folder and its spool, readable by their owner only; a folder that is there stays."""
    with plain_errors():
        for each in (folder, folder / SPOOL):
            each.mkdir(parents=True, exist_ok=True, mode=0o700)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the workspace; raises `WorkspaceLocked` with the other's process id.

    The lock is the system's: it ends with the process, however that ends.
    """
    with plain_errors():
        handle = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.read(handle, 20).decode(errors="replace").strip() or "unknown"
            raise WorkspaceLocked(
                f"Another process (pid {other}) works in this workspace."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)
