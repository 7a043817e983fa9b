"""Lanes: shares of the parents, so that two live jobs never hold children of one parent."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio

from state.batches import Batch

SERVER_BATCH_ROWS = 10_000
JOB_BYTES = 95_000_000
JOB_ROWS = 50_000


class LaneLocks:
    """One lock per lane of each lock parent, held while a job of that lane is live.

    Phases whose rows share a parent (messages and notes of a conversation) share its locks.
    """

    def __init__(self, lanes: int) -> None:
        self.all_lanes = frozenset(range(lanes))
        self._locks: dict[tuple[str, int], anyio.Lock] = defaultdict(anyio.Lock)

    @asynccontextmanager
    async def hold(self, parent: str | None, lanes: frozenset[int]) -> AsyncIterator[None]:
        """Hold the locks of `lanes`, taken in order so that two holders cannot wait in a ring."""
        async with AsyncExitStack() as stack:
            if parent is not None:
                for lane in sorted(lanes):
                    await stack.enter_async_context(self._locks[parent, lane])
            yield


def choose(ready: Sequence[Batch], busy: frozenset[int], *, whole: bool) -> list[Batch]:
    """Pick the batches of the next job, oldest first; nothing when it is better to wait.

    While more rows come (`whole` false) one free lane goes, once it fills at least one server batch,
    cut to fill server batches as far as its batches allow. When all is extracted, a lane with full
    server batches still goes alone; what is left over goes together once no job is live.
    """
    lanes: dict[int, list[Batch]] = defaultdict(list)
    for batch in ready:
        if batch.lane not in busy:
            lanes[batch.lane].append(batch)
    for batches in sorted(lanes.values(), key=_rows, reverse=True):
        if _rows(batches) >= SERVER_BATCH_ROWS or _size(batches) >= JOB_BYTES:
            return _fill(batches)
    if whole and not busy:
        return _cap([batch for batches in lanes.values() for batch in batches])
    return []


def _fill(batches: Sequence[Batch]) -> list[Batch]:
    """Take batches up to the job's limits, then drop the least so that server batches are full."""
    taken = _cap(batches)
    full = _rows(taken) // SERVER_BATCH_ROWS * SERVER_BATCH_ROWS
    if full == 0:
        return taken
    chosen: list[Batch] = []
    room = full
    for batch in sorted(taken, key=lambda each: (-each.rows, each.id)):
        if batch.rows <= room:
            chosen.append(batch)
            room -= batch.rows
    return chosen or taken  # one batch may be larger than a server batch


def _cap(batches: Sequence[Batch]) -> list[Batch]:
    taken: list[Batch] = []
    rows = size = 0
    for batch in sorted(batches, key=lambda each: each.id):
        over = rows + batch.rows > JOB_ROWS or size + batch.size_bytes > JOB_BYTES
        if taken and over:
            break
        taken.append(batch)
        rows += batch.rows
        size += batch.size_bytes
    return taken


def _rows(batches: Sequence[Batch]) -> int:
    return sum(batch.rows for batch in batches)


def _size(batches: Sequence[Batch]) -> int:
    return sum(batch.size_bytes for batch in batches)
