"""What each command prints with `--json`. The published schemas are made from these models."""

from typing import Literal

from pydantic import BaseModel

from service.cli.conflicts_documents import ConflictsDecideDocument, ConflictsListDocument
from service.cli.cutover_documents import CutoverDocument, CutoverWaiveDocument
from service.cli.discover_documents import DiscoverDocument
from service.cli.document import Document
from service.cli.hooks_documents import HooksListDocument, HooksTestDocument
from service.cli.map_documents import (
    MapConfirmDocument,
    MapDiffDocument,
    MapProfileDocument,
    MapProposeDocument,
    MapShowDocument,
    MapSplitDocument,
)
from service.cli.matches_documents import MatchesDecideDocument, MatchesListDocument
from service.cli.plan_documents import PlanFacts, PlanSetDocument, PlanShowDocument
from service.cli.schema_documents import SchemaDeployDocument, SchemaPlanDocument
from service.cli.state_documents import (
    CheckStateDocument,
    ExportDocument,
    PurgeDocument,
    RebuildDocument,
)
from service.cli.sweeps_documents import AuditLogState, SweepFacts
from service.cli.trace_documents import TraceDocument
from service.cli.users_documents import UsersAssignDocument, UsersListDocument, UsersSyncDocument
from service.cutover.record import Writer
from service.errors import Recovery
from service.report.facts import ReportFacts
from service.stage_log import Stage


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
    """`deskferry migrate`. `jobs_sent` counts this run's ingest jobs only.

    `stages`: those of the plan so far, each with when it was done.
    """

    exit_code: int
    pid: int
    jobs_sent: int
    seconds: float
    phases: dict[str, BookFacts]
    stages: list[Stage]


class DeltaDocument(MigrateDocument):
    """`deskferry delta`. `behind_seconds`: how old what was seen of each stream is, by now.

    `hypercare` is empty before the switch. With `report` nothing was brought over, and `writers` tells
    who has written how many records in Kustomer since the switch, `written` their first ids by stream.
    `audit_log`: whether Kustomer's own log of deletions could be read.
    """

    passes: int
    behind_seconds: dict[str, float]
    hypercare: Literal["", "report", "apply"]
    writers: list[Writer]
    written: dict[str, list[str]]
    sweeps: list[SweepFacts]
    audit_log: AuditLogState


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


class PaceFacts(Document):
    """What is ours of Kustomer's budgets by the config, now.

    `until`: epoch seconds of the next change by `kustomer.office_hours`; null when none is coming.
    """

    rate_share: float
    search_per_minute: int
    office_hours: bool
    until: float | None


class StatusDocument(Document):
    """`deskferry status`. `audit_log`: whether the last delta could read Kustomer's log of deletions."""

    phases: list[PhaseStatus]
    pace: PaceFacts
    sweeps: list[SweepFacts]
    audit_log: AuditLogState
    plan: PlanFacts


class ReportDocument(ReportFacts):
    """`deskferry report`: the facts of the report, and where its page lies."""

    path: str


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


DOCUMENTS: dict[str, type[BaseModel]] = {
    "error": ErrorDocument,
    "check": CheckDocument,
    "discover": DiscoverDocument,
    "map-propose": MapProposeDocument,
    "map-show": MapShowDocument,
    "map-split": MapSplitDocument,
    "map-profile": MapProfileDocument,
    "map-diff": MapDiffDocument,
    "map-confirm": MapConfirmDocument,
    "users-list": UsersListDocument,
    "users-assign": UsersAssignDocument,
    "users-sync": UsersSyncDocument,
    "plan-show": PlanShowDocument,
    "plan-set": PlanSetDocument,
    "migrate": MigrateDocument,
    "delta": DeltaDocument,
    "conflicts-list": ConflictsListDocument,
    "conflicts-decide": ConflictsDecideDocument,
    "cutover": CutoverDocument,
    "cutover-waive": CutoverWaiveDocument,
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
    "hooks-list": HooksListDocument,
    "hooks-test": HooksTestDocument,
    "demo": DemoDocument,
    "schema-plan": SchemaPlanDocument,
    "schema-deploy": SchemaDeployDocument,
    "simulate-kustomer": KustomerStandIn,
    "simulate-salesforce": SalesforceStandIn,
}
