"""When a call may be made again, and how long to wait before it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

_AGAIN: Final = frozenset({408, 420, 429})
_LONGEST_RETRY_AFTER_S: Final = 120.0


class Retry(Enum):
    """Whether sending the same call twice is harmless."""

    SAFE = "safe"
    """Reads and idempotent calls. Network errors, 408, 420, 429, 5xx (but 501) and broken bodies
    are tried again, with jitter, within the policy."""
    NEVER = "never"
    """Calls with effects. Sent once; a doubt surfaces as `OutcomeUnknown`."""


class Verdict(Enum):
    """What an `after_reply` hook decided about one reply. None leaves it to the rules."""

    TAKE = "take"
    """This is the answer, whatever its status. Return it as it is."""
    AGAIN = "again"
    """The call had no effect and the cause is mended or waited for elsewhere (a fresh token, a
    budget that now pauses): send it again at once. Counts as an attempt. Holds for
    `Retry.NEVER` too, but not for a streamed request body, which cannot be sent twice."""
    LATER = "later"
    """As `AGAIN`, but the wait has bounds of its own (a daily limit), so it is no attempt."""


@dataclass(frozen=True)
class RetryPolicy:
    """Bounds of one call: at most `attempts` sends, and no new one after `budget_s` seconds spent
    on attempts and back-off (time spent waiting for a request budget does not count)."""

    attempts: int = 8
    base_s: float = 0.5
    cap_s: float = 30.0
    budget_s: float = 300.0

    def backoff(self, attempt: int, chance: float) -> float:
        """Seconds to wait after attempt number `attempt` (from 1). `chance` is in [0, 1)."""
        full = min(self.cap_s, self.base_s * 2.0 ** min(attempt - 1, 30))
        return full * (0.5 + 0.5 * chance)


def worth_retrying(status: int) -> bool:
    """True for an answer that says `not now` rather than `no`."""
    return status in _AGAIN or (status >= 500 and status != 501)


def is_server_trouble(status: int) -> bool:
    """True when the status says the remote could not answer, whatever was asked."""
    return status in (408, 420) or status >= 500


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds named by a `Retry-After` header (a number or a date), within 0 to 120."""
    if not value:
        return None
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except ValueError:
            return None
        seconds = when.replace(tzinfo=when.tzinfo or UTC).timestamp() - now
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_S)
