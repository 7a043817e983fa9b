"""One ingest job from its intent to the end of its work in Salesforce, write-ahead.

Each state is durable before the next outside effect. Nothing runs in Salesforce before the close,
so a doubtful create or upload is aborted and made anew; a doubtful close is settled by reading the
job (salesforce facts, 3.11).
"""

from collections.abc import AsyncIterator, Sequence

import anyio

from connectors.errors import ConnectorError, NotFound, OutcomeUnknown
from connectors.salesforce.ingest import IngestJob, IngestJobs
from service.assemble import JobRows
from service.crash_points import reach
from service.errors import DeskferryError
from service.phases import Phase
from state.batches import Batch
from state.jobs import Job
from state.ledger import Ledger

CREATE_TRIES = 5
FIRST_POLL_S = 0.1  # small jobs end at once; the pauses grow from here


class JobNotMade(DeskferryError):
    """Salesforce could not be brought to take a job after several tries."""

    code = "job-not-made"


class JobRefused(DeskferryError):
    """Salesforce ended a whole job before it worked on its first row."""

    code = "job-refused"


class ResultsGone(DeskferryError):
    """A closed job's results are no longer kept by Salesforce."""

    code = "results-gone"


class JobRunner:
    """Carries jobs of all phases through Salesforce; holds nothing between calls."""

    def __init__(self, ledger: Ledger, ingest: IngestJobs) -> None:
        self._ledger = ledger
        self._ingest = ingest

    async def intend(
        self,
        phase: Phase,
        table: str,
        rows: JobRows,
        batches: Sequence[Batch],
        loose: Sequence[tuple[str, int]],
    ) -> int:
        """Write down what the job will carry; returns the ledger's id of the job."""
        async with self._ledger.write() as tx:
            job = await self._ledger.jobs.intend(
                tx,
                phase=phase.name,
                object=table,
                operation="insert",
                lane=batches[0].lane if batches else 0,
                rows_sent=len(rows.rows),
                aside=rows.aside.dump(),
            )
            await self._ledger.batches.take(tx, [batch.id for batch in batches], job)
            if loose:
                await self._ledger.rows.assign_job(tx, phase.name, loose, job)
        reach("job-intended")
        return job

    async def send(self, job: int, table: str, rows: JobRows) -> str:
        """Create, upload and close; returns Salesforce's job id.

        Raises `JobNotMade` when Salesforce takes no job at all, and the connectors' errors. After a
        crash in here, `settle` reads the ledger and Salesforce and goes on.
        """
        sf_id = await self._create_and_upload(job, table, rows)
        await self._close(job, sf_id)
        return sf_id

    async def _create_and_upload(self, job: int, table: str, rows: JobRows) -> str:
        for _ in range(CREATE_TRIES):
            try:
                made = await self._ingest.create(table, "insert")
            except OutcomeUnknown:
                continue  # at worst an empty open job, which never runs and expires in a day
            reach("job-created")
            async with self._ledger.write() as tx:
                await self._ledger.jobs.created(tx, job, made.id)
            reach("job-named")
            try:
                await self._ingest.upload(made.id, _stream(rows))
            except ConnectorError as error:
                if error.recovery not in ("retry", "stop"):
                    raise
                await self._ingest.abort(made.id)  # content never runs before the close
                async with self._ledger.write() as tx:
                    await self._ledger.jobs.recreate(tx, job)
                continue
            reach("job-uploaded")
            async with self._ledger.write() as tx:
                await self._ledger.jobs.uploaded(tx, job)
            reach("job-upload-noted")
            return made.id
        raise JobNotMade(
            "Salesforce did not take an ingest job after several tries.",
            next_step="Check Salesforce's status page, then run migrate again; nothing is lost.",
        )

    async def _close(self, job: int, sf_id: str) -> None:
        await self._ingest.close(sf_id)
        reach("job-closed")
        async with self._ledger.write() as tx:
            await self._ledger.jobs.closed(tx, job)
        reach("job-close-noted")

    async def adopt(self, job: Job) -> bool:
        """Find out what became of a job that an earlier run left; True when its work counts.

        A job that is still open never ran: it is aborted, and its rows go into a new one.
        """
        if job.sf_id is None:
            await self._abort_orphans(job)
            return False
        try:
            seen = await self._ingest.info(job.sf_id)
        except NotFound:
            if job.state in ("closed", "finished"):
                raise ResultsGone(
                    f"Salesforce no longer knows job {job.sf_id}: results are kept for 7 days.",
                    next_step="Run state rebuild to learn from Salesforce what the job made.",
                ) from None
            return False
        if seen.state == "Open":
            await self._ingest.abort(job.sf_id)
            return False
        if seen.state == "Aborted" and job.state not in ("closed", "finished"):
            return False
        if job.state in ("created", "uploaded"):
            async with self._ledger.write() as tx:
                if job.state == "created":
                    await self._ledger.jobs.uploaded(tx, job.id)
                await self._ledger.jobs.closed(tx, job.id)
        return True

    async def _abort_orphans(self, job: Job) -> None:
        """Abort open jobs of ours that no ledger row names: their create's reply was lost."""
        ours = await self._ledger.jobs.sf_ids()
        me = await self._ingest.running_user()
        async for listed in self._ingest.listed():
            mine = listed.created_by_id[:15] == me[:15] and listed.object == job.object
            if mine and listed.state == "Open" and listed.id not in ours:
                await self._ingest.abort(listed.id)

    async def wait(self, sf_id: str) -> IngestJob:
        """Wait for the job's end. The job runs on in Salesforce while we are away."""
        return await self._ingest.wait(sf_id, first_s=FIRST_POLL_S)

    async def finished(self, job: int, ended: IngestJob) -> None:
        """Write the job's end down."""
        reach("job-ended")
        async with self._ledger.write() as tx:
            await self._ledger.jobs.finished(
                tx,
                job,
                processed=ended.records_processed,
                failed=ended.records_failed,
                error=ended.error_message,
            )
        reach("job-end-noted")


async def _stream(rows: JobRows) -> AsyncIterator[bytes]:
    """The job's CSV for the wire; other tasks get their turn between the pieces."""
    for chunk in rows.chunks():
        yield chunk
        reach("job-uploading")
        await anyio.lowlevel.checkpoint()
