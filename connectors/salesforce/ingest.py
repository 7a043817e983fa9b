"""Bulk API 2.0 ingest jobs (salesforce facts, section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal

from connectors.clock import Clock
from connectors.errors import BadReply, BadRequest, ConnectorError, OutcomeUnknown
from connectors.http import Retry, is_json
from connectors.salesforce.client import SalesforceClient

Which = Literal["successful", "failed", "unprocessed"]
ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})
_PATHS: Final = {
    "successful": "successfulResults",
    "failed": "failedResults",
    "unprocessed": "unprocessedrecords",
}


@dataclass(frozen=True)
class IngestJob:
    """A job as Salesforce tells of it. `records_processed` counts failed rows too."""

    id: str
    state: str
    object: str
    operation: str
    created_by_id: str
    created_date: str
    records_processed: int | None
    records_failed: int | None
    error_message: str | None


class IngestJobs:
    """The calls of a job's life. Only reading is repeated on its own; effects never are."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def running_user(self) -> str:
        """Return the id of the user that our jobs are created by."""
        return (await self._client.org()).user_id

    async def create(self, name: str, operation: str) -> IngestJob:
        """Create an open job for CSV with line feeds; raises `OutcomeUnknown` on a lost reply.

        A job that was made without our knowing never runs: it holds no rows and is not closed.
        """
        body = {
            "object": name,
            "operation": operation,
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        reply = await self._client.call(
            "POST",
            "/jobs/ingest",
            f"an ingest job for {name}",
            json=body,
            retry=Retry.NEVER,
            accept=is_json,
        )
        return read_job(reply.json())

    async def upload(self, job_id: str, chunks: AsyncIterable[bytes]) -> None:
        """Send the job's rows: exactly one PUT, never repeated (salesforce facts, 3.4).

        Raises `OutcomeUnknown` when the reply was lost; the job must then be aborted and made anew.
        """
        reply = await self._client.call(
            "PUT",
            f"/jobs/ingest/{job_id}/batches",
            "the rows of an ingest job",
            headers={"Content-Type": "text/csv; charset=UTF-8"},
            content=chunks,
            retry=Retry.NEVER,
        )
        if reply.status != 201:
            raise OutcomeUnknown("The upload of rows was answered with an unexpected status.")

    async def close(self, job_id: str) -> IngestJob:
        """Let the job run. A doubtful answer is settled by reading the job's state."""
        for attempt in range(6):
            try:
                await self._patch(job_id, "UploadComplete")
            except (OutcomeUnknown, BadRequest, BadReply) as error:
                doubt: ConnectorError | None = error
            except ConnectorError as error:
                if error.recovery != "retry":
                    raise
                doubt = error
            else:
                doubt = None
            seen = await self.info(job_id)
            if seen.state != "Open":
                return seen
            if isinstance(doubt, BadRequest):
                raise doubt
            await self._clock.sleep(min(30.0, 0.5 * 2**attempt))
        raise OutcomeUnknown("An ingest job could not be closed.")

    async def abort(self, job_id: str) -> None:
        """Give a job up; one that is over or gone already is left as it is."""
        try:
            await self._patch(job_id, "Aborted")
        except ConnectorError as error:
            if error.recovery == "refuse":
                raise
            # Whatever was unclear: an open job never runs and expires after a day.

    async def info(self, job_id: str) -> IngestJob:
        """Read the job; raises `NotFound` for one that Salesforce no longer knows."""
        reply = await self._client.call("GET", f"/jobs/ingest/{job_id}", "an ingest job's state")
        return read_job(reply.json())

    async def wait(self, job_id: str, *, first_s: float = 0.5, cap_s: float = 30.0) -> IngestJob:
        """Wait for the job's end, asking at growing intervals (seconds)."""
        pause = first_s
        while True:
            seen = await self.info(job_id)
            if seen.state in ENDED:
                return seen
            await self._clock.sleep(pause)
            pause = min(cap_s, pause * 1.4)

    async def listed(self) -> AsyncIterator[IngestJob]:
        """Yield the org's Bulk 2.0 ingest jobs, of all users, in no order."""
        path = "/jobs/ingest?jobType=V2Ingest"
        while True:
            said = (await self._client.call("GET", path, "the list of ingest jobs")).json()
            for record in said.get("records") or []:
                yield read_job(record)
            following = said.get("nextRecordsUrl")
            if said.get("done", True) or not isinstance(following, str):
                return
            path = following[following.index("/jobs/ingest") :]

    @asynccontextmanager
    async def results(self, job_id: str, which: Which) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open one of a job's three result files, to be read in pieces."""
        async with self._client.stream(
            "GET",
            f"/jobs/ingest/{job_id}/{_PATHS[which]}",
            "an ingest job's results",
            headers={"Accept": "text/csv"},
        ) as reply:
            yield reply.aiter_bytes()

    async def _patch(self, job_id: str, state: str) -> None:
        await self._client.call(
            "PATCH",
            f"/jobs/ingest/{job_id}",
            "an ingest job's next state",
            json={"state": state},
            retry=Retry.NEVER,
        )


def read_job(said: Any) -> IngestJob:
    """Read a job; raises `BadReply` when the answer is none."""
    try:
        return IngestJob(
            id=said["id"],
            state=said["state"],
            object=said.get("object", ""),
            operation=said.get("operation", ""),
            created_by_id=said.get("createdById", ""),
            created_date=said.get("createdDate", ""),
            records_processed=said.get("numberRecordsProcessed"),
            records_failed=said.get("numberRecordsFailed"),
            error_message=said.get("errorMessage"),
        )
    except (KeyError, TypeError, AttributeError):
        raise BadReply("An ingest job is not what Salesforce promises.") from None
