"""Salesforce as the ledger machine sees it: the surface of `SalesforceClient`, in memory.

The real `IngestJobs` and `Download` talk to it. It keeps its records and jobs when the process dies,
loses replies before or after the effect, breaks and cuts results, and ends jobs badly when told to.
"""

import csv
import io
import itertools
import re
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from connectors.errors import (
    BadRequest,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    RemoteUnavailable,
    Unreachable,
)
from connectors.salesforce.ids import to_18
from connectors.salesforce.refusals import SessionEnded
from tests.property.machine_world import EPOCH, World

EXTERNAL_ID = "Kustomer_Id__c"
FAULTS = ("lost before", "lost after", "error before", "error after", "no session", "cut")
MADE_UNKNOWN = "UNKNOWN_EXCEPTION:the row went in all the same:--"
ME = "005000000000001AAA"


@dataclass
class RemoteJob:
    """An ingest job. `trouble`: how it will end badly, if so."""

    id: str
    object: str
    created: str
    state: str = "Open"
    rows: list[dict[str, str]] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    done: int = 0
    failed: int = 0
    error: str | None = None
    trouble: str | None = None
    results: dict[str, list[dict[str, str]]] = field(
        default_factory=lambda: {"successfulResults": [], "failedResults": []}
    )

    def said(self) -> dict[str, Any]:
        """The job as the API tells of it."""
        return {
            "id": self.id,
            "state": self.state,
            "object": self.object,
            "operation": "insert",
            "createdById": ME,
            "createdDate": self.created,
            "numberRecordsProcessed": self.done if self.state != "Open" else None,
            "numberRecordsFailed": self.failed,
            "errorMessage": self.error,
        }


class Salesforce:
    """The org. `created`: every record ever made, by table. `row_trouble`: refusals to come, by the
    key (or, keyless, the body) of a row, one for each attempt. `job_trouble`: for the jobs to come.
    """

    def __init__(self, world: World, gate: Callable[[str], None]) -> None:
        self._world = world
        self._gate = gate
        self._serial = itertools.count(1)
        self.jobs: dict[str, RemoteJob] = {}
        self.created: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.keyed: dict[tuple[str, str], str] = {}
        self.row_trouble: dict[str, list[str]] = defaultdict(list)
        self.job_trouble: list[str | None] = []
        self.sessions = 0

    # -- the client's surface ------------------------------------------------------------------

    async def org(self) -> Any:
        await self._world.turn("org")
        return SimpleNamespace(
            org_id="00D000000000001AAA", user_id=ME, instance_url="", clock_ahead_s=0.0
        )

    async def take_batches(self) -> None:
        """The day has room."""
        await self._world.turn("take_batches")

    async def patience(self) -> None:
        """None: some tries, then the step gives up."""

    async def call(self, method: str, path: str, what: str, **options: Any) -> Any:
        """One request; its fault may come before the effect or after it."""
        content = options.get("content")
        body = b"".join([chunk async for chunk in content]) if content is not None else b""
        return await self._exchange(
            method, f"{method} {path}", lambda: self._answer(method, path, options, body)
        )

    async def delete(self, path: str, what: str) -> None:
        await self._exchange("DELETE", path, lambda: self.jobs.pop(path.rpartition("/")[2], None))

    async def pages(self, path: str, what: str, **_: Any) -> AsyncIterator[list[dict[str, Any]]]:
        yield await self._exchange("GET", path, lambda: [job.said() for job in self.jobs.values()])

    async def query(self, soql: str, **_: Any) -> AsyncIterator[list[dict[str, Any]]]:
        found = await self._exchange("GET", "query", lambda: self._select(soql))
        for start in range(0, len(found), 2):
            yield found[start : start + 2]

    async def count(self, soql: str) -> int:
        return len(await self._exchange("GET", "count", lambda: self._select(soql)))

    @asynccontextmanager
    async def stream(self, method: str, path: str, what: str, **_: Any) -> AsyncIterator[Any]:
        await self._world.turn("results")
        fault = self._world.next_fault()
        if fault in ("lost before", "error before", "no session"):
            raise Unreachable("no reply")
        *_, job_id, which = path.split("/")
        text = self._results(self._job(job_id), which).encode()
        if fault == "cut":  # whole rows are missing and nothing says so
            text = b"\n".join(text.split(b"\n")[:-2]) + b"\n" if text.count(b"\n") > 1 else b""

        async def pieces() -> AsyncIterator[bytes]:
            half = len(text) // 2
            yield text[:half]
            await self._world.turn("in the results")
            if fault is not None and fault.endswith("after"):
                raise Unreachable("broken midway", status=200)
            yield text[half:]

        yield SimpleNamespace(headers={}, aiter_bytes=pieces)

    # -- what happens inside -------------------------------------------------------------------

    async def _exchange(self, method: str, name: str, effect: Callable[[], Any]) -> Any:
        await self._world.turn(f"before {name}")
        fault = self._world.next_fault() or ""
        if fault == "cut" or (fault == "no session" and method != "PUT"):
            fault = ""
        if fault.endswith("before") or fault == "no session":
            raise self._failure(method, fault)
        answer = effect()
        await self._world.turn(f"after {name}")
        if fault:
            raise self._failure(method, fault)
        return answer

    @staticmethod
    def _failure(method: str, fault: str) -> ConnectorError:
        if method == "GET":
            return Unreachable("no answer, however often it was asked")
        if fault == "no session":
            return SessionEnded("the session was over", status=401)
        if fault.startswith("error"):
            return RemoteUnavailable("a server error", status=503)
        return OutcomeUnknown("no answer")

    def _answer(self, method: str, path: str, options: dict[str, Any], body: bytes) -> Any:
        if method == "POST":
            job = self._open(options["json"]["object"])
        elif method == "PUT":
            job = self._fill(self._job(path.split("/")[-2]), body)
        elif method == "PATCH":
            job = self._change(self._job(path.rpartition("/")[2]), options["json"]["state"])
        else:
            job = self._job(path.rpartition("/")[2])
            self.work(job)
        said = job.said()
        return SimpleNamespace(status=201 if method == "PUT" else 200, json=lambda: said)

    def _job(self, job_id: str) -> RemoteJob:
        if job_id not in self.jobs:
            raise NotFound("no such job", status=404)
        return self.jobs[job_id]

    def _open(self, table: str) -> RemoteJob:
        self._gate(table)
        job = RemoteJob(f"750{next(self._serial):015d}", table, self._now())
        self.jobs[job.id] = job
        return job

    def _fill(self, job: RemoteJob, body: bytes) -> RemoteJob:
        assert job.state == "Open", "content goes to open jobs only"
        assert not job.columns, "content is sent once"
        reader = csv.DictReader(io.StringIO(body.decode(), newline=""))
        job.columns = list(reader.fieldnames or ())
        job.rows = list(reader)
        return job

    def _change(self, job: RemoteJob, state: str) -> RemoteJob:
        if job.state == "Open" and state == "UploadComplete":
            job.trouble = self.job_trouble.pop(0) if self.job_trouble else None
        elif state != "Aborted" or job.state in ("JobComplete", "Failed", "Aborted"):
            raise BadRequest("not in this state", status=400, remote_code="INVALIDJOBSTATE")
        job.state = state
        return job

    def work(self, job: RemoteJob) -> None:
        """Let a job get on: half of its rows, then the rest."""
        if job.state == "UploadComplete":
            if job.trouble == "refused":
                job.state, job.error = "Failed", "InvalidBatch : Field name not found"
                return
            job.state = "InProgress"
            if job.trouble == "hides":
                self._break_and_hide(job)
                return
            self._process(job, len(job.rows) // 2)
        elif job.state == "InProgress":
            if job.trouble == "midway" and job.done:
                job.state, job.error = "Failed", "InternalServerError"
                return
            self._process(job, len(job.rows))
            job.state = "JobComplete"

    def _break_and_hide(self, job: RemoteJob) -> None:
        """A job breaks, and a row that it counts as not reached has gone in all the same."""
        job.state, job.error = "Failed", "InternalServerError"
        for row in job.rows[:1]:
            if (job.object, row.get(EXTERNAL_ID, "")) not in self.keyed:
                self._make(job.object, row)

    def expire(self) -> None:
        """Seven days pass."""
        self.jobs.clear()

    def _now(self) -> str:
        return datetime.fromtimestamp(EPOCH + self._world.now, UTC).isoformat()

    def _process(self, job: RemoteJob, until: int) -> None:
        for row in job.rows[job.done : until]:
            name = row.get(EXTERNAL_ID) or row["CommentBody"]
            error = self.row_trouble[name].pop(0) if self.row_trouble[name] else None
            existing = self.keyed.get((job.object, row.get(EXTERNAL_ID, "")))
            if error is None and existing is not None:
                known = (existing, existing[:15], "<unknown>")[sum(map(ord, existing)) % 3]
                error = (
                    f"DUPLICATE_VALUE:duplicate value found: {EXTERNAL_ID} duplicates value on "
                    f"record with id: {known}:{EXTERNAL_ID} --"
                )
            if error == MADE_UNKNOWN and existing is None:
                self._make(job.object, row)
            if error is not None:
                job.failed += 1
                job.results["failedResults"].append({"sf__Id": "", "sf__Error": error, **row})
            else:
                made = self._make(job.object, row)
                done = {"sf__Id": made, "sf__Created": "true", **row}
                job.results["successfulResults"].append(done)
        job.done = until

    def _make(self, table: str, row: dict[str, str]) -> str:
        made = to_18(f"0{table[:2].upper()}{next(self._serial):012d}")
        usual = {"CreatedById": ME, "CreatedDate": self._now(), "SystemModstamp": self._now()}
        self.created[table].append({"Id": made, **usual, **row})
        if EXTERNAL_ID in row:
            self.keyed[table, row[EXTERNAL_ID]] = made
        return made

    def _results(self, job: RemoteJob, which: str) -> str:
        if which == "unprocessedrecords":
            rows, head = job.rows[job.done :], job.columns
        else:
            extra = "sf__Created" if which == "successfulResults" else "sf__Error"
            rows, head = job.results[which], ["sf__Id", extra, *job.columns]
        turned = self.sessions % len(rows) if rows else 0
        unordered = rows[turned:] + rows[:turned]
        lines = [head, *([row[name] for name in head] for row in unordered)]
        return "".join(",".join(f'"{cell}"' for cell in line) + "\n" for line in lines)

    def _select(self, soql: str) -> list[dict[str, Any]]:
        found = re.fullmatch(
            r"SELECT .+? FROM (\w+) WHERE (\w+) (?:(?:= |IN \()(.*?)\)?|!= null)(?: ORDER BY Id)?",
            soql,
        )
        assert found, f"a query that this stand-in does not know: {soql}"
        table, column, listed = found.groups()
        values = None if listed is None else set(re.findall("'(.*?)'", listed))
        return [
            {"IsDeleted": False, **row}
            for row in self.created[table]
            if row.get(column) and (values is None or row[column] in values)
        ]
