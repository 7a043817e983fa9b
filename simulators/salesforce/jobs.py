"""Ingest jobs as the server keeps them (facts, 3.2 and 3.3)."""

import tempfile
from dataclasses import dataclass, field
from typing import IO, Any

import anyio

from simulators.salesforce.results import ResultFiles
from simulators.salesforce.upload import DELIMITERS

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass
class IngestJob:
    """One job. `content` is a file on disk; `settled` is set once its results are complete,
    `stopped` once it is aborted or deleted.

    `started` and `ended` are epoch seconds. `gone`: deleted or expired. `put_begun` stays true for
    good: one PUT is allowed.
    """

    id: str
    object: str
    operation: str
    created_by: str
    created: str
    version: float
    started: float
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    external_field: str = ""
    assignment_rule: str = ""
    state: str = "Open"
    modified: str = ""
    content: IO[bytes] | None = None
    put_begun: bool = False
    put_running: bool = False
    gone: bool = False
    processed: int = 0
    failed: int = 0
    error: str = ""
    ended: float | None = None
    worked_ms: int = 0
    settled: anyio.Event = field(default_factory=anyio.Event)
    stopped: anyio.Event = field(default_factory=anyio.Event)
    results: ResultFiles = field(init=False)

    def __post_init__(self) -> None:
        self.modified = self.modified or self.created
        self.results = ResultFiles(DELIMITERS[self.delimiter])

    def enter(self, state: str, now: float, shown: str) -> None:
        """Go to a state at a moment: epoch seconds, and as records show it."""
        self.state = state
        self.modified = shown
        if state in ENDED:
            self.ended = now

    def drop_content(self) -> None:
        """Let go of the uploaded rows."""
        if self.content is not None:
            self.content.close()
            self.content = None

    def close(self) -> None:
        """Let go of everything on disk."""
        self.drop_content()
        self.results.close()

    def brief(self) -> dict[str, Any]:
        """The job as create, close, abort and the list tell it: no counters."""
        body: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": self.created,
            "systemModstamp": self.modified,
            "state": self.state,
        }
        if self.external_field:
            body["externalIdFieldName"] = self.external_field
        body |= {
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": self.version,
        }
        if self.state == "Open":  # no slash in front (facts, 2.1)
            body["contentUrl"] = f"services/data/v{self.version}/jobs/ingest/{self.id}/batches"
        body |= {"lineEnding": self.line_ending, "columnDelimiter": self.delimiter}
        if self.assignment_rule:
            body["assignmentRuleId"] = self.assignment_rule
        return body

    def full(self) -> dict[str, Any]:
        """The job as its own resource tells it. Failed rows count as processed."""
        body = self.brief() | {
            "jobType": "V2Ingest",
            "retries": 0,
            "totalProcessingTime": self.worked_ms,
            "apiActiveProcessingTime": self.worked_ms,
            "apexProcessingTime": 0,
        }
        if self.state not in ("Open", "UploadComplete"):
            body["numberRecordsProcessed"] = self.processed
            body["numberRecordsFailed"] = self.failed
        if self.error:
            body["errorMessage"] = self.error
        return body


def new_content() -> IO[bytes]:
    """A file for a job's rows; it goes when it is closed."""
    return tempfile.TemporaryFile()
