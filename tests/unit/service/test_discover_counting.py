"""Counting for few requests: by search where it tells, else by the list's end."""

from dataclasses import dataclass
from typing import Any

import pytest

from connectors.errors import PastTheEnd, RoleMissing
from connectors.kustomer.client import Page, SearchQuery
from service.discover.counting import Counter
from service.discover.messages import spread
from service.phases import phase_named

MESSAGES, NOTES, CUSTOMERS = (phase_named(each) for each in ("messages", "notes", "customers"))


@dataclass
class Source:
    """A stream of so many rows; `cap` is the last page of its list."""

    rows: int
    recent: int | None = None
    archived: int = 0
    cap: int | None = None
    refuses: bool = False
    search_role: bool = True
    list_role: bool = True
    calls: int = 0

    async def list_page(self, path: str, page: int, **options: Any) -> Page:
        self.calls += 1
        if not self.list_role:
            raise RoleMissing("No role.", endpoint=path)
        size = options["page_size"]
        if self.cap and page > self.cap:
            if self.refuses:
                raise PastTheEnd("Behind the cap.")
            return _page(0, False, None)
        shown = max(0, min(size, self.rows - (page - 1) * size))
        more = page * size < self.rows and page != self.cap
        return _page(shown, more, self.rows if "customers" in path else None)

    async def search_page(self, query: SearchQuery, page: int, **options: Any) -> Page:
        self.calls += 1
        if not self.search_role:
            raise RoleMissing("No search.", endpoint="search")
        return _page(1, False, self.archived if query.archive else self.recent)


def _page(rows: int, more: bool, total: int | None) -> Page:
    return Page([{"id": str(n)} for n in range(rows)], [], more, total, 0)


def counter(source: Source) -> Counter:
    return Counter(source)  # type: ignore[arg-type]


async def test_two_searches_count_a_stream_exactly() -> None:
    source = Source(25_000, recent=20_000, archived=5_000)
    found = await counter(source).count(MESSAGES)
    assert (found.records, found.exact, found.gap, source.calls) == (25_000, True, None, 2)
    assert (found.by_search, found.by_archive, found.by_list) == (20_000, 5_000, None)


async def test_the_customers_list_tells_its_own_total_beside_them() -> None:
    found = await counter(Source(400, recent=380, archived=20)).count(CUSTOMERS)
    assert (found.records, found.by_list) == (400, 400)


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 299, 300, 1_200, 6_250])
async def test_the_end_of_a_list_is_found_to_the_row_while_it_is_short(rows: int) -> None:
    source = Source(rows, recent=rows)
    found = await counter(source).count(NOTES)
    assert (found.records, found.exact) == (rows, True)
    assert source.calls < 16


async def test_the_end_of_a_long_list_is_known_to_two_per_cent_for_few_pages() -> None:
    source = Source(9_876_543, recent=10_000, archived=10_000)
    found = await counter(source).count(MESSAGES)
    assert found.records is not None
    assert found.records == pytest.approx(9_876_543, rel=0.02)
    assert not found.exact
    assert source.calls < 30


@pytest.mark.parametrize("refuses", [True, False])
async def test_a_list_and_a_search_that_both_stop_are_told_as_a_bound(refuses: bool) -> None:
    source = Source(50_000, recent=10_000, archived=0, cap=100, refuses=refuses)
    found = await counter(source).count(MESSAGES)
    assert (found.records, found.exact) == (10_000, False)
    assert found.gap is not None
    assert "both stop" in found.gap


async def test_without_the_search_role_the_list_counts_and_the_gap_is_told() -> None:
    found = await counter(Source(250, search_role=False)).count(MESSAGES)
    assert (found.records, found.exact) == (250, True)
    assert "No search." in str(found.gap)


async def test_without_any_role_nothing_is_counted_and_nothing_breaks() -> None:
    found = await counter(Source(250, search_role=False, list_role=False)).count(MESSAGES)
    assert (found.records, found.exact) == (None, False)


@pytest.mark.parametrize(
    ("records", "pages"), [(0, [1]), (80, [1]), (200, [1, 2]), (3_000, [6, 16, 26])]
)
def test_a_sample_is_spread_over_the_whole_list(records: int, pages: list[int]) -> None:
    assert spread(records, 100) == pages
