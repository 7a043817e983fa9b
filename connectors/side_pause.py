"""A pause of a whole side after `too many requests` (429), where no budget paces the calls."""

from __future__ import annotations

from typing import Final

from connectors.clock import Clock

_FIRST_S: Final = 1.0
_CAP_S: Final = 60.0


class SidePause:
    """Holds every call of a side back for as long as a 429 names, or for growing pauses.

    Nothing survives a crash.
    """

    def __init__(self, side: str, clock: Clock) -> None:
        self._side = side
        self._clock = clock
        self._until = 0.0
        self._times = 0

    def hold(self, asked_s: float | None) -> None:
        """A 429 came; `asked_s` is what its `Retry-After` named, None without one."""
        now = self._clock.monotonic()
        if now >= self._until:  # those that were under way together are one refusal
            self._times += 1
        grown = min(_CAP_S, _FIRST_S * 2.0 ** (min(self._times, 30) - 1))
        pause = grown if asked_s is None else asked_s
        self._until = max(self._until, now + pause + 0.25 * grown * self._clock.random())

    def answered(self) -> None:
        """A call was let through."""
        self._times = 0

    async def passed(self) -> None:
        """Return when no pause is on. Cancellation-safe."""
        while (left := self._until - self._clock.monotonic()) > 0:
            await self._clock.sleep(left)

    @property
    def waiting_for(self) -> str | None:
        """What is waited for, in words; None when nothing is."""
        left = self._until - self._clock.monotonic()
        if left <= 0:
            return None
        return f"{self._side} to take more requests (429, {left:.0f} s left)"
