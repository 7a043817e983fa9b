"""How many requests we may send: a share of the org's limit, learned from response headers.

The limit is shared with people at work. The share that is not ours stays theirs, and when they
need more than that, seen by `x-ratelimit-remaining` falling faster than our own use, we shrink.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Final

import anyio

from connectors.budget_snapshot import BudgetSnapshot
from connectors.clock import Clock
from connectors.limit_headers import LimitHeaders, read_limits
from connectors.retry import retry_after_s
from connectors.search_budget import SearchBudget

__all__ = ["BudgetSnapshot", "RequestBudget", "SearchBudget"]

# Lateness up to this is made good at once: timers are coarse. At usual paces it is under one grant.
_CATCH_UP_S: Final = 0.02
_SHORTEST_WINDOW_S: Final = 0.2
_LONGEST_WINDOW_S: Final = 120.0
_TOO_MANY: Final = "the org's request limit is used up (429)"
_OTHERS: Final = "other users of the org have used the rest of this window"


class RequestBudget:
    """Paces requests evenly over the remote's windows; one instance per org, shared by all calls.

    Each `acquire` must be answered by exactly one `learn` (a reply came) or `lost` (none came).
    `share` is in (0, 1], or a function of the time (epoch s) that tells it; a change holds at once, also
    inside a window. `floor` is how much of `remaining` is never touched (less, when the share leaves
    less). Until the first reply `assumed_limit` per `window_s` seconds holds; the length of
    the windows is then learned from successive resets (up to 120 s). Nothing survives a crash: a
    new process learns from its first reply, and what an earlier one used counts as others' use.
    """

    def __init__(
        self,
        *,
        share: float | Callable[[float], float],
        clock: Clock,
        assumed_limit: int = 300,
        window_s: float = 60.0,
        floor: int = 5,
    ) -> None:
        self._clock = clock
        self._share_at = share if callable(share) else None
        self._share = share(clock.now()) if callable(share) else share
        if not 0.0 < self._share <= 1.0:
            raise ValueError("share must be above 0 and at most 1")
        self._floor_wish = floor
        self._length = window_s
        self._length_known = False
        self._turn = anyio.Lock(fast_acquire=True)
        self._waiting = 0
        self._in_flight = 0
        self._end: float | None = None
        self._over_at = -math.inf  # by now the window is over, however the reset was rounded
        self._reset_at: float | None = None
        self._rolled = False  # our clock says the window is over, the remote has not said so yet
        self._probes = 0
        self._next_at = -math.inf
        self._paused_until = -math.inf
        self._last_reply = -math.inf
        self._others_before = 0
        self._set_limit(assumed_limit)
        self._clear()

    def _set_limit(self, limit: int) -> None:
        self._limit = limit
        self._full = max(1, math.floor(limit * self._share))
        self._allowed = self._full
        self._floor = min(self._floor_wish, limit - self._full)

    def _heed_hours(self, now: float) -> None:
        """Take the share in force. What was used of this window stays used."""
        if self._share_at is None or (share := self._share_at(self._clock.now())) == self._share:
            return
        self._share = share
        self._set_limit(self._limit)
        self._next_at = min(self._next_at, now + self._length / self._allowed)

    def _clear(self) -> None:
        """Empty books for a new window."""
        self._confirmed = 0
        self._lost = 0
        self._others = 0
        self._remaining: int | None = None
        self._allowed = self._full
        self._rolled = False

    async def acquire(self) -> None:
        """Wait until one more request may be sent. First come, first served. Cancellation-safe."""
        if not self._waiting and self._take(self._clock.monotonic()) <= 0.0:
            return
        self._waiting += 1
        try:
            async with self._turn:
                while (wait := self._take(self._clock.monotonic())) > 0.0:
                    # In slices: a reply may move the window's end while we sleep.
                    await self._clock.sleep(min(wait, max(0.01, 0.02 * self._length)))
        finally:
            self._waiting -= 1

    def _take(self, now: float) -> float:
        """Take one grant and return 0, or return how many seconds to wait before asking again."""
        self._heed_hours(now)
        wait = max(self._next_at, self._paused_until) - now
        if wait > 0.0:
            return wait
        if self._end is None:
            self._end = now + self._length
        elif now >= self._end:
            if now < self._over_at and self._used_up():
                return self._over_at - now
            self._roll(now)
        left = self._left()
        if left <= 0:
            return max(self._end - now, 0.005 * self._length)
        nominal = self._length / self._allowed
        interval = nominal
        if self._rolled:
            self._probes -= 1
        else:
            # A little early, so that the last grants still arrive in this window; never faster
            # than twice the even pace, so that a late start makes no burst.
            rest = self._end - now - min(0.02 * self._length, 1.0)
            interval = max(rest / left, 0.5 * nominal)
        self._next_at = max(self._next_at, now - _CATCH_UP_S) + interval
        self._in_flight += 1
        return 0.0

    def _left(self) -> int:
        if self._rolled:
            return self._probes
        left = self._allowed - self._confirmed - self._lost - self._in_flight
        if self._remaining is not None:
            left = min(left, self._remaining - self._in_flight - self._floor)
        return left

    def _used_up(self) -> bool:
        """Would one more request in this window be refused?"""
        return self._remaining is not None and self._remaining <= self._in_flight

    def _roll(self, now: float) -> None:
        """The window is over by our clock. Only a reply can confirm it: ask with a few grants."""
        assert self._end is not None
        if self._reset_at is None:
            self._clear()
            self._end = max(self._end + self._length, now)
        elif not self._rolled:
            self._rolled = True
            self._probes = max(1, self._full // 50)

    def learn(self, headers: Mapping[str, str], status: int) -> None:
        """One reply came. Takes limit, remaining and reset from its headers (lower-case keys).

        A 429 pauses every caller until the reset, plus up to 5 % of a window of jitter. One that
        names no reset pauses to the end of the window that earlier replies told, else for a window.
        """
        now = self._clock.monotonic()
        told = read_limits(headers, self._clock.now())
        self._in_flight = max(0, self._in_flight - 1)
        if told.limit is not None and told.limit != self._limit:
            self._set_limit(told.limit)
        if self._place(told, now):
            self._last_reply = now
            self._weigh_others(told.remaining, now)
        if status == 429:
            self._pause(headers, told, now)

    def _place(self, told: LimitHeaders, now: float) -> bool:
        """Count a reply in its window; False for a straggler of an earlier one."""
        if told.reset_at is None or told.reset_in_s is None:
            self._count_without_reset(now)
        elif self._is_new(told, told.reset_at, now):
            self._open(told, told.reset_at, told.reset_in_s, now)
        elif self._reset_at is not None and told.reset_at < self._reset_at - self._blur(told):
            return False
        else:
            self._count(now)
        return True

    def lost(self) -> None:
        """A granted request got no reply. It counts as used, for the remote may have seen it."""
        self._in_flight = max(0, self._in_flight - 1)
        self._lost += 1

    def _count(self, now: float) -> None:
        self._confirmed += 1
        if self._rolled:
            # The remote is still in the window we thought over: our end was too early.
            self._rolled = False
            self._end = now + 0.05 * self._length

    def _count_without_reset(self, now: float) -> None:
        if self._rolled:
            self._clear()
            self._end = now + self._length
        self._confirmed += 1

    def _blur(self, told: LimitHeaders) -> float:
        """How far apart two resets of one window may lie, in seconds."""
        return 0.01 if told.exact else min(1.5, 0.25 * self._length)

    def _is_new(self, told: LimitHeaders, reset_at: float, now: float) -> bool:
        if self._reset_at is None:
            return True
        if reset_at <= self._reset_at + self._blur(told):
            return False
        if self._end is None or now >= self._end:
            return True
        # Earlier than our clock says. A remote may also tell `now + 60` in every reply, so believe
        # it only when the remaining count went up as well.
        return (
            told.remaining is not None
            and self._remaining is not None
            and told.remaining > self._remaining + self._in_flight
        )

    def _open(self, told: LimitHeaders, reset_at: float, reset_in_s: float, now: float) -> None:
        """The remote has begun a new window, and this reply is the first we see of it."""
        seen_through = False
        if self._reset_at is None:
            before = self._confirmed  # replies before any header count towards this window
            self._clear()
            self._confirmed = before
        else:
            seen_through = self._learn_length(reset_at - self._reset_at, now)
            self._others_before = self._others if seen_through else 0
            self._clear()
        end = now + reset_in_s
        if seen_through and told.exact:
            # The window began between the last two replies: that bounds a rounded reset.
            self._over_at = now + self._length
            end = min(max(end, self._last_reply + self._length), self._over_at)
        self._reset_at = reset_at
        self._end = end
        self._confirmed += 1

    def _learn_length(self, length: float, now: float) -> bool:
        """Learn from the distance of two resets; True if no window can have passed between."""
        seen_through = now - self._last_reply <= 0.5 * length
        bounded = min(max(length, _SHORTEST_WINDOW_S), _LONGEST_WINDOW_S)
        if seen_through and self._length_known:
            self._length += 0.3 * (bounded - self._length)  # resets may be rounded to seconds
        elif seen_through or length < self._length:
            self._length = bounded
            self._length_known = seen_through
        return seen_through

    def _weigh_others(self, remaining: int | None, now: float) -> None:
        """Learn what the org's other users take, and shrink when it is more than their part."""
        if remaining is None:
            return
        if self._remaining is None or remaining < self._remaining:
            self._remaining = remaining
        ours = self._confirmed + self._lost + self._in_flight
        self._others = max(self._others, self._limit - remaining - ours)
        if self._end is None:
            return
        rest = max(0.0, self._end - now)
        gone = max(self._length - rest, 0.05 * self._length)
        pace = max(self._others / gone, self._others_before / self._length)
        coming = self._others + pace * rest
        self._allowed = self._full
        if coming > self._limit - self._full:
            least = max(1, self._full // 100)
            self._allowed = min(self._full, max(least, int(self._limit - coming) - self._floor))

    def _pause(self, headers: Mapping[str, str], told: LimitHeaders, now: float) -> None:
        asked = retry_after_s(headers.get("retry-after"), self._clock.now())
        until = told.reset_in_s if told.reset_in_s is not None else asked
        jitter = 0.05 * self._length * self._clock.random()
        if until is None and asked is None:
            until = self._rest(now)
        pause = max(until or 0.0, asked or 0.0)
        self._paused_until = max(self._paused_until, now + pause + jitter)

    def _rest(self, now: float) -> float:
        """Seconds to the end of this window; a whole window where no reply told its end."""
        if self._reset_at is None or self._end is None or self._end <= now:
            return self._length
        return self._end - now

    def snapshot(self) -> BudgetSnapshot:
        """The budget as it stands, for status and metrics."""
        now = self._clock.monotonic()
        self._heed_hours(now)
        used = self._confirmed + self._lost + self._in_flight
        return BudgetSnapshot(
            limit=self._limit,
            allowed=self._allowed,
            used_in_window=used,
            remaining=self._remaining,
            reset_in_s=max(0.0, (self._end or now) - now),
            waiting=self._waiting,
            paused_because=self._why_paused(now, used),
        )

    def _why_paused(self, now: float, used: int) -> str | None:
        if now < self._paused_until:
            return _TOO_MANY
        held_back = not self._rolled and self._left() <= 0
        return _OTHERS if held_back and used < self._full and self._waiting else None
