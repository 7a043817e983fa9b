"""Which page is read next."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from service.schedule import PageSchedule, SliceCursor


def cursor(number: int = 0, last: int | None = None, done: set[int] | None = None) -> SliceCursor:
    return SliceCursor(number, {}, last, done=done or set())


def read_all(schedule: PageSchedule, pages_of: dict[int, int]) -> list[tuple[int, int]]:
    """Read one page at a time; `pages_of` tells how many pages each slice really has."""
    order = []
    while (ticket := schedule.take()) is not None:
        piece, page = ticket
        order.append((piece.number, page))
        really = pages_of[piece.number]
        schedule.landed(
            piece.number, page, rows=100 if page <= really else 0, has_next=page < really
        )
    return order


def test_a_short_list_costs_one_request_more_than_its_pages_at_most() -> None:
    schedule = PageSchedule([cursor()], readers=8)
    assert read_all(schedule, {0: 1}) == [(0, 1)]
    assert schedule.finished


def test_readers_run_ahead_of_an_unknown_end_by_twice_as_many_each_time() -> None:
    schedule = PageSchedule([cursor()], readers=8)
    out = []
    for _ in range(4):
        wave = []
        while (ticket := schedule.take()) is not None:
            wave.append(ticket[1])
        out.append(len(wave))
        for page in wave:
            schedule.landed(0, page, rows=100, has_next=True)
    assert out == [1, 2, 8, 8]


def test_pages_sealed_before_are_not_read_again() -> None:
    schedule = PageSchedule([cursor(last=5, done={1, 2, 4})], readers=4)
    assert read_all(schedule, {0: 5}) == [(0, 3), (0, 5)]
    assert schedule.finished


def test_a_slice_is_finished_only_when_pages_under_way_have_landed() -> None:
    schedule = PageSchedule([cursor(last=2)], readers=4)
    assert schedule.take() is not None
    assert schedule.take() is not None
    schedule.landed(0, 2, rows=10, has_next=False)
    assert not schedule.finished
    schedule.landed(0, 1, rows=100, has_next=True)
    assert schedule.finished


def test_rows_behind_the_presumed_end_open_the_slice_again() -> None:
    schedule = PageSchedule([cursor()], readers=4)
    schedule.take()
    schedule.landed(0, 1, rows=100, has_next=True)
    schedule.take()
    schedule.take()
    schedule.landed(0, 2, rows=100, has_next=False)  # a page that lied about its end
    assert not schedule.finished
    schedule.landed(0, 3, rows=50, has_next=False)
    assert schedule.finished


def test_the_second_slice_is_read_while_the_first_one_waits() -> None:
    schedule = PageSchedule([cursor(0), cursor(1)], readers=4)
    first, second = schedule.take(), schedule.take()
    assert first is not None
    assert second is not None
    assert (first[0].number, second[0].number) == (0, 1)


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=4),
    st.integers(1, 5),
    st.sets(st.tuples(st.integers(0, 3), st.integers(1, 9))),
    st.randoms(use_true_random=False),
)
def test_every_page_is_read_once_in_whatever_order_replies_land(
    lengths: list[int], readers: int, sealed: set[tuple[int, int]], chance: Random
) -> None:
    """`sealed`: pages that an earlier run has read; they are not asked for again."""
    cursors = [
        cursor(number, done={page for each, page in sealed if each == number and page <= length})
        for number, length in enumerate(lengths)
    ]
    before = {(each.number, page) for each in cursors for page in each.done}
    schedule = PageSchedule(cursors, readers=readers)
    out: list[tuple[int, int]] = []
    read: list[tuple[int, int]] = []
    while True:
        while len(out) < readers and (ticket := schedule.take()) is not None:
            out.append((ticket[0].number, ticket[1]))
        if not out:
            break
        number, page = out.pop(chance.randrange(len(out)))
        read.append((number, page))
        rows = 100 if page <= lengths[number] else 0
        schedule.landed(number, page, rows=rows, has_next=page < lengths[number])
    assert schedule.finished
    assert len(read) == len(set(read))
    assert before.isdisjoint(read)
    whole = {
        (number, page) for number, length in enumerate(lengths) for page in range(1, length + 1)
    }
    assert whole <= before | set(read)
