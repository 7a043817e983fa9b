"""The ingest resource: create, one upload, close or abort, look, list, results (facts, section 3)."""

import zlib
from typing import IO

import anyio.abc
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.salesforce.faults import FaultBook
from simulators.salesforce.job_request import (
    JobRefused,
    JobRequest,
    read_json,
    read_multipart,
    read_request,
)
from simulators.salesforce.job_worker import JobWorker
from simulators.salesforce.jobs import ENDED, IngestJob, new_content
from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse, reply
from simulators.salesforce.results import Which

OPEN_S = 86_400.0
KEPT_S = 7 * 86_400.0
PAGE_JOBS = 1000
_BLOCK = 1 << 20
_RESULTS: dict[str, Which] = {
    "successfulresults": "successful",
    "failedresults": "failed",
    "unprocessedrecords": "unprocessed",
}
_SECOND_PUT = (
    "Found multipe contents for job: <{id}>, please 'Close' / 'Abort' / 'Delete' the current Job "
    "then create a new Job and make sure you only do 'PUT' once on a given Job."
)


class Ingest:
    """All ingest jobs of the org, by their id of 15 characters."""

    def __init__(self, org: Org, faults: FaultBook) -> None:
        self._org = org
        self.worker = JobWorker(org, faults)
        self.jobs: dict[str, IngestJob] = {}
        self.group: anyio.abc.TaskGroup | None = None

    def close(self) -> None:
        """Let go of all files."""
        for job in self.jobs.values():
            job.close()

    async def create(self, request: Request) -> Response:
        """Create an open job; or, from two parts, one that runs at once."""
        body, rows = await request.body(), None
        kind = request.headers.get("content-type", "")
        try:
            if kind.lower().startswith("multipart/"):
                body, rows = read_multipart(kind, body)
            job = self._made(read_request(body, self._org.store.schema), request)
        except JobRefused as refused:
            return refuse(400, refused.code, refused.message)
        self.jobs[job.id[:15]] = job
        if rows is not None:
            job.put_begun = True
            job.content = new_content()
            await to_thread.run_sync(job.content.write, rows)
            self.worker.enter(job, "UploadComplete")
            self._start(job)
        return reply(job.brief())

    def _made(self, asked: JobRequest, request: Request) -> IngestJob:
        return IngestJob(
            id=self._org.store.ids.new("750"),
            object=asked.object,
            operation=asked.operation,
            created_by=self._org.user_id,
            created=self._org.store.now(),
            version=float(request.path_params["version"].lstrip("v")),
            started=self._org.clock(),
            delimiter=asked.delimiter,
            line_ending=asked.line_ending,
            external_field=asked.external_field,
            assignment_rule=asked.assignment_rule,
        )

    async def upload(self, request: Request) -> Response:
        """Take the rows: one PUT only, however it went (facts, 3.4)."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if job.put_begun:
            return refuse(400, "BULK_API_ERROR", _SECOND_PUT.format(id=job.id))
        if job.state != "Open":
            return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : Job is not open")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "text/csv":
            return refuse(415, "UNSUPPORTED_MEDIA_TYPE", "The content type must be text/csv")
        job.put_begun = job.put_running = True
        content = new_content()
        try:
            fits = await self._received(request, content)
        except ClientDisconnect:
            # What came before the line was cut counts as the content.
            job.content = content
            if job.gone or job.state != "Open":
                job.drop_content()
            return Response(status_code=400)
        finally:
            job.put_running = False
        if fits and job.state == "Open" and not job.gone:
            job.content = content
            return Response(status_code=201)
        content.close()
        if fits:
            return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : Job is not open")
        return refuse(400, "EXCEEDED_MAX_SIZE_REQUEST", "The upload is too large")

    async def _received(self, request: Request, content: IO[bytes]) -> bool:
        """Put a body on disk; False when it is over the limit, which counts its base64 form."""
        most = self._org.settings.max_job_bytes // 4 * 3
        block, size = bytearray(), 0
        async for piece in request.stream():
            size += len(piece)
            if size <= most:
                block += piece
            if len(block) >= _BLOCK:
                await to_thread.run_sync(content.write, bytes(block))
                block.clear()
        await to_thread.run_sync(content.write, bytes(block))
        return size <= most

    async def job(self, request: Request) -> Response:
        """Look at, close, abort or delete a job."""
        job = self._job(request)
        if job is None:
            return refuse(404, *NOT_FOUND)
        if request.method == "DELETE":
            return self._delete(job)
        if request.method != "PATCH":
            return reply(job.full())
        try:
            state = read_json(await request.body()).get("state")
        except JobRefused as refused:
            return refuse(400, refused.code, refused.message)
        if state == "Aborted":
            return self.abort(job)
        if state == "UploadComplete":
            return self._finish(job)
        text = f"Invalid value: '{state}' supplied for property: 'state'"
        return refuse(400, "API_ERROR", text)

    def _finish(self, job: IngestJob) -> Response:
        """Close a job: from here it runs."""
        if job.state != "Open":
            text = "InvalidJobState : Closing already closed Job not allowed"
            return refuse(400, "INVALIDJOBSTATE", text)
        if job.put_running:
            text = "InvalidJobState : Closing Job during its upload not allowed"
            return refuse(400, "INVALIDJOBSTATE", text)
        self.worker.enter(job, "UploadComplete")
        self._start(job)
        return reply(job.brief())

    def abort(self, job: IngestJob) -> Response:
        """Abort a job that has not ended; rows that went in stay."""
        if job.state in ENDED:
            text = f"InvalidJobState : Aborting Job in state {job.state} not allowed"
            return refuse(400, "INVALIDJOBSTATE", text)
        unstarted = job.state == "Open"
        self.worker.enter(job, "Aborted")
        job.stopped.set()
        if unstarted:
            self._start(job)
        return reply(job.brief())

    def _delete(self, job: IngestJob) -> Response:
        if job.state in ("Open", "InProgress"):
            text = f"InvalidJobState : Deleting Job in state {job.state} not allowed"
            return refuse(400, "INVALIDJOBSTATE", text)
        del self.jobs[job.id[:15]]
        if job.state == "UploadComplete":
            self.worker.enter(job, "Aborted")
        job.gone = True
        job.stopped.set()
        if job.settled.is_set():
            job.close()
        return Response(status_code=204)

    def _start(self, job: IngestJob) -> None:
        if self.group is None:
            raise RuntimeError("Jobs run only while the app's lifespan does.")
        self.group.start_soon(self.worker.work, job)

    async def listed(self, request: Request) -> Response:
        """The org's jobs without counters, 1,000 a page, in an order that means nothing."""
        params = request.query_params
        after = params.get("queryLocator", "")
        keyed: list[tuple[str, IngestJob]] = []
        if params.get("jobType", "V2Ingest") == "V2Ingest":
            self._forget_old()
            keyed = [(f"{zlib.crc32(each.id.encode()):08x}{each.id}", each) for each in self._all()]
        keyed = sorted((key, each) for key, each in keyed if key > after)
        page = keyed[:PAGE_JOBS]
        following = None
        if len(keyed) > PAGE_JOBS:
            version = request.path_params["version"]
            following = f"/services/data/{version}/jobs/ingest?queryLocator={page[-1][0]}"
        records = [each.brief() for _, each in page]
        return reply({"done": following is None, "records": records, "nextRecordsUrl": following})

    async def results(self, request: Request) -> Response:
        """One of the three result files."""
        job = self._job(request)
        which = _RESULTS.get(request.path_params["which"].lower())
        if job is None or which is None:
            return refuse(404, *NOT_FOUND)
        if job.state not in ENDED:
            return refuse(400, "INVALIDJOBSTATE", "InvalidJobState : Job is not ended")
        await job.settled.wait()
        return StreamingResponse(job.results.read(which), media_type="text/csv; charset=UTF-8")

    def _all(self) -> list[IngestJob]:
        return list(self.jobs.values())

    def _job(self, request: Request) -> IngestJob | None:
        """A job that is still kept."""
        self._forget_old()
        return self.jobs.get(request.path_params["id"][:15])

    def _forget_old(self) -> None:
        """Open jobs are kept a day, ended ones seven (facts, 3.3)."""
        now = self._org.clock()
        for job in self._all():
            open_too_long = job.state == "Open" and now - job.started > OPEN_S
            if open_too_long or (job.ended is not None and now - job.ended > KEPT_S):
                del self.jobs[job.id[:15]]
                job.gone = True
                job.stopped.set()
                job.close()


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
