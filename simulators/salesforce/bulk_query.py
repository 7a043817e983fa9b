"""The bulk query resource (facts, section 4)."""

import base64
import binascii
import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import anyio
from anyio import to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.job_request import JobRefused, read_json
from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply
from simulators.salesforce.soql import QueryResult, SoqlError, run_query
from simulators.salesforce.upload import DELIMITERS

KEPT_S = 7 * 86_400.0
PAGE_ROWS = 50_000
_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_LITERAL = re.compile(r"'(?:[^'\\]|\\.)*'")
_REFUSED = re.compile(
    r"\bGROUP\s+BY\b|\bOFFSET\b|\bTYPEOF\b|\b(COUNT|SUM|AVG|MIN|MAX|COUNT_DISTINCT)\s*\(|\(\s*SELECT\b",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3})\+0000")


@dataclass
class QueryJob:
    """One query job: what it asks, what was there when it was made, when it is ready.

    `made` is epoch seconds; `ready` is a moment of the event loop's clock.
    """

    id: str
    operation: str
    result: QueryResult
    created: str
    version: float
    made: float
    ready: float
    delimiter: str
    line_ending: str
    aborted: bool = False

    @property
    def state(self) -> str:
        """The state at this moment; there is nothing to upload or to close."""
        if self.aborted:
            return "Aborted"
        return "JobComplete" if anyio.current_time() >= self.ready else "UploadComplete"


class BulkQuery:
    """All query jobs of the org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.jobs: dict[str, QueryJob] = {}

    async def create(self, request: Request) -> Response:
        """Make a job of a query."""
        try:
            asked = read_json(await request.body())
            job = self._made(asked, request)
        except JobRefused as refused:
            return refuse(400, refused.code, refused.message)
        except SoqlError as error:
            return refuse(400, error.code, error.message)
        self.jobs[job.id[:15]] = job
        return reply(self._shown(job) | {"state": "UploadComplete"})

    def _made(self, asked: Any, request: Request) -> QueryJob:
        soql, operation = asked.get("query"), asked.get("operation")
        delimiter = asked.get("columnDelimiter") or "COMMA"
        ending = asked.get("lineEnding") or "LF"
        for key, given, choices in (
            ("operation", operation, ("query", "queryAll")),
            ("columnDelimiter", delimiter, DELIMITERS),
            ("lineEnding", ending, _ENDINGS),
        ):
            if given not in choices:
                text = f"Invalid value: '{given}' supplied for property: '{key}'"
                raise JobRefused("API_ERROR", text)
        if not isinstance(soql, str) or not soql.strip():
            raise JobRefused("INVALIDJOB", "InvalidJob : A query was not specified")
        if _REFUSED.search(_LITERAL.sub("''", soql)):
            raise JobRefused(
                "INVALIDJOB", "InvalidJob : The query is not supported in Bulk API 2.0"
            )
        store = self._org.store
        return QueryJob(
            id=store.ids.new("750"),
            operation=operation,
            result=run_query(store, soql, all_rows=operation == "queryAll"),
            created=store.now(),
            version=_version(request),
            made=self._org.clock(),
            ready=anyio.current_time() + self._org.settings.job_delay_s,
            delimiter=delimiter,
            line_ending=ending,
        )

    async def listed(self, request: Request) -> Response:
        """All query jobs, on one page."""
        self._forget_old()
        records = [self._shown(job) for job in self.jobs.values()]
        return reply({"done": True, "records": records, "nextRecordsUrl": None})

    async def job(self, request: Request) -> Response:
        """Look at, abort or delete a job."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if request.method == "DELETE":
            if job.state == "UploadComplete":
                text = "InvalidJobState : Deleting running Job not allowed"
                return refuse(400, "INVALIDJOBSTATE", text)
            del self.jobs[job.id[:15]]
            return Response(status_code=204)
        if request.method == "PATCH":
            return await self._patch(job, request)
        return reply(self._shown(job) | self._counted(job))

    async def _patch(self, job: QueryJob, request: Request) -> Response:
        try:
            state = read_json(await request.body()).get("state")
        except JobRefused as refused:
            return refuse(400, refused.code, refused.message)
        if state != "Aborted":
            text = f"Invalid value: '{state}' supplied for property: 'state'"
            return refuse(400, "API_ERROR", text)
        if job.state != "UploadComplete":
            text = f"InvalidJobState : Aborting Job in state {job.state} not allowed"
            return refuse(400, "INVALIDJOBSTATE", text)
        job.aborted = True
        return reply(self._shown(job))

    async def results(self, request: Request) -> Response:
        """One page of the result; every page repeats the header."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if _version(request) != job.version:
            return refuse(409, "API_ERROR", "The API version is not the one of the query job")
        if job.state != "JobComplete":
            return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : Job is not complete")
        params = request.query_params
        start = _offset(params.get("locator", ""), len(job.result.rows))
        size = params.get("maxRecords", str(PAGE_ROWS))
        if start is None:
            return refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        if not size.isdigit() or int(size) < 1:
            return refuse(400, "API_ERROR", "maxRecords must be a positive number")
        rows = job.result.rows[start : start + int(size)]
        end = start + len(rows)
        headers = {
            "Sforce-Locator": _locator(end) if end < len(job.result.rows) else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        body = await to_thread.run_sync(_rendered, job, rows)
        return Response(body, media_type="text/csv; charset=UTF-8", headers=headers)

    def _shown(self, job: QueryJob) -> dict[str, Any]:
        return {
            "id": job.id,
            "operation": job.operation,
            "object": job.result.object,
            "createdById": self._org.user_id,
            "createdDate": job.created,
            "systemModstamp": job.created,
            "state": job.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": job.version,
            "jobType": "V2Query",
            "lineEnding": job.line_ending,
            "columnDelimiter": job.delimiter,
        }

    def _counted(self, job: QueryJob) -> dict[str, Any]:
        if job.state != "JobComplete":
            return {"retries": 0, "totalProcessingTime": 0}
        rows = len(job.result.rows)
        return {"numberRecordsProcessed": rows, "retries": 0, "totalProcessingTime": 1}

    def _job(self, request: Request) -> QueryJob | None:
        self._forget_old()
        return self.jobs.get(request.path_params["id"][:15])

    def _forget_old(self) -> None:
        oldest = self._org.clock() - KEPT_S
        self.jobs = {key: job for key, job in self.jobs.items() if job.made >= oldest}


def query_routes(bulk: BulkQuery) -> list[Route]:
    """Return the bulk query routes."""
    base = "/services/data/{version}/jobs/query"
    return [
        Route(base, bulk.create, methods=["POST"]),
        Route(base, bulk.listed),
        Route(f"{base}/{{id}}", bulk.job, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{base}/{{id}}/results", bulk.results),
    ]


def _rendered(job: QueryJob, rows: list[dict[str, Any]]) -> bytes:
    made = io.StringIO(newline="")
    writer = csv.writer(
        made,
        quoting=csv.QUOTE_ALL,
        lineterminator=_ENDINGS[job.line_ending],
        delimiter=DELIMITERS[job.delimiter],
    )
    columns = job.result.columns
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return made.getvalue().encode()


def _cell(value: Any) -> str:
    """A value as bulk CSV shows it; moments in the form that an upload takes (facts, 3.5)."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _MOMENT.sub(r"\1Z", value) if _is_moment(value) else str(value)


def _is_moment(value: Any) -> bool:
    return isinstance(value, str) and _MOMENT.fullmatch(value) is not None


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(f"rows-{offset}".encode()).decode().rstrip("=")


def _offset(locator: str, most: int) -> int | None:
    """Where a page starts; None for a locator that was never given out."""
    if locator in ("", "null"):
        return 0
    try:
        text = base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    word, _, number = text.partition("-")
    return int(number) if word == "rows" and number.isdigit() and int(number) < most else None


def _version(request: Request) -> float:
    return float(request.path_params["version"].lstrip("v"))
