"""The request budget against a remote with fixed windows, on a virtual clock."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio
import pytest

from connectors.budget import RequestBudget
from connectors.clock import SystemClock
from tests.unit.connectors.virtual_clock import VirtualClock

LATENCY_S = 0.05


def seconds(end: float, now: float) -> str:
    return str(math.ceil(end))


def milliseconds(end: float, now: float) -> str:
    return str(int(end * 1000))


def from_now(end: float, now: float) -> str:
    return str(math.ceil(end - now))


def exact(end: float, now: float) -> str:
    return f"{end:.3f}"


def rounded_down(end: float, now: float) -> str:
    return str(math.floor(end))


@dataclass
class Remote:
    """Counts requests in fixed windows as the org's gate does, agents included."""

    clock: VirtualClock
    limit: int
    window_s: float
    style: Callable[[float, float], str] = seconds
    offset_s: float = 0.0
    ours: Counter[int] = field(default_factory=Counter)
    all: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    refused_agents: int = 0
    at: list[float] = field(default_factory=list)

    def window(self) -> int:
        return int((self.clock.now() + self.offset_s) // self.window_s)

    def hit(self, *, agent: bool = False) -> tuple[dict[str, str], int]:
        window = self.window()
        status = 200 if self.all[window] < self.limit else 429
        if status == 200:
            self.all[window] += 1
            if not agent:
                self.ours[window] += 1
                self.at.append(self.clock.monotonic())
        elif agent:
            self.refused_agents += 1
        else:
            self.refused += 1
        end = (window + 1) * self.window_s - self.offset_s
        return {
            "x-ratelimit-limit": str(self.limit),
            "x-ratelimit-remaining": str(self.limit - self.all[window]),
            "x-ratelimit-reset": self.style(end, self.clock.now()),
        }, status


async def drive(budget: RequestBudget, remote: Remote, *, windows: float, workers: int = 8) -> None:
    clock = remote.clock
    stop = clock.monotonic() + windows * remote.window_s

    async def worker() -> None:
        while clock.monotonic() < stop:
            await budget.acquire()
            await clock.sleep(LATENCY_S / 2)
            headers, status = remote.hit()
            await clock.sleep(LATENCY_S / 2)
            budget.learn(headers, status)

    async with anyio.create_task_group() as tasks:
        for _ in range(workers):
            tasks.start_soon(worker)


async def agents(remote: Remote, *, per_window: float, windows: float) -> None:
    stop = remote.clock.monotonic() + windows * remote.window_s
    while remote.clock.monotonic() < stop:
        await remote.clock.sleep(remote.window_s / per_window)
        remote.hit(agent=True)


def whole_windows(remote: Remote) -> list[int]:
    """Our use per window, without the first two (learning) and the last (cut short)."""
    windows = sorted(remote.ours)
    return [remote.ours[w] for w in range(windows[2], windows[-1])]


@pytest.mark.parametrize("style", [seconds, milliseconds, from_now, exact, rounded_down])
@pytest.mark.parametrize("share", [0.7, 0.95])
async def test_it_uses_its_share_of_every_window_and_causes_no_429(
    style: Callable[[float, float], str], share: float
) -> None:
    clock = VirtualClock()
    remote = Remote(clock, 200, 60.0, style, offset_s=17.3)
    await drive(RequestBudget(share=share, clock=clock), remote, windows=5)
    assert remote.refused == 0
    assert min(whole_windows(remote)) >= 0.95 * math.floor(200 * share)
    assert max(whole_windows(remote)) <= math.floor(200 * share) + 8


@pytest.mark.parametrize("style", [milliseconds, exact])
async def test_it_learns_the_length_of_short_windows(
    style: Callable[[float, float], str],
) -> None:
    clock = VirtualClock()
    remote = Remote(clock, 200, 2.0, style)
    await drive(RequestBudget(share=0.7, clock=clock), remote, windows=10)
    assert remote.refused == 0
    assert min(whole_windows(remote)) >= 0.95 * 140


@pytest.mark.parametrize("style", [seconds, rounded_down, from_now])
@pytest.mark.parametrize("offset_s", [0.0, 0.4])
async def test_short_windows_told_in_whole_seconds_are_used_and_never_overrun(
    style: Callable[[float, float], str], offset_s: float
) -> None:
    clock = VirtualClock()
    remote = Remote(clock, 100, 2.0, style, offset_s=offset_s)
    await drive(RequestBudget(share=0.7, clock=clock), remote, windows=10)
    assert remote.refused == 0
    assert sum(whole_windows(remote)) >= 0.95 * 70 * len(whole_windows(remote))
    assert max(whole_windows(remote)) <= 70 + 4


async def test_with_the_whole_limit_as_its_share_it_still_causes_no_429() -> None:
    clock = VirtualClock()
    remote = Remote(clock, 100, 60.0, milliseconds, offset_s=5.0)
    await drive(RequestBudget(share=1.0, clock=clock), remote, windows=5)
    assert remote.refused == 0
    assert min(whole_windows(remote)) >= 95


async def test_requests_are_spread_evenly() -> None:
    clock = VirtualClock()
    remote = Remote(clock, 200, 60.0, milliseconds)
    await drive(RequestBudget(share=0.7, clock=clock), remote, windows=4)
    settled = [at for at in remote.at if at > 120.0]
    for start in range(120, 230, 6):
        assert sum(start <= at < start + 6 for at in settled) <= 2 * 140 / 10


async def test_it_yields_when_agents_need_more_than_their_part() -> None:
    clock = VirtualClock()
    remote = Remote(clock, 200, 60.0, milliseconds)
    budget = RequestBudget(share=0.7, clock=clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: agents(remote, per_window=120, windows=6))
        await drive(budget, remote, windows=6)
    assert remote.refused_agents == 0
    assert remote.refused == 0
    assert max(whole_windows(remote)) <= 80
    assert min(whole_windows(remote)) >= 50


async def test_agents_within_their_part_do_not_slow_it_down() -> None:
    clock = VirtualClock()
    remote = Remote(clock, 200, 60.0, milliseconds)
    budget = RequestBudget(share=0.7, clock=clock)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: agents(remote, per_window=40, windows=5))
        await drive(budget, remote, windows=5)
    assert remote.refused_agents == 0
    assert min(whole_windows(remote)) >= 0.95 * 140


async def test_a_429_pauses_everyone_until_the_reset_and_says_why() -> None:
    clock = VirtualClock()
    budget = RequestBudget(share=0.7, clock=clock)
    await budget.acquire()
    reset = str(int(clock.now()) + 40)
    headers = {"x-ratelimit-limit": "1000", "x-ratelimit-remaining": "0"}
    budget.learn({**headers, "x-ratelimit-reset": reset}, 429)
    assert "429" in (budget.snapshot().paused_because or "")
    await budget.acquire()
    assert 40.0 <= clock.monotonic() <= 40.0 + 0.05 * 60 + 1
    assert budget.snapshot().paused_because is None


async def test_a_429_without_headers_pauses_for_a_window() -> None:
    clock = VirtualClock()
    budget = RequestBudget(share=0.7, clock=clock)
    await budget.acquire()
    budget.learn({}, 429)
    await budget.acquire()
    assert 60.0 <= clock.monotonic() <= 70.0


async def test_without_headers_the_assumed_limit_holds() -> None:
    clock = VirtualClock()
    budget = RequestBudget(share=0.5, clock=clock, assumed_limit=60)
    grants = []
    while clock.monotonic() < 300.0:
        await budget.acquire()
        grants.append(clock.monotonic())
        budget.learn({}, 200)
    per_minute = Counter(int(at // 60) for at in grants if at < 300.0)
    assert max(per_minute.values()) <= 31
    assert min(per_minute.values()) >= 29


async def test_a_reset_that_slides_with_every_reply_does_not_open_new_windows() -> None:
    clock = VirtualClock()
    budget = RequestBudget(share=0.7, clock=clock)
    used = 0
    while clock.monotonic() < 59.0:
        await budget.acquire()
        used += 1
        headers = {"x-ratelimit-limit": "100", "x-ratelimit-remaining": str(100 - used)}
        budget.learn({**headers, "x-ratelimit-reset": str(clock.now() + 60)}, 200)
    assert used <= 71


async def test_a_wrong_wall_clock_is_corrected_by_the_date_header() -> None:
    clock = VirtualClock(start=1_700_000_000.0)
    budget = RequestBudget(share=0.7, clock=clock)
    await budget.acquire()
    # The remote's clock is 2023-11-14T23:13:20Z, an hour ahead of ours; its window ends in 30 s.
    budget.learn(
        {
            "date": "Tue, 14 Nov 2023 23:13:20 GMT",
            "x-ratelimit-limit": "1000",
            "x-ratelimit-remaining": "999",
            "x-ratelimit-reset": str(1_700_003_600 + 30),
        },
        200,
    )
    assert 28.0 <= budget.snapshot().reset_in_s <= 31.0


async def test_a_lost_reply_counts_as_used() -> None:
    budget = RequestBudget(share=0.7, clock=VirtualClock())
    await budget.acquire()
    budget.lost()
    assert budget.snapshot().used_in_window == 1


async def test_senseless_headers_change_nothing() -> None:
    budget = RequestBudget(share=0.7, clock=VirtualClock())
    await budget.acquire()
    budget.learn(
        {"x-ratelimit-limit": "many", "x-ratelimit-remaining": "", "x-ratelimit-reset": "-7"}, 200
    )
    snapshot = budget.snapshot()
    assert (snapshot.limit, snapshot.allowed, snapshot.remaining) == (300, 210, None)


async def test_a_cancelled_waiter_takes_no_grant() -> None:
    clock = VirtualClock()
    budget = RequestBudget(share=0.5, clock=clock, assumed_limit=2)
    await budget.acquire()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await budget.acquire()
    snapshot = budget.snapshot()
    assert (snapshot.used_in_window, snapshot.waiting) == (1, 0)


async def test_at_a_huge_limit_a_grant_costs_next_to_nothing() -> None:
    budget = RequestBudget(share=1.0, clock=SystemClock(), assumed_limit=10**9)
    best = math.inf
    for _ in range(5):
        started = time.perf_counter()
        for _ in range(2_000):
            await budget.acquire()
        best = min(best, (time.perf_counter() - started) / 2_000)
    assert best < 5e-6


@pytest.mark.parametrize("share", [0.0, -1.0, 1.1])
def test_a_share_outside_its_bounds_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        RequestBudget(share=share, clock=VirtualClock())
