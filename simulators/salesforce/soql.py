"""A reader for the part of SOQL that loaders use, and its execution (facts, 5.4)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.shelves import Shelf
from simulators.salesforce.soql_paths import Path, Row, read_path
from simulators.salesforce.soql_select import Item, grouped, read_select, wanted_fields
from simulators.salesforce.soql_tokens import SoqlError, Tokens
from simulators.salesforce.soql_where import Condition, Where
from simulators.salesforce.store import Store
from simulators.salesforce.tables import TOOLING, TOOLING_ONLY

__all__ = ["Query", "QueryResult", "SoqlError", "run_query"]
# Queries on links must name records (facts, 6.3).
_MUST_NAME = {"ContentDocumentLink": ("Id", "ContentDocumentId", "LinkedEntityId")}
# What may be asked of assignments of topics without the permission to view all data (facts, 7.8).
_MOST_ASSIGNMENTS, _ONE_OF = 1100, ("Id", "EntityId")
_ALWAYS = Condition(lambda row: True)


@dataclass
class QueryResult:
    """Rows as (field path, value) dicts, in order; `total` for counts.

    A row whose parent is not there has the parent's relationship name too, with None.
    """

    object: str
    columns: list[str]
    rows: list[Row]
    total: int
    is_count: bool = False


class Query:
    """One query, parsed and run against a store."""

    def __init__(self, store: Store, soql: str, *, all_rows: bool, tooling: bool = False) -> None:
        self._store = store
        self._tokens = Tokens(soql)
        self._all_rows = all_rows
        self._tooling = tooling
        self._object: ObjectDef

    def run(self) -> QueryResult:
        """Parse and execute; raises `SoqlError`."""
        tokens = self._tokens
        tokens.need("SELECT")
        items = read_select(tokens)
        tokens.need("FROM")
        name = tokens.name()
        found = self._store.schema.find(name)
        if found is None or not self._offered(found.name):
            raise SoqlError("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        self._object = found
        where = Where(tokens, self._path).read() if tokens.take("WHERE") else _ALWAYS
        self._check_named(where)
        groups = self._listed() if tokens.take("GROUP", "BY") else []
        order = self._order() if tokens.take("ORDER", "BY") else lambda rows: rows
        window = self._window()
        self._check_few(where, window)
        shape = self._shape(items, groups)
        rows = [row for row in self._candidates(where) if self._seen(row) and where.test(row)]
        return shape(order(rows), window)

    def _offered(self, name: str) -> bool:
        """Whether the object is one of the door that was asked: Tooling, or the data."""
        return name in TOOLING if self._tooling else name not in TOOLING_ONLY

    def _path(self, spelling: str) -> Path:
        return read_path(self._store, self._object, spelling)

    def _seen(self, row: Row) -> bool:
        return self._all_rows or not row["IsDeleted"]

    def _listed(self) -> list[Path]:
        paths = [self._path(self._tokens.name())]
        while self._tokens.take(","):
            paths.append(self._path(self._tokens.name()))
        return paths

    def _check_named(self, where: Condition) -> None:
        needed = _MUST_NAME.get(self._object.name)
        if needed and not any(part.column in needed for part in where.named()):
            message = (
                f"Implementation restriction: {self._object.name} requires a filter by a single "
                f"Id on {', '.join(needed)} using the equals operator or multiple Id's using the "
                "IN operator."
            )
            raise SoqlError("MALFORMED_QUERY", message)

    def _check_few(self, where: Condition, window: slice) -> None:
        if self._object.name != "TopicAssignment" or _sees_all(self._store):
            return
        few = window.stop is not None and window.stop - window.start <= _MOST_ASSIGNMENTS
        one = any(part.column in _ONE_OF and len(part.values) == 1 for part in where.named())
        if not few and not one:
            message = (
                "Implementation restriction: TopicAssignment queries require a LIMIT of at most "
                f"{_MOST_ASSIGNMENTS}, or a filter on {' or '.join(_ONE_OF)} by the equals operator."
            )
            raise SoqlError("MALFORMED_QUERY", message)

    def _candidates(self, where: Condition) -> Iterable[Row]:
        """Rows by an id, a parent, or a key, where a condition names some; all rows otherwise."""
        shelf = self._store.shelf(self._object.name)
        for part in where.named():
            if all(isinstance(value, str) for value in part.values):
                ids = self._by_index(shelf, part.column, part.values)
                if ids is not None:
                    found = (shelf.records.get(each) for each in dict.fromkeys(ids))
                    return [row for row in found if row is not None]
        return list(shelf.records.values())

    def _by_index(self, shelf: Shelf, column: str, values: tuple[Any, ...]) -> Iterable[str] | None:
        definition = shelf.definition
        if column == "Id":
            return values
        if column in definition.parents:
            return [each for value in values for each in shelf.children(column, value)]
        # Records in the bin have given their keys back.
        if definition.fields[column].id_lookup and not self._all_rows:
            return [each for value in values for each in shelf.holders(column, value)]
        return None

    def _order(self) -> Callable[[list[Row]], list[Row]]:
        tokens = self._tokens
        keys: list[tuple[Path, bool, bool]] = []
        while not keys or tokens.take(","):
            path = self._path(tokens.name())
            if path.field.long:
                message = f"field '{path.spelling}' can not be sorted in a query call"
                raise SoqlError("INVALID_FIELD", message)
            down = tokens.take("DESC")
            if not down:
                tokens.take("ASC")
            nulls_last = tokens.take("NULLS", "LAST")
            if not nulls_last:
                tokens.take("NULLS", "FIRST")
            keys.append((path, down, nulls_last))

        def order(rows: list[Row]) -> list[Row]:
            for path, down, nulls_last in reversed(keys):
                empty = [row for row in rows if path.get(row) is None]
                full = [row for row in rows if path.get(row) is not None]
                full.sort(key=path.get, reverse=down)
                rows = full + empty if nulls_last else empty + full
            return rows

        return order

    def _window(self) -> slice:
        tokens = self._tokens
        limit = tokens.count() if tokens.take("LIMIT") else None
        skip = tokens.count() if tokens.take("OFFSET") else 0
        if tokens.peek():
            raise SoqlError("MALFORMED_QUERY", f"unexpected token: '{tokens.peek()}'")
        return slice(skip, None if limit is None else skip + limit)

    def _shape(
        self, items: list[Item], groups: list[Path]
    ) -> Callable[[list[Row], slice], QueryResult]:
        """How the rows found become the answer."""
        name = self._object.name
        if len(items) == 1 and items[0].is_count and not groups:
            return lambda rows, window: QueryResult(name, [], [], len(rows[window]), is_count=True)
        if groups or any(item.function and item.function != "FIELDS" for item in items):
            columns, group = grouped(items, groups, self._path)

            def aggregate(rows: list[Row], window: slice) -> QueryResult:
                made = group(rows)[window]
                return QueryResult("AggregateResult", columns, made, len(made))

            return aggregate
        paths = [self._path(each) for each in wanted_fields(items, self._object)]

        def plain(rows: list[Row], window: slice) -> QueryResult:
            shaped = [_shaped(row, paths) for row in rows[window]]
            return QueryResult(name, [path.spelling for path in paths], shaped, len(shaped))

        return plain


def _sees_all(store: Store) -> bool:
    granted = store.shelf("UserPermissionAccess").records.values()
    return all(each["PermissionsViewAllData"] is not False for each in granted)


def _shaped(row: Row, paths: list[Path]) -> Row:
    made = {}
    for path in paths:
        made[path.spelling] = path.get(row)
        if path.relations and not path.parent(row):
            made[".".join(path.relations)] = None
    return made


def run_query(
    store: Store, soql: str, *, all_rows: bool = False, tooling: bool = False
) -> QueryResult:
    """Run a query, of the data or of the Tooling API; raises `SoqlError` with the platform's code."""
    return Query(store, soql, all_rows=all_rows, tooling=tooling).run()
