"""How a stream is read: as a list, or in search windows that fit under the cap."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from connectors.errors import PastTheEnd, RoleMissing, SearchTimedOut
from connectors.kustomer.client import Page, SearchQuery
from service.phases import phase_named
from service.planner import SEARCH_CAP_ROWS, Planner, WindowTooDense

NOW = 1_760_000_000_000
MESSAGES = phase_named("messages")


def stamp(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def millis(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


@dataclass
class FakeKustomer:
    """Answers list and search pages over records of (created ms, updated ms)."""

    records: list[tuple[int, int]]
    archived: list[tuple[int, int]] = field(default_factory=list)
    list_pages: int | None = None
    refuse_beyond: bool = False
    search_role: bool = True
    searches: int = 0

    async def list_page(self, path: str, page: int, **options: Any) -> Page:
        size = options["page_size"]
        if self.list_pages is not None and page > self.list_pages:
            if self.refuse_beyond:
                raise PastTheEnd("The page is out of range.")
            return self._page(0, None)
        left = len(self.records) + len(self.archived) - (page - 1) * size
        return self._page(max(0, min(size, left)), None)

    async def search_page(self, query: SearchQuery, page: int, **options: Any) -> Page:
        if not self.search_role:
            raise RoleMissing("No search role.", endpoint="search")
        self.searches += 1
        found = list(self.archived if query.archive else self.records)
        for rule in query.criteria:
            for name, test in rule.items():
                at = 0 if name.endswith("created_at") else 1
                for operator, value in test.items():
                    limit = millis(value)
                    if operator == "gte":
                        found = [each for each in found if each[at] >= limit]
                    else:
                        found = [each for each in found if each[at] < limit]
        return self._page(min(1, len(found)), len(found), min(found, default=(0, 0))[0])

    def _page(self, rows: int, total: int | None, first: int = 0) -> Page:
        shown = [{"id": str(n), "attributes": {"createdAt": stamp(first)}} for n in range(rows)]
        return Page(rows=shown, included=[], has_next=True, total=total, size_bytes=0)


def planner(fake: FakeKustomer) -> Planner:
    return Planner(fake, now_ms=NOW)  # type: ignore[arg-type]


def spread(count: int, *, start: int = NOW - 10**9, step: int = 7) -> list[tuple[int, int]]:
    return [(start + number * step, start + number * step) for number in range(count)]


async def test_a_list_that_goes_on_behind_the_cap_is_read_as_a_list() -> None:
    plan = await planner(FakeKustomer(spread(25_000))).plan(MESSAGES)
    assert plan.way == "list"
    assert [each["kind"] for each in plan.slices] == ["list"]


async def test_a_list_that_ends_before_the_cap_is_read_as_a_list_without_any_search() -> None:
    fake = FakeKustomer(spread(300))
    assert (await planner(fake).plan(MESSAGES)).way == "list"
    assert fake.searches == 0


async def test_exactly_as_many_rows_as_the_cap_shows_are_no_capped_list() -> None:
    fake = FakeKustomer(spread(9_900), archived=spread(100), list_pages=100)
    assert (await planner(fake).plan(MESSAGES)).way == "list"


@pytest.mark.parametrize("refuse", [True, False])
async def test_a_capped_list_becomes_windows_that_hold_every_row_once(refuse: bool) -> None:
    fake = FakeKustomer(
        spread(31_000), archived=spread(12_000), list_pages=100, refuse_beyond=refuse
    )
    plan = await planner(fake).plan(MESSAGES)
    assert plan.way == "search windows"
    assert all(each["total"] < SEARCH_CAP_ROWS for each in plan.slices)
    for archive, rows in ((False, 31_000), (True, 12_000)):
        windows = [each for each in plan.slices if each["archive"] is archive]
        assert sum(each["total"] for each in windows) == rows
        spans = sorted(
            (millis(w["criteria"][0]["message_created_at"]["gte"]),
             millis(w["criteria"][1]["message_created_at"]["lt"]))
            for w in windows
        )  # fmt: skip
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


async def test_a_storm_of_one_creation_time_is_cut_by_update_time() -> None:
    storm = [(NOW - 5_000_000, NOW - 4_000_000 + number * 3) for number in range(15_000)]
    plan = await planner(FakeKustomer(storm, list_pages=100)).plan(MESSAGES)
    assert sum(each["total"] for each in plan.slices) == 15_000
    assert all(each["total"] < SEARCH_CAP_ROWS for each in plan.slices)


async def test_what_cannot_be_cut_any_finer_is_said_and_not_left_out() -> None:
    storm = [(NOW - 5_000, NOW - 4_000)] * 10_500
    with pytest.raises(WindowTooDense):
        await planner(FakeKustomer(storm, list_pages=100)).plan(MESSAGES)


async def test_notes_that_just_fill_the_cap_are_still_read_as_a_list() -> None:
    """The archive has no notes, so search must never stand in for a list that is whole."""
    fake = FakeKustomer(spread(9_200), archived=spread(800), list_pages=100)
    plan = await planner(fake).plan(phase_named("notes"))
    assert (plan.way, plan.gap) == ("list", None)


async def test_notes_beyond_the_cap_are_read_both_ways_and_the_gap_is_told() -> None:
    fake = FakeKustomer(spread(14_000), archived=spread(3_000), list_pages=100)
    plan = await planner(fake).plan(phase_named("notes"))
    assert plan.slices[0]["kind"] == "list"
    assert sum(each.get("total", 0) for each in plan.slices) == 14_000
    assert plan.gap is not None


async def test_without_the_search_role_there_is_no_total_and_no_error() -> None:
    fake = FakeKustomer(spread(300), search_role=False)
    assert await planner(fake).source_total(MESSAGES) is None
    assert (await planner(fake).plan(MESSAGES)).way == "list"


async def test_a_count_that_times_out_is_asked_of_smaller_windows() -> None:
    records = [(NOW - 1000 * number, NOW) for number in range(12_000)]
    kustomer = FakeKustomer(records, list_pages=100)
    plain = kustomer.search_page

    async def busy(query: SearchQuery, page: int, *, patient: bool = True, **options: Any) -> Page:
        spans = [rule["message_created_at"] for rule in query.criteria]
        if spans and not patient and millis(spans[1]["lt"]) - millis(spans[0]["gte"]) > 4_000_000:
            raise SearchTimedOut("busy")
        return await plain(query, page, **options)

    kustomer.search_page = busy  # type: ignore[method-assign, assignment]
    plan = await planner(kustomer).plan(MESSAGES)
    assert sum(each["total"] for each in plan.slices) == 12_000
    assert len(plan.slices) >= 3


@pytest.mark.parametrize(
    ("fake", "phase", "way"),
    [
        (FakeKustomer(spread(25_000)), "messages", "list"),
        (FakeKustomer(spread(25_000), list_pages=100), "messages", "search windows"),
        (FakeKustomer(spread(25_000), list_pages=100), "notes", "list and search windows"),
    ],
)
async def test_a_way_is_told_without_cutting_windows(
    fake: FakeKustomer, phase: str, way: str
) -> None:
    assert await planner(fake).way(phase_named(phase)) == way
    assert fake.searches <= 2
    assert (await planner(fake).plan(phase_named(phase))).way == way
