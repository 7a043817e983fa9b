"""Ingest jobs as the server keeps them, and the work on their rows (facts, section 3)."""

import csv
import io
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import IO, Any

import anyio

from simulators.salesforce.org import Org
from simulators.salesforce.store import WriteContext

csv.field_size_limit(2**31 - 1)
CHUNK_ROWS = 200
BATCH_ROWS = 10_000
_DELIMITERS = {
    "COMMA": ",",
    "PIPE": "|",
    "SEMICOLON": ";",
    "TAB": "\t",
    "CARET": "^",
    "BACKQUOTE": "`",
}


@dataclass
class IngestJob:
    """One job. `content` is a file on disk; results are files of ready CSV."""

    id: str
    object: str
    operation: str
    created_by: str
    created: str
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    external_field: str = ""
    state: str = "Open"
    content: IO[bytes] | None = None
    processed: int = 0
    failed: int = 0
    error: str = ""
    started: float = 0.0
    ended: float | None = None
    successes: list[list[str]] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    header: list[str] = field(default_factory=list)

    def shown(self, version: float, *, full: bool = True) -> dict[str, Any]:
        """The job as its resource tells it."""
        body: dict[str, Any] = {
            "id": self.id,
            "operation": self.operation,
            "object": self.object,
            "createdById": self.created_by,
            "createdDate": self.created,
            "systemModstamp": self.created,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": version,
            "lineEnding": self.line_ending,
            "columnDelimiter": self.delimiter,
        }
        if self.external_field:
            body["externalIdFieldName"] = self.external_field
        if self.state == "Open":
            body["contentUrl"] = f"services/data/v{version}/jobs/ingest/{self.id}/batches"
        if full and self.state not in ("Open", "UploadComplete"):
            body |= {
                "jobType": "V2Ingest",
                "retries": 0,
                "totalProcessingTime": 1,
                "numberRecordsProcessed": self.processed,
                "numberRecordsFailed": self.failed,
            }
            if self.error:
                body["errorMessage"] = self.error
        return body

    def result(self, which: str) -> Iterator[bytes]:
        """One of the three result files, all cells quoted, in pieces."""
        if which == "unprocessed":
            header, rows = self.header, self.unprocessed
        elif which == "successful":
            header, rows = ["sf__Id", "sf__Created", *self.header], self.successes
        else:
            header, rows = ["sf__Id", "sf__Error", *self.header], self.failures
        made = io.StringIO()
        separator = _DELIMITERS[self.delimiter]
        writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\n", delimiter=separator)
        writer.writerow(header)
        for number, row in enumerate(rows, 1):
            writer.writerow(row)
            if number % 500 == 0:
                yield made.getvalue().encode()
                made.seek(0)
                made.truncate()
        yield made.getvalue().encode()


class JobFailure(Exception):
    """The whole job fails; the text is its errorMessage."""


class JobWorker:
    """Works closed jobs off, chunk by chunk, letting other requests in between."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._random = Random(org.settings.seed)  # noqa: S311
        self.lock_rows = 0
        self.fail_after: int | None = None

    async def work(self, job: IngestJob) -> None:
        """Run a job to its end."""
        job.state = "InProgress"
        if self._org.settings.job_delay_s:
            await anyio.sleep(self._org.settings.job_delay_s)
        try:
            await self._rows(job)
            if job.state == "InProgress":
                job.state = "JobComplete"
        except JobFailure as failure:
            job.state, job.error = "Failed", str(failure)
        job.ended = self._org.clock()
        self._random.shuffle(job.successes)
        self._random.shuffle(job.failures)
        if job.content is not None:
            job.content.close()
            job.content = None

    async def _rows(self, job: IngestJob) -> None:
        rows = self._parsed(job)
        done = 0
        context = WriteContext("bulk", job.id)
        while chunk := [row for _, row in zip(range(CHUNK_ROWS), rows, strict=False)]:
            if job.state == "Aborted" or (self.fail_after is not None and done >= self.fail_after):
                job.unprocessed += [*chunk, *rows]
                if job.state != "Aborted":
                    self.fail_after = None
                    raise JobFailure("InternalServerError : the job could not be finished")
                break
            self._chunk(job, chunk, context)
            done += len(chunk)
            await anyio.lowlevel.checkpoint()
        batches = math.ceil(done / BATCH_ROWS)
        self._org.bulk_batches += batches
        self._org.rows_per_batch += [
            min(BATCH_ROWS, done - number * BATCH_ROWS) for number in range(batches)
        ]

    def _chunk(self, job: IngestJob, chunk: list[list[str]], context: WriteContext) -> None:
        values = [
            {
                column: None if cell == "#N/A" else cell
                for column, cell in zip(job.header, row, strict=True)
                if cell != ""
            }
            for row in chunk
        ]
        if job.operation in ("delete", "hardDelete"):
            outcomes = [
                self._org.store.delete(job.object, str(each.get("Id")), context) for each in values
            ]
        else:
            outcomes = self._org.store.chunk(job.object, values, job.operation, context)
        for row, outcome in zip(chunk, outcomes, strict=True):
            job.processed += 1
            if outcome.success:
                job.successes.append([outcome.record_id, str(outcome.created).lower(), *row])
            else:
                job.failed += 1
                job.failures.append([outcome.record_id, outcome.errors[0].bulk_text(), *row])

    def _parsed(self, job: IngestJob) -> Iterator[list[str]]:
        if job.content is None:
            return
        job.content.seek(0)
        self._check_form(job)
        text = io.TextIOWrapper(job.content, encoding="utf-8", newline="", errors="strict")
        try:
            reader = csv.reader(text, delimiter=_DELIMITERS[job.delimiter])
            job.header = next(reader, [])
            self._check_header(job)
            for row in reader:
                if not row:
                    continue
                if len(row) != len(job.header):
                    raise JobFailure("InvalidBatch : Row has another number of cells than header")
                yield row
        except UnicodeDecodeError:
            raise JobFailure("InvalidBatch : Failed to parse CSV. Not UTF-8") from None
        finally:
            text.detach()

    def _check_form(self, job: IngestJob) -> None:
        assert job.content is not None
        first = job.content.read(3)
        if first == b"\xef\xbb\xbf":
            raise JobFailure(
                "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote "
                "should be within a quote"
            )
        job.content.seek(0)
        if job.line_ending == "LF":
            while block := job.content.read(1 << 20):
                if b"\r\n" in block:
                    raise JobFailure(
                        "ClientInputError : LineEnding is invalid on user data. Current "
                        "LineEnding setting is LF"
                    )
        job.content.seek(0)

    def _check_header(self, job: IngestJob) -> None:
        definition = self._org.store.schema.objects[job.object]
        known = definition.by_lower()
        for column in job.header:
            if column.lower() not in known:
                raise JobFailure(f"InvalidBatch : Field name not found : {column}")


def new_content() -> IO[bytes]:
    """A file for a job's rows; it goes when it is closed."""
    return tempfile.TemporaryFile()
