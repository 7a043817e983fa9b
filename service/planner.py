"""Chooses the cheapest faithful way to read each source stream, and cuts it into slices.

An org-wide list costs one request of the large budget per 100 rows and may be read at any page at
once. Search costs the small budget of 100 per minute, but reaches further when a list stops at a
depth cap (kustomer facts, sections 4, 5, 8 and 11). So: probe the list once behind the possible
cap; read it as a list when it goes on or ends before; else cut search windows by creation time
until each holds fewer rows than the search cap. Rows untouched for two years come from the archive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import ConnectorError, SearchTimedOut
from connectors.kustomer.client import KustomerClient, SearchQuery
from service.errors import DeskferryError
from service.phases import Phase, SearchContext
from service.source_slices import epoch_ms, iso, list_slices, window_slice

LIST_CAP_PAGES = 100
SEARCH_CAP_ROWS = 10_000
TIME_OUTS_TO_SPLIT = 4
LIST, WINDOWS, LIST_AND_WINDOWS = "list", "search windows", "list and search windows"
_MS = 1000
# Search holds what was touched within two years (kustomer facts, section 5); a month of care.
_RECENT_MS = 700 * 86_400 * _MS


class WindowTooDense(DeskferryError):
    """More rows share one millisecond of creation and update than a search can return."""

    code = "window-too-dense"


@dataclass(frozen=True)
class Plan:
    """The slices of a stream in reading order, and the way they are read.

    `gap` says plainly what cannot be read by any way that the API offers; None when all can.
    """

    slices: list[dict[str, Any]]
    way: str
    gap: str | None = None


@dataclass(frozen=True)
class _Span:
    """A half-open range [start, end) in epoch milliseconds on one search attribute."""

    attribute: str
    start: int
    end: int

    def criteria(self) -> list[Mapping[str, Any]]:
        return [
            {self.attribute: {"gte": iso(self.start)}},
            {self.attribute: {"lt": iso(self.end)}},
        ]


class Planner:
    """Plans one stream at a time against the live source; keeps nothing between calls."""

    def __init__(self, client: KustomerClient, *, now_ms: int) -> None:
        self._client = client
        self._now_ms = now_ms

    async def plan(self, phase: Phase) -> Plan:
        """Return the slices for `phase`.

        Raises the connectors' errors (a missing role, an unreachable host) and `WindowTooDense`.
        Nothing is durable here: the caller stores the plan before the first page is read.
        """
        way = await self.way(phase)
        if phase.stream.search is None or way == LIST:
            return Plan(list_slices(phase), way)
        slices = await self.windows(phase.stream.search, archive=False)
        if phase.stream.search.archive:
            slices += await self.windows(phase.stream.search, archive=True)
            return Plan(slices, way)
        # The list begins with the oldest, search holds the youngest; between them may be a gap.
        return Plan([*list_slices(phase), *slices], way, gap_of(phase, way))

    async def way(self, phase: Phase) -> str:
        """Tell how `phase` is read, without cutting it: two pages of its list and two searches at most.

        Raises as `plan` does.
        """
        search = phase.stream.search
        if search is None or await self._list_is_whole(phase):
            return LIST
        return WINDOWS if search.archive else LIST_AND_WINDOWS

    async def changed(self, phase: Phase, low_ms: int, high_ms: int) -> Plan:
        """Return the slices of what changed in [low, high), in epoch ms; none when nothing did.

        Deleted records are among them, as far as the source shows any. A record that changes enters the
        index of the last two years again; only where a window reaches back that far is the archive asked
        as well. A stream without a search is listed whole. Raises as `plan`.
        """
        search = phase.stream.search
        if search is None:
            return Plan(list_slices(phase), "list")
        spans = [_Span(search.updated, low_ms, high_ms)]
        slices = await self._cut(search, spans, archive=False, deleted=True)
        if search.archive and low_ms < self._now_ms - _RECENT_MS:
            slices += await self._cut(search, spans, archive=True, deleted=True)
        return Plan(slices, "changed window")

    async def found(
        self, search: SearchContext, criteria: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return windows of the records for which `criteria` hold; raises as `plan`.

        Those of the standard index alone: the archive knows few attributes (kustomer facts, section 5).
        """
        spans = [_Span(search.created, 0, self._now_ms + 1)]
        return await self._cut(search, spans, archive=False, extra=criteria)

    @staticmethod
    def stamp(epoch_ms: int) -> str:
        """A moment as criteria have it."""
        return iso(epoch_ms)

    async def source_total(self, phase: Phase) -> int | None:
        """Ask search how many rows there are; None when it cannot tell (a role, a capped total).

        Good for progress only: it takes from the search budget, so nothing waits for it.
        """
        search = phase.stream.search
        if search is None or not search.archive:
            return None  # search alone does not see rows untouched for two years
        total = 0
        try:
            for archive in (False, True):
                found = await self._count(search, [], archive=archive)
                if found is None or found == SEARCH_CAP_ROWS:
                    return None
                total += found
        except ConnectorError as error:
            unable = ("role-missing", "bad-request", "search-timed-out")
            if error.recovery == "refuse" or error.code in unable:
                return None  # the list may still be readable; the extractor says so if it is not
            raise
        return total

    async def _list_is_whole(self, phase: Phase) -> bool:
        """Tell whether the list can be read to its end: it goes on past the cap, or ends before."""
        behind = await self._list_rows(phase, LIST_CAP_PAGES + 1)
        if behind:
            return True
        last_allowed = await self._list_rows(phase, LIST_CAP_PAGES)
        if last_allowed < phase.stream.page_size:
            return True
        shown = LIST_CAP_PAGES * phase.stream.page_size
        search = phase.stream.search
        if search is not None and not search.archive:
            recent = await self._count(search, [], archive=False)
            return recent is not None and recent <= shown
        total = await self.source_total(phase)
        return total is not None and total <= shown

    async def _list_rows(self, phase: Phase, page: int) -> int:
        stream = phase.stream
        try:
            reply = await self._client.list_page(
                stream.path, page, page_size=stream.page_size, params=stream.variants[0]
            )
        except ConnectorError as error:
            if error.code in ("bad-request", "past-the-end", "not-found"):
                return 0
            raise
        return len(reply.rows)

    async def windows(self, search: SearchContext, *, archive: bool) -> list[dict[str, Any]]:
        """Cut all of one index by creation time; nothing for an empty one. Raises as `plan`."""
        start = await self._earliest(search, archive=archive)
        if start is None:
            return []
        return await self._cut(search, [_Span(search.created, start, self._now_ms + 1)], archive)

    async def _cut(
        self,
        search: SearchContext,
        spans: list[_Span],
        archive: bool,
        time_outs: int = 0,
        *,
        deleted: bool = False,
        extra: Sequence[Mapping[str, Any]] = (),
    ) -> list[dict[str, Any]]:
        """Bisect the last span until it fits the cap; keep the outer spans and `extra` as criteria.

        A span whose count times out is cut as well, four times over: after that it is not the size,
        and the count waits for the source.
        """
        criteria = [*extra, *(rule for span in spans for rule in span.criteria())]
        patient = time_outs >= TIME_OUTS_TO_SPLIT or spans[-1].end - spans[-1].start <= 1
        try:
            total = (
                await self._count(
                    search, criteria, archive=archive, patient=patient, deleted=deleted
                )
                or 0
            )
        except SearchTimedOut:
            if patient:
                raise
            total = SEARCH_CAP_ROWS
            time_outs += 1
        if total == 0:
            return []
        if total < SEARCH_CAP_ROWS:
            return [window_slice(search, criteria, archive, total, deleted=deleted)]
        *outer, last = spans
        if last.end - last.start > 1:
            middle = (last.start + last.end) // 2
            halves = (
                _Span(last.attribute, last.start, middle),
                _Span(last.attribute, middle, last.end),
            )
            parts = [
                await self._cut(
                    search, [*outer, half], archive, time_outs, deleted=deleted, extra=extra
                )
                for half in halves
            ]
            return [*parts[0], *parts[1]]
        if outer:
            raise WindowTooDense(
                f"More than {SEARCH_CAP_ROWS} records of {search.name} share one millisecond.",
                next_step="Ask Kustomer support to lift the list cap for this org, then run again.",
            )
        other = search.created if last.attribute == search.updated else search.updated
        start = 0 if other == search.created else last.start
        second = _Span(other, start, self._now_ms + 1)
        return await self._cut(search, [last, second], archive, deleted=deleted, extra=extra)

    async def _earliest(self, search: SearchContext, *, archive: bool) -> int | None:
        query = SearchQuery(search.name, [], [{search.created: "asc"}], archive=archive)
        page = await self._client.search_page(query, 1, page_size=1)
        if not page.rows:
            return None
        stamp = page.rows[0].get("attributes", {}).get("createdAt")
        return epoch_ms(stamp) if isinstance(stamp, str) else 0

    async def _count(
        self,
        search: SearchContext,
        criteria: list[Mapping[str, Any]],
        *,
        archive: bool,
        patient: bool = False,
        deleted: bool = False,
    ) -> int | None:
        query = SearchQuery(
            search.name,
            criteria,
            [{search.created: "asc"}],
            archive=archive,
            include_deleted=deleted,
        )
        return (await self._client.search_page(query, 1, page_size=1, patient=patient)).total


def gap_of(phase: Phase, way: str) -> str | None:
    """Say what a way of reading may miss; None when it misses nothing."""
    if way != LIST_AND_WINDOWS:
        return None
    return (
        f"Kustomer's list of {phase.name} stops at {LIST_CAP_PAGES} pages, and its search does "
        "not reach records untouched for two years: some of those may be missing."
    )
