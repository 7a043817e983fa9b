"""A search page that times out is put together from smaller ones, row by row the same."""

from typing import Any, cast

import pytest

from connectors.errors import SearchTimedOut
from connectors.kustomer.client import KustomerClient, Page, SearchQuery
from service.schedule import SliceCursor
from service.source_pages import SourcePages

WINDOW = {
    "kind": "window",
    "context": "message",
    "criteria": [],
    "sort": "message_created_at",
    "archive": False,
    "page_size": 500,
}


class Busy:
    """A search over `rows` records that times out for pages of more than `most` rows."""

    def __init__(self, rows: int, most: int) -> None:
        self.rows = rows
        self.most = most
        self.asked: list[tuple[int, int]] = []

    async def search_page(
        self, query: SearchQuery, page: int, *, page_size: int, patient: bool = True
    ) -> Page:
        self.asked.append((page, page_size))
        if page_size > self.most:
            raise SearchTimedOut("busy")
        start = (page - 1) * page_size
        end = min(self.rows, start + page_size)
        rows: list[dict[str, Any]] = [{"id": str(number)} for number in range(start, end)]
        return Page(rows, [], end < self.rows, None, len(rows))


def pages(source: Busy) -> SourcePages:
    return SourcePages(cast("KustomerClient", source))


@pytest.mark.parametrize(("rows", "page"), [(1200, 1), (1200, 2), (1200, 3), (1000, 2), (80, 1)])
async def test_the_pieces_are_the_page(rows: int, page: int) -> None:
    cursor = SliceCursor(0, WINDOW, None)
    whole = await pages(Busy(rows, 500)).fetch(cursor, page)
    busy = Busy(rows, 100)
    pieced = await pages(busy).fetch(cursor, page)
    assert (pieced.rows, pieced.has_next) == (whole.rows, whole.has_next)
    assert all(size <= 500 for _, size in busy.asked)
    assert max(number for number, size in busy.asked if size == 100) <= 100
