"""Search and archive search over an org (kustomer facts, section 5)."""

import bisect
import re
from collections.abc import Callable
from typing import Any

from simulators.kustomer.org import Org, Shelf, epoch_ms, related

TWO_YEARS_MS = 2 * 365 * 86_400_000
CONTEXTS = ("company", "customer", "message", "conversation", "note")
_TIMES = {"created_at": "createdAt", "updated_at": "updatedAt", "modified_at": "modifiedAt"}
_OPERATORS = ("equals", "not_equals", "contains", "in", "not_set", "gte", "gt", "lte", "lt")


class BadSearch(ValueError):
    """A search body that the API refuses."""


class SearchIndex:
    """Finds records; keeps, per context and time attribute, ids sorted by time."""

    def __init__(self, org: Org, now_ms: Callable[[], int], lag_ms: int) -> None:
        self._org = org
        self._now_ms = now_ms
        self._lag_ms = lag_ms
        self._sorted: dict[tuple[str, str], tuple[int, list[tuple[int, str]]]] = {}

    def find(self, body: Any, *, archive: bool) -> list[str]:
        """Return the ids that match, in the order asked for."""
        if not isinstance(body, dict):
            raise BadSearch("body")
        context = body.get("queryContext", "customer")
        if context not in CONTEXTS or (archive and context == "note"):
            raise BadSearch("queryContext")
        shelf = self._org.shelves[context]
        rules = _criteria(context, body.get("and"))
        attribute, descending = _sort(context, body.get("sort"))
        found = self._range(context, shelf, attribute, rules)
        accept = self._coverage(shelf, archive, bool(body.get("includeDeleted")))
        left = [rule for rule in rules if rule[0] != attribute or rule[1] not in ("gte", "lt")]
        ids = [each for each in found if accept(each) and _matches(shelf.records[each], left)]
        return ids[::-1] if descending else ids

    def _range(
        self, context: str, shelf: Shelf, attribute: str, rules: list[tuple[str, str, Any]]
    ) -> list[str]:
        ordered = self._order(context, shelf, attribute)
        low, high = 0, len(ordered)
        for name, operator, value in rules:
            if name != attribute:
                continue
            at = epoch_ms(value)
            if operator == "gte":
                low = max(low, bisect.bisect_left(ordered, (at, "")))
            elif operator == "lt":
                high = min(high, bisect.bisect_left(ordered, (at, "")))
        return [record_id for _, record_id in ordered[low:high]]

    def _order(self, context: str, shelf: Shelf, attribute: str) -> list[tuple[int, str]]:
        version, ordered = self._sorted.get((context, attribute), (-1, []))
        if version != self._org.version or len(ordered) != len(shelf.order):
            key = _TIMES[attribute]
            ordered = sorted(
                (epoch_ms(record["attributes"].get(key)), record_id)
                for record_id, record in shelf.records.items()
            )
            self._sorted[context, attribute] = (self._org.version, ordered)
        return ordered

    def _coverage(self, shelf: Shelf, archive: bool, deleted: bool) -> Callable[[str], bool]:
        """Standard search sees rows touched within two years, the archive the others."""
        now = self._now_ms()
        seam = now - TWO_YEARS_MS
        newest = now - self._lag_ms

        def accept(record_id: str) -> bool:
            updated = epoch_ms(shelf.records[record_id]["attributes"].get("updatedAt"))
            if (updated < seam) != archive or (self._lag_ms and updated > newest):
                return False
            return deleted or not shelf.is_deleted(record_id)

        return accept


def _criteria(context: str, given: Any) -> list[tuple[str, str, Any]]:
    if given is None:
        return []
    rules = []
    for entry in given if isinstance(given, list) else [given]:
        for name, test in entry.items():
            if not name.startswith(f"{context}_") or not isinstance(test, dict):
                raise BadSearch(name)
            for operator, value in test.items():
                if operator not in _OPERATORS:
                    raise BadSearch(operator)
                rules.append((name.removeprefix(f"{context}_"), operator, value))
    if len(rules) > 40:
        raise BadSearch("and")
    return rules


def _sort(context: str, given: Any) -> tuple[str, bool]:
    entries = given if isinstance(given, list) else [given] if given else []
    if not entries:
        return "updated_at", True
    name, direction = next(iter(entries[0].items()))
    attribute = name.removeprefix(f"{context}_")
    if attribute not in _TIMES:
        raise BadSearch(name)
    return attribute, direction == "desc"


def _value(record: dict[str, Any], name: str) -> Any:
    if name in _TIMES:
        return record["attributes"].get(_TIMES[name])
    if name == "id":
        return record["id"]
    if name.endswith("_id"):
        return related(record, name.removesuffix("_id"))
    return record["attributes"].get(name)


def _matches(record: dict[str, Any], rules: list[tuple[str, str, Any]]) -> bool:
    return all(_test(_value(record, name), operator, value) for name, operator, value in rules)


def _test(found: Any, operator: str, value: Any) -> bool:
    if operator == "not_set":
        return found in (None, "", [])
    if operator == "equals":
        return bool(found == value)
    if operator == "not_equals":
        return bool(found != value)
    if operator == "in":
        return found in (value if isinstance(value, list) else [value])
    if operator == "contains":
        words = re.findall(r"\w+", str(found).lower())
        return str(value).lower() in words
    left, right = epoch_ms(found), epoch_ms(value)
    return {
        "gte": left >= right,
        "gt": left > right,
        "lte": left <= right,
        "lt": left < right,
    }[operator]
