"""Works closed jobs off, chunk by chunk, letting other requests in between (facts, 3.7)."""

from collections.abc import Sequence
from contextlib import closing
from random import Random

import anyio
import anyio.lowlevel
from anyio import to_thread

from simulators.salesforce.columns import Columns, read_header
from simulators.salesforce.faults import FaultBook
from simulators.salesforce.jobs import IngestJob
from simulators.salesforce.locks import ParentLocks
from simulators.salesforce.mishaps import Mishaps
from simulators.salesforce.org import Org
from simulators.salesforce.row_writer import RowWriter
from simulators.salesforce.upload import JobFailure, Upload

CHUNK_ROWS = 200
BATCH_ROWS = 10_000
Rows = list[list[str]]


class NoAllowance(JobFailure):
    """The org's batches of the day are used up; the rows left get no result at all."""


class JobWorker:
    """Runs one job after its close. Reading and result files go to threads, the store does not."""

    def __init__(self, org: Org, faults: FaultBook) -> None:
        self._org = org
        self._faults = faults
        self._random = Random(org.settings.seed)  # noqa: S311
        self._locks = ParentLocks() if org.settings.lock_model else None
        self.mishaps = Mishaps()
        self._writer = RowWriter(org.store, faults, self._locks)

    async def work(self, job: IngestJob) -> None:
        """Run a closed job to its end; an abort in between keeps what was committed."""
        begun = anyio.current_time()
        try:
            with anyio.move_on_after(self._org.settings.job_delay_s):
                await job.stopped.wait()
            if job.state == "UploadComplete":
                self.enter(job, "InProgress")
            await self._rows(job)
            if job.state == "InProgress":
                self.enter(job, "JobComplete")
        except JobFailure as failure:
            if job.state != "Aborted":
                job.error = str(failure)
                self.enter(job, "Failed")
        except Exception as error:  # noqa: BLE001 - one job's fault must not end the stand-in
            job.error = f"Unknown : {type(error).__name__}"
            self.enter(job, "Failed")
        finally:
            job.worked_ms = int((anyio.current_time() - begun) * 1000)
            if self._locks is not None:
                self._locks.release(job.id)
            job.drop_content()
            if job.gone:
                job.close()
            job.settled.set()

    def enter(self, job: IngestJob, state: str) -> None:
        """Put a job into a state now."""
        job.enter(state, self._org.clock(), self._org.store.now())

    async def _rows(self, job: IngestJob) -> None:
        if job.content is None:
            return
        with closing(Upload(job.content, job.delimiter, job.line_ending)) as upload:
            await to_thread.run_sync(upload.survey)
            if upload.header:
                job.results.start(upload.header)
                await self._batches(job, upload)

    async def _batches(self, job: IngestJob, upload: Upload) -> None:
        left: Rows = []
        try:
            store = self._org.store
            definition = store.schema.objects[job.object]
            columns = read_header(store, definition, job.operation, upload.header)
            while batch := await to_thread.run_sync(upload.take, BATCH_ROWS):
                left = batch
                if job.state == "Aborted":
                    break
                self._count(batch)
                left = await self._batch(job, columns, batch)
                if left:
                    break
            self._fail_if_asked(job)
        except NoAllowance:
            raise
        except JobFailure:
            await self._leave(job, upload, left)
            raise
        await self._leave(job, upload, left)

    def _count(self, batch: Rows) -> None:
        """Take one batch of the day's allowance."""
        org = self._org
        if org.bulk_batches >= org.settings.bulk_batches_max:
            raise NoAllowance("ExceededQuota : The batch allowance of the org is used up")
        org.bulk_batches += 1
        org.rows_per_batch.append(len(batch))

    async def _batch(self, job: IngestJob, columns: Columns, batch: Rows) -> Rows:
        """Work one internal batch; give the rows that were not reached."""
        good: Rows = []
        bad: Rows = []
        for start in range(0, len(batch), CHUNK_ROWS):
            job.error = self._faults.midway(job.object, job.processed)
            if job.state == "Aborted" or job.error:
                break
            chunk = batch[start : start + CHUNK_ROWS]
            self._chunk(job, columns, chunk, good, bad)
            await anyio.lowlevel.checkpoint()
        reached = len(good) + len(bad)
        self.mishaps.strike(job.object, good, bad)
        self._random.shuffle(good)
        self._random.shuffle(bad)
        await to_thread.run_sync(job.results.add, "successful", good)
        await to_thread.run_sync(job.results.add, "failed", bad)
        return batch[reached:]

    def _chunk(
        self, job: IngestJob, columns: Columns, chunk: Sequence[list[str]], good: Rows, bad: Rows
    ) -> None:
        for row, outcome in zip(chunk, self._writer.chunk(job, columns, chunk), strict=True):
            job.processed += 1
            if outcome.success:
                good.append([outcome.record_id, "true" if outcome.created else "false", *row])
            else:
                job.failed += 1
                bad.append([outcome.record_id, outcome.errors[0].bulk_text(), *row])

    def _fail_if_asked(self, job: IngestJob) -> None:
        """End a job that a fault has struck."""
        if job.error and job.state != "Aborted":
            raise JobFailure(job.error)

    async def _leave(self, job: IngestJob, upload: Upload, left: Rows) -> None:
        """Put what was not reached into the list of unprocessed rows."""
        while left or (left := await to_thread.run_sync(upload.take, BATCH_ROWS)):
            self._random.shuffle(left)
            self.mishaps.lose(job.object, "unprocessed", left)
            await to_thread.run_sync(job.results.add, "unprocessed", left)
            left = []
