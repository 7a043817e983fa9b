"""Record ids: 15 case-sensitive or 18 case-safe characters (salesforce facts, 7.10)."""

from __future__ import annotations

import re
from typing import Final

_ALPHABET: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_EXISTING: Final = re.compile(
    r"record with id: ([A-Za-z0-9]{18}|[A-Za-z0-9]{15})(?![A-Za-z0-9])", re.IGNORECASE
)


def existing_id(message: str) -> str | None:
    """The id that a `DUPLICATE_VALUE` text names (15 or 18 characters); None for `<unknown>`."""
    found = _EXISTING.search(message)
    return found.group(1) if found else None


def to_18(record_id: str) -> str:
    """The 18-character form of an id (salesforce facts, 7.10); what is no short id stays."""
    if len(record_id) != 15:
        return record_id
    suffix = ""
    for start in (0, 5, 10):
        block = record_id[start : start + 5]
        suffix += _ALPHABET[sum(1 << n for n, char in enumerate(block) if "A" <= char <= "Z")]
    return record_id + suffix
