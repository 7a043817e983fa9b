"""Bulk API 2.0 ingest jobs (salesforce facts, section 3)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Final, Literal

from connectors.clock import Clock
from connectors.errors import BadReply, BadRequest, ConnectorError, OutcomeUnknown
from connectors.patience import Outage
from connectors.reply import readable_by
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.download import Download
from connectors.salesforce.job import ENDED, BulkJob, read_job, wait_for_end

__all__ = ["ENDED", "IngestJob", "IngestJobs", "Operation", "Which", "read_job"]

IngestJob = BulkJob
Operation = Literal["insert", "update", "delete", "hardDelete"]
Which = Literal["successful", "failed", "unprocessed"]

_RESULTS: Final[dict[Which, str]] = {
    "successful": "successfulResults",
    "failed": "failedResults",
    "unprocessed": "unprocessedrecords",
}
_TRIES: Final = 6
_PAUSE_CAP_S: Final = 30.0


class IngestJobs:
    """The calls of a job's life, each of which may be cancelled at any point.

    Nothing runs in Salesforce before `close`: a job whose create or upload is in doubt is aborted
    and made anew, a doubtful close is settled by reading the job (salesforce facts, 3.11).
    """

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def again(self) -> Again:
        """The pauses of a step that its caller makes again: some tries, then the patience."""
        return Again(self._client, self._clock)

    async def running_user(self) -> str:
        """The id (18 characters) of the user that our jobs are created by."""
        return (await self._client.org()).user_id

    async def clock_ahead_s(self) -> float:
        """By how many seconds Salesforce's clock, which stamps jobs, is ahead of ours."""
        return (await self._client.org()).clock_ahead_s

    async def create(self, name: str, operation: Operation) -> IngestJob:
        """Create an open job for CSV with line feeds and commas.

        There is no upsert: it overwrites, fires the automation of updates, and cannot set audit
        fields (salesforce facts, 3.11 and 7.9).
        A refusal that passes (limits, server errors) is waited out, as long as the client's patience
        lasts. Raises `OutcomeUnknown` on a lost reply; a job that was made without our knowing
        holds no rows, never runs, and expires in a day. Raises `BadRequest` for an unknown object
        or operation.
        """
        await self._client.take_batches()
        body = {
            "object": name,
            "operation": operation,
            "contentType": "CSV",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }
        what = f"an ingest job for {name}"
        again = self.again()
        while True:
            try:
                reply = await self._client.call(
                    "POST", "/jobs/ingest", what, json=body, accept=readable_by(read_job)
                )
            except ConnectorError as error:
                if error.recovery != "retry":
                    raise
                await again.wait(error)
            else:
                return read_job(reply.json())

    async def upload(self, job_id: str, chunks: AsyncIterable[bytes]) -> None:
        """Send the job's rows: exactly one PUT, never repeated (salesforce facts, 3.4).

        At most 100 MB of UTF-8 without BOM. Whatever is raised, abort the job and make a new one:
        `OutcomeUnknown`, `SessionEnded` (signed in anew by now), `RemoteUnavailable`, `BadRequest`.
        """
        reply = await self._client.call(
            "PUT",
            f"/jobs/ingest/{job_id}/batches",
            "the rows of an ingest job",
            headers={"Content-Type": "text/csv; charset=UTF-8"},
            content=chunks,
        )
        if reply.status != 201:
            raise OutcomeUnknown(
                "The upload of rows was answered with an unexpected status.", status=reply.status
            )

    async def close(self, job_id: str) -> IngestJob:
        """Let the job run; returns it in whatever state it is, which may be `Aborted` already.

        Any doubt and any refusal is settled by reading the job: only an open one is closed again.
        Raises `OutcomeUnknown` when it stays open past the client's patience, `BadRequest` when
        Salesforce will not close it, `NotFound` when it is gone.
        """
        again = self.again()
        while True:
            refused: BadRequest | None = None
            try:
                told = await self._patch(job_id, "UploadComplete")
            except BadRequest as error:
                refused, told = error, None
            except ConnectorError as error:
                if error.recovery not in ("retry", "stop"):
                    raise
                told = None
            seen = told or await self.info(job_id)
            if seen.state != "Open":
                return seen
            if refused:
                raise refused
            await again.wait(OutcomeUnknown("An ingest job could not be closed."))

    async def abort(self, job_id: str) -> None:
        """Give a job up; one that is over or gone already is left as it is.

        Rows that were committed stay so. A doubtful outcome is let pass: an open job never runs and
        expires after a day. Raises only what an operator must mend (`refuse`).
        """
        try:
            await self._patch(job_id, "Aborted")
        except ConnectorError as error:
            if error.recovery == "refuse":
                raise

    async def info(self, job_id: str) -> IngestJob:
        """Read the job; raises `NotFound` for one that Salesforce no longer knows (7 days)."""
        path, what = f"/jobs/ingest/{job_id}", "an ingest job's state"
        reply = await self._client.call("GET", path, what, accept=readable_by(read_job))
        return read_job(reply.json())

    async def delete(self, job_id: str) -> None:
        """Delete an ended job with its results; one that is gone already is no error."""
        await self._client.delete(f"/jobs/ingest/{job_id}", "the deletion of an ingest job")

    async def wait(
        self,
        job_id: str,
        *,
        first_s: float = 0.5,
        cap_s: float = 30.0,
        on_poll: Callable[[IngestJob], None] | None = None,
    ) -> IngestJob:
        """Wait for `JobComplete`, `Failed` or `Aborted`, asking at growing intervals (seconds)."""

        async def read() -> IngestJob:
            return await self.info(job_id)

        return await wait_for_end(read, self._clock, first_s=first_s, cap_s=cap_s, on_poll=on_poll)

    async def listed(
        self,
        *,
        object: str | None = None,
        operation: str | None = None,
        state: str | None = None,
        created_by_id: str | None = None,
    ) -> AsyncIterator[IngestJob]:
        """Yield the org's Bulk 2.0 ingest jobs that fit, of all users, in no order, each once.

        User ids are compared on 15 characters. Jobs in this list carry no counts.
        """
        wanted = {"object": object, "operation": operation, "state": state}
        seen: set[str] = set()
        async for said in self._client.pages(
            "/jobs/ingest", "the list of ingest jobs", params={"jobType": "V2Ingest"}
        ):
            for job in map(read_job, said):
                theirs = created_by_id is not None and job.created_by_id[:15] != created_by_id[:15]
                fits = all(value in (None, getattr(job, name)) for name, value in wanted.items())
                if fits and not theirs and job.id not in seen:
                    seen.add(job.id)
                    yield job

    @asynccontextmanager
    async def results(self, job_id: str, which: Which) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open one of a job's three result files, to be read in pieces; see `Download.pieces`."""
        path = f"/jobs/ingest/{job_id}/{_RESULTS[which]}"
        download = Download(self._client, self._clock, path, "an ingest job's results")
        async with aclosing(download.pieces()) as pieces:
            yield pieces

    async def _patch(self, job_id: str, state: str) -> IngestJob | None:
        """Ask for a state; returns the job if the answer is readable."""
        reply = await self._client.call(
            "PATCH",
            f"/jobs/ingest/{job_id}",
            "an ingest job's next state",
            json={"state": state},
        )
        try:
            said: Any = reply.json()
            return read_job(said)
        except BadReply:
            return None


class Again:
    """The pauses of one step that is made again and again, each time after a look or anew."""

    def __init__(self, client: SalesforceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._attempt = 0
        self._outage: Outage | None = None

    async def wait(self, error: ConnectorError) -> None:
        """Wait before the next try; raises `error` after the last one."""
        self._attempt += 1
        if self._attempt < _TRIES:
            await self._clock.sleep(min(_PAUSE_CAP_S, 0.5 * 2 ** (self._attempt - 1)))
            return
        patience = await self._client.patience()
        if patience is None:
            raise error
        self._outage = self._outage or patience.outage()
        await self._outage.endure(error)
