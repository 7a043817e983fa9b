"""Reading a search body, and testing a record against it (kustomer facts, section 5)."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from simulators.kustomer.attributes import KINDS, known, sortable, values, words_of

OPERATORS = ("equals", "not_equals", "contains", "in", "not_set", "gte", "gt", "lte", "lt")
_MOST = {"and": 20, "or": 20, "not": 20, "sort": 5, "fields": 20}
_KEYS = frozenset((*_MOST, "queryContext", "timeZone", "includeDeleted", "aggs", "searchHash"))


class BadSearch(ValueError):
    """A search body that the API refuses. The text says what is wrong, without any value."""


@dataclass(frozen=True)
class Criterion:
    """One test of one attribute. For a date, `span` is the half-open range of ms it names."""

    kind: str
    attribute: str
    operator: str
    value: Any
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Query:
    """A search body, read. `klass` narrows kobjects to one klass."""

    kind: str
    klass: str | None
    every: tuple[Criterion, ...]
    some: tuple[Criterion, ...]
    none: tuple[Criterion, ...]
    sort: str
    descending: bool
    deleted: bool


def read_query(body: Any, *, archive: bool) -> Query:
    """Check a body and read it; raises `BadSearch`."""
    if not isinstance(body, dict):
        raise BadSearch("The body must be an object.")
    strange = body.keys() - _KEYS
    if strange:
        raise BadSearch(f"Unknown key: {min(strange)[:40]}.")
    context = body.get("queryContext", "customer")
    kind, _, klass = str(context).partition("_")
    if kind not in KINDS or (klass and kind != "kobject") or (archive and kind == "note"):
        raise BadSearch("queryContext is not one of the contexts of this search.")
    try:
        zone = ZoneInfo(str(body.get("timeZone", "GMT")))
    except (KeyError, ValueError, OSError):
        raise BadSearch("timeZone is not an IANA zone.") from None

    def criteria(key: str) -> tuple[Criterion, ...]:
        entries = _entries(body.get(key), key)
        return tuple(_criterion(kind, each, zone, archive=archive) for each in entries)

    sort, descending = _sort(kind, _entries(body.get("sort"), "sort"), archive=archive)
    return Query(
        kind=kind,
        klass=klass or None,
        every=criteria("and"),
        some=criteria("or"),
        none=criteria("not"),
        sort=sort,
        descending=descending,
        deleted=body.get("includeDeleted") is True,
    )


def _entries(given: Any, key: str) -> list[tuple[str, Any]]:
    """An object or an array of objects, each with a single attribute."""
    if given is None:
        return []
    many = given if isinstance(given, list) else [given]
    if len(many) > _MOST[key]:
        raise BadSearch(f"{key} takes at most {_MOST[key]} entries.")
    pairs: list[tuple[str, Any]] = []
    for each in many:
        if not isinstance(each, dict) or len(each) != 1:
            raise BadSearch(f"Each entry of {key} must be an object with a single attribute.")
        pairs.extend(each.items())
    return pairs


def _criterion(context: str, entry: tuple[str, Any], zone: ZoneInfo, *, archive: bool) -> Criterion:
    name, test = entry
    kind, _, attribute = name.partition("_")
    # An archive knows its own context's attributes only; the standard index joins the objects.
    if kind not in KINDS or (archive and kind != context):
        raise BadSearch(f"Unknown attribute: {name[:80]}.")
    if not known(kind, attribute, archive=archive):
        # `kobject_<klass>_created_at` is the form for one klass.
        attribute = "_".join(attribute.rsplit("_", 2)[-2:]) if kind == "kobject" else ""
        if attribute not in ("created_at", "updated_at"):
            raise BadSearch(f"Unknown attribute: {name[:80]}.")
    if not isinstance(test, dict) or len(test) != 1:
        raise BadSearch(f"{name[:80]} takes one operator.")
    operator, value = next(iter(test.items()))
    if operator not in OPERATORS:
        raise BadSearch(f"Unknown operator: {str(operator)[:40]}.")
    span = None
    if is_date(attribute) and operator not in ("not_set", "in"):
        span = read_moment(value, zone)
    return Criterion(kind, attribute, operator, value, span)


def _sort(kind: str, entries: list[tuple[str, Any]], *, archive: bool) -> tuple[str, bool]:
    """The first key alone: a second one is ignored, as the live API was seen to do."""
    for name, direction in entries:
        attribute = name.removeprefix(f"{kind}_")
        if attribute == name or not sortable(kind, attribute, archive=archive):
            raise BadSearch(f"Cannot sort by {name[:80]}.")
        if direction not in ("asc", "desc"):
            raise BadSearch("A sort direction is asc or desc.")
    if not entries:
        return "updated_at", True
    name, direction = entries[0]
    return name.removeprefix(f"{kind}_"), direction == "desc"


def is_date(attribute: str) -> bool:
    """Tell whether an attribute holds a moment."""
    return attribute.endswith(("_at", "At"))


def read_moment(value: Any, zone: ZoneInfo) -> tuple[int, int]:
    """The range of ms that a date or a moment names: a whole day (in `zone`), or one ms."""
    try:
        text = str(value)
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
        if len(text) == 10:
            start = moment.replace(tzinfo=zone)
            return _ms(start), _ms((moment + timedelta(days=1)).replace(tzinfo=zone))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return _ms(moment), _ms(moment) + 1
    except ValueError:
        raise BadSearch("A date is YYYY-MM-DD or an ISO moment.") from None


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def matches(record: dict[str, Any], test: Criterion) -> bool:
    """Tell whether a record of the criterion's own kind passes it."""
    found = values(record, test.kind, test.attribute)
    if test.operator == "not_set":
        return not found
    if test.operator == "not_equals":
        return not any(_passes(each, test, "equals") for each in found)
    if test.operator == "in":
        wanted = test.value if isinstance(test.value, list) else [test.value]
        return any(_same(each, one) for each in found for one in wanted)
    return any(_passes(each, test, test.operator) for each in found)


def _passes(found: Any, test: Criterion, operator: str) -> bool:
    if test.span is not None:
        return _in_time(found, test.span, operator)
    if operator == "equals":
        return _same(found, test.value)
    if operator == "contains":
        return set(words_of(str(test.value))) <= set(words_of(str(found)))
    numbers = (int, float)
    if isinstance(found, bool) or not isinstance(found, numbers):
        return False
    return isinstance(test.value, numbers) and _COMPARE[operator](found, test.value)


def _same(found: Any, wanted: Any) -> bool:
    if isinstance(found, str) and isinstance(wanted, str):
        return found.lower() == wanted.lower()
    return bool(found == wanted and isinstance(found, bool) == isinstance(wanted, bool))


def _in_time(found: Any, span: tuple[int, int], operator: str) -> bool:
    try:
        at = read_moment(found, ZoneInfo("UTC"))[0]
    except BadSearch:
        return False
    low, high = bounds(operator, span)
    return low <= at < high


def bounds(operator: str, span: tuple[int, int]) -> tuple[float, float]:
    """The half-open range of ms that passes a test on a moment."""
    first, end = span
    low = {"gte": first, "gt": end, "equals": first}.get(operator, float("-inf"))
    high = {"lt": first, "lte": end, "equals": end}.get(operator, float("inf"))
    return low, high


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "gte": lambda left, right: left >= right,
    "gt": lambda left, right: left > right,
    "lte": lambda left, right: left <= right,
    "lt": lambda left, right: left < right,
}
