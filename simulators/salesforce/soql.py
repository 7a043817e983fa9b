"""A reader for the part of SOQL that loaders use, and its execution (facts, 5.4)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.store import Store

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^'\\]|\\.)*')|(?P<op><=|>=|!=|<>|=|<|>|\(|\)|,)|(?P<word>[^\s,()=<>!']+))"
)
Row = dict[str, Any]
Test = Callable[[Row], bool]


class SoqlError(Exception):
    """A query that is refused: error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message


@dataclass
class QueryResult:
    """Rows as (field path, value) dicts, in order; `total` for counts."""

    object: str
    columns: list[str]
    rows: list[Row]
    total: int
    is_count: bool = False


class _Tokens:
    def __init__(self, soql: str) -> None:
        self._items: list[str] = []
        position = 0
        text = soql.strip()
        while position < len(text):
            found = _TOKEN.match(text, position)
            if found is None:
                raise SoqlError("MALFORMED_QUERY", f"unexpected token at column {position}")
            self._items.append(found.group().strip())
            position = found.end()
        self._at = 0

    def peek(self) -> str:
        return self._items[self._at] if self._at < len(self._items) else ""

    def next(self) -> str:
        token = self.peek()
        self._at += 1
        return token

    def take(self, word: str) -> bool:
        if self.peek().upper() == word:
            self._at += 1
            return True
        return False

    def need(self, word: str) -> None:
        if not self.take(word):
            raise SoqlError("MALFORMED_QUERY", f"expecting {word}, found '{self.peek()}'")


class Query:
    """One query, parsed and run against a store."""

    def __init__(self, store: Store, soql: str, *, all_rows: bool) -> None:
        self._store = store
        self._tokens = _Tokens(soql)
        self._all_rows = all_rows
        self._object: ObjectDef

    def run(self) -> QueryResult:
        """Parse and execute; raises `SoqlError`."""
        tokens = self._tokens
        tokens.need("SELECT")
        wanted = self._select()
        tokens.need("FROM")
        name = tokens.next()
        found = self._store.schema.find(name)
        if found is None:
            raise SoqlError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        self._object = found
        candidates: list[Row] | None = None
        test: Test = lambda row: True  # noqa: E731
        if tokens.take("WHERE"):
            candidates = self._by_index()
            test = self._or()
        rows = candidates if candidates is not None else list(self._store.dump(found.name))
        rows = [row for row in rows if (self._all_rows or not row["IsDeleted"]) and test(row)]
        rows = self._order(rows)
        if wanted == ["COUNT()"]:
            return QueryResult(found.name, [], [], len(rows), is_count=True)
        return self._shaped(wanted, rows)

    def _select(self) -> list[str]:
        wanted = []
        while True:
            word = self._tokens.next()
            if self._tokens.take("("):
                inner = "" if self._tokens.peek() == ")" else self._tokens.next()
                self._tokens.need(")")
                word = f"{word.upper()}({inner})"
                if self._tokens.peek().upper() not in ("FROM", ",", ""):
                    word += f" {self._tokens.next()}"
            wanted.append(word)
            if not self._tokens.take(","):
                return wanted

    def _shaped(self, wanted: list[str], rows: list[Row]) -> QueryResult:
        name = self._object.name
        if wanted[0].startswith("COUNT("):
            alias = wanted[0].partition(" ")[2] or "expr0"
            return QueryResult(name, [alias], [{alias: len(rows)}], 1)
        if wanted[0].startswith("FIELDS("):
            wanted = list(self._object.fields)
        getters = [(column, self._getter(column)) for column in wanted]
        columns = [column for column, _ in getters]
        shaped = [{column: get(row) for column, get in getters} for row in rows]
        return QueryResult(name, columns, shaped, len(shaped))

    def _getter(self, path: str) -> Callable[[Row], Any]:
        relation, _, rest = path.rpartition(".")
        if relation:
            return self._through(relation, rest)
        known = self._object.by_lower().get(path.lower())
        if known is None:
            message = f"No such column '{path}' on entity '{self._object.name}'."
            raise SoqlError("INVALID_FIELD", message)
        name = known.name
        return lambda row: row.get(name)

    def _through(self, relation: str, field: str) -> Callable[[Row], Any]:
        for known in self._object.fields.values():
            if known.relation.lower() == relation.lower():
                return self._parent_value(known.name, known.targets, field)
        message = f"Didn't understand relationship '{relation}' in field path."
        raise SoqlError("INVALID_FIELD", message)

    def _parent_value(
        self, column: str, targets: tuple[str, ...], field: str
    ) -> Callable[[Row], Any]:
        def get(row: Row) -> Any:
            for target in targets:
                found = self._store.get(target, row.get(column) or "")
                if found is not None:
                    return found.get(field)
            return None

        return get

    def _by_index(self) -> list[Row] | None:
        """Rows by a unique key, an id or a parent, where the condition begins with one."""
        items = self._tokens._items[self._tokens._at :]
        if len(items) < 3 or "OR" in (each.upper() for each in items):
            return None
        known = self._object.by_lower().get(items[0].lower())
        if known is None or items[1].upper() not in ("=", "IN"):
            return None
        values = [_unquote(each) for each in items[2:] if each.startswith("'")]
        if items[1] == "=":
            values = values[:1]
        elif items.count(")") > 1:
            return None
        else:
            values = values[: items.index(")") - 2]
        return self._found(known.name, known.external_id, values)

    def _found(self, column: str, unique: bool, values: list[str]) -> list[Row] | None:
        name, store = self._object.name, self._store
        if unique and not self._all_rows:
            ids = [store.unique_id(name, column, value) for value in values]
        elif column == "Id":
            ids = list(values)
        elif column == "ParentId":
            ids = [each for value in values for each in store.children(name, value)]
        else:
            return None
        rows = [store.get(name, each) for each in ids if each]
        return [row for row in rows if row is not None]

    def _or(self) -> Test:
        tests = [self._and()]
        while self._tokens.take("OR"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda row: any(test(row) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._tokens.take("AND"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda row: all(test(row) for test in tests)

    def _not(self) -> Test:
        if self._tokens.take("NOT"):
            inner = self._not()
            return lambda row: not inner(row)
        if self._tokens.take("("):
            inside = self._or()
            self._tokens.need(")")
            return inside
        return self._comparison()

    def _comparison(self) -> Test:
        path = self._tokens.next()
        known = self._object.by_lower().get(path.lower())
        if known is not None and known.long:
            raise SoqlError("INVALID_FIELD", f"field '{path}' can not be filtered in a query call")
        get = self._getter(path)
        operator = self._tokens.next().upper()
        if operator == "NOT":
            self._tokens.need("IN")
            values = self._list()
            return lambda row: get(row) not in values
        if operator == "IN":
            values = self._list()
            return lambda row: get(row) in values
        value = self._literal(self._tokens.next())
        if operator == "LIKE":
            pattern = re.escape(str(value)).replace("%", ".*").replace("_", ".")
            like = re.compile(pattern, re.IGNORECASE | re.DOTALL)
            return lambda row: like.fullmatch(str(get(row) or "")) is not None
        return _compare(get, operator, value)

    def _list(self) -> set[Any]:
        self._tokens.need("(")
        values = {self._literal(self._tokens.next())}
        while self._tokens.take(","):
            values.add(self._literal(self._tokens.next()))
        self._tokens.need(")")
        return values

    def _literal(self, token: str) -> Any:
        if token.startswith("'"):
            return _unquote(token)
        plain = {"null": None, "true": True, "false": False}
        if token.lower() in plain:
            return plain[token.lower()]
        if re.fullmatch(r"-?\d+(\.\d+)?", token):
            return float(token)
        if re.match(r"\d{4}-\d\d-\d\dT", token):
            return re.sub(r"(\.\d+)?Z$", ".000+0000", token)
        if re.fullmatch(r"\d{4}-\d\d-\d\d", token):
            return token
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{token}'")

    def _order(self, rows: list[Row]) -> list[Row]:
        tokens = self._tokens
        if tokens.take("ORDER"):
            tokens.need("BY")
            get = self._getter(tokens.next())
            down = tokens.take("DESC")
            tokens.take("ASC")
            if tokens.take("NULLS"):
                tokens.next()
            rows = sorted(
                rows, key=lambda row: (get(row) is not None, get(row) or ""), reverse=down
            )
        limit = int(tokens.next()) if tokens.take("LIMIT") else None
        skip = int(tokens.next()) if tokens.take("OFFSET") else 0
        if tokens.peek():
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{tokens.peek()}'")
        return rows[skip : skip + limit if limit is not None else None]


def _compare(get: Callable[[Row], Any], operator: str, value: Any) -> Test:
    if operator == "=":
        return lambda row: _equal(get(row), value)
    if operator in ("!=", "<>"):
        return lambda row: not _equal(get(row), value)
    orders: dict[str, Callable[[Any, Any], bool]] = {
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    if operator not in orders:
        raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{operator}'")
    order = orders[operator]

    def test(row: Row) -> bool:
        found = get(row)
        return found is not None and type(found) is type(value) and order(found, value)

    return test


def _equal(found: Any, value: Any) -> bool:
    if isinstance(found, str) and isinstance(value, str):
        return found.lower() == value.lower()
    return bool(found == value)


def _unquote(token: str) -> str:
    return re.sub(
        r"\\(.)", lambda m: {"n": "\n", "r": "\r", "t": "\t"}.get(m[1], m[1]), token[1:-1]
    )


def run_query(store: Store, soql: str, *, all_rows: bool = False) -> QueryResult:
    """Run a query; raises `SoqlError` with the platform's code."""
    return Query(store, soql, all_rows=all_rows).run()
