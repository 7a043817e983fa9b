"""The part of the admin side-door that does to jobs what time, admins and other programs do."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import get_args

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.ingest import Ingest
from simulators.salesforce.jobs import ENDED, IngestJob
from simulators.salesforce.mishaps import Mishaps
from simulators.salesforce.org import Org
from simulators.salesforce.replies import reply
from simulators.salesforce.results import Which


class JobAdmin:
    """Routes under `/__admin/jobs`. `object` narrows each to the jobs of one object."""

    def __init__(self, org: Org, ingest: Ingest, mishaps: Mishaps) -> None:
        self._org = org
        self._ingest = ingest
        self._mishaps = mishaps

    async def age(self, request: Request) -> Response:
        """Let `seconds` pass for the jobs alone: open ones expire after a day, results after seven."""
        seconds = float(request.query_params["seconds"])
        for job in self._wanted(request):
            job.started -= seconds
            if job.ended is not None:
                job.ended -= seconds
            job.created = _earlier(job.created, seconds)
        return Response(status_code=204)

    async def abort(self, request: Request) -> Response:
        """Abort the jobs that have not ended, as an admin in Setup does."""
        for job in self._wanted(request):
            if job.state not in ENDED:
                self._ingest.abort(job)
        return Response(status_code=204)

    async def open(self, request: Request) -> Response:
        """Make an open insert job as another program under the same user would; tells its id."""
        job = IngestJob(
            id=self._org.store.ids.new("750"),
            object=request.query_params["object"],
            operation="insert",
            created_by=self._org.user_id,
            created=self._org.store.now(),
            version=62.0,
            started=self._org.clock(),
        )
        self._ingest.jobs[job.id[:15]] = job
        return reply({"id": job.id})

    async def listed(self, request: Request) -> Response:
        """All jobs that are kept, with their counters."""
        return reply([job.full() for job in self._wanted(request)])

    async def lose(self, request: Request) -> Response:
        """Leave the next `rows` rows of an object out of the list `which`."""
        params = request.query_params
        which: Which = next(each for each in get_args(Which) if each == params["which"])
        self._mishaps.lost[params["object"], which] += int(params["rows"])
        return Response(status_code=204)

    async def unsure(self, request: Request) -> Response:
        """Make the next `rows` rows of an object, and tell of them as if that were unknown."""
        params = request.query_params
        self._mishaps.unsure[params["object"]] += int(params["rows"])
        return Response(status_code=204)

    def routes(self) -> list[Route]:
        """Return the routes."""
        base = "/__admin/jobs"
        posts = (self.age, self.abort, self.open, self.lose, self.unsure)
        return [
            Route(base, self.listed),
            *(Route(f"{base}/{each.__name__}", each, methods=["POST"]) for each in posts),
        ]

    def _wanted(self, request: Request) -> Iterator[IngestJob]:
        name = request.query_params.get("object")
        return (job for job in list(self._ingest.jobs.values()) if name in (None, job.object))


def _earlier(shown: str, seconds: float) -> str:
    moment = datetime.fromisoformat(shown) - timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0000")
