"""What goes wrong on this stand-in in chaos (facts, 1.2 and 2.4): one line for each way."""

from simulators.chaos import ChaosKind

STALL_S = 1.5
SLOW_S = 0.3
LOCKED_ROWS = 0.2
"""Share of the rate at which single rows of a job meet a lock."""


def _in_session(method: str, path: str) -> bool:
    """A call that needs a session and counts (facts, 2.1)."""
    return "/oauth2/" not in path and path.rstrip("/") != "/services/data"


KINDS: tuple[ChaosKind, ...] = (
    ChaosKind("reset_before", {"kind": "reset_before"}),
    ChaosKind("reset_after", {"kind": "reset_after"}),
    ChaosKind("error_500", {"kind": "status", "status": 500, "error": "UNKNOWN_EXCEPTION"}),
    ChaosKind("error_503", {"kind": "status", "status": 503}),
    ChaosKind("html", {"kind": "html"}),
    ChaosKind("empty", {"kind": "empty"}),
    ChaosKind("truncated", {"kind": "truncated"}),
    ChaosKind("invalid_json", {"kind": "invalid_json"}),
    ChaosKind("spoilt", {"kind": "spoilt"}),
    ChaosKind("not_a_page", {"kind": "not_a_page"}),
    ChaosKind("slow", {"kind": "slow", "seconds": SLOW_S}),
    ChaosKind("stall", {"kind": "stall", "seconds": STALL_S}),
    ChaosKind("too_many", {"kind": "too_many", "seconds": 1.0}),
    ChaosKind("too_many_bare", {"kind": "too_many", "seconds": 0.0}),
    ChaosKind("expire_token", {"kind": "expire_token"}, _in_session),
    ChaosKind("limit_exceeded", {"kind": "limit_exceeded"}, _in_session),
)
