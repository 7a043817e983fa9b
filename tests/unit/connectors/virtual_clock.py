"""A clock that only moves when everyone waits, so that no test waits for real time."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class VirtualClock:
    """Time for tests. `sleep` parks the caller; when the loop has nothing else to do, time jumps
    to the earliest sleeper. `chances` is what `random` returns, over and over."""

    def __init__(self, start: float = 1_700_000_000.0, chance: float = 0.5) -> None:
        self.start = start
        self.passed = 0.0
        self.chance = chance
        self.sleeps: list[float] = []
        self._parked: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()
        self._mover: asyncio.Task[None] | None = None

    def now(self) -> float:
        return self.start + self.passed

    def monotonic(self) -> float:
        return self.passed

    def random(self) -> float:
        return self.chance

    def advance(self, seconds: float) -> None:
        self.passed += seconds

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        parked = asyncio.get_running_loop().create_future()
        heapq.heappush(self._parked, (self.passed + seconds, next(self._order), parked))
        if self._mover is None or self._mover.done():
            self._mover = asyncio.get_running_loop().create_task(self._move())
        await parked

    async def _move(self) -> None:
        """Let everything that can run do so, then jump; until nobody sleeps."""
        while self._parked:
            for _ in range(20):
                await asyncio.sleep(0)
            when, _, parked = heapq.heappop(self._parked)
            if parked.done():  # its sleeper was cancelled
                continue
            self.passed = max(self.passed, when)
            parked.set_result(None)
