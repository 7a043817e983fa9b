"""The conditions of a query: parsed, tested on rows, answered from an index where there is one."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.ids import whole
from simulators.salesforce.soql_paths import Path, Row
from simulators.salesforce.soql_tokens import Given, SoqlError, Tokens

Test = Callable[[Row], bool]
_DEPTH = 50
_KINDS = {
    "boolean": "boolean",
    "datetime": "datetime",
    "date": "date",
    "int": "number",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "long": "number",
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Condition:
    """A test of rows. `column` and `values` are set where it names single values of a field of
    the object itself; `all_of` holds the parts of an AND.
    """

    test: Test
    column: str = ""
    values: tuple[Any, ...] = ()
    all_of: tuple["Condition", ...] = ()

    def named(self) -> Iterator["Condition"]:
        """The parts that every row must meet and that name values."""
        if self.column:
            yield self
        for part in self.all_of:
            yield from part.named()


class Where:
    """Reads the conditions that come next."""

    def __init__(self, tokens: Tokens, path: Callable[[str], Path]) -> None:
        self._tokens = tokens
        self._path = path
        self._depth = 0

    def read(self) -> Condition:
        """Read conditions joined by OR, AND binding closer; raises `SoqlError`."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise SoqlError("MALFORMED_QUERY", "The conditions are nested too deeply")
        parts = [self._all()]
        while self._tokens.take("OR"):
            parts.append(self._all())
        self._depth -= 1
        tests = [part.test for part in parts]
        return parts[0] if len(parts) == 1 else Condition(lambda row: any(t(row) for t in tests))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._tokens.take("AND"):
            parts.append(self._one())
        if len(parts) == 1:
            return parts[0]
        tests = [part.test for part in parts]
        return Condition(lambda row: all(test(row) for test in tests), all_of=tuple(parts))

    def _one(self) -> Condition:
        negative = False
        while self._tokens.take("NOT"):
            negative = not negative
        if self._tokens.take("("):
            inside = self.read()
            self._tokens.need(")")
        else:
            inside = self._comparison()
        return Condition(lambda row: not inside.test(row)) if negative else inside

    def _comparison(self) -> Condition:
        path = self._path(self._tokens.name())
        if path.field.long:
            message = f"field '{path.spelling}' can not be filtered in a query call"
            raise SoqlError("INVALID_FIELD", message)
        operator = self._tokens.next().upper()
        if operator in ("IN", "NOT"):
            if operator == "NOT":
                self._tokens.need("IN")
            return self._listed(path, wanted=operator == "IN")
        if operator in ("INCLUDES", "EXCLUDES"):
            return self._chosen(path, wanted=operator == "INCLUDES")
        given = self._tokens.literal()
        if operator == "LIKE":
            return Condition(_like(path, given))
        value = _value(path, given)
        if operator in ("=", "!=", "<>"):
            if operator == "=":
                return _named(path, (value,))
            return Condition(lambda row: _folded(path, path.get(row)) != value)
        if operator not in _ORDERS:
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{operator}'")
        return Condition(_ordered(path, _ORDERS[operator], value))

    def _chosen(self, path: Path, *, wanted: bool) -> Condition:
        """Rows that chose all of one of the sets: `INCLUDES ('a;b', 'c')` (facts, 7.10)."""
        if path.field.type != "multipicklist":
            message = f"invalid operator on {path.field.type} field"
            raise SoqlError("INVALID_FIELD", message)
        self._tokens.need("(")
        sets = [_chosen(path, _value(path, self._tokens.literal()))]
        while self._tokens.take(","):
            sets.append(_chosen(path, _value(path, self._tokens.literal())))
        self._tokens.need(")")

        def test(row: Row) -> bool:
            chosen = _chosen(path, path.get(row))
            return any(each <= chosen for each in sets) == wanted

        return Condition(test)

    def _listed(self, path: Path, *, wanted: bool) -> Condition:
        self._tokens.need("(")
        values = [_value(path, self._tokens.literal())]
        while self._tokens.take(","):
            values.append(_value(path, self._tokens.literal()))
        self._tokens.need(")")
        if wanted:
            return _named(path, tuple(values))
        known = frozenset(values)
        return Condition(lambda row: _folded(path, path.get(row)) not in known)


def _chosen(path: Path, value: Any) -> frozenset[str]:
    """The choices of a multi-select picklist, in any case."""
    return frozenset(part for part in str(_folded(path, value) or "").split(";") if part)


def _named(path: Path, values: tuple[Any, ...]) -> Condition:
    known = frozenset(values)
    column = "" if path.relations else path.field.name
    test = lambda row: _folded(path, path.get(row)) in known  # noqa: E731
    return Condition(test, column, tuple(dict.fromkeys(values)))


def _folded(path: Path, value: Any) -> Any:
    """A value as comparisons see it: text in any case, but ids exactly."""
    if isinstance(value, str) and path.field.type not in ("id", "reference"):
        return value.lower()
    return value


def _value(path: Path, given: Given) -> Any:
    """A literal as a field compares with it; raises `SoqlError` where the kinds differ."""
    wanted = _KINDS.get(path.field.type, "text")
    if given.kind not in (wanted, "null"):
        enclosed = "should be enclosed" if wanted == "text" else "should not be enclosed"
        message = (
            f"value of filter criterion for field '{path.spelling}' must be of type "
            f"{path.field.type} and {enclosed} in quotes"
        )
        raise SoqlError("INVALID_FIELD", message)
    if given.kind == "text" and path.field.type in ("id", "reference"):
        return whole(str(given.value))
    return _folded(path, given.value)


def _like(path: Path, given: Given) -> Test:
    if given.kind != "text" or _KINDS.get(path.field.type, "text") != "text":
        raise SoqlError("INVALID_FIELD", f"invalid operator on {path.field.type} field")
    wild = {"%": ".*", "_": "."}
    pieces = re.findall(r"\\.|.", given.raw, re.DOTALL)
    pattern = "".join(
        wild[each] if each in wild else re.escape(each[1:] if len(each) > 1 else each)
        for each in pieces
    )
    like = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return lambda row: like.fullmatch(str(path.get(row) or "")) is not None


def _ordered(path: Path, order: Callable[[Any, Any], bool], value: Any) -> Test:
    def test(row: Row) -> bool:
        found = _folded(path, path.get(row))
        return found is not None and value is not None and order(found, value)

    return test
