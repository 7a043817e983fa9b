"""The ingest resource: create, one upload, close or abort, look, results (facts, 3.1 to 3.4)."""

import math
from typing import Any

import anyio
import anyio.abc
import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.salesforce.jobs import IngestJob, JobWorker, new_content
from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply

OPEN_S = 86_400.0
KEPT_S = 7 * 86_400.0
_RESULTS = {
    "successfulresults": "successful",
    "failedresults": "failed",
    "unprocessedrecords": "unprocessed",
}
_OPERATIONS = ("insert", "update", "delete", "hardDelete")


class Ingest:
    """All ingest jobs of the org."""

    def __init__(self, org: Org) -> None:
        self._org = org
        self.worker = JobWorker(org)
        self.jobs: dict[str, IngestJob] = {}
        self.group: anyio.abc.TaskGroup | None = None

    async def create(self, request: Request) -> Response:
        """Create an open job."""
        try:
            asked = orjson.loads(await request.body())
        except orjson.JSONDecodeError:
            return refuse(400, "JSON_PARSER_ERROR", "The request body is not JSON.")
        found = self._org.store.schema.find(asked.get("object", ""))
        if found is None:
            message = f"InvalidJob : Unable to find object: {asked.get('object')}"
            return refuse(400, "INVALIDJOB", message)
        operation = asked.get("operation")
        if operation not in _OPERATIONS:
            message = f"Invalid value: '{operation}' supplied for property: 'operation'"
            return refuse(400, "API_ERROR", message)
        job = IngestJob(
            id=self._org.store.ids.new("750"),
            object=found.name,
            operation=operation,
            created_by=self._org.user_id,
            created=self._org.store.now(),
            delimiter=asked.get("columnDelimiter") or "COMMA",
            line_ending=asked.get("lineEnding") or "LF",
            external_field=asked.get("externalIdFieldName") or "",
            started=self._org.clock(),
        )
        self.jobs[job.id] = job
        return reply(job.shown(_version(request)))

    async def upload(self, request: Request) -> Response:
        """Take the rows: one PUT only."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if job.content is not None or job.state != "Open":
            return refuse(
                400,
                "BULK_API_ERROR",
                f"Found multipe contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' "
                "the current Job then create a new Job and make sure you only do 'PUT' once on a "
                "given Job.",
            )
        content = new_content()
        async for block in request.stream():
            content.write(block)
        if content.tell() > 150_000_000:
            return refuse(400, "EXCEEDED_MAX_SIZE_REQUEST", "the upload is too large")
        job.content = content
        return Response(status_code=201)

    async def job(self, request: Request) -> Response:
        """Look at, close, abort or delete a job."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if request.method == "GET":
            return reply(job.shown(_version(request)))
        if request.method == "DELETE":
            if job.state in ("Open", "InProgress"):
                return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : job is not ended")
            del self.jobs[job.id]
            return Response(status_code=204)
        state = orjson.loads(await request.body()).get("state")
        return self._step(job, state, request)

    def _step(self, job: IngestJob, state: Any, request: Request) -> Response:
        if state == "Aborted" and job.state in ("Open", "UploadComplete", "InProgress"):
            job.state = "Aborted"
            job.ended = self._org.clock()
        elif state == "UploadComplete" and job.state == "Open":
            needed = 1
            if self._org.bulk_batches + needed > self._org.settings.bulk_batches_max:
                return refuse(400, "EXCEEDEDQUOTA", "ExceededQuota : batch allowance used up")
            job.state = "UploadComplete"
            assert self.group is not None
            self.group.start_soon(self.worker.work, job)
        else:
            message = "InvalidJobState : Closing already closed Job not allowed"
            return refuse(400, "INVALIDJOBSTATE", message)
        return reply(job.shown(_version(request), full=False))

    async def listed(self, request: Request) -> Response:
        """All jobs of the org, without counters, in no order."""
        version = _version(request)
        records = [job.shown(version, full=False) for job in reversed(self.jobs.values())]
        return reply({"done": True, "records": records, "nextRecordsUrl": None})

    async def results(self, request: Request) -> Response:
        """One of the three result files."""
        job = self._job(request)
        which = _RESULTS.get(request.path_params["which"].lower())
        if job is None or which is None:
            return refuse(404, *NOT_FOUND)
        if job.state not in ("JobComplete", "Failed", "Aborted"):
            return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : job is not ended")
        return StreamingResponse(job.result(which), media_type="text/csv")

    def _job(self, request: Request) -> IngestJob | None:
        """A job that is still kept: open ones a day, ended ones seven."""
        wanted = request.path_params["id"][:15]
        job = next((each for key, each in self.jobs.items() if key[:15] == wanted), None)
        if job is None:
            return None
        now = self._org.clock()
        if job.state == "Open" and now - job.started > OPEN_S:
            return None
        return None if job.ended is not None and now - job.ended > KEPT_S else job


def ingest_routes(ingest: Ingest) -> list[Route]:
    """Return the ingest routes."""
    base = "/services/data/{version}/jobs/ingest"
    return [
        Route(base, ingest.create, methods=["POST"]),
        Route(base, ingest.listed),
        Route(f"{base}/{{id}}", ingest.job, methods=["GET", "PATCH", "DELETE"]),
        Route(f"{base}/{{id}}/batches", ingest.upload, methods=["PUT"]),
        Route(f"{base}/{{id}}/{{which}}", ingest.results),
    ]


def _version(request: Request) -> float:
    text = request.path_params["version"].lstrip("v")
    number = float(text) if text.replace(".", "").isdigit() else 62.0
    return number if math.isfinite(number) else 62.0
