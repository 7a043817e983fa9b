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
from connectors.errors import ConnectorError, RequestLimitExceeded
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
        self._batches_turn = anyio.Lock()
        self._usage: Usage | None = None
        self._refusals = 0
        self._batches_left = -math.inf
        self._why: str | None = None
        self._batches_why: str | None = None

    @property
    def waiting_for(self) -> str | None:
        """What is waited for, in words; None when calls pass."""
        return self._why or self._batches_why

    async def passed(self, read: ReadLimits) -> None:
        """Return when one more request may be sent; `read` asks `/limits` past this gate."""
        while self._why:
            async with self._turn:
                if self._why:
                    self._refusals = await self._until(read, self._has_requests, self._refusals)
                    self._why = None
                    self._say(None)

    def learn(self, usage: Usage | None) -> None:
        """A reply came that was no refusal; `usage` is what its header told."""
        if usage is None:
            return
        self._usage = usage
        if self._reserve and self._left(usage) <= self._kept(usage.allowed):
            self._close(
                f"Salesforce's daily requests to free up ({usage.used:,} of {usage.allowed:,} used,"
                f" {self._kept(usage.allowed):,} are kept for others)"
            )

    def answered(self) -> None:
        """A gated call was answered, so the limit is not what stops us."""
        self._refusals = 0

    def refused(self) -> None:
        """A call was refused with `REQUEST_LIMIT_EXCEEDED`: everyone waits from now on."""
        self._close("Salesforce's request limit to free up (REQUEST_LIMIT_EXCEEDED)")

    async def take_batches(self, read: ReadLimits) -> None:
        """Return when the day has room for the batches of one more ingest job.

        Only new jobs wait for it: those under way are followed to their end.
        """
        async with self._batches_turn:
            self._batches_left -= _BATCHES_OF_A_JOB
            if self._batches_left >= 0 or await self._has_batches(read):
                return
            self._batches_why = "Salesforce's daily bulk batches to free up"
            self._say(self._batches_why)
            await self._until(read, self._has_batches, 0)
            self._batches_why = None
            self._say(None)

    async def _until(
        self, read: ReadLimits, room: Callable[[ReadLimits], Awaitable[bool]], times: int
    ) -> int:
        """Ask for room after growing pauses until there is some; returns how often in all."""
        while True:
            full = min(_CAP_S, self._first_s * _GROWTH ** min(times, 30))
            await self._clock.sleep(full * (0.75 + 0.5 * self._clock.random()))
            times += 1
            if await room(read):
                return times

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
        await self.passed(read)
        try:
            told = (await read()).get(_BATCHES)
        except RequestLimitExceeded:
            self.refused()
            return await self._has_batches(read)
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
        if self._why is None:
            self._why = why
            self._say(why)

    def _say(self, why: str | None) -> None:
        if self._tell:
            self._tell(why)
