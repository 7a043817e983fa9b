"""Names of the small things that records name by id."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Lookups:
    """Display names by id, deleted ones included."""

    tags: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)

    def table(self, kind: str) -> Mapping[str, str]:
        """Return the names of `kind`: tags, users or teams."""
        found: Mapping[str, str] = getattr(self, kind)
        return found
