"""Replies in the API's envelopes (kustomer facts, section 3)."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.org import Row

# Parameters that change what a list shows are in its links; unknown ones are ignored.
_KEPT = (
    "sort",
    "include",
    "deleted",
    "pending",
    "userType",
    "email",
    "status",
    "fromDate",
    "externalId",
    "filter",
    "versions",
    "idsOnly",
)


class ApiError(Exception):
    """An error that the API answers with; `status` is the HTTP status."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def not_found() -> ApiError:
    """The 404 of the API: no such record or path, or one out of scope."""
    return ApiError(404, "notfound", "Not found")


def json_reply(value: Any, status: int = 200) -> Response:
    """A JSON reply."""
    return Response(orjson.dumps(value), status, media_type="application/json")


def error_reply(error: ApiError, *, jsonapi: bool) -> Response:
    """An error in one of the two shapes that occur."""
    entry: dict[str, Any] = {"code": error.code, "message": error.message, "meta": {}}
    if jsonapi:
        entry = {
            "status": str(error.status),
            "code": error.code,
            "title": error.message,
            "detail": error.message,
            "meta": {},
        }
    return json_reply({"errors": [entry]}, error.status)


def one(row: Row) -> Response:
    """The envelope of a single record."""
    return Response(b'{"data":%b}' % row.body, media_type="application/json")


def many(
    bodies: Iterable[bytes],
    meta: dict[str, Any],
    links: dict[str, Any],
    included: list[bytes] | None = None,
) -> Response:
    """The envelope of a list; the records' JSON is joined as it is."""
    extra = b"" if included is None else b',"included":[%b]' % b",".join(included)
    body = b'{"meta":%b,"links":%b,"data":[%b]%b}' % (
        orjson.dumps(meta),
        orjson.dumps(links),
        b",".join(bodies),
        extra,
    )
    return Response(body, media_type="application/json")


def number(request: Request, name: str, default: int) -> int:
    """A whole number from the query; the default when it is absent or none."""
    value = request.query_params.get(name, "")
    return int(value) if value.isdigit() and len(value) < 12 else default


def page_links(
    request: Request, page: int, size: int, *, more: bool, last: int | None = None
) -> dict[str, Any]:
    """Host-relative links, beginning with the version; `last` for index-backed lists only."""
    kept = {name: value for name, value in request.query_params.items() if name in _KEPT}
    tail = f"&pageSize={size}" + (f"&{urlencode(kept)}" if kept else "")
    base = f"{request.url.path}?page="
    links: dict[str, Any] = {
        "self": f"{base}{page}{tail}",
        "first": f"{base}1{tail}",
        "prev": f"{base}{page - 1}{tail}" if page > 1 else None,
        "next": f"{base}{page + 1}{tail}" if more else None,
    }
    if last is not None:
        links["last"] = f"{base}{max(1, last)}{tail}"
    return links
