"""The admin side-door under `/__admin`: look inside, seed, break things. No session needed."""

from collections import Counter
from collections.abc import Iterator

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.chaos import Chaos, ChaosInvalid
from simulators.salesforce.bulk_query import BulkQuery
from simulators.salesforce.chaos import KINDS
from simulators.salesforce.conversion import NoConversion, convert
from simulators.salesforce.door import Door
from simulators.salesforce.faults import FaultBook, FaultInvalid
from simulators.salesforce.ingest import Ingest
from simulators.salesforce.org import Org
from simulators.salesforce.replies import reply
from simulators.salesforce.store import WriteContext

_ADMIN = WriteContext("admin")


class Admin:
    """What a test may see and do beyond what Salesforce offers."""

    def __init__(
        self, org: Org, ingest: Ingest, queries: BulkQuery, faults: FaultBook, door: Door
    ) -> None:
        self._org = org
        self._ingest = ingest
        self._queries = queries
        self._faults = faults
        self._door = door

    async def stats(self, request: Request) -> Response:
        """Counters since the start."""
        org = self._org
        return reply(
            {
                "api_calls": org.api_calls,
                "calls": dict(self._door.calls),
                "bulk_batches": org.bulk_batches,
                "rows_per_batch": org.rows_per_batch,
                "jobs": len(self._ingest.jobs),
                "jobs_by_state": Counter(job.state for job in self._ingest.jobs.values()),
                "query_jobs": len(self._queries.jobs),
                "effects": len(org.effects.entries),
                "faults": self._faults.hits,
                "chaos": dict(self._faults.chaos.hits) if self._faults.chaos else {},
            }
        )

    async def dump(self, request: Request) -> Response:
        """Every record of an object with all its stored fields, deleted ones too."""
        found = self._org.store.schema.find(request.query_params.get("object", ""))
        if found is None:
            return _bad("There is no such object.")
        name = found.name

        def lines() -> Iterator[bytes]:
            for record in list(self._org.store.dump(name)):
                yield orjson.dumps(record) + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def effects(self, request: Request) -> Response:
        """Every effect, in order."""
        lines = b"".join(orjson.dumps(each) + b"\n" for each in self._org.effects.entries)
        return Response(lines, media_type="application/x-ndjson")

    async def faults(self, request: Request) -> Response:
        """Put a rule in force, or lift all."""
        if request.method == "DELETE":
            self._faults.rules.clear()
            return Response(status_code=204)
        try:
            self._faults.add(orjson.loads(await request.body()))
        except (FaultInvalid, TypeError, AttributeError, orjson.JSONDecodeError) as error:
            return _bad(str(error))
        return Response(status_code=204)

    async def chaos(self, request: Request) -> Response:
        """POST `{"rate", "seed"}` lets a share of all calls go wrong, DELETE ends it."""
        if request.method == "DELETE":
            self._faults.chaos = None
            return Response(status_code=204)
        try:
            self._faults.chaos = Chaos.read(KINDS, orjson.loads(await request.body()))
        except (ChaosInvalid, TypeError, AttributeError, orjson.JSONDecodeError) as error:
            return _bad(str(error))
        return Response(status_code=204)

    async def settings(self, request: Request) -> Response:
        """Change how many API calls and bulk batches a day allows, and how many are used."""
        given = orjson.loads(await request.body())
        org = self._org
        org.settings.api_calls_max = int(given.get("api_calls_max", org.settings.api_calls_max))
        org.api_calls = int(given.get("api_calls", org.api_calls))
        org.bulk_batches = int(given.get("bulk_batches", org.bulk_batches))
        return Response(status_code=204)

    async def expire(self, request: Request) -> Response:
        """End all sessions."""
        self._org.tokens.clear()
        return Response(status_code=204)

    async def fail_job(self, request: Request) -> Response:
        """Let the next job fail once it has worked `after` rows."""
        after = int(request.query_params["after"])
        self._faults.add({"kind": "job_failed_midway", "after": after, "times": 1})
        return Response(status_code=204)

    async def seed(self, request: Request) -> Response:
        """Put records in, one or a list of them; with all checks, as source `admin`."""
        found = self._org.store.schema.find(request.path_params["object"])
        if found is None:
            return _bad("There is no such object.")
        given = orjson.loads(await request.body())
        records = given if isinstance(given, list) else [given]
        outcomes = [self._org.store.insert(found.name, each, _ADMIN) for each in records]
        return reply(
            [
                {"id": each.record_id, "errors": [error.bulk_text() for error in each.errors]}
                for each in outcomes
            ],
            201 if all(each.success for each in outcomes) else 400,
        )

    async def edit(self, request: Request) -> Response:
        """Change one record as the user `by` (an id; the running user when it is not named)."""
        store = self._org.store
        found = store.schema.find(request.path_params["object"])
        if found is None:
            return _bad("There is no such object.")
        values = orjson.loads(await request.body())
        ours = store.running_user
        store.running_user = values.pop("by", ours)
        try:
            change = {"Id": request.path_params["id"], **values}
            (outcome,) = store.chunk(found.name, [change], "update", _ADMIN)
        finally:
            store.running_user = ours
        if not outcome.success:
            return reply({"errors": [error.bulk_text() for error in outcome.errors]}, 400)
        return Response(status_code=204)

    async def permissions(self, request: Request) -> Response:
        """Grant permissions to the running user, or take them: true or false by name."""
        store = self._org.store
        for each in list(store.shelf("UserPermissionAccess").records):
            store.touch("UserPermissionAccess", each, orjson.loads(await request.body()))
        return reply({})

    async def convert(self, request: Request) -> Response:
        """POST `{"leadId", "accountId", "contactId"}`: an agent converts a Lead, to new records where
        none are named; answers with both ids.
        """
        try:
            return reply(convert(self._org.store, orjson.loads(await request.body()), _ADMIN))
        except NoConversion as error:
            return _bad(str(error))

    def routes(self) -> list[Route]:
        """Return the routes of the side-door."""
        return [
            Route("/__admin/stats", self.stats),
            Route("/__admin/dump", self.dump),
            Route("/__admin/effects", self.effects),
            Route("/__admin/faults", self.faults, methods=["POST", "DELETE"]),
            Route("/__admin/chaos", self.chaos, methods=["POST", "DELETE"]),
            Route("/__admin/settings", self.settings, methods=["POST"]),
            Route("/__admin/expire-tokens", self.expire, methods=["POST"]),
            Route("/__admin/fail-next-job", self.fail_job, methods=["POST"]),
            Route("/__admin/permissions", self.permissions, methods=["POST"]),
            Route("/__admin/convert-lead", self.convert, methods=["POST"]),
            Route("/__admin/records/{object}", self.seed, methods=["POST"]),
            Route("/__admin/records/{object}/{id}", self.edit, methods=["PATCH"]),
        ]


def _bad(text: str) -> Response:
    return reply({"error": text}, 400)
