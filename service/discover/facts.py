"""What `discover` tells, as its page, its file and its document have it. Counts and names of schema
only: no value of a record, no mail address, no person's name is in it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

CountedBy = Literal["list", "search", "unknown"]


class DiscoverPart(BaseModel):
    """The root of all parts; nothing is in one that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


class CallFacts(DiscoverPart):
    """Requests that this inventory has made, retries among them; `searches` are among Kustomer's."""

    kustomer: int
    searches: int
    salesforce: int
    seconds: float


class VolumeFacts(DiscoverPart):
    """How many records a stream has; null where no way of counting was open.

    `by_list`: the list's own total, or the end of the list as probed. `by_search`: records touched within
    two years; `by_archive`: the others. `exact` is false for a bound or a probed estimate. `way`: how
    `migrate` would read it. `moves`: whether it is moved by the map as it is or as it would be proposed.
    """

    name: str
    kind: str
    records: int | None
    counted_by: CountedBy
    exact: bool
    by_list: int | None
    by_search: int | None
    by_archive: int | None
    way: str | None
    status: str | None
    moves: bool


class UserFacts(DiscoverPart):
    """Users of Kustomer by state, and how many have exactly one active Salesforce user of their e-mail.

    Each user is counted once: deactivated before pending before machine.
    """

    active: int
    pending: int
    deactivated: int
    machine: int
    matched: int
    unmatched: int
    several: int


class TeamFacts(DiscoverPart):
    """Teams, and how many have exactly one queue of their name."""

    live: int
    matched: int
    unmatched: int
    several: int


class TagFacts(DiscoverPart):
    """Tags, those deleted among them apart."""

    live: int
    deleted: int


class AttachmentFacts(DiscoverPart):
    """Attachments in a sample of messages, and what that comes to for all of them; sizes in bytes."""

    sampled_messages: int
    sampled_files: int
    sampled_bytes: int
    largest_bytes: int
    files: int | None
    bytes: int | None


class ShareFacts(DiscoverPart):
    """One value of a breakdown; null where its search was refused."""

    value: str
    records: int | None


class ConversationFacts(DiscoverPart):
    """Conversations by status and channel (those touched within two years; a conversation may have
    several channels) and by year of creation (all of them).
    """

    by_status: list[ShareFacts]
    by_channel: list[ShareFacts]
    by_year: list[ShareFacts]


class StreamFacts(DiscoverPart):
    """What one stream will take: calls to read it, rows and jobs to load it, room to keep it."""

    name: str
    object: str
    records: int
    rows: int
    list_calls: int
    searches: int
    jobs: int
    batches: int
    salesforce_calls: int
    stored_mb: float


class ForecastFacts(DiscoverPart):
    """One figure of the forecast. `available` null: the limit could not be read, or there is none.

    `hours` is how long it takes at least, null where it is no matter of time. `suffices` null: unknown.
    """

    key: str
    title: str
    value: float
    unit: str
    available: float | None
    hours: float | None
    suffices: bool | None
    formula: str
    assumption: str


class ForecastSummary(DiscoverPart):
    """All figures, by stream and in all. `dominates` says in words what takes longest."""

    streams: list[StreamFacts]
    figures: list[ForecastFacts]
    dominates: str
    verdict: str


class AttributeFacts(DiscoverPart):
    """One custom attribute. `type` is the one that counts, `by_suffix` and `by_metadata` what each says.

    `filled`: its share in the sample, null without one; of a `sensitive` one nothing else is looked at.
    `home`: the field that it goes to by the map as it is; null: none yet.
    """

    name: str
    label: str
    type: str
    by_suffix: str | None
    by_metadata: str | None
    several: bool
    levels: bool
    target: str | None
    choices: int
    sensitive: bool
    deleted: bool
    known: bool
    filled: float | None
    home: str | None


class KindFacts(DiscoverPart):
    """One kind of record; `objects` are those that it goes to by the map as it is."""

    name: str
    label: str
    status: str | None
    sampled: int
    objects: list[str]
    attributes: list[AttributeFacts]


class RelationFacts(DiscoverPart):
    """A reference from one kind to another: by an attribute, or a relation that sampled records have."""

    kind: str
    name: str
    target: str | None
    several: bool
    by: Literal["attribute", "relation"]


class TargetFacts(DiscoverPart):
    """One Salesforce object that the map uses. `missing`: fields that the map fills and the running user
    does not see; `closed`: those that may not be set.
    """

    object: str
    there: bool
    fields: int
    missing: list[str]
    closed: list[str]
    record_types: list[str]
    dependent_picklists: list[str]


class SourceRuleFacts(DiscoverPart):
    """One kind of automation or setting in Kustomer, and what it becomes in Salesforce by hand.

    `state`: read, refused (a role), absent (no such endpoint here), or unlisted (the API has none).
    `ids` name up to twenty of them.
    """

    kind: str
    title: str
    counterpart: str
    state: Literal["read", "refused", "absent", "unlisted"]
    count: int | None
    complete: bool
    ids: list[str]


class TargetRuleFacts(DiscoverPart):
    """Something in Salesforce that may fire when rows come. `fires` null: it cannot be told."""

    kind: str
    name: str
    object: str
    fires: bool | None
    why: str


class GapFacts(DiscoverPart):
    """What will not move, could not be read, or needs a decision; and what to do about it."""

    area: str
    what: str
    count: int | None
    next_step: str


class DiscoverFacts(DiscoverPart):
    """The whole inventory. Times in epoch seconds; ids of both orgs, no names."""

    schema_version: Literal[1] = 1
    written_at: float
    kustomer_org: str
    salesforce_org: str
    edition: str
    person_accounts: bool
    calls: CallFacts
    requests_per_minute: int
    volumes: list[VolumeFacts]
    users: UserFacts | None
    teams: TeamFacts | None
    tags: TagFacts | None
    attachments: AttachmentFacts | None
    conversations: ConversationFacts
    forecast: ForecastSummary
    kinds: list[KindFacts]
    relations: list[RelationFacts]
    targets: list[TargetFacts]
    source_automation: list[SourceRuleFacts]
    target_automation: list[TargetRuleFacts]
    gaps: list[GapFacts]
