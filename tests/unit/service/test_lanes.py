"""Which batches make the next job."""

from hypothesis import given
from hypothesis import strategies as st

from service.lanes import JOB_BYTES, JOB_ROWS, SERVER_BATCH_ROWS, choose
from state.batches import Batch


def batch(number: int, lane: int, rows: int, size: int = 1000) -> Batch:
    return Batch(number, "p", "k", "Case", lane, rows, size, f"f{number}", 0, "sealed", None)


def rows_of(batches: list[Batch]) -> int:
    return sum(each.rows for each in batches)


def test_a_lane_waits_for_a_full_server_batch_while_rows_still_come() -> None:
    assert choose([batch(1, 0, 9_000)], frozenset(), whole=False) == []
    chosen = choose([batch(1, 0, 9_000), batch(2, 0, 1_000)], frozenset(), whole=False)
    assert rows_of(chosen) == SERVER_BATCH_ROWS


def test_jobs_are_cut_to_fill_server_batches() -> None:
    ready = [batch(number, 0, 1_600) for number in range(10)]  # 16,000 rows
    chosen = choose(ready, frozenset(), whole=False)
    assert 9_500 <= rows_of(chosen) <= SERVER_BATCH_ROWS


def test_a_busy_lane_is_left_alone() -> None:
    ready = [batch(1, 0, 20_000), batch(2, 1, 12_000)]
    assert {each.lane for each in choose(ready, frozenset({0}), whole=False)} == {1}


def test_what_is_left_over_goes_in_one_common_job_when_nothing_is_live() -> None:
    ready = [batch(number, number % 4, 700) for number in range(8)]
    assert choose(ready, frozenset({3}), whole=True) == []
    assert len(choose(ready, frozenset(), whole=True)) == 8


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 20_000), st.integers(1, 60_000_000)),
        max_size=40,
    ),
    st.booleans(),
)
def test_a_job_keeps_its_limits_and_its_lane(raw: list[tuple[int, int, int]], whole: bool) -> None:
    ready = [batch(number, lane, rows, size) for number, (lane, rows, size) in enumerate(raw)]
    chosen = choose(ready, frozenset(), whole=whole)
    if len(chosen) > 1:
        assert rows_of(chosen) <= JOB_ROWS
        assert sum(each.size_bytes for each in chosen) <= JOB_BYTES
    if not whole:
        assert len({each.lane for each in chosen}) <= 1
    elif ready:
        assert chosen, "when all is extracted and nothing is live, something must go"
    assert len({each.id for each in chosen}) == len(chosen)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 12_000)), min_size=1, max_size=30),
    st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=40),
)
def test_lanes_never_share_a_live_job_and_every_batch_goes_once(
    raw: list[tuple[int, int]], events: list[tuple[bool, int]]
) -> None:
    """Jobs start and end in any order; what `choose` is given are always all waiting batches."""
    waiting = {number: batch(number, lane, rows) for number, (lane, rows) in enumerate(raw)}
    live: list[list[Batch]] = []
    sent: list[int] = []

    def start(*, whole: bool) -> None:
        busy = frozenset(each.lane for job in live for each in job)
        chosen = choose(list(waiting.values()), busy, whole=whole)
        assert busy.isdisjoint(each.lane for each in chosen)
        for each in chosen:
            del waiting[each.id]
        sent.extend(each.id for each in chosen)
        if chosen:
            live.append(chosen)

    for whole, ends in events:
        start(whole=whole)
        if live and ends < len(live):
            live.pop(ends)
    while waiting or live:
        start(whole=True)
        live.pop(0)
    assert sorted(sent) == list(range(len(raw)))
