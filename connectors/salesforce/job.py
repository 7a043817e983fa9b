"""A Bulk API 2.0 job, ingest or query, as Salesforce tells of it (salesforce facts, 3.2, 3.3, 4)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from connectors.clock import Clock
from connectors.errors import BadReply

ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})
_GROWTH: Final = 1.4


@dataclass(frozen=True)
class BulkJob:
    """One job. `records_processed` counts failed rows too; both counts are None until it ran.

    `created_date` is Salesforce's own text. `error_message` may quote what was sent: not for logs.
    """

    id: str
    state: str
    object: str
    operation: str
    created_by_id: str
    created_date: str
    records_processed: int | None
    records_failed: int | None
    error_message: str | None
    external_id_field: str | None = None

    @property
    def ended(self) -> bool:
        """True when its state will not change any more. It says nothing of the rows."""
        return self.state in ENDED


def read_job(said: Any) -> BulkJob:
    """Read a job; raises `BadReply` when the answer is none."""
    if not isinstance(said, dict):
        raise BadReply("A job is not what Salesforce promises.")
    job_id, state = said.get("id"), said.get("state")
    if not (isinstance(job_id, str) and isinstance(state, str) and job_id.isalnum()):
        raise BadReply("A job lacks its id or its state.")
    return BulkJob(
        id=job_id,
        state=state,
        object=str(said.get("object") or ""),
        operation=str(said.get("operation") or ""),
        created_by_id=str(said.get("createdById") or ""),
        created_date=str(said.get("createdDate") or ""),
        records_processed=_count(said.get("numberRecordsProcessed")),
        records_failed=_count(said.get("numberRecordsFailed")),
        error_message=_text(said.get("errorMessage")),
        external_id_field=_text(said.get("externalIdFieldName")),
    )


async def wait_for_end(
    read: Callable[[], Awaitable[BulkJob]],
    clock: Clock,
    *,
    first_s: float,
    cap_s: float,
    on_poll: Callable[[BulkJob], None] | None = None,
) -> BulkJob:
    """Read a job at growing intervals (seconds) until it ended; each reading goes to `on_poll`.

    The job runs on when this is cancelled. Each reading costs one request of the org's daily limit.
    """
    pause = first_s
    while True:
        seen = await read()
        if on_poll:
            on_poll(seen)
        if seen.ended:
            return seen
        await clock.sleep(pause)
        pause = min(cap_s, pause * _GROWTH)


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
