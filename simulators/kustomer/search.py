"""Search and archive search over an org (kustomer facts, section 5)."""

import bisect
from collections import OrderedDict, deque
from collections.abc import Callable
from itertools import chain
from typing import Any

import orjson

from simulators.kustomer.attributes import values
from simulators.kustomer.criteria import BadSearch, Criterion, Query, bounds, matches, read_query
from simulators.kustomer.org import Org, Row
from simulators.kustomer.settings import TOMBSTONES

__all__ = ["BadSearch", "SearchIndex"]

TWO_YEARS_MS = 2 * 365 * 86_400_000
_TIMES = ("created_at", "updated_at")
_CACHED = 64
Entry = tuple[int, str, Row]


class SearchIndex:
    """Finds records; keeps, per kind and time attribute, rows sorted by time.

    It sees a change `lag_ms` after it was made; until then it shows the record as it was. Rows of
    one millisecond come in an order that is fixed, but is not that of their ids.
    """

    def __init__(
        self,
        org: Org,
        now_ms: Callable[[], int],
        lag_ms: int,
        tombstones: frozenset[str] = TOMBSTONES,
    ) -> None:
        self.lag_ms = lag_ms
        self.tombstones = tombstones
        self._org = org
        self._now_ms = now_ms
        self._sorted: dict[tuple[str, str], list[Entry]] = {}
        self._late: deque[tuple[int, Row | None, Row | None]] = deque()
        self._version = 0
        self._answers: OrderedDict[bytes, list[Row]] = OrderedDict()
        org.watch(self._note)

    def find(self, body: Any, *, archive: bool) -> list[Row]:
        """Return the rows that match, in the order asked for; raises `BadSearch`."""
        query = read_query(body, archive=archive)
        self._catch_up()
        # The pages of one window cost one search; the seam of the two years moves by the second.
        shown = sorted(self.tombstones)
        key = orjson.dumps([body, archive, shown, self._version, self._now_ms() // 1000])
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = self._search(query, archive=archive)
            if len(self._answers) > _CACHED:
                self._answers.popitem(last=False)
        return found

    def _search(self, query: Query, *, archive: bool) -> list[Row]:
        attribute, entries = self._narrowest(query)
        seam = self._now_ms() - TWO_YEARS_MS
        # Asking for `deleted` itself shows tombstones as well (kustomer facts, section 7).
        asked = query.deleted or any(
            each.kind == query.kind and each.attribute == "deleted" for each in query.every
        )
        tombstones = asked and query.kind in self.tombstones
        rows = [
            row
            for _, _, row in entries
            if (row.updated < seam) == archive and (tombstones or not row.deleted)
        ]
        if query.klass:
            rows = [row for row in rows if f"klass:{query.klass}" in row.parents]
        left = [each for each in query.every if not self._by_range(query, each, attribute)]
        if left or query.some or query.none:
            rows = [row for row in rows if self._passes(row, query, left)]
        return self._in_order(rows, query, attribute)

    def _narrowest(self, query: Query) -> tuple[str, list[Entry]]:
        """The smaller of the two ranges that the bounds on created_at and updated_at leave."""
        found = []
        for attribute in _TIMES:
            low, high = float("-inf"), float("inf")
            for test in query.every:
                if self._by_range(query, test, attribute) and test.span is not None:
                    first, end = bounds(test.operator, test.span)
                    low, high = max(low, first), min(high, end)
            ordered = self._order(query.kind, attribute)
            start = bisect.bisect_left(ordered, low, key=_moment)
            stop = bisect.bisect_left(ordered, high, key=_moment)
            found.append((stop - start, attribute != query.sort, attribute, start, stop))
        _, _, attribute, start, stop = min(found)
        return attribute, self._order(query.kind, attribute)[start:stop]

    @staticmethod
    def _by_range(query: Query, test: Criterion, attribute: str) -> bool:
        return (
            test.kind == query.kind
            and test.attribute == attribute
            and test.operator in ("gte", "gt", "lte", "lt", "equals")
        )

    def _passes(self, row: Row, query: Query, left: list[Criterion]) -> bool:
        record = row.resource
        holds = self._holds
        return (
            all(holds(row, record, test) for test in left)
            and (not query.some or any(holds(row, record, test) for test in query.some))
            and not any(holds(row, record, test) for test in query.none)
        )

    def _holds(self, row: Row, record: dict[str, Any], test: Criterion) -> bool:
        """A test of another object holds when a parent or a child of the row passes it."""
        if test.kind == row.kind:
            if test.attribute == "attachment_count":
                files = len(self._org.children("attachment", row.id))
                record = {"attributes": {"attachmentCount": files}}
            return matches(record, test)
        shelf = self._org.shelves[test.kind]
        parents = (shelf.rows[each] for each in row.parents if each in shelf.rows)
        return any(
            matches(other.resource, test) for other in chain(parents, shelf.children(row.id))
        )

    def _in_order(self, rows: list[Row], query: Query, attribute: str) -> list[Row]:
        if query.sort == attribute:
            return rows[::-1] if query.descending else rows
        if query.sort in _TIMES:
            by_time = _created if query.sort == "created_at" else _updated
            return sorted(rows, key=by_time, reverse=query.descending)

        def by_value(row: Row) -> tuple[bool, str, str]:
            held = values(row.resource, row.kind, query.sort)
            shown = held[0] if held else ""
            text = f"{shown:020.3f}" if isinstance(shown, int | float) else str(shown)
            return (not held, text.lower(), row.id[::-1])

        return sorted(rows, key=by_value, reverse=query.descending)

    def _order(self, kind: str, attribute: str) -> list[Entry]:
        ordered = self._sorted.get((kind, attribute))
        if ordered is None:
            rows = dict(self._org.shelves[kind].rows)
            for _, old, new in reversed(self._late):
                if new is not None and new.kind == kind:
                    rows.pop(new.id, None)
                if old is not None and old.kind == kind:
                    rows[old.id] = old
            ordered = sorted((_entry(row, attribute) for row in rows.values()), key=_place)
            self._sorted[kind, attribute] = ordered
        return ordered

    def _note(self, old: Row | None, new: Row | None) -> None:
        self._late.append((self._now_ms() + self.lag_ms, old, new))

    def _catch_up(self) -> None:
        """Take in the changes whose time has come."""
        now = self._now_ms()
        while self._late and self._late[0][0] <= now:
            _, old, new = self._late.popleft()
            self._version += 1
            for (kind, attribute), ordered in self._sorted.items():
                if old is not None and old.kind == kind:
                    at = bisect.bisect_left(ordered, _place(_entry(old, attribute)), key=_place)
                    del ordered[at]
                if new is not None and new.kind == kind:
                    bisect.insort(ordered, _entry(new, attribute), key=_place)


def _entry(row: Row, attribute: str) -> Entry:
    return (row.created if attribute == "created_at" else row.updated, row.id[::-1], row)


def _moment(entry: Entry) -> int:
    return entry[0]


def _place(entry: Entry) -> tuple[int, str]:
    return entry[:2]


def _created(row: Row) -> tuple[int, str]:
    return row.created, row.id[::-1]


def _updated(row: Row) -> tuple[int, str]:
    return row.updated, row.id[::-1]
