"""Notices when the rows of a slice have moved while it was read, and which pages to read again.

Pages are offsets without a snapshot (kustomer facts, section 4): when a record that was read
already is deleted for good or merged away, all behind it move up by one, and the record at the edge of
the next page is never shown. Its trace is left behind: a page that was read ends with another record
than before. So the last records of pages are remembered, and one page is looked at again every 50
pages, after each pause in reading, after a new start, and at the end. A search tells its total with
each page; when that changes, the window is read again.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import orjson
import structlog

from connectors.clock import Clock
from connectors.kustomer.client import Page
from service.schedule import SliceCursor

FIRST_PAGES = 4
LOOK_PAGES = 50
PAUSE_S = 15.0
RECENT_S = 60.0
DUMP_S = 2.0
BACK_PAGES = 20
MOST_REREADS = 5
_KEPT = 256
_log = structlog.get_logger()

Fetch = Callable[[SliceCursor, int], Awaitable[Page]]


class ShiftWatch:
    """Watches one slice. `fetch` reads a page of it.

    Nothing here is durable by itself: `dump` gives what a new start needs, `told` takes it back.
    Pages that an earlier run read after its last dump are read again, unless that was a moment ago.
    """

    def __init__(
        self, cursor: SliceCursor, fetch: Fetch, *, clock: Clock, told: str | None
    ) -> None:
        self._cursor = cursor
        self._fetch = fetch
        self._clock = clock
        self._last_ids: dict[int, str] = {}
        self._totals: set[int] = set()
        self._rereads = 0
        self._looking = False
        self._looked_to = 0
        self._read_at: float | None = None
        self._dumped_at = clock.monotonic()
        self._changed = False
        self._paused = False
        self._anchor = 0
        # Up to this page all were read before a look that found nothing moved.
        self._sound = 0
        if told:
            self._take_back(orjson.loads(told))
        if cursor.done and "total" in cursor.spec:
            self._totals.add(cursor.spec["total"])

    def _take_back(self, told: dict[str, Any]) -> None:
        """Go on where an earlier run stood."""
        self._last_ids = {int(page): last for page, last in told["ends"].items()}
        self._anchor = self._top()
        self._sound = min(int(told.get("sound", 0)), self._anchor)
        self._paused = bool(self._anchor)
        if self._clock.now() - told["at"] > RECENT_S and self._anchor:
            self._cursor.reopen(page for page in self._cursor.done if page > self._anchor)

    def landed(self, page: int, read: Page) -> None:
        """A page was read."""
        if self._is_window:
            if read.total is not None and read.rows:
                self._totals.add(read.total)
            return
        now = self._clock.monotonic()
        if self._read_at is not None and now - self._read_at > PAUSE_S and not self._paused:
            self._paused = True
            self._anchor = self._top()
        self._read_at = now
        last = read.rows[-1].get("id") if read.rows else None
        if isinstance(last, str):
            self._last_ids[page] = last
            self._changed = True
        if self._anchor == 0 and self._prefix() >= FIRST_PAGES:
            self._anchor = self._top()

    @property
    def due(self) -> bool:
        """True when it is time for a look."""
        if self._looking or self._is_window or not self._anchor:
            return False
        return self._paused or self._prefix() >= self._anchor + LOOK_PAGES

    async def look(self) -> list[int]:
        """Look back; returns the pages to read again, none when nothing has moved.

        To be called when `due`, and when the slice was read to its end. Raises what `fetch` raises.
        """
        if self._is_window:
            return self._look_at_totals()
        anchor = self._anchor or self._early_anchor()
        known = self._last_ids.get(anchor)
        if known is None:
            return []
        top = self._top()  # what is read while we look may have moved already
        self._looking = True
        try:
            seen = await self._fetch(self._cursor, anchor)
            moved = not seen.rows or seen.rows[-1].get("id") != known
            first = await self._first_moved() if moved else 0
        finally:
            self._looking = False
        return self._conclude(anchor, first) if moved else self._settled(top)

    def _settled(self, top: int) -> list[int]:
        self._paused = False
        self._anchor = self._sound = top
        self._forget()
        return []

    def _conclude(self, anchor: int, first: int) -> list[int]:
        self._rereads += 1
        self._paused = False
        front = max([anchor, *self._last_ids])
        again = list(range(first, front + 1))
        for page in again:
            self._last_ids.pop(page, None)
        self._anchor = 0
        self._sound = first - 1 if first - 1 in self._last_ids else 0
        if self.gave_up:
            _log.warning("list-keeps-moving", slice=self._cursor.number)
            return []
        _log.warning("list-moved", slice=self._cursor.number, pages=len(again), first=first)
        return again

    async def _first_moved(self) -> int:
        """The page on which the record now is that used to end the last sound page, or one before.

        Pages behind that one may have been read before or after the rows moved, in any order.
        """
        page = self._sound
        known = self._last_ids.get(page)
        if known is None:
            return 1
        seen = await self._fetch(self._cursor, page)
        while page > max(1, self._sound - BACK_PAGES):
            ids = [row.get("id") for row in seen.rows]
            if known in ids or (ids and isinstance(ids[0], str) and ids[0] <= known):
                break
            page -= 1
            seen = await self._fetch(self._cursor, page)
        return page

    def _look_at_totals(self) -> list[int]:
        if len(self._totals) < 2:
            return []
        self._totals.clear()
        self._rereads += 1
        if self.gave_up:
            return []
        _log.warning("window-moved", slice=self._cursor.number)
        return list(range(1, (self._cursor.last_page or 1) + 1))

    def _early_anchor(self) -> int:
        """For a list that ended before its first look: a page in its middle tells the most."""
        return self._prefix() // 2

    def _prefix(self) -> int:
        """The last page up to which all are read."""
        page = self._looked_to
        while page + 1 in self._cursor.done:
            page += 1
        self._looked_to = page
        return page

    def _top(self) -> int:
        """The last page of the prefix whose last record is known; 0 for none."""
        prefix = self._prefix()
        return max((page for page in self._last_ids if page <= prefix), default=0)

    def _forget(self) -> None:
        for page in [each for each in self._last_ids if each < self._anchor - _KEPT]:
            del self._last_ids[page]

    def reopened(self) -> None:
        """Pages were opened again: the prefix is counted anew."""
        self._looked_to = 0

    @property
    def _is_window(self) -> bool:
        # What was chosen by id has no rows that move; it tells no total either.
        return bool(self._cursor.spec.get("kind") != "list")

    @property
    def gave_up(self) -> bool:
        """True when the slice moved whenever it was looked at: rows may be missing."""
        return self._rereads > MOST_REREADS

    @property
    def to_dump(self) -> bool:
        """True when there is something new to dump, some seconds after the last time."""
        return self._changed and self._clock.monotonic() - self._dumped_at >= DUMP_S

    def dump(self) -> str:
        """The last records of the newest pages, for a new start."""
        self._changed = False
        self._dumped_at = self._clock.monotonic()
        newest = sorted(self._last_ids)[-_KEPT:]
        kept: dict[str, Any] = {str(page): self._last_ids[page] for page in newest}
        told = {"at": self._clock.now(), "ends": kept, "sound": self._sound}
        return orjson.dumps(told).decode()


def watches(
    cursors: Iterable[SliceCursor],
    fetch: Fetch,
    *,
    clock: Clock,
    told: dict[int, str | None],
) -> dict[int, ShiftWatch]:
    """One watch for each slice, by its number; `told` holds what an earlier run dumped."""
    return {
        each.number: ShiftWatch(each, fetch, clock=clock, told=told.get(each.number))
        for each in cursors
    }
