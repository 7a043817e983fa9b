"""The bulk query resource (facts, section 4)."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply
from simulators.salesforce.soql import QueryResult, SoqlError, run_query

_REFUSED = re.compile(r"\b(GROUP BY|OFFSET|TYPEOF|COUNT\s*\()", re.IGNORECASE)


@dataclass
class QueryJob:
    """One query job; its result is complete when the job is."""

    id: str
    operation: str
    result: QueryResult


class BulkQuery:
    """All query jobs of the org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self._jobs: dict[str, QueryJob] = {}

    async def create(self, request: Request) -> Response:
        """Run a query as a job."""
        asked = orjson.loads(await request.body())
        soql, operation = asked.get("query", ""), asked.get("operation", "query")
        if _REFUSED.search(soql):
            return refuse(400, "INVALIDJOB", "InvalidJob : query not supported by Bulk API")
        try:
            result = run_query(self._org.store, soql, all_rows=operation == "queryAll")
        except SoqlError as error:
            return refuse(400, error.code, error.message)
        job = QueryJob(self._org.store.ids.new("750"), operation, result)
        self._jobs[job.id] = job
        return reply({**self._shown(job), "state": "UploadComplete"})

    async def job(self, request: Request) -> Response:
        """Look at, abort or delete a job."""
        job = self._jobs.get(request.path_params["id"])
        if job is None:
            return refuse(404, *NOT_FOUND)
        if request.method == "DELETE":
            del self._jobs[job.id]
            return Response(status_code=204)
        return reply(self._shown(job))

    async def results(self, request: Request) -> Response:
        """One page of the result; every page repeats the header."""
        job = self._jobs.get(request.path_params["id"])
        if job is None:
            return refuse(404, *NOT_FOUND)
        params = request.query_params
        start = int(params["locator"]) if params.get("locator", "null").isdigit() else 0
        size = int(params["maxRecords"]) if params.get("maxRecords", "").isdigit() else 50_000
        rows = job.result.rows[start : start + size]
        made = io.StringIO()
        writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(job.result.columns)
        for row in rows:
            writer.writerow([_cell(row.get(column)) for column in job.result.columns])
        end = start + len(rows)
        headers = {
            "Sforce-Locator": str(end) if end < len(job.result.rows) else "null",
            "Sforce-NumberOfRecords": str(len(rows)),
        }
        return Response(made.getvalue(), media_type="text/csv", headers=headers)

    def _shown(self, job: QueryJob) -> dict[str, Any]:
        return {
            "id": job.id,
            "operation": job.operation,
            "object": job.result.object,
            "createdById": self._org.user_id,
            "createdDate": self._org.store.now(),
            "systemModstamp": self._org.store.now(),
            "state": "JobComplete",
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": 62.0,
            "jobType": "V2Query",
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
            "numberRecordsProcessed": len(job.result.rows),
            "retries": 0,
            "totalProcessingTime": 1,
        }


def query_routes(bulk: BulkQuery) -> list[Route]:
    """Return the bulk query routes."""
    base = "/services/data/{version}/jobs/query"
    return [
        Route(base, bulk.create, methods=["POST"]),
        Route(f"{base}/{{id}}", bulk.job, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{base}/{{id}}/results", bulk.results),
    ]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
