"""What a query selects: fields, FIELDS(), counts and other aggregates, with groups."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.soql_paths import Path, Row
from simulators.salesforce.soql_tokens import SoqlError, Tokens

_AGGREGATES: dict[str, Callable[[list[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len(set(values)),
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
    "SUM": lambda values: sum(values) if values else None,
    "AVG": lambda values: sum(values) / len(values) if values else None,
}


@dataclass(frozen=True)
class Item:
    """One entry of a SELECT: a field path, or a function of one with an alias."""

    path: str
    function: str = ""
    alias: str = ""

    @property
    def is_count(self) -> bool:
        """True for COUNT() without a field, which answers with a total alone."""
        return self.function == "COUNT" and not self.path


def read_select(tokens: Tokens) -> list[Item]:
    """Read the entries up to FROM; raises `SoqlError`."""
    items = []
    while True:
        name = tokens.name()
        if tokens.take("("):
            inner = "" if tokens.peek() == ")" else tokens.name()
            tokens.need(")")
            alias = "" if tokens.peek().upper() in ("FROM", ",", "") else tokens.name()
            items.append(Item(inner, name.upper(), alias))
        else:
            items.append(Item(name))
        if not tokens.take(","):
            return items


def wanted_fields(items: list[Item], definition: ObjectDef) -> list[str]:
    """The field paths of a SELECT without aggregates."""
    wanted: list[str] = []
    for item in items:
        if not item.function:
            wanted.append(item.path)
            continue
        which = item.path.upper()
        if which not in ("ALL", "STANDARD", "CUSTOM"):
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{item.path}'")
        for name in definition.fields:
            custom = name.endswith("__c")
            if which == "ALL" or custom == (which == "CUSTOM"):
                wanted.append(name)
    return list(dict.fromkeys(wanted))


def grouped(
    items: list[Item], groups: list[Path], path: Callable[[str], Path]
) -> tuple[list[str], Callable[[list[Row]], list[Row]]]:
    """The columns of an aggregate query, and how rows become its rows; raises `SoqlError`."""
    known = {each.spelling.lower(): each for each in groups}
    makers: list[tuple[str, Callable[[list[Row]], Any]]] = []
    unnamed = 0
    for item in items:
        if not item.function:
            group = known.get(item.path.lower())
            if group is None:
                raise SoqlError(
                    "MALFORMED_QUERY", f"Field must be grouped or aggregated: {item.path}"
                )
            makers.append((group.spelling, _first(group)))
            continue
        alias = item.alias or f"expr{unnamed}"
        unnamed += not item.alias
        makers.append((alias, _aggregate(item, path)))

    def make(rows: list[Row]) -> list[Row]:
        sets: dict[tuple[Any, ...], list[Row]] = {} if groups else {(): []}
        for row in rows:
            sets.setdefault(tuple(each.get(row) for each in groups), []).append(row)
        return [{name: maker(each) for name, maker in makers} for each in sets.values()]

    return [name for name, _ in makers], make


def _first(group: Path) -> Callable[[list[Row]], Any]:
    return lambda rows: group.get(rows[0])


def _aggregate(item: Item, path: Callable[[str], Path]) -> Callable[[list[Row]], Any]:
    function = _AGGREGATES.get(item.function)
    if function is None or not (item.path or item.function == "COUNT"):
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{item.function}'")
    if not item.path:
        return len
    read = path(item.path)
    numbers = item.function in ("SUM", "AVG")
    if numbers and read.field.type not in ("double", "int", "currency", "percent"):
        raise SoqlError("INVALID_FIELD", f"field {item.path} does not support aggregate operator")
    return lambda rows: function([v for v in (read.get(row) for row in rows) if v is not None])
