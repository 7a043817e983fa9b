"""REST: the routes of describes, records, collections, composites, queries and limits."""

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.salesforce.calls import Call, Refused
from simulators.salesforce.desk import Desk, versions
from simulators.salesforce.multipart import is_multipart, read_parts
from simulators.salesforce.org import Org

BLOB_FIELD = "VersionData"
MOST_BYTES = 50_000_000
_METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"]


class Rest:
    """Reads requests from the wire and lets the desk answer them."""

    def __init__(self, org: Org) -> None:
        self._desk = Desk(org)

    async def versions(self, request: Request) -> Response:
        """The versions on offer; needs no session."""
        return versions().response()

    async def call(self, request: Request) -> Response:
        """Any other call."""
        try:
            call = await _read(request)
        except Refused as refused:
            return refused.answer().response()
        return self._desk.answer(call).response()


def rest_routes(org: Org) -> list[Route]:
    """Return the REST routes; the app in front checks sessions and counts calls.

    They take every path below a version, so they come after the routes of jobs.
    """
    rest = Rest(org)
    base = "/services/data/{version}"
    return [
        Route("/services/data", rest.versions),
        Route(base, rest.call, methods=_METHODS),
        Route(base + "/{path:path}", rest.call, methods=_METHODS),
    ]


async def _read(request: Request) -> Call:
    raw, body, blob = await request.body(), None, None
    path = request.path_params.get("path", "")
    kind = request.headers.get("content-type", "")
    if is_multipart(kind):
        body, blob = read_parts(kind, raw, BLOB_FIELD)
    elif raw and request.method not in ("GET", "DELETE"):
        if len(raw) > MOST_BYTES:
            raise Refused(400, "EXCEEDED_MAX_SIZE_REQUEST", "The request is too large.")
        try:
            body = orjson.loads(raw)
        except orjson.JSONDecodeError:
            raise Refused(400, "JSON_PARSER_ERROR", "The request body is not JSON.") from None
    return Call(
        method=request.method,
        path=path,
        version=request.path_params["version"],
        params=dict(request.query_params),
        body=body,
        headers=request.headers,
        blob=blob,
    )
