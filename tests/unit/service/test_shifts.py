"""Lists and windows that move while they are read."""

from collections.abc import Callable
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st

from connectors.kustomer.client import Page
from service.schedule import PageSchedule, SliceCursor
from service.shifts import FIRST_PAGES, ShiftWatch
from tests.unit.connectors.virtual_clock import VirtualClock

SIZE = 10


class Source:
    """A list of records by ascending id, read by offsets."""

    def __init__(self, rows: int) -> None:
        self.ids = [f"{number:024x}" for number in range(rows)]
        self.reads = 0

    async def fetch(self, cursor: SliceCursor, page: int) -> Page:
        self.reads += 1
        start = (page - 1) * SIZE
        rows: list[dict[str, Any]] = [{"id": each} for each in self.ids[start : start + SIZE]]
        return Page(rows, [], start + SIZE < len(self.ids), None, 0)


class Run:
    """Reads a source page by page as the extractor does; `before` runs ahead of each read."""

    def __init__(self, source: Source, *, kind: str = "list", done: int = 0) -> None:
        self.source = source
        self.clock = VirtualClock()
        self.cursor = SliceCursor(0, {"kind": kind}, None, done=set(range(1, done + 1)))
        self.seen: list[str] = []
        self.before: Callable[[int], None] = lambda number: None

    def watch(self, told: str | None = None) -> ShiftWatch:
        return ShiftWatch(self.cursor, self.source.fetch, clock=self.clock, told=told)

    def read(self, watch: ShiftWatch, stop_after: int = 10**9) -> None:
        anyio.run(self._read, watch, stop_after)

    async def _read(self, watch: ShiftWatch, stop_after: int) -> None:
        schedule = PageSchedule([self.cursor], readers=4)
        reads = 0
        while True:
            while (ticket := schedule.take()) is not None:
                reads += 1
                if reads > stop_after:
                    return
                self.before(reads)
                page = await self.source.fetch(self.cursor, ticket[1])
                self.seen += [row["id"] for row in page.rows]
                schedule.landed(0, ticket[1], rows=len(page.rows), has_next=page.has_next)
                watch.landed(ticket[1], page)
                if watch.due:
                    self.reopen(schedule, watch, await watch.look())
            again = await watch.look()
            if not again:
                return
            self.reopen(schedule, watch, again)

    def reopen(self, schedule: PageSchedule, watch: ShiftWatch, again: list[int]) -> None:
        schedule.reopen(0, again)
        watch.reopened()


@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 9)), min_size=1, max_size=4),
    st.integers(120, 300),
)
def test_a_record_deleted_from_pages_long_read_hides_no_other(
    deletions: list[tuple[int, int]], pages: int
) -> None:
    source = Source(pages * SIZE)
    run = Run(source)

    def before(number: int) -> None:
        for when, index in deletions:
            if when == number and number > FIRST_PAGES:
                del source.ids[index]

    run.before = before
    run.read(run.watch())
    assert set(source.ids) <= set(run.seen)


def test_pages_read_while_records_vanish_one_by_one_are_all_read_again() -> None:
    """Page 50 ends as it did after the first deletion, and page 49 as before it."""
    source = Source(120 * SIZE)
    run = Run(source)

    def before(number: int) -> None:
        if 49 < number < 60:
            del source.ids[0]

    run.before = before
    run.read(run.watch())
    assert set(source.ids) <= set(run.seen)


def test_a_list_that_stands_still_costs_two_requests_more_in_a_hundred() -> None:
    source = Source(300 * SIZE)
    run = Run(source)
    run.read(run.watch())
    assert len(run.seen) == len(set(run.seen)) == 3000
    assert source.reads <= 307


def test_without_a_watch_the_record_at_the_edge_is_lost() -> None:
    """What the watch is for: the same deletion, and nobody looks."""
    source = Source(300 * SIZE)
    run = Run(source)
    run.before = lambda number: source.ids.__delitem__(0) if number == 100 else None

    class Blind(ShiftWatch):
        due = False  # type: ignore[assignment]

        async def look(self) -> list[int]:
            return []

    run.read(Blind(run.cursor, source.fetch, clock=run.clock, told=None))
    assert len(set(source.ids) - set(run.seen)) == 1


def test_a_pause_in_reading_is_followed_by_a_look() -> None:
    source = Source(40 * SIZE)
    run = Run(source)

    def before(number: int) -> None:
        if number == 20:
            run.clock.advance(3600)
            del source.ids[150:155]

    run.before = before
    run.read(run.watch())
    assert set(source.ids) <= set(run.seen)


def test_a_new_start_looks_first_and_reads_again_what_moved_meanwhile() -> None:
    source = Source(60 * SIZE)
    first = Run(source)
    watch = first.watch()
    first.read(watch, stop_after=30)
    told = watch.dump()
    del source.ids[5:9]
    second = Run(source, done=30)
    second.clock.advance(86_400)
    second.read(second.watch(told))
    assert set(source.ids) <= set(first.seen) | set(second.seen)


def test_a_new_start_after_a_day_reads_again_what_was_not_noted() -> None:
    source = Source(60 * SIZE)
    first = Run(source)
    watch = first.watch()
    first.read(watch, stop_after=20)
    told = watch.dump()
    second = Run(source, done=25)
    second.clock.advance(86_400)
    second.read(second.watch(told))
    assert second.seen[0] == source.ids[20 * SIZE]
    third = Run(source, done=25)
    third.read(third.watch(told))
    assert third.seen[0] == source.ids[25 * SIZE]


def test_inserts_at_the_end_move_nothing() -> None:
    source = Source(120 * SIZE)
    run = Run(source)
    run.before = lambda number: source.ids.append(f"{10**9 + number:024x}")
    run.read(run.watch())
    assert len(run.seen) == len(set(run.seen))


def test_a_list_that_never_stands_still_is_given_up_and_says_so() -> None:
    source = Source(400 * SIZE)
    run = Run(source)

    def before(number: int) -> None:
        if number % 20 == 0:
            del source.ids[0]

    run.before = before
    watch = run.watch()
    run.read(watch)
    assert watch.gave_up


def test_a_window_whose_total_changed_is_read_again() -> None:
    source = Source(10 * SIZE)
    run = Run(source, kind="window")
    run.cursor.last_page = 10
    plain = source.fetch

    async def fetch(cursor: SliceCursor, page: int) -> Page:
        read = await plain(cursor, page)
        read.total = len(source.ids)
        return read

    source.fetch = fetch  # type: ignore[method-assign]
    run.before = lambda number: source.ids.__delitem__(3) if number == 5 else None
    run.read(run.watch())
    assert set(source.ids) <= set(run.seen)
    still = Run(source, kind="window")
    still.cursor.last_page = 10
    still.read(still.watch())
    assert len(still.seen) == len(set(still.seen))
