"""What each command prints with `--json`. The published schemas are made from these models."""

from typing import Literal

from pydantic import BaseModel

from service.cli.discover_documents import DiscoverDocument
from service.cli.document import Document
from service.cli.map_documents import (
    MapConfirmDocument,
    MapDiffDocument,
    MapProfileDocument,
    MapProposeDocument,
    MapShowDocument,
)
from service.cli.matches_documents import MatchesDecideDocument, MatchesListDocument
from service.cli.schema_documents import SchemaDeployDocument, SchemaPlanDocument
from service.cli.users_documents import UsersAssignDocument, UsersListDocument, UsersSyncDocument
from service.errors import Recovery
from service.report.facts import ReportFacts


class ErrorFacts(Document):
    """Why a command ended without its own document. `recovery` says what helps."""

    code: str
    message: str
    next_step: str
    exit_code: int
    recovery: Recovery


class ErrorDocument(Document):
    """Printed instead of a command's own document when it could not do its work."""

    error: ErrorFacts


class CheckFacts(Document):
    """One thing looked at; `ok` is null when it is only worth knowing."""

    name: str
    ok: bool | None
    detail: str
    next_step: str


class CheckDocument(Document):
    """`deskferry check`."""

    items: list[CheckFacts]
    exit_code: int


class BookFacts(Document):
    """Distinct source records of one phase; skipped, held and failed by reason.

    `changed` counts the changes made of records in Salesforce, `changes_` those that were not.
    `deleted`: loaded records that were deleted in Kustomer since, by what the rule did.
    `emptied`: lines left empty because a value did not fit, by `Object.Field: reason`; their records
    are in other accounts. `chosen`: sightings by the object that the map's rule chose, where it has
    several; whole once the phase is read, before its last rows are sent.
    """

    extracted: int
    duplicates: int
    loaded: int
    matched: int
    skipped: dict[str, int]
    held: dict[str, int]
    failed: dict[str, int]
    pending: int
    changed: int
    changes_held: dict[str, int]
    changes_failed: dict[str, int]
    changes_pending: int
    emptied: dict[str, int]
    deleted: dict[str, int]
    chosen: dict[str, int]


class MigrateDocument(Document):
    """`deskferry migrate`. `jobs_sent` counts this run's ingest jobs only."""

    exit_code: int
    pid: int
    jobs_sent: int
    seconds: float
    phases: dict[str, BookFacts]


class DeltaDocument(MigrateDocument):
    """`deskferry delta`. `behind_seconds`: how old what was seen of each stream is, by now."""

    passes: int
    behind_seconds: dict[str, float]


class RetryLineFacts(Document):
    """Records of one phase that were asked for, by the reason they had then.

    `settled`: loaded, matched, or left out by rule. `pending`: they go with the next `migrate`. `now`:
    the reasons of those that are held or failed.
    """

    phase: str
    reason: str
    asked: int
    settled: int
    held: int
    failed: int
    pending: int
    now: dict[str, int]


class RetryDocument(Document):
    """`deskferry retry`. `lines` are empty when no row was meant.

    `map_changed`: a changed map was accepted. `unread`: phases left out, since `migrate` has not read
    them to the end.
    """

    exit_code: int
    map_changed: bool
    asked: int
    settled: int
    jobs_sent: int
    seconds: float
    lines: list[RetryLineFacts]
    unread: list[str]


class PhaseStatus(BookFacts):
    """One phase as the ledger has it; `difference` is 0 when its books balance.

    `source_total` is what the source itself counts; null where it cannot, or was not asked yet.
    """

    name: str
    source_total: int | None
    state: Literal["waiting", "extracting", "loading", "done"]
    difference: int


class StatusDocument(Document):
    """`deskferry status`."""

    phases: list[PhaseStatus]


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


class ReportDocument(ReportFacts):
    """`deskferry report`: the facts of the report, and where its page lies."""

    path: str


class FoundObjectFacts(Document):
    """Records of one object with our key: in use, in the recycle bin, new to the ledger."""

    phase: str
    object: str
    found: int
    binned: int
    learned: int


class RebuildDocument(Document):
    """`deskferry state rebuild`. `set_aside` is where an earlier database was put."""

    objects: list[FoundObjectFacts]
    by_content: list[str]
    jobs_waited_for: int
    set_aside: str | None


class ExportDocument(Document):
    """`deskferry state export`: where the CSV lies, and its entries by kind."""

    path: str
    entries: dict[str, int]


class FindingFacts(Document):
    """One thing that is not as it should be; a note (`serious` false) needs nobody."""

    code: str
    place: str
    detail: str
    next_step: str
    serious: bool


class CheckStateDocument(Document):
    """`deskferry state check`. `busy` is the process that works there now; 0 when not known."""

    busy: int | None
    batch_files: int
    phases: int
    findings: list[FindingFacts]
    exit_code: int


class PurgeDocument(Document):
    """`deskferry purge`: rows and batch files without payloads now, and other files removed."""

    rows: int
    batch_files: int
    spool_bytes: int
    other_files: int


class DemoStep(Document):
    """One command of the demo with its exit code; its own document is left out."""

    command: str
    exit_code: int
    seconds: float


class DemoDocument(Document):
    """`deskferry demo`. `report` is null when the workspace is not kept."""

    exit_code: int
    steps: list[DemoStep]
    report: str | None


class KustomerStandIn(Document):
    """The one line that `deskferry simulate kustomer` prints once it listens."""

    url: str
    api_key: str


class SalesforceStandIn(Document):
    """The one line that `deskferry simulate salesforce` prints once it listens."""

    url: str
    org_id: str


class ConflictFacts(Document):
    """A field with both values; `decision` is empty while it is open. Times in epoch seconds."""

    phase: str
    source_id: str
    part: int
    field: str
    object: str
    target_id: str
    ours: str
    theirs: str
    theirs_by: str
    found_at: float
    decision: str
    decided_by: str
    decided_at: float | None


class ConflictsListDocument(Document):
    """`deskferry conflicts list`."""

    conflicts: list[ConflictFacts]


class ConflictsDecideDocument(Document):
    """`deskferry conflicts decide`."""

    fields: int
    phases: list[str]


DOCUMENTS: dict[str, type[BaseModel]] = {
    "error": ErrorDocument,
    "check": CheckDocument,
    "discover": DiscoverDocument,
    "map-propose": MapProposeDocument,
    "map-show": MapShowDocument,
    "map-profile": MapProfileDocument,
    "map-diff": MapDiffDocument,
    "map-confirm": MapConfirmDocument,
    "users-list": UsersListDocument,
    "users-assign": UsersAssignDocument,
    "users-sync": UsersSyncDocument,
    "migrate": MigrateDocument,
    "delta": DeltaDocument,
    "conflicts-list": ConflictsListDocument,
    "conflicts-decide": ConflictsDecideDocument,
    "retry": RetryDocument,
    "matches-list": MatchesListDocument,
    "matches-choose": MatchesDecideDocument,
    "matches-make": MatchesDecideDocument,
    "status": StatusDocument,
    "trace": TraceDocument,
    "report": ReportDocument,
    "state-rebuild": RebuildDocument,
    "state-export": ExportDocument,
    "state-check": CheckStateDocument,
    "purge": PurgeDocument,
    "demo": DemoDocument,
    "schema-plan": SchemaPlanDocument,
    "schema-deploy": SchemaDeployDocument,
    "simulate-kustomer": KustomerStandIn,
    "simulate-salesforce": SalesforceStandIn,
}
