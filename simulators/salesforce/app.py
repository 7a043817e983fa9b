"""The HTTP side of the Salesforce stand-in: paths, sessions, counting, the admin side-door."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from simulators.faults import App, Fault, FaultyApp, Receive, Send
from simulators.salesforce.bulk_query import BulkQuery, query_routes
from simulators.salesforce.ingest import Ingest, ingest_routes
from simulators.salesforce.oauth import oauth_routes
from simulators.salesforce.org import Org
from simulators.salesforce.replies import refuse
from simulators.salesforce.rest import rest_routes

_SLASHES = re.compile("/{2,}")
_FIXED = (
    "services",
    "data",
    "jobs",
    "ingest",
    "query",
    "queryall",
    "sobjects",
    "describe",
    "batches",
    "composite",
    "limits",
    "results",
)


class Door:
    """In front of all handlers: tolerant paths, sessions, the count of calls (facts, 1.2 and 2)."""

    def __init__(self, app: App, org: Org) -> None:
        self._app = app
        self._org = org
        self.calls: Counter[str] = Counter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Check one call and pass it on."""
        if scope["type"] != "http" or scope["path"].startswith("/__admin"):
            await self._app(scope, receive, send)
            return
        scope["path"] = path = _tidy(scope["path"])
        scope["raw_path"] = path.encode()
        if self._org.settings.latency_s:
            await anyio.sleep(self._org.settings.latency_s)
        free = path == "/services/data" or path.startswith(("/services/oauth2/token", "/id/"))
        if not free:
            self.calls[f"{scope['method']} {_route(path)}"] += 1
            refused = self._refusal(Request(scope))
            if refused is not None:
                await refused(scope, receive, send)
                return
        await self._app(scope, receive, self._with_usage(send) if not free else send)

    def _refusal(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if not self._org.knows(token):
            return refuse(401, "INVALID_SESSION_ID", "Session expired or invalid")
        self._org.api_calls += 1
        if self._org.api_calls > self._org.settings.api_calls_max:
            return refuse(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        return None

    def _with_usage(self, send: Send) -> Send:
        used = f"api-usage={self._org.api_calls}/{self._org.settings.api_calls_max}".encode()

        async def passed(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"sforce-limit-info", used)]
            await send(message)

        return passed


def create_app(org: Org) -> FaultyApp:
    """Return the ASGI app, with its admin side-door under `/__admin`."""
    ingest = Ingest(org)
    faults: list[Fault] = []
    calls: list[Door] = []

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with anyio.create_task_group() as group:
            ingest.group = group
            yield
            group.cancel_scope.cancel()

    inner = Starlette(
        lifespan=lifespan,
        routes=[
            *_admin_routes(org, ingest, faults, calls),
            *oauth_routes(org),
            *ingest_routes(ingest),
            *query_routes(BulkQuery(org)),
            *rest_routes(org),
        ],
    )
    door = Door(inner, org)
    calls.append(door)
    return FaultyApp(door, faults)


def _admin_routes(org: Org, ingest: Ingest, faults: list[Fault], doors: list[Door]) -> list[Route]:
    async def stats(request: Request) -> Response:
        body = {
            "api_calls": org.api_calls,
            "calls": dict(doors[0].calls),
            "bulk_batches": org.bulk_batches,
            "rows_per_batch": org.rows_per_batch,
            "jobs": len(ingest.jobs),
            "effects": len(org.effects.entries),
            "faults": sum(fault.hits for fault in faults),
        }
        return Response(orjson.dumps(body), media_type="application/json")

    async def dump(request: Request) -> Response:
        def lines() -> Iterator[bytes]:
            for record in org.store.dump(request.query_params["object"]):
                yield orjson.dumps(record) + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def effects(request: Request) -> Response:
        lines = b"".join(orjson.dumps(each) + b"\n" for each in org.effects.entries)
        return Response(lines, media_type="application/x-ndjson")

    async def set_faults(request: Request) -> Response:
        if request.method == "DELETE":
            faults.clear()
        else:
            faults.append(Fault(**orjson.loads(await request.body())))
        return Response(status_code=204)

    async def expire(request: Request) -> Response:
        org.tokens.clear()
        return Response(status_code=204)

    async def fail_job(request: Request) -> Response:
        ingest.worker.fail_after = int(request.query_params["after"])
        return Response(status_code=204)

    return [
        Route("/__admin/stats", stats),
        Route("/__admin/dump", dump),
        Route("/__admin/effects", effects),
        Route("/__admin/faults", set_faults, methods=["POST", "DELETE"]),
        Route("/__admin/expire-tokens", expire, methods=["POST"]),
        Route("/__admin/fail-next-job", fail_job, methods=["POST"]),
    ]


def _tidy(path: str) -> str:
    """A path as the routes know it: single slashes, none at the end, fixed words in lower case."""
    parts = _SLASHES.sub("/", path).rstrip("/").split("/")
    return "/".join(part.lower() if part.lower() in _FIXED else part for part in parts) or "/"


def _route(path: str) -> str:
    """A path with ids and versions left out, for counting."""
    parts = [part for part in path.split("/")[4:] if not re.fullmatch(r"\w{15,18}", part)]
    return "/".join(parts[:4])
