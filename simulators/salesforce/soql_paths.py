"""Field paths of a query: fields of the object and of its parents."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.schema import FieldDef, ObjectDef
from simulators.salesforce.soql_tokens import SoqlError
from simulators.salesforce.store import Store

Row = dict[str, Any]
_LEVELS = 5


@dataclass(frozen=True)
class Path:
    """A field as a query names it: how to get its value, and the field at the end.

    `spelling` is the whole path in the schema's own letters; `relations` are the names on the
    way; `parent` tells whether the last of them is there.
    """

    spelling: str
    field: FieldDef
    get: Callable[[Row], Any]
    relations: tuple[str, ...] = ()
    parent: Callable[[Row], bool] = lambda row: True


def read_path(store: Store, definition: ObjectDef, spelling: str) -> Path:
    """Work out a path; raises `SoqlError` for what is not there, or not for the running user."""
    *relations, name = spelling.split(".")
    if len(relations) > _LEVELS:
        raise SoqlError("INVALID_FIELD", f"'{spelling}' goes over more than {_LEVELS} levels.")
    finders: list[Callable[[Row], Row | None]] = []
    names = []
    targets: tuple[str, ...] = (definition.name,)
    for relation in relations:
        known = _relation(store, targets, relation)
        finders.append(_finder(store, known))
        names.append(known.relation)
        targets = known.targets
    field = _field(store, targets, name)
    column = field.name
    if not finders:
        return Path(column, field, lambda row: row.get(column))

    def parent(row: Row) -> Row | None:
        found: Row | None = row
        for finder in finders:
            found = finder(found) if found is not None else None
        return found

    def get(row: Row) -> Any:
        found = parent(row)
        return None if found is None else found.get(column)

    whole = ".".join([*names, column])
    return Path(whole, field, get, tuple(names), lambda row: parent(row) is not None)


def _relation(store: Store, targets: tuple[str, ...], relation: str) -> FieldDef:
    for target in targets:
        known = store.schema.objects[target].by_relation(relation)
        if known is not None:
            return known
    message = f"Didn't understand relationship '{relation}' in field path."
    raise SoqlError("INVALID_FIELD", message)


def _field(store: Store, targets: tuple[str, ...], name: str) -> FieldDef:
    for target in targets:
        known = store.schema.objects[target].by_lower().get(name.lower())
        if known is not None:
            return known
    raise SoqlError("INVALID_FIELD", f"No such column '{name}' on entity '{targets[0]}'.")


def _finder(store: Store, known: FieldDef) -> Callable[[Row], Row | None]:
    shelves = [store.shelf(target) for target in known.targets]
    column = known.name

    def find(row: Row) -> Row | None:
        record_id = row.get(column)
        for shelf in shelves if record_id else ():
            found = shelf.records.get(record_id)  # type: ignore[arg-type]
            if found is not None:
                return None if found["IsDeleted"] else found
        return None

    return find
