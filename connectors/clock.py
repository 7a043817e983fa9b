"""Time and chance as things a caller hands in, so that tests own both."""

from __future__ import annotations

import random
import time
from typing import Protocol

import anyio


class Clock(Protocol):
    """What every connector may know about time and chance."""

    def now(self) -> float:
        """Wall time in epoch seconds. May jump; use it only against times told by a remote."""
        ...

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back. Use it for every duration."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Give way for `seconds`. Zero or less gives way once. Cancellation passes through."""
        ...

    def random(self) -> float:
        """A number in [0, 1) for jitter. Never for secrets."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> float:
        """Wall time in epoch seconds."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on the machine's monotonic clock."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`; zero or less gives way once."""
        await anyio.sleep(max(0.0, seconds))

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311 - jitter, not a secret
