"""One ingest job from its intent to the end of its work in Salesforce, write-ahead.

Each state is durable before the next outside effect. Nothing runs in Salesforce before the close,
so a doubtful create or upload is aborted and made anew; a doubtful close is settled by reading the
job (salesforce facts, 3.11).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Literal

import anyio
import structlog

from connectors.errors import ConnectorError, NotFound, OutcomeUnknown
from connectors.salesforce.ingest import Again, IngestJob, IngestJobs, Operation
from service.assemble import JobRows
from service.crash_points import reach
from service.errors import DeskferryError
from service.orphans import Orphans
from service.phases import Phase
from state.batches import Batch
from state.jobs import Job
from state.ledger import Ledger
from state.rows import RowEntry

ABORT_TRIES = 3
SLOW_POLLS = frozenset({40, 120, 480, 1_920, 7_680})  # about ten minutes, an hour, four hours ...
FIRST_POLL_S = 0.1  # small jobs end at once; the pauses grow from here


class JobNotMade(DeskferryError):
    """Salesforce could not be brought to take a job after several tries."""

    code = "job-not-made"


class JobRefused(DeskferryError):
    """Salesforce ended a whole job before it worked on its first row."""

    code = "job-refused"


Fate = Literal["never-ran", "ran", "gone"]
"""What became of a job: its rows wait again; its results count; or nobody keeps them any more."""
_log = structlog.get_logger()


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
        loose: Sequence[RowEntry],
    ) -> int:
        """Write down what the job will carry; returns the ledger's id of the job."""
        async with self._ledger.write() as tx:
            job = await self._ledger.jobs.intend(
                tx,
                phase=phase.name,
                object=table,
                operation=_operation(phase, rows),
                lane=batches[0].lane if batches else 0,
                rows_sent=len(rows.rows),
                aside=rows.aside.dump(),
            )
            await self._ledger.batches.take(tx, [batch.id for batch in batches], job)
            if loose:
                keys = [(row.source_id, row.part) for row in loose]
                await self._ledger.rows.assign_job(tx, phase.name, keys, job)
            reach("intent-uncommitted")
        reach("job-intended")
        return job

    async def send(self, job: int, phase: Phase, table: str, rows: JobRows) -> str:
        """Create, upload and close; returns Salesforce's job id.

        Raises `JobNotMade` when Salesforce takes no job at all, and the connectors' errors. After a
        crash in here, `settle` reads the ledger and Salesforce and goes on.
        """
        sf_id = await self._create_and_upload(job, table, _operation(phase, rows), rows)
        await self._close(job, sf_id)
        return sf_id

    async def _create_and_upload(
        self, job: int, table: str, operation: Operation, rows: JobRows
    ) -> str:
        again = self._ingest.again()
        while True:
            try:
                made = await self._ingest.create(table, operation)
            except OutcomeUnknown as error:
                # At worst an empty open job is left, which never runs and expires in a day.
                await _wait_or_give_up(again, error)
                continue
            reach("job-created")
            async with self._ledger.write() as tx:
                await self._ledger.jobs.created(tx, job, made.id)
            reach("job-named")
            try:
                await self._ingest.upload(made.id, _stream(rows))
            except ConnectorError as error:
                # A job that is gone was deleted or has expired; it held nothing that ran.
                if error.recovery not in ("retry", "stop") and not isinstance(error, NotFound):
                    raise
                await self._ingest.abort(made.id)  # content never runs before the close
                reach("upload-aborted")
                async with self._ledger.write() as tx:
                    await self._ledger.jobs.recreate(tx, job)
                reach("job-disowned")
                await _wait_or_give_up(again, error)
                continue
            reach("job-uploaded")
            async with self._ledger.write() as tx:
                await self._ledger.jobs.uploaded(tx, job)
            reach("job-upload-noted")
            return made.id

    async def _close(self, job: int, sf_id: str) -> None:
        try:
            await self._ingest.close(sf_id)
        except NotFound:
            # Someone deleted it. Whether it ran first is asked row by row, as for results too old.
            _log.warning("job-gone", job=sf_id)
        reach("job-closed")
        async with self._ledger.write() as tx:
            await self._ledger.jobs.closed(tx, job)
        reach("job-close-noted")

    async def adopt(self, job: Job) -> Fate:
        """Find out what became of a job that an earlier run left.

        A job that is still open never ran: it is aborted, and its rows go into a new one. One that
        was uploaded may have been closed without our knowing, so its rows are never sent again
        before Salesforce was asked for them.
        """
        if job.sf_id is None:
            await Orphans(self._ledger, self._ingest).abort(job)
            return "never-ran"
        maybe_closed = job.state != "created"
        try:
            seen = await self._ingest.info(job.sf_id)
            if seen.state == "Open":
                seen = await self._abort(job.sf_id, seen)
        except NotFound:  # expired after a day, or kept no longer after seven (facts, 3.3)
            return await self._adopted(job, "gone") if maybe_closed else "never-ran"
        if seen.state == "Open" or (seen.state == "Aborted" and not maybe_closed):
            return "never-ran"
        return await self._adopted(job, "ran")

    async def _abort(self, sf_id: str, seen: IngestJob) -> IngestJob:
        """Abort an open job and look again: a close on its way may have come first."""
        for _ in range(ABORT_TRIES):
            await self._ingest.abort(sf_id)
            reach("open-job-aborted")
            seen = await self._ingest.info(sf_id)
            if seen.state != "Open":
                break
        return seen

    async def _adopted(self, job: Job, fate: Fate) -> Fate:
        """Note that a job counts as closed."""
        if job.state in ("created", "uploaded"):
            async with self._ledger.write() as tx:
                if job.state == "created":
                    await self._ledger.jobs.uploaded(tx, job.id)
                await self._ledger.jobs.closed(tx, job.id)
            reach("adoption-noted")
        return fate

    async def wait(self, sf_id: str) -> IngestJob | None:
        """Wait for the job's end; None when Salesforce no longer knows it.

        The job runs on in Salesforce while we are away. One that hangs is cleaned up by Salesforce
        after seven days (facts, 3.3); until then its rows may still go in, so it is waited for.
        """
        polls = 0

        def slow(seen: IngestJob) -> None:
            nonlocal polls
            polls += 1
            if polls in SLOW_POLLS:
                _log.warning("job-slow", job=sf_id, state=seen.state, polls=polls)

        try:
            return await self._ingest.wait(sf_id, first_s=FIRST_POLL_S, on_poll=slow)
        except NotFound:
            return None

    async def finished(self, job: int, ended: IngestJob | None) -> None:
        """Write the job's end down; None: Salesforce no longer knows it."""
        reach("job-ended")
        async with self._ledger.write() as tx:
            await self._ledger.jobs.finished(
                tx,
                job,
                processed=ended.records_processed if ended else None,
                failed=ended.records_failed if ended else None,
                error=ended.error_message if ended else "gone",
            )
        reach("job-end-noted")


def _operation(phase: Phase, rows: JobRows) -> Operation:
    return "update" if rows.changes or phase.operation == "update" else "insert"


async def _wait_or_give_up(again: Again, error: ConnectorError) -> None:
    """Wait before the job is made anew, as long as `retry` in the config lets us."""
    try:
        await again.wait(error)
    except ConnectorError:
        raise JobNotMade(
            "Salesforce did not take an ingest job after several tries.",
            next_step="Check Salesforce's status page, then run migrate again; nothing is lost.",
        ) from None


async def _stream(rows: JobRows) -> AsyncIterator[bytes]:
    """The job's CSV for the wire; other tasks get their turn between the pieces."""
    for chunk in rows.chunks():
        yield chunk
        reach("job-uploading")
        await anyio.lowlevel.checkpoint()
