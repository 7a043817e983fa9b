"""What a Salesforce stand-in can be told."""

from dataclasses import dataclass, field
from pathlib import Path

from simulators.salesforce.ids import with_checksum

ORG_ID = with_checksum("00D5f000000Dsk1")


@dataclass
class SalesforceSettings:
    """The org, its limits and habits. Times in seconds.

    `my_domain` is the address told as `instance_url` (empty: the one that was called).
    `lock_model` makes two running jobs that touch one parent lock each other out.
    `inactive_owner`: whether the running user may give records to inactive users.
    `bare`: nothing in the org was made for a migration. `access_lag_s`: how long describes and rows
    lag behind a change of permissions. `deploy_delay_s`: how long a deployment takes.
    `automation`: flows, triggers and rules are listed (none of them runs).
    `refuse_pairs`: whether values of restricted dependent picklists must go with the controlling ones.
    Of the `users` agents, the last `unmatched_users` are not there; of those that are, the last
    `ambiguous_users` have a second user of the same address, and the `inactive_users` before them are
    inactive.
    `now` stops the clock at a moment (epoch seconds).
    `update_mail`: whether the running user may change people of e-mails that are no drafts.
    `topics`: whether the running user may create and assign topics. `sees_all`: whether the user may view
    all data; without that, assignments of topics can be asked for in part only.
    `person_accounts`: accounts may be persons, by their record type (facts, 7.5).
    `max_job_bytes` bounds an upload as Salesforce counts it: in its base64 form (facts, 3.4).
    """

    org_id: str = ORG_ID
    client_id: str = "deskferry-demo"
    client_secret: str = "demo-secret"  # noqa: S105
    username: str = "integration@acme.example"
    jwt_public_key: str | None = None
    token_ttl_s: float = 7200.0
    api_calls_max: int = 1_000_000
    bulk_batches_max: int = 15_000
    data_storage_mb: int = 100_000
    file_storage_mb: int = 100_000
    automation: bool = False
    audit_fields: bool = True
    hidden_fields: frozenset[str] = field(default_factory=frozenset)
    bare: bool = False
    access_lag_s: float = 0.0
    deploy_delay_s: float = 0.0
    edition: str = "Enterprise Edition"
    users: int = 40
    unmatched_users: int = 4
    ambiguous_users: int = 0
    inactive_users: int = 0
    teams: int = 8
    accounts: tuple[tuple[str, str], ...] = (
        ("Firm 2 (already here)", "https://www.firm2.example/"),
    )
    job_delay_s: float = 0.0
    latency_s: float = 0.0
    short_duplicate_ids: bool = False
    refuse_pairs: bool = False
    effect_log: Path | None = None
    chaos_rate: float = 0.0
    chaos_seed: int = 1
    seed: int = 7
    my_domain: str = ""
    lock_model: bool = False
    max_job_bytes: int = 150_000_000
    now: float | None = None
    inactive_owner: bool = True
    topics: bool = True
    update_mail: bool = True
    sees_all: bool = True
    person_accounts: bool = False
