"""Reads one page of one slice, of whatever kind the slice is.

A slice is a list, a search window, or something chosen: records by their ids (`ids`), or short lists
that hang on chosen records (`paths`; one page is one of them, whole). What is chosen may be gone.
"""

from typing import Any

import orjson
import structlog

from connectors.errors import ConnectorError, NotFound, SearchTimedOut
from connectors.kustomer.client import KustomerClient, Page, SearchQuery
from service.phases import SourceStream
from service.reread import Rereader
from service.schedule import SliceCursor

SMALL_PAGE_ROWS = 100
CHOSEN = ("ids", "paths")
_log = structlog.get_logger()


def ids_slice(stream: SourceStream, ids: list[str]) -> dict[str, Any]:
    """A slice of the records named, as many on a page as one call reads."""
    return {
        "kind": "ids",
        "path": stream.path,
        "include": stream.variants[0].get("include"),
        "ids": ids,
        "page_size": stream.multi_get,
        "last_page": -(-len(ids) // stream.multi_get),
    }


def paths_slice(stream: SourceStream, paths: list[str]) -> dict[str, Any]:
    """A slice of the lists at `paths`, read as the stream's own list is."""
    return {
        "kind": "paths",
        "paths": paths,
        "params": dict(stream.variants[0]),
        "page_size": stream.page_size,
        "last_page": len(paths),
    }


class SourcePages:
    """Pages by slice and number; raises the connectors' errors. Keeps nothing between calls."""

    def __init__(self, client: KustomerClient) -> None:
        self._client = client
        self._single = Rereader(client, readers=1)

    async def fetch(self, cursor: SliceCursor, number: int) -> Page:
        """Return page `number` (from 1) of the cursor's slice."""
        spec = cursor.spec
        match spec["kind"]:
            case "list":
                return await self._list_page(spec, number)
            case "ids":
                return await self._named(spec, number)
            case "paths":
                return await self._hanging(spec, number)
        query = SearchQuery(
            spec["context"],
            spec["criteria"],
            [{spec["sort"]: "asc"}],
            archive=spec["archive"],
            include_deleted=spec.get("deleted", False),
            ids_only=spec.get("ids_only", False),
        )
        page = await self._search_page(query, number, spec["page_size"])
        if page.has_next and cursor.last_page is not None and number >= cursor.last_page:
            page.has_next = False  # the link goes on behind the last row (kustomer facts, 9.4)
        return page

    async def _search_page(self, query: SearchQuery, number: int, size: int) -> Page:
        """Read a page; one that times out again and again is put together from smaller ones.

        Pages are offsets, so the pieces hold the very rows of the page. A hundred rows at least:
        a search has at most a hundred pages (kustomer facts, section 4).
        """
        if size <= SMALL_PAGE_ROWS or size % SMALL_PAGE_ROWS:
            return await self._client.search_page(query, number, page_size=size)
        try:
            return await self._client.search_page(query, number, page_size=size, patient=False)
        except SearchTimedOut:
            _log.warning("search-page-split", page=number, rows=size)
        parts = size // SMALL_PAGE_ROWS
        whole = _empty(has_next=True)
        for piece in range((number - 1) * parts + 1, number * parts + 1):
            page = await self._client.search_page(query, piece, page_size=SMALL_PAGE_ROWS)
            _join(whole, page)
            whole.has_next = page.has_next
            if not page.has_next:
                break
        return whole

    async def _list_page(self, spec: dict[str, Any], number: int) -> Page:
        try:
            return await self._client.list_page(
                spec["path"], number, page_size=spec["page_size"], params=spec["params"]
            )
        except ConnectorError as error:
            if error.code == "past-the-end":
                return _empty()
            raise

    async def _named(self, spec: dict[str, Any], number: int) -> Page:
        size = spec["page_size"]
        ids = spec["ids"][(number - 1) * size : number * size]
        found = await self._single.named(spec["path"], ids, spec["include"], at_once=size)
        page = _empty(has_next=number < spec["last_page"])
        page.rows = list(found.values())
        page.size_bytes = len(orjson.dumps(page.rows))
        return page

    async def _hanging(self, spec: dict[str, Any], number: int) -> Page:
        whole = _empty(has_next=number < spec["last_page"])
        part = {"path": spec["paths"][number - 1], **spec}
        more, at = True, 1
        while more:
            try:
                page = await self._list_page(part, at)
            except NotFound:
                break  # what it hangs on was deleted
            _join(whole, page)
            more, at = page.has_next and bool(page.rows), at + 1
        return whole


def _empty(*, has_next: bool = False) -> Page:
    return Page(rows=[], included=[], has_next=has_next, total=None, size_bytes=0)


def _join(whole: Page, page: Page) -> None:
    whole.rows += page.rows
    whole.included += page.included
    whole.size_bytes += page.size_bytes
