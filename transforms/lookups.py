"""Names of the small things that records name by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, get_args

LookupKind = Literal["tags", "users", "teams"]
LOOKUP_KINDS: tuple[str, ...] = get_args(LookupKind)


@dataclass(frozen=True)
class Lookups:
    """Display names by id, deleted ones included; users' ids by mail address in lower case.

    An address that several users have is missing: nothing is guessed. `customer_emails`: ids of all
    customers that have an address, for the addresses of the records at hand alone.
    """

    tags: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)
    user_emails: Mapping[str, str] = field(default_factory=dict)
    customer_emails: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @cached_property
    def addresses(self) -> Mapping[str, str]:
        """Users' mail addresses by id, where an address has one user only."""
        return {user: address for address, user in self.user_emails.items()}

    def table(self, kind: str) -> Mapping[str, str]:
        """Return the names of `kind`, one of `LOOKUP_KINDS`; raises KeyError for any other."""
        if kind == "tags":
            return self.tags
        if kind == "users":
            return self.users
        if kind == "teams":
            return self.teams
        raise KeyError(kind)
