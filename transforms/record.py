"""A source record as converters see it, and paths into it."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from transforms.lookups import Lookups

# A link to one resource: `/v1/companies/<24 hexadecimal characters>` and nothing behind it.
_LINK_TO_ONE = re.compile(r"/v1/[a-z-]+/([0-9a-f]{24})\Z")


class Record:
    """One JSON:API resource. `attributes` and `relationships` are never None.

    `memo` keeps what several cells of one record share, such as its phones. `each` is the element of
    a list that the row at hand is made of, where a table makes one row for each.
    """

    __slots__ = ("attributes", "each", "lookups", "memo", "relationships", "row")

    def __init__(self, row: dict[str, Any], attributes: dict[str, Any], lookups: Lookups) -> None:
        self.row = row
        self.attributes = attributes
        relationships = row.get("relationships")
        self.relationships = relationships if isinstance(relationships, dict) else {}
        self.lookups = lookups
        self.memo: dict[Any, Any] = {}
        self.each: Any = None


Getter = Callable[[Record], Any]
Cell = Callable[[Record], str]


def compile_path(path: str) -> Getter:
    """Return a function that reads a dotted path; a missing step, or a step into text, is None.

    `a.0` takes the first of a list. `relationships.X.data.id` also reads the id out of a relation
    that is given as a link only (kustomer facts, section 3.1), and of several the first.
    `each` is the element at hand of a table that makes one row for each, and `each.a` what it holds.
    """
    first, *rest = path.split(".")
    if first == "attributes" and len(rest) == 1:
        name = rest[0]
        return lambda record: record.attributes.get(name)
    if first == "attributes" and len(rest) == 2:
        return _nested(rest[0], rest[1])
    if first == "relationships" and rest[1:] == ["data", "id"]:
        return _related(rest[0])
    if first == "each":
        return lambda record: _walk(record.each, rest)
    if first == "attributes":
        return lambda record: _walk(record.attributes, rest)
    if first == "relationships":
        return lambda record: _walk(record.relationships, rest)
    return lambda record: _walk(record.row, [first, *rest])


def first_of(paths: Sequence[str]) -> Getter:
    """Return a function that reads the first path with a value that is not empty."""
    getters = tuple(compile_path(path) for path in paths)
    if len(getters) == 1:
        return getters[0]

    def get(record: Record) -> Any:
        for getter in getters:
            value = getter(record)
            if value or not _is_empty(value):
                return value
        return None

    return get


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _nested(outer: str, inner: str) -> Getter:
    def get(record: Record) -> Any:
        found = record.attributes.get(outer)
        if isinstance(found, dict):
            return found.get(inner)
        return _walk(found, (inner,))

    return get


def _related(name: str) -> Getter:
    def get(record: Record) -> Any:
        related = record.relationships.get(name)
        if not isinstance(related, dict):
            return None
        data = related.get("data")
        if isinstance(data, list):  # some relations are given as lists (kustomer facts, 9.26)
            data = data[0] if data else {}
        if isinstance(data, dict):
            return data.get("id")
        return _linked(related.get("links")) if data is None else None

    return get


def _linked(links: Any) -> str | None:
    target = links.get("self") if isinstance(links, dict) else None
    found = _LINK_TO_ONE.match(target) if isinstance(target, str) else None
    return found.group(1) if found else None


def _walk(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isascii() and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
