"""`POST /customers/search` and its archive twin (kustomer facts, section 5)."""

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulators.kustomer.criteria import BadSearch
from simulators.kustomer.desk import BODY_LIMIT, Desk
from simulators.kustomer.org import Row
from simulators.kustomer.replies import ApiError, many, number, page_links

PAGE_MAX = 500


class Searching:
    """Answers both searches; they share one budget beside the org's."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def search(self, request: Request) -> Response:
        """One page of what a search finds; the links go on past the cap, as the live ones do."""
        settings = self._desk.settings
        if not self._desk.searches.take():
            raise ApiError(429, "too_many_requests", "Search rate limit exceeded")
        size = min(PAGE_MAX, number(request, "pageSize", 100))
        page = max(1, number(request, "page", 1))
        rows_cap = settings.search_cap_rows
        if page > settings.search_cap_pages or (rows_cap and page * size > rows_cap):
            raise ApiError(400, "bad_request", "Result window is too large")
        body, found = await self._found(request)
        kind = str(body.get("queryContext", "customer")).partition("_")[0]
        self._desk.require(self._desk.key_of(request), kind)
        total = len(found)
        if settings.search_total_cap is not None:
            total = min(total, settings.search_total_cap)
        pages = -(-total // size) if size else 0
        meta = {
            "pageSize": size,
            "page": page,
            "total": total,
            "totalPages": pages,
            "aggregations": {},
            "timed_out": False,
        }
        more = 0 < size * page < len(found)
        links = page_links(request, page, size, more=more, last=pages)
        shown = found[(page - 1) * size : page * size]
        if request.query_params.get("idsOnly") == "true" and settings.ids_only != "ignored":
            form = b'"%b"' if settings.ids_only == "bare" else b'{"type":"%b","id":"%b"}'
            return many((_filled(form, kind, each.id) for each in shown), meta, links)
        return many((row.body for row in shown), meta, links)

    async def _found(self, request: Request) -> tuple[dict[str, Any], list[Row]]:
        """The body, and all rows that it finds."""
        raw = await request.body()
        if len(raw) > BODY_LIMIT:
            raise ApiError(413, "too_large", "Request body is too large")
        try:
            body = orjson.loads(raw)
            return body, self._desk.index.find(body, archive="/archive/" in request.url.path)
        except orjson.JSONDecodeError:
            raise ApiError(400, "bad_request", "The body is not JSON.") from None
        except BadSearch as error:
            raise ApiError(400, "bad_request", str(error)) from None


def _filled(form: bytes, kind: str, record_id: str) -> bytes:
    values = (kind.encode(), record_id.encode())
    return form % values[-form.count(b"%b") :]
