"""Reads a rate limit out of response headers, whatever unit the remote chose for its reset."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

_NUMBER: Final = re.compile(r"\s*(-?\d{1,18}(?:\.\d{1,9})?)")
_LONGEST_S: Final = 120.0
_TRUSTED_SKEW_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class LimitHeaders:
    """What one reply says. A part that is missing or senseless is None.

    `reset_at` is the window's end in epoch seconds of the remote; `reset_in_s` the same as seconds
    from now, within 0 to 120; `exact` is False when the remote told a duration, so that `reset_at`
    shifts a little from reply to reply.
    """

    limit: int | None
    remaining: int | None
    reset_at: float | None
    reset_in_s: float | None
    exact: bool


def _number(text: str | None) -> float | None:
    match = _NUMBER.match(text) if text else None
    return float(match.group(1)) if match else None


def _remote_now(date: str | None, now: float) -> float:
    """The remote's wall time. Its Date has a resolution of 1 s, so a small difference is ours."""
    if not date:
        return now
    try:
        told = parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return now
    return told + 0.5 if abs(told - now) > _TRUSTED_SKEW_S else now


def read_limits(headers: Mapping[str, str], now: float) -> LimitHeaders:
    """Read `x-ratelimit-*` (lower-case keys). `now` is our wall time in epoch seconds.

    The reset may be epoch seconds, epoch milliseconds or seconds from now (Kustomer facts,
    section 2); it is clamped to 0 to 120 s from now. A clock that is off is corrected by `date`.
    """
    limit = _number(headers.get("x-ratelimit-limit"))
    remaining = _number(headers.get("x-ratelimit-remaining"))
    reset = _number(headers.get("x-ratelimit-reset"))
    reset_at: float | None = None
    reset_in: float | None = None
    exact = reset is not None and reset > 1e9
    if reset is not None and reset >= 0:
        here = _remote_now(headers.get("date"), now) if exact else now
        reset_at = reset / 1000.0 if reset > 1e12 else reset if exact else here + reset
        reset_in = min(max(reset_at - here, 0.0), _LONGEST_S)
    return LimitHeaders(
        limit=int(limit) if limit is not None and limit >= 1 else None,
        remaining=max(0, int(remaining)) if remaining is not None else None,
        reset_at=reset_at,
        reset_in_s=reset_in,
        exact=exact,
    )
