"""What a run will need of the workspace's disk, beside what is free there."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from service.phases import PHASES
from state.errors import DiskFull
from state.ledger import Ledger

# The least that a run is begun with: a few pages, their batch files and one large transaction.
LEAST_BYTES = 32_000_000
# What stays in the workspace of a record that has arrived: crosswalk and batch index. Measured: 127.
KEPT_BYTES = 250


@dataclass(frozen=True)
class Room:
    """Bytes: free now, what stays of the records still to come, and what may wait in the spool."""

    free: int
    kept: int
    spool_limit: int

    @property
    def needed(self) -> int:
        """The least that must be free."""
        return LEAST_BYTES + self.kept

    @property
    def wanted(self) -> int:
        """What lets the spool grow to its limit."""
        return self.needed + self.spool_limit

    @property
    def spool_bytes(self) -> int:
        """The spool's limit as far as there is room: reading then waits before the disk is full."""
        return max(0, min(self.spool_limit, self.free - self.needed))


async def room_for(ledger: Ledger | None, folder: Path, spool_limit: int) -> Room:
    """Look at the disk of `folder` and at what the ledger knows is still to come."""
    to_come = 0
    for phase in PHASES if ledger else ():
        assert ledger is not None
        total = await ledger.facts.get(f"source_total.{phase.name}")
        read = (await ledger.books.read(phase.name)).extracted
        to_come += max(0, int(total or 0) - read)
    return Room(free_bytes(folder), to_come * KEPT_BYTES, spool_limit)


async def spool_room(ledger: Ledger, folder: Path, spool_limit: int) -> int:
    """Return how many bytes may be in the spool, what is there now included.

    Raises `DiskFull` when a run would be begun only to end for want of room.
    """
    room = await room_for(ledger, folder, spool_limit)
    if room.free < room.needed:
        raise DiskFull(
            f"{room.free / 1e6:,.0f} MB are free for the workspace; this run needs at least "
            f"{room.needed / 1e6:,.0f} MB."
        )
    return min(spool_limit, room.spool_bytes + await ledger.batches.open_bytes())


def free_bytes(folder: Path) -> int:
    """Bytes free for this user where `folder` is or will be."""
    while True:
        try:
            return shutil.disk_usage(folder).free
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            folder = folder.parent  # the root at last, which answers
