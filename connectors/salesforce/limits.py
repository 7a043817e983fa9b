"""What the org allows and what is left of it (salesforce facts, 2.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.errors import BadReply

_USAGE: Final = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True)
class Limit:
    """One org limit: allowed and left, in the unit that its name tells."""

    max: int
    remaining: int


@dataclass(frozen=True)
class Usage:
    """API requests of the org in the last 24 hours, by everyone: used and allowed."""

    used: int
    allowed: int


def read_limits(said: Any) -> Mapping[str, Limit]:
    """Read `/limits`; raises `BadReply` when it is no map. Entries of another shape are left out."""
    if not isinstance(said, dict):
        raise BadReply("The org's limits are not what Salesforce promises.")
    found = {}
    for name, value in said.items():
        entry = value if isinstance(value, dict) else {}
        allowed, left = entry.get("Max"), entry.get("Remaining")
        if isinstance(allowed, int | float) and isinstance(left, int | float):
            found[name] = Limit(int(allowed), int(left))
    return found


def read_usage(header: str | None) -> Usage | None:
    """Read `Sforce-Limit-Info`; None when it is missing or tells nothing of the org."""
    found = _USAGE.search(header or "")
    return Usage(int(found.group(1)), int(found.group(2))) if found else None


def read_versions(said: Any) -> list[str]:
    """Read the list of API versions; raises `BadReply` when it is none."""
    if not isinstance(said, list):
        raise BadReply("The list of API versions is not what Salesforce promises.")
    found = (each.get("version") for each in said if isinstance(each, dict))
    return [version for version in found if isinstance(version, str)]
