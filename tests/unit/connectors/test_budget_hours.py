"""Budgets whose share changes with the time, on virtual clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from connectors.budget import RequestBudget, SearchBudget
from tests.unit.connectors.test_budget import Remote, drive
from tests.unit.connectors.test_budget_search import _LoopTime, run
from tests.unit.connectors.virtual_clock import VirtualClock

START = 1_700_000_040.0  # a multiple of 60: the remote's windows begin with the clock's


def turning(at: float, before: float, after: float) -> Callable[[float], float]:
    return lambda now: before if now < START + at else after


def use(remote: Remote) -> list[int]:
    return [remote.ours[window] for window in sorted(remote.ours)]


async def test_a_lower_share_holds_in_the_window_in_which_it_begins() -> None:
    clock = VirtualClock(START)
    remote = Remote(clock, 200, 60.0)
    await drive(RequestBudget(share=turning(210, 0.7, 0.3), clock=clock), remote, windows=7)
    seen = use(remote)
    assert min(seen[1:3]) >= 133
    assert 60 <= seen[3] <= 80, "half of a window at the old share is more than the new one allows"
    assert all(55 <= each <= 64 for each in seen[4:6])
    assert remote.refused == 0
    last = [at for at in remote.at if 180 <= at < 240]
    assert max(last) < 214, "nothing was sent after the share fell, in that window"


async def test_a_higher_share_holds_at_once_and_makes_no_burst() -> None:
    clock = VirtualClock(START)
    remote = Remote(clock, 200, 60.0)
    await drive(RequestBudget(share=turning(210, 0.3, 0.7), clock=clock), remote, windows=7)
    seen = use(remote)
    assert all(55 <= each <= 64 for each in seen[1:3])
    assert seen[3] >= 90
    assert min(seen[4:6]) >= 133
    late = sorted(at for at in remote.at if at >= 210)
    assert max(sum(at <= each < at + 6 for each in late) for at in late) <= 2 * 14 + 2
    assert remote.refused == 0


async def test_who_waits_at_a_tiny_share_goes_on_soon_after_it_rises() -> None:
    clock = VirtualClock(START)
    remote = Remote(clock, 20, 60.0)
    await drive(RequestBudget(share=turning(150, 0.05, 1.0), clock=clock), remote, windows=4)
    after = [at for at in remote.at if at >= 150]
    assert min(after) <= 150 + 10


async def test_the_snapshot_tells_what_is_in_force_without_a_call() -> None:
    clock = VirtualClock(START)
    budget = RequestBudget(share=turning(30, 0.7, 0.3), clock=clock, assumed_limit=100)
    assert budget.snapshot().allowed == 70
    clock.advance(31)
    assert budget.snapshot().allowed == 30


def test_a_share_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="share"):
        RequestBudget(share=lambda _: 0.0, clock=VirtualClock())


def test_searches_go_at_the_pace_of_the_hour() -> None:
    async def body(clock: _LoopTime) -> None:
        budget = SearchBudget(per_minute=lambda now: 40 if now < START + 80 else 90, clock=clock)
        grants: list[float] = []

        async def worker() -> None:
            while clock.monotonic() < 400:
                await budget.acquire()
                grants.append(clock.monotonic())

        await asyncio.gather(*(worker() for _ in range(4)))
        turn = START + 80 - (clock.now() - clock.monotonic())
        assert max(sum(at <= each < at + 60 for each in grants) for at in grants if at < 55) <= 43
        assert 38 <= sum(turn - 60 <= each < turn for each in grants) <= 43
        assert 85 <= sum(turn + 2 <= each < turn + 62 for each in grants) <= 95
        assert budget.snapshot().allowed == 90

    run(body)
