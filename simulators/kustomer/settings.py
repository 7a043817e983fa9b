"""What a Kustomer stand-in can be told."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

DEFAULT_KEY = "kustomer-demo-key"
TOMBSTONES = frozenset(("customer", "company", "conversation", "note"))


@dataclass(frozen=True)
class ApiKey:
    """One key that the org knows. `roles` of None means all of them (kustomer facts, section 1).

    `pod` is where the key lives; a key of another pod than the org's is refused.
    """

    token: str
    roles: frozenset[str] | None = None
    expired: bool = False
    pod: str = "prod1"


@dataclass(frozen=True)
class KustomerSettings:
    """Size and behaviour of the org. Times in seconds; limits in requests per window.

    Where the facts leave a question open, a setting lets the stand-in do it either way.
    `now` (epoch seconds) sets the org's own clock: the edge of the two years that standard search
    covers, and the stamps of changes made while it runs. The budgets always run on the real clock.
    `rich` gives the org klasses that refer to each other and custom attributes of every type.
    `churn_rate` (writes a second) lets the org change by itself, drawn by `churn_seed`, for
    `churn_for_s` seconds or `churn_writes` writes where they are given; `truth_log` is the file
    for the log of all writes. `gone_reads` is what a read by id of a deleted record gives: a 404,
    the tombstone, or for a merged one its survivor. `moved_keep_times` leaves the `updatedAt` of
    children that a merge moves.
    `ids_only` is the form of the rows where ids alone are asked for: objects of type and id, bare ids, or
    whole rows as if it had not been asked. `tombstones`: the kinds of which search shows deleted records.
    `audit_deletions`: which deletions the audit log tells of, those that leave a tombstone or all.
    `correspondents`: mails have copies to customers, agents and others, and notes list whom they mention.
    `wild` makes the records as odd as the facts allow; without it they are the plain ones.
    """

    seed: int = 7
    companies: int = 40
    customers: int = 400
    conversations: int = 600
    messages: int = 3000
    notes: int = 300
    users: int = 40
    teams: int = 8
    kobjects: int = 60
    dataset: Path | None = None
    texts: Path | None = None
    api_key: str = DEFAULT_KEY
    expired_key: str = "kustomer-expired-key"
    keys: tuple[ApiKey, ...] = ()
    pod: str = "prod1"
    missing_roles: frozenset[str] = field(default_factory=frozenset)
    missing_role_status: Literal[401, 403] = 403
    org_id: str = "60aa00000000000000000001"
    org_name: str = "acme"
    rate_limit: int = 1000
    rate_window_s: float = 60.0
    search_limit: int = 100
    search_window_s: float = 60.0
    reset_form: Literal["epoch_s", "epoch_ms", "seconds"] = "epoch_s"
    list_cap_pages: int | None = None
    list_cap_error: bool = False
    search_cap_pages: int = 100
    search_cap_rows: int | None = None
    search_total_cap: int | None = None
    index_lag_s: float = 0.0
    latency_s: float = 0.0
    error_style: Literal["plain", "jsonapi", "alternate"] = "plain"
    odd_records: bool = True
    wild: bool = False
    correspondents: bool = True
    rich: bool = False
    tags: int = 12
    now: float | None = None
    chaos_rate: float = 0.0
    chaos_seed: int = 1
    churn_rate: float = 0.0
    churn_seed: int = 1
    churn_for_s: float | None = None
    churn_writes: int | None = None
    truth_log: Path | None = None
    gone_reads: Literal["not_found", "tombstone", "survivor"] = "not_found"
    moved_keep_times: bool = False
    ids_only: Literal["objects", "bare", "ignored"] = "objects"
    tombstones: frozenset[str] = TOMBSTONES
    audit_deletions: Literal["all", "soft", "none"] = "all"
    effect_log: Path | None = None

    def all_keys(self) -> dict[str, ApiKey]:
        """Return every key by its token: the default one, the expired one, the further ones."""
        known = [ApiKey(self.api_key), ApiKey(self.expired_key, expired=True), *self.keys]
        return {each.token: each for each in known}
