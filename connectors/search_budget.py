"""The budget of search requests: Kustomer allows an API key 100 a minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import anyio
from aiolimiter import AsyncLimiter

from connectors.budget_snapshot import BudgetSnapshot
from connectors.clock import Clock
from connectors.limit_headers import read_limits
from connectors.retry import retry_after_s

_MINUTE_S: Final = 60.0
_TOO_MANY: Final = "the search limit is used up (429)"


class SearchBudget:
    """At most `per_minute` searches in a minute, nearly even; a number, or a function of the time (epoch
    s) that tells it. A change holds from the next grant on, at the new pace.

    The remote's headers may speak of the org's whole limit (Kustomer facts, section 2), so they
    teach nothing here; only a 429 pauses all searches. A twentieth of the budget may go at once,
    so any 60 s see at most 5 % more than `per_minute`: 90 stays under Kustomer's 100.
    """

    def __init__(self, *, per_minute: int | Callable[[float], int], clock: Clock) -> None:
        self._clock = clock
        self._per_minute_at = per_minute if callable(per_minute) else None
        self._set(per_minute(clock.now()) if callable(per_minute) else per_minute)
        self._turn = anyio.Lock(fast_acquire=True)
        self._grants: list[float] = []
        self._waiting = 0
        self._paused_until = -math.inf

    def _set(self, per_minute: int) -> None:
        if per_minute < 1:
            raise ValueError("per_minute must be at least 1")
        at_once = max(1, per_minute // 20)
        self._per_minute = per_minute
        self._limiter = AsyncLimiter(at_once, at_once * _MINUTE_S / per_minute)

    def _heed_hours(self) -> None:
        if self._per_minute_at is None:
            return
        per_minute = self._per_minute_at(self._clock.now())
        if per_minute != self._per_minute:
            self._set(per_minute)

    async def acquire(self) -> None:
        """Wait until one more search may be sent. Cancellation-safe."""
        self._waiting += 1
        try:
            async with self._turn:  # one at a time, so that no crowd leaves when a pause ends
                self._heed_hours()
                await self._limiter.acquire()
                while (wait := self._paused_until - self._clock.monotonic()) > 0.0:
                    await self._clock.sleep(wait)
        finally:
            self._waiting -= 1
        now = self._clock.monotonic()
        self._grants.append(now)
        if len(self._grants) > 2 * self._per_minute:
            self._grants = self._recent(now)

    def _recent(self, now: float) -> list[float]:
        return [at for at in self._grants if at > now - _MINUTE_S]

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """One reply came. Only a 429 matters: it pauses every search until the reset it names."""
        if status != 429:
            return
        told = read_limits(headers, self._clock.now())
        asked = retry_after_s(headers.get("retry-after"), self._clock.now())
        pause = max(told.reset_in_s if told.reset_in_s is not None else _MINUTE_S, asked or 0.0)
        jitter = 0.05 * _MINUTE_S * self._clock.random()
        now = self._clock.monotonic()
        self._paused_until = max(self._paused_until, now + pause + jitter)

    def lost(self) -> None:
        """A search got no reply. It was counted when it was granted."""

    def snapshot(self) -> BudgetSnapshot:
        """The budget as it stands. `used_in_window` looks back 60 s."""
        now = self._clock.monotonic()
        used = len(self._recent(now))
        return BudgetSnapshot(
            limit=self._per_minute,
            allowed=self._per_minute,
            used_in_window=used,
            remaining=None,
            reset_in_s=max(0.0, self._paused_until - now),
            waiting=self._waiting,
            paused_because=_TOO_MANY if now < self._paused_until else None,
        )
