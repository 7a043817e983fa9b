"""The org's daily limits: a pause before they are used up, and while they are.

Salesforce counts the requests of everyone in the org over a rolling day, and the batches of bulk
jobs (salesforce facts, 2.2, 3.7, 10). The share that is the other integrations' stays theirs.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import anyio

from connectors.clock import Clock
from connectors.errors import ConnectorError
from connectors.patience import Tell
from connectors.salesforce.limits import Limit, Usage

_REQUESTS: Final = "DailyApiRequests"
_BATCHES: Final = "DailyBulkApiBatches"
_GROWTH: Final = 2.0
_CAP_S: Final = 600.0
_MARGIN: Final = 0.01
_BATCHES_OF_A_JOB: Final = 6  # 50,000 rows are five batches, and a sixth is counted for the job

ReadLimits = Callable[[], Awaitable[Mapping[str, Limit]]]


class DailyLimit:
    """Lets calls pass while the day's limits allow it; one instance per org, shared by all calls.

    `reserve` is what is never touched: a share of the limit below 1, else a number of requests. A
    pause ends when `/limits`, asked at growing intervals (one request each), shows the reserve and
    one per cent more to be free. `tell` hears why it pauses, and None at the end. After a crash the
    first reply of the new run tells where the day stands. Waiting may be cancelled at any point.
    """

    def __init__(
        self, *, clock: Clock, reserve: float, first_s: float = 1.0, tell: Tell | None = None
    ) -> None:
        self._clock = clock
        self._reserve = reserve
        self._first_s = first_s
        self._tell = tell
        self._turn = anyio.Lock()
        self._usage: Usage | None = None
        self._refusals = 0
        self._batches_left = -math.inf
        self.waiting_for: str | None = None

    async def passed(self, read: ReadLimits) -> None:
        """Return when one more request may be sent; `read` asks `/limits` past this gate."""
        while self.waiting_for:
            async with self._turn:
                if self.waiting_for:
                    await self._until(read, self._has_requests)

    def learn(self, usage: Usage | None) -> None:
        """A reply came that was no refusal; `usage` is what its header told."""
        if usage is None:
            return
        self._usage = usage
        if self._reserve and self._left(usage) <= self._kept(usage.allowed):
            self._close(
                f"Salesforce's daily requests to free up ({usage.used:,} of {usage.allowed:,} used;"
                f" {self._kept(usage.allowed):,} are kept for others)"
            )

    def answered(self) -> None:
        """A gated call was answered, so the limit is not what stops us."""
        self._refusals = 0

    def refused(self) -> None:
        """A call was refused with `REQUEST_LIMIT_EXCEEDED`: everyone waits from now on."""
        self._close("Salesforce's request limit to free up (REQUEST_LIMIT_EXCEEDED)")

    async def take_batches(self, read: ReadLimits) -> None:
        """Return when the day has room for the batches of one more ingest job."""
        async with self._turn:
            self._batches_left -= _BATCHES_OF_A_JOB
            if self._batches_left < 0 and not await self._has_batches(read):
                self._close("Salesforce's daily bulk batches to free up")
                await self._until(read, self._has_batches)

    async def _until(self, read: ReadLimits, room: Callable[[ReadLimits], Awaitable[bool]]) -> None:
        times = self._refusals
        while True:
            full = min(_CAP_S, self._first_s * _GROWTH ** min(times, 30))
            await self._clock.sleep(full * (0.75 + 0.5 * self._clock.random()))
            times += 1
            if await room(read):
                break
        self._refusals = times
        self.waiting_for = None
        if self._tell:
            self._tell(None)

    async def _has_requests(self, read: ReadLimits) -> bool:
        try:
            told = (await read()).get(_REQUESTS)
        except ConnectorError as error:
            # Without the right to see limits, the reply's header has told what is left.
            if error.recovery != "refuse" or self._usage is None:
                return False
            told = Limit(self._usage.allowed, self._left(self._usage))
        if told is None:
            return True
        margin = max(1, int(told.max * _MARGIN)) if self._reserve else 1
        return told.remaining >= self._kept(told.max) + margin

    async def _has_batches(self, read: ReadLimits) -> bool:
        """Read what is left of the day's batches; it is then counted down job by job."""
        try:
            told = (await read()).get(_BATCHES)
        except ConnectorError as error:
            if error.recovery != "refuse":
                raise
            told = None
        if told is None:  # not to be known: nothing to pace by
            self._batches_left = math.inf
            return True
        kept = int(told.max * self._reserve) if self._reserve < 1 else 0
        self._batches_left = told.remaining - kept - _BATCHES_OF_A_JOB
        return self._batches_left >= 0

    def _kept(self, allowed: int) -> int:
        kept = self._reserve * allowed if self._reserve < 1 else self._reserve
        return min(int(kept), allowed - 1)

    def _left(self, usage: Usage) -> int:
        return max(0, usage.allowed - usage.used)

    def _close(self, why: str) -> None:
        if self.waiting_for is None:
            self.waiting_for = why
            if self._tell:
                self._tell(why)
