"""What the columns of an upload mean: fields, and parents named by a key (facts, 3.6)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.salesforce.reading import Reader
from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.store import Store
from simulators.salesforce.upload import JobFailure

NULL = "#N/A"
Values = dict[str, Any]
# People and queues are not locked by the rows that they own.
_NEVER_LOCKED = frozenset({"User", "Group", "Profile"})


@dataclass(frozen=True)
class Parent:
    """A column that names a record: by its id, or by a key of one of the targets."""

    column: str
    targets: tuple[str, ...]
    key: str


@dataclass(frozen=True)
class Columns:
    """The columns of one job by the names that the store takes, and those that lock a record."""

    names: tuple[str, ...]
    locking: tuple[Parent, ...]

    def values(self, row: Sequence[str]) -> Values:
        """The values of a row: an empty cell is absent, `#N/A` is None (facts, 3.5)."""
        return {
            name: None if cell == NULL else cell
            for name, cell in zip(self.names, row, strict=True)
            if cell
        }

    def locked(self, store: Store, values: Values) -> Iterator[str]:
        """The ids, of 15 characters, that a row locks: its parents, and itself if it is there."""
        for parent in self.locking:
            given = values.get(parent.column)
            if not given:
                continue
            if parent.key == "Id":
                yield given[:15]
            for target in parent.targets if parent.key != "Id" else ():
                yield from (each[:15] for each in store.shelf(target).holders(parent.key, given))


def read_header(
    store: Store, definition: ObjectDef, operation: str, header: Sequence[str]
) -> Columns:
    """Work out a header. Raises `JobFailure` for a column that no field answers to.

    A field without access for the running user does not exist here either.
    """
    if operation in ("delete", "hardDelete") and [each.lower() for each in header] != ["id"]:
        raise JobFailure(f"InvalidBatch : The '{operation}' batch must contain only ids")
    shelves = {name: store.shelf(name) for name in store.schema.objects}
    reader = Reader(store.schema, shelves, inactive_owner=True)
    known = definition.by_lower()
    names: list[str] = []
    for column in header:
        if not reader.knows(definition, column):
            raise JobFailure(f"InvalidBatch : Field name not found : {column}")
        names.append(known[column.lower()].name if column.lower() in known else column)
    if len({name.lower() for name in names}) != len(names):
        raise JobFailure("InvalidBatch : Field name is given more than once")
    parents = (_parent(store, definition, name) for name in names)
    return Columns(tuple(names), tuple(each for each in parents if each is not None))


def _parent(store: Store, definition: ObjectDef, column: str) -> Parent | None:
    """The record that a column of a known header names and locks, if it does."""
    path, dot, key = column.partition(".")
    prefix, _, relation = path.rpartition(":")
    field = definition.by_relation(relation) if dot else definition.fields[column]
    if column == "Id":
        return Parent(column, (definition.name,), "Id")
    if field is None or field.type != "reference" or _NEVER_LOCKED & set(field.targets):
        return None
    targets = tuple(t for t in field.targets if not prefix or t.lower() == prefix.lower())
    keys = store.schema.objects[targets[0]].by_lower()
    return Parent(column, targets, keys[key.lower()].name if dot else "Id")
