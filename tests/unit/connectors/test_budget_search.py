"""The search budget, in an event loop whose time jumps instead of passing."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from connectors.budget import SearchBudget


class _Jump(selectors.DefaultSelector):
    """Moves the loop's time forward instead of waiting."""

    passed = 0.0

    def time(self) -> float:
        self.passed += 1e-7  # as real time does, it never stands still
        return self.passed

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout:
            self.passed += timeout
        return ready


class _LoopTime:
    """A clock that reads the jumping loop's time."""

    def __init__(self, jump: _Jump) -> None:
        self._jump = jump

    def now(self) -> float:
        return 1_700_000_000.0 + self._jump.passed

    def monotonic(self) -> float:
        return self._jump.passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def random(self) -> float:
        return 0.5


def run(test: Callable[[_LoopTime], Coroutine[Any, Any, None]]) -> None:
    jump = _Jump()

    def loop() -> asyncio.AbstractEventLoop:
        made = asyncio.SelectorEventLoop(jump)
        made.time = jump.time  # type: ignore[method-assign]
        return made

    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(test(_LoopTime(jump)))


def test_no_minute_sees_more_than_kustomer_allows_and_the_budget_is_used() -> None:
    async def body(clock: _LoopTime) -> None:
        budget = SearchBudget(per_minute=90, clock=clock)
        grants: list[float] = []

        async def worker() -> None:
            while clock.monotonic() < 300:
                await budget.acquire()
                grants.append(clock.monotonic())

        await asyncio.gather(*(worker() for _ in range(6)))
        for start in grants:
            assert sum(start <= at < start + 60 for at in grants) <= 95
        assert sum(60 <= at < 240 for at in grants) >= 0.95 * 270
        assert budget.snapshot().used_in_window >= 85

    run(body)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [({"x-ratelimit-reset": str(1_700_000_020)}, 20), ({}, 60), ({"retry-after": "90"}, 90)],
)
def test_a_429_pauses_every_search_and_no_crowd_leaves_when_it_ends(
    headers: dict[str, str], wait: float
) -> None:
    async def body(clock: _LoopTime) -> None:
        budget = SearchBudget(per_minute=60, clock=clock)
        budget.learn(headers, 429)
        assert budget.snapshot().paused_because is not None
        grants: list[float] = []

        async def one() -> None:
            await budget.acquire()
            grants.append(clock.monotonic())

        await asyncio.gather(*(one() for _ in range(10)))
        assert wait <= min(grants) <= wait + 3
        assert sum(at < min(grants) + 1 for at in grants) <= 5
        assert budget.snapshot().paused_because is None

    run(body)


def test_replies_other_than_429_teach_nothing() -> None:
    async def body(clock: _LoopTime) -> None:
        budget = SearchBudget(per_minute=60, clock=clock)
        budget.learn({"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0"}, 200)
        budget.lost()
        snapshot = budget.snapshot()
        assert (snapshot.limit, snapshot.paused_because) == (60, None)

    run(body)


def test_a_budget_of_nothing_is_refused() -> None:
    async def body(clock: _LoopTime) -> None:
        with pytest.raises(ValueError, match="per_minute"):
            SearchBudget(per_minute=0, clock=clock)

    run(body)
