"""Queries over REST: the first page, and the ones that follow (facts, 5.4)."""

import re
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.bodies import attributes, nested
from simulators.salesforce.calls import Answer, Call, Refused
from simulators.salesforce.soql import QueryResult, SoqlError, run_query
from simulators.salesforce.store import Store

PAGE_ROWS, LEAST_ROWS = 2_000, 200
CURSOR_S = 2 * 86_400.0
_CURSOR = re.compile(r"(01g\w{15})-(\d{1,9})", re.ASCII)
_BATCH = re.compile(r"batchSize\s*=\s*(\d{1,9})", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class _Cursor:
    """A result that is not read to its end; `made` in epoch seconds."""

    result: QueryResult
    size: int
    made: float


class Paging:
    """Runs queries and keeps what is left of their results, for two days."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._cursors: dict[str, _Cursor] = {}

    def query(self, call: Call) -> Answer:
        """Run a query and give its first page."""
        soql = call.params.get("q", "")
        try:
            result = run_query(
                self._store,
                soql,
                all_rows=call.path.lower() == "queryall",
                tooling=call.path.startswith("tooling/"),
            )
        except SoqlError as error:
            raise Refused(400, error.code, error.message) from None
        if result.is_count:
            return Answer(200, {"totalSize": result.total, "done": True, "records": []})
        cursor = _Cursor(result, _size(call), self._store.clock())
        return self._page(call, cursor, 0, "")

    def more(self, call: Call, locator: str) -> Answer:
        """The next page of a query."""
        found = _CURSOR.fullmatch(locator)
        cursor = self._cursors.get(found[1]) if found else None
        if cursor is None or found is None or self._store.clock() - cursor.made > CURSOR_S:
            raise Refused(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(call, cursor, int(found[2]), found[1])

    def _page(self, call: Call, cursor: _Cursor, start: int, name: str) -> Answer:
        result = cursor.result
        end = min(start + cursor.size, len(result.rows))
        body: dict[str, Any] = {"totalSize": result.total, "done": end >= len(result.rows)}
        if end < len(result.rows):
            if not name:
                name = self._store.ids.new("01g")
                self._cursors[name] = cursor
            body["nextRecordsUrl"] = f"{call.base}/query/{name}-{end}"
        body["records"] = [
            {
                "attributes": attributes(call.base, result.object, row.get("Id")),
                **nested(row, result.columns),
            }
            for row in result.rows[start:end]
        ]
        return Answer(200, body)


def _size(call: Call) -> int:
    """Rows on a page; the caller may ask for fewer (facts, 2.3)."""
    asked = _BATCH.search(call.headers.get("sforce-query-options", ""))
    return max(LEAST_ROWS, min(PAGE_ROWS, int(asked[1]))) if asked else PAGE_ROWS
