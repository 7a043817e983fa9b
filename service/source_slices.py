"""Slices of a stream as the ledger keeps them, and moments in the form that Kustomer has them in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from service.phases import Phase, SearchContext

SEARCH_PAGE_ROWS = 500
_MS = 1000


def list_slices(phase: Phase) -> list[dict[str, Any]]:
    """Return one list slice per variant of the phase's list; their ends are found while reading."""
    stream = phase.stream
    return [
        {
            "kind": "list",
            "path": stream.path,
            "params": dict(variant),
            "page_size": stream.page_size,
        }
        for variant in stream.variants
    ]


def window_slice(
    search: SearchContext,
    criteria: list[Mapping[str, Any]],
    archive: bool,
    total: int,
    *,
    deleted: bool,
) -> dict[str, Any]:
    """Return the slice of a search window of `total` rows."""
    return {
        "deleted": deleted,
        "kind": "window",
        "context": search.name,
        "criteria": criteria,
        "sort": search.created,
        "archive": archive,
        "page_size": SEARCH_PAGE_ROWS,
        "last_page": -(-total // SEARCH_PAGE_ROWS),
        "total": total,
    }


def iso(epoch_ms: int) -> str:
    """A moment as Kustomer's search takes it."""
    stamp = datetime.fromtimestamp(epoch_ms // _MS, UTC)
    return f"{stamp:%Y-%m-%dT%H:%M:%S}.{epoch_ms % _MS:03d}Z"


def epoch_ms(stamp: str) -> int:
    """Epoch milliseconds of a moment as Kustomer tells it; raises ValueError for anything else."""
    parsed = datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return int(parsed.timestamp()) * _MS + parsed.microsecond // _MS
