"""A source record as converters see it, and paths into it."""

from collections.abc import Callable, Sequence
from typing import Any

from transforms.lookups import Lookups


class Record:
    """One JSON:API resource. `attributes` and `relationships` are never None."""

    __slots__ = ("attributes", "lookups", "relationships", "row")

    def __init__(self, row: dict[str, Any], attributes: dict[str, Any], lookups: Lookups) -> None:
        self.row = row
        self.attributes = attributes
        relationships = row.get("relationships")
        self.relationships = relationships if isinstance(relationships, dict) else {}
        self.lookups = lookups


Getter = Callable[[Record], Any]
Cell = Callable[[Record], str]


def compile_path(path: str) -> Getter:
    """Return a function that reads a dotted path; a missing step, or a step into text, is None.

    `a.0` takes the first of a list.
    """
    first, *rest = path.split(".")
    if first == "attributes" and len(rest) == 1:
        name = rest[0]
        return lambda record: record.attributes.get(name)
    if first == "relationships" and rest[1:] == ["data", "id"]:
        return _related(rest[0])
    if first == "attributes":
        return lambda record: _walk(record.attributes, rest)
    if first == "relationships":
        return lambda record: _walk(record.relationships, rest)
    return lambda record: _walk(record.row, [first, *rest])


def first_of(paths: Sequence[str]) -> Getter:
    """Return a function that reads the first path with a value that is not empty."""
    getters = [compile_path(path) for path in paths]
    if len(getters) == 1:
        return getters[0]

    def get(record: Record) -> Any:
        for getter in getters:
            value = getter(record)
            if value not in (None, "", [], {}):
                return value
        return None

    return get


def _related(name: str) -> Getter:
    def get(record: Record) -> Any:
        related = record.relationships.get(name)
        if not isinstance(related, dict):
            return None
        data = related.get("data")
        return data.get("id") if isinstance(data, dict) else None

    return get


def _walk(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit():
            value = value[int(step)] if int(step) < len(value) else None
        else:
            return None
    return value
