"""What `deskferry trace` prints with `--json`."""

from service.cli.document import Document


class PlaceFacts(Document):
    """Where a record came in: how it was read, the page, and the batch it was sealed into.

    `batch` is null for a record that was set apart at once. `sealed_at` in epoch seconds, null where
    an earlier version did not note it.
    """

    phase: str
    part: int
    way: str
    slice: int
    page: int
    batch: int | None
    batch_state: str | None
    sealed_at: float | None


class PartResult(Document):
    """What a job came to for one part: loaded, found, matched, or the reason it was refused."""

    part: int
    result: str


class JobFacts(Document):
    """One job that carried the record, also when it was abandoned; times in epoch seconds.

    `salesforce_job` is null when nothing was sent. An abandoned job has no results: its rows went
    into a later one.
    """

    job: int
    salesforce_job: str | None
    phase: str
    object: str
    operation: str
    state: str
    started_at: float
    ended_at: float | None
    error: str
    results: list[PartResult]


class BecameFacts(Document):
    """One Salesforce record that a source record became, or was matched with."""

    kind: str
    part: int
    object: str
    salesforce_id: str
    link: str | None
    origin: str
    job: str | None
    job_state: str | None


class ParentFacts(Document):
    """A parent that a row waits for, and how it is."""

    kind: str
    kustomer_id: str
    state: str


class ExceptionFacts(Document):
    """One part of a source record that did not go the straight way, and what helps.

    `attempts`: how often it was sent; times in epoch seconds. `candidates`: Salesforce ids that it could
    be, or that a duplicate rule may have found.
    """

    phase: str
    part: int
    state: str
    reason: str
    field: str
    why: str
    fix: str
    attempts: int
    first_seen: float
    updated_at: float
    waits_for: list[ParentFacts]
    candidates: list[str]


class WasFacts(Document):
    """What a record was in Salesforce before it became another one, as whose id `became` it is known.

    `step`: the last one that is done (`made`, `references`, `relations`, `done`); `fate`: what became of
    the earlier record (`kept`, `marked`, `deleted`, `converted`, `gone`); `stuck`: why it got no further.
    """

    object: str
    salesforce_id: str
    became: str
    step: str
    fate: str
    stuck: str


class TraceDocument(Document):
    """`deskferry trace ID`. `meaning` is empty unless nothing is known of the id: it says what that
    means. `also`: other Kustomer records that the Salesforce record asked for stands for.
    `waits_for`: phases to be closed before a record on its way is sent.
    """

    kustomer_id: str
    also: list[str]
    became: list[BecameFacts]
    was: list[WasFacts]
    exceptions: list[ExceptionFacts]
    places: list[PlaceFacts]
    jobs: list[JobFacts]
    waits_for: list[str]
    meaning: str
