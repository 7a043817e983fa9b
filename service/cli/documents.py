"""What each command prints with `--json`. The published schemas are made from these models."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from service.errors import Recovery
from service.report.facts import ReportFacts


class Document(BaseModel):
    """A JSON document; nothing is in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


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
    """Distinct source records of one phase; skipped, held and failed by reason."""

    extracted: int
    duplicates: int
    loaded: int
    matched: int
    skipped: dict[str, int]
    held: dict[str, int]
    failed: dict[str, int]
    pending: int


class MigrateDocument(Document):
    """`deskferry migrate`. `jobs_sent` counts this run's ingest jobs only."""

    exit_code: int
    pid: int
    jobs_sent: int
    seconds: float
    phases: dict[str, BookFacts]


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
    """Where a record came in: extraction slice, page, and sealed batch."""

    slice: int
    page: int
    batch: int


class BecameFacts(Document):
    """One Salesforce record that a source record became, or was matched with."""

    kind: str
    part: int
    object: str
    salesforce_id: str
    origin: str
    job: str | None
    job_state: str | None
    place: PlaceFacts | None


class ExceptionFacts(Document):
    """One part of a source record that did not go the straight way, and what helps."""

    phase: str
    part: int
    state: str
    reason: str
    field: str
    why: str
    fix: str


class TraceDocument(Document):
    """`deskferry trace ID`; both lists are empty when nothing is known of the id."""

    kustomer_id: str
    became: list[BecameFacts]
    exceptions: list[ExceptionFacts]


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
    "migrate": MigrateDocument,
    "status": StatusDocument,
    "trace": TraceDocument,
    "report": ReportDocument,
    "demo": DemoDocument,
    "simulate-kustomer": KustomerStandIn,
    "simulate-salesforce": SalesforceStandIn,
}
