"""The HTTP side of the Salesforce stand-in: what is put together, and how mishaps are answered."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import anyio
import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from simulators.chaos import Chaos
from simulators.salesforce.admin import Admin
from simulators.salesforce.bulk_query import BulkQuery, query_routes
from simulators.salesforce.chaos import KINDS
from simulators.salesforce.door import Door
from simulators.salesforce.faults import FaultBook, SalesforceFaults
from simulators.salesforce.ingest import Ingest, ingest_routes
from simulators.salesforce.job_admin import JobAdmin
from simulators.salesforce.metadata.deployments import Deployments
from simulators.salesforce.metadata.routes import metadata_routes
from simulators.salesforce.metadata.soap import soap_routes
from simulators.salesforce.oauth import oauth_routes
from simulators.salesforce.org import Org
from simulators.salesforce.replies import NOT_FOUND, refuse
from simulators.salesforce.rest import rest_routes


def create_app(org: Org) -> SalesforceFaults:
    """Return the ASGI app, with its admin side-door under `/__admin`.

    From the outside in: faults, the door (sessions, counting), the handlers. Jobs and deployments
    run in a task group that lives as long as the app's lifespan.
    """
    book = FaultBook()
    if org.settings.chaos_rate:
        book.chaos = Chaos(KINDS, org.settings.chaos_rate, org.settings.chaos_seed)
    ingest, queries, deployments = Ingest(org, book), BulkQuery(org), Deployments(org)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            async with anyio.create_task_group() as group:
                ingest.group = deployments.group = group
                yield
                group.cancel_scope.cancel()
        finally:
            ingest.group = deployments.group = None
            ingest.close()

    inner = Starlette(
        lifespan=lifespan,
        routes=[
            *oauth_routes(org),
            *ingest_routes(ingest),
            *query_routes(queries),
            *metadata_routes(deployments),
            *soap_routes(org, deployments),
            *rest_routes(org),
        ],
        exception_handlers=_HANDLERS,
    )
    door = Door(inner, org)
    inner.router.routes.extend(Admin(org, ingest, queries, book, door).routes())
    inner.router.routes.extend(JobAdmin(org, ingest, ingest.worker.mishaps).routes())
    return SalesforceFaults(door, book, org.tokens.clear)


async def _http(request: Request, error: Exception) -> Response:
    """Paths and methods that are not there (facts, 2.4)."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 405:
        text = f"HTTP Method '{request.method}' not allowed."
        return refuse(405, "METHOD_NOT_ALLOWED", text)
    return refuse(status, *NOT_FOUND)


async def _not_json(request: Request, error: Exception) -> Response:
    return refuse(400, "JSON_PARSER_ERROR", "The request body is not JSON.")


async def _unexpected(request: Request, error: Exception) -> Response:
    text = f"An unexpected error occurred. ErrorId: {id(error)} ({type(error).__name__})"
    return refuse(500, "UNKNOWN_EXCEPTION", text)


_HANDLERS: Mapping[Any, Any] = {
    HTTPException: _http,
    orjson.JSONDecodeError: _not_json,
    Exception: _unexpected,
}
