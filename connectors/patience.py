"""Waiting out a remote that is down, instead of ending a run of many hours.

A call's own attempts span about a minute (`RetryPolicy`). What lasts longer is an outage: the call
then tries once after each of growing pauses, until the remote answers or the patience is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from connectors.clock import Clock
from connectors.errors import BadReply, ConnectorError, SearchTimedOut

_SLICE_S: Final = 2.0
_GROWTH: Final = 1.5
_ALONE_S: Final = 300.0

Tell = Callable[[str | None], None]


class Patience:
    """How long the calls to one side wait for it; shared by all of them.

    It begins only once the side has answered at all: a wrong address is told at once. `limit_s`
    bounds one call's outage. A call that keeps failing while others are answered is not waiting for
    an outage, and is given up after five minutes (or `limit_s`, if that is less). Refusals never
    come here, and a whole reply that is not what was promised is no outage either. `tell` hears why
    the side is waited for, and None when it answers again. Nothing survives
    a crash: a new run has to reach the side first.
    """

    def __init__(
        self,
        side: str,
        *,
        limit_s: float,
        clock: Clock,
        first_s: float = 5.0,
        cap_s: float = 120.0,
        tell: Tell | None = None,
    ) -> None:
        self.side = side
        self.limit_s = limit_s
        self.clock = clock
        self.first_s = first_s
        self.cap_s = cap_s
        self.answers = 0
        self._tell = tell
        self._why = ""
        self._since = 0.0

    def answered(self) -> None:
        """The side gave an answer, whatever it was: who waits for it may try at once."""
        self.answers += 1
        if self._why:
            self._why = ""
            if self._tell:
                self._tell(None)

    def outage(self) -> Outage:
        """A call has just failed through all of its own attempts: this waits on its behalf."""
        return Outage(self)

    def note(self, failure: ConnectorError, since: float) -> None:
        """Remember why, and tell it once."""
        if not self._why:
            self._why = failure.code
            self._since = since
            if self._tell:
                self._tell(self.waiting_for)

    @property
    def waiting_for(self) -> str | None:
        """What the side is waited for, in words; None while it answers."""
        if not self._why:
            return None
        minutes = int((self.clock.monotonic() - self._since) / 60)
        return (
            f"{self.side} to answer again ({self._why} for {minutes} min, "
            f"given up after {self.limit_s / 60:.0f} min)"
        )


class Outage:
    """One call's wait. `endure` it after each failure; drop it when the call is answered."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since = patience.clock.monotonic()
        self._seen = patience.answers
        self._times = 0
        self._alone_since: float | None = None

    async def endure(self, failure: ConnectorError) -> None:
        """Wait before the next try; raises `failure` when waiting is no use any more.

        Ends early when the side answers another call.
        """
        patience = self._patience
        now = patience.clock.monotonic()
        if isinstance(failure, BadReply) and not isinstance(failure, SearchTimedOut):
            raise failure
        self._look(now)
        if not self._seen or now - self._since >= patience.limit_s or self._is_alone(now):
            raise failure
        full = min(patience.cap_s, patience.first_s * _GROWTH ** min(self._times, 30))
        due = now + full * (0.75 + 0.5 * patience.clock.random())
        self._times += 1
        patience.note(failure, self._since)
        while (left := due - patience.clock.monotonic()) > 0 and self._must_wait():
            await patience.clock.sleep(min(left, _SLICE_S))

    def _look(self, now: float) -> None:
        """Were others answered since the last failure of this call?"""
        if self._patience.answers == self._seen:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
        self._seen = self._patience.answers

    def _is_alone(self, now: float) -> bool:
        return self._alone_since is not None and now - self._alone_since >= _ALONE_S

    def _must_wait(self) -> bool:
        return self._alone_since is not None or self._patience.answers == self._seen
