"""What goes wrong on this stand-in in chaos (facts, 2 to 5): one line for each way."""

from simulators.chaos import ChaosKind

STALL_S = 1.5
SLOW_S = 0.3


def _search(method: str, path: str) -> bool:
    return path.endswith("/search")


def _page(method: str, path: str) -> bool:
    """A list or a search: what answers with many records."""
    return _search(method, path) or (method == "GET" and path.count("/") == 2)


KINDS: tuple[ChaosKind, ...] = (
    ChaosKind("reset_before", {"kind": "reset_before"}),
    ChaosKind("reset_after", {"kind": "reset_after"}),
    ChaosKind("error_500", {"kind": "status", "status": 500}),
    ChaosKind("error_503", {"kind": "status", "status": 503}),
    ChaosKind("html", {"kind": "html"}),
    ChaosKind("empty", {"kind": "empty"}),
    ChaosKind("empty_200", {"kind": "empty_200"}),
    ChaosKind("truncated", {"kind": "truncated"}),
    ChaosKind("truncated_gzip", {"kind": "truncated_gzip"}),
    ChaosKind("invalid_json", {"kind": "invalid_json"}),
    ChaosKind("not_a_page", {"kind": "not_a_page"}),
    ChaosKind("slow", {"kind": "slow", "seconds": SLOW_S}),
    ChaosKind("stall", {"kind": "stall", "seconds": STALL_S}),
    ChaosKind("rate_limit", {"kind": "rate_limit", "seconds": 0.5}),
    ChaosKind("rate_limit_bare", {"kind": "rate_limit_bare"}),
    ChaosKind("unauthorized", {"kind": "status", "status": 401}),
    ChaosKind("timed_out", {"kind": "timed_out"}, _search),
    ChaosKind("duplicates", {"kind": "duplicates"}, _page),
    ChaosKind("touch", {"kind": "touch"}, _page),
)
