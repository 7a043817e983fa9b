"""Counts records of the source for few requests: by search totals, or by looking for a list's end."""

from dataclasses import dataclass

from connectors.errors import BadRequest, NotAPage, NotFound, PastTheEnd, RoleMissing
from connectors.kustomer.client import KustomerClient, SearchQuery
from service.phases import Phase, SearchContext
from service.planner import LIST_CAP_PAGES, SEARCH_CAP_ROWS

# What keeps one count from being told, and hinders nothing else.
UNABLE = (RoleMissing, BadRequest, NotFound, NotAPage)
_CLOSE_ENOUGH = 0.02


@dataclass(frozen=True)
class Count:
    """Records of one stream; `exact` False for a bound or an estimate. `gap` says what hindered."""

    records: int | None
    exact: bool
    by_list: int | None = None
    by_search: int | None = None
    by_archive: int | None = None
    gap: str | None = None


class Counter:
    """Counts against the live source; `searches` is how many it has made."""

    def __init__(self, client: KustomerClient) -> None:
        self._client = client
        self.searches = 0

    async def count(self, phase: Phase) -> Count:
        """Count a stream: two searches; where they cannot tell, up to some thirty pages of its list.

        A total of exactly the search cap counts as capped (kustomer facts, section 11).
        """
        search = phase.stream.search
        recent = archived = None
        gap = None
        if search is not None:
            try:
                recent = await self.total(search)
                archived = await self.total(search, archive=True) if search.archive else None
            except UNABLE as error:
                gap = f"{phase.name} cannot be counted by search: {error.message}"
        whole = search is not None and search.archive and None not in (recent, archived)
        if whole and SEARCH_CAP_ROWS not in (recent, archived):
            told = await self._told_by_list(phase)
            return Count((recent or 0) + (archived or 0), True, told, recent, archived)
        try:
            listed, exact = await self.end_of(phase)
        except UNABLE as error:
            return Count(
                None if recent is None else recent + (archived or 0),
                False,
                None,
                recent,
                archived,
                gap or f"{phase.name} cannot be listed: {error.message}",
            )
        if not exact and gap is None and listed == LIST_CAP_PAGES * phase.stream.page_size:
            gap = (
                f"{phase.name} cannot be counted: list and search both stop at {listed:,} records."
            )
        return Count(listed, exact, listed, recent, archived, gap)

    async def total(
        self,
        search: SearchContext,
        *criteria: dict[str, dict[str, str]],
        archive: bool = False,
    ) -> int | None:
        """How many records a search finds; raises the connectors' errors."""
        query = SearchQuery(search.name, criteria, [{search.created: "asc"}], archive=archive)
        self.searches += 1
        return (await self._client.search_page(query, 1, page_size=1, patient=False)).total

    async def earliest(self, search: SearchContext, *, archive: bool) -> str | None:
        """When the oldest record was made, as it says; None when there is none."""
        query = SearchQuery(search.name, [], [{search.created: "asc"}], archive=archive)
        self.searches += 1
        page = await self._client.search_page(query, 1, page_size=1, patient=False)
        stamp = page.rows[0].get("attributes", {}).get("createdAt") if page.rows else None
        return stamp if isinstance(stamp, str) else None

    async def _told_by_list(self, phase: Phase) -> int | None:
        """The list's own total, which only the customers' list tells (kustomer facts, 3.2)."""
        if phase.kind != "customer":
            return None
        try:
            return (await self._client.list_page(phase.stream.path, 1, page_size=1)).total
        except UNABLE:
            return None

    async def end_of(self, phase: Phase) -> tuple[int, bool]:
        """Find a list's end by doubling and halving; the count, and whether it is exact.

        Stops once it is known to 2 %. A list that ends right at the depth cap is no proof of its end.
        """
        size = phase.stream.page_size
        low, high = 0, 1  # rows of page `low` are known to be there; `high` was not looked at
        while True:
            rows, more = await self._page(phase, high)
            if not rows:
                break
            if not more or rows < size:
                return (high - 1) * size + rows, high != LIST_CAP_PAGES or rows < size
            low, high = high, high * 2
        while high - low > max(1, int(low * _CLOSE_ENOUGH)):
            middle = (low + high) // 2
            rows, more = await self._page(phase, middle)
            if rows and (not more or rows < size):
                return (middle - 1) * size + rows, middle != LIST_CAP_PAGES or rows < size
            low, high = (middle, high) if rows else (low, middle)
        return low * size, high - low == 1 and low != LIST_CAP_PAGES

    async def _page(self, phase: Phase, number: int) -> tuple[int, bool]:
        """How many rows a page has, and whether another one follows."""
        stream = phase.stream
        try:
            page = await self._client.list_page(stream.path, number, page_size=stream.page_size)
        except PastTheEnd:
            return 0, False
        return len(page.rows), page.has_next
