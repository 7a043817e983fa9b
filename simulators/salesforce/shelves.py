"""The records of one object, and the indexes by which they are found."""

from collections.abc import Iterable, Mapping
from typing import Any

from simulators.salesforce.ids import whole
from simulators.salesforce.schema import ObjectDef

Record = dict[str, Any]


class Shelf:
    """Records of one object by id, by unique key, by look-up value, by parent.

    A record in the bin keeps its parent, and gives its keys back.
    """

    def __init__(self, definition: ObjectDef) -> None:
        self.definition = definition
        self.records: dict[str, Record] = {}
        self._unique: dict[str, dict[str, str]] = {column: {} for column in definition.unique}
        self._children: dict[str, dict[str, dict[str, None]]] = {
            column: {} for column in definition.parents
        }
        self._lookups: dict[str, dict[str, dict[str, None]]] = {}
        self._twins: dict[tuple[str, ...], str] = {}
        self._indexed = {*definition.unique, *definition.parents, *definition.natural}

    def reindex(self) -> None:
        """Begin the indexes anew: the fields of the object have changed."""
        records = self.records
        Shelf.__init__(self, self.definition)
        for record in records.values():
            self.put(record)

    def find(self, record_id: str) -> Record | None:
        """A record by its id of 15 or 18 characters, in the bin or not."""
        return self.records.get(record_id) or self.records.get(whole(record_id))

    def holder(self, column: str, value: str) -> str | None:
        """The id of the record that carries a unique value, in whatever case."""
        return self._unique[column].get(value.lower())

    def holders(self, column: str, value: str) -> list[str]:
        """Ids of the records that a unique key, an id or a look-up field names."""
        if column == "Id":
            found = self.find(value)
            return [] if found is None or found["IsDeleted"] else [found["Id"]]
        if column in self._unique:
            held = self.holder(column, value)
            return [] if held is None else [held]
        if column not in self._lookups:
            self._build_lookup(column)
        return list(self._lookups[column].get(value.lower(), ()))

    def children(self, column: str, parent_id: str) -> list[str]:
        """Ids of the records whose reference is `parent_id`, those in the bin too."""
        return list(self._children[column].get(parent_id, ()))

    def twin(self, record: Mapping[str, Any]) -> str | None:
        """The id of a record with the same natural key; None without one, or for its own."""
        held = self._twins.get(_pair(record, self.definition.natural))
        return None if held == record.get("Id") else held

    def put(self, record: Record) -> None:
        """Add a record."""
        self.records[record["Id"]] = record
        self._adopt(record)
        if not record["IsDeleted"]:
            self._enter(record)

    def change(self, record: Record, changes: Mapping[str, Any]) -> Record:
        """Change a record that is not in the bin; returns the old values."""
        old = {column: record.get(column) for column in changes}
        if self._indexed.isdisjoint(changes):
            record.update(changes)
            return old
        self._leave(record)
        self._orphan(record)
        record.update(changes)
        self._adopt(record)
        self._enter(record)
        return old

    def bin(self, record: Record) -> None:
        """Move a record to the bin."""
        self._leave(record)
        record["IsDeleted"] = True

    def unbin(self, record: Record) -> None:
        """Take a record out of the bin."""
        record["IsDeleted"] = False
        self._enter(record)

    def drop(self, record: Record) -> None:
        """Forget a record entirely."""
        if not record["IsDeleted"]:
            self._leave(record)
        self._orphan(record)
        del self.records[record["Id"]]

    def _build_lookup(self, column: str) -> None:
        index = self._lookups[column] = {}
        self._indexed.add(column)
        for record in self.records.values():
            if not record["IsDeleted"] and record.get(column):
                index.setdefault(str(record[column]).lower(), {})[record["Id"]] = None

    def _enter(self, record: Record) -> None:
        record_id = record["Id"]
        for column, keys in self._unique.items():
            value = record.get(column)
            if value:
                keys[value.lower()] = record_id
        for column, value in self._values(record, self._lookups):
            self._lookups[column].setdefault(value.lower(), {})[record_id] = None
        if self.definition.natural and (pair := _pair(record, self.definition.natural)):
            self._twins[pair] = record_id

    def _leave(self, record: Record) -> None:
        record_id = record["Id"]
        for column, value in self._values(record, self._unique):
            if self._unique[column].get(value.lower()) == record_id:
                del self._unique[column][value.lower()]
        for column, value in self._values(record, self._lookups):
            self._lookups[column].get(value.lower(), {}).pop(record_id, None)
        if self.definition.natural:
            pair = _pair(record, self.definition.natural)
            if self._twins.get(pair) == record_id:
                del self._twins[pair]

    def _adopt(self, record: Record) -> None:
        for column, index in self._children.items():
            value = record.get(column)
            if value:
                index.setdefault(value, {})[record["Id"]] = None

    def _orphan(self, record: Record) -> None:
        for column, value in self._values(record, self._children):
            self._children[column].get(value, {}).pop(record["Id"], None)

    @staticmethod
    def _values(record: Record, columns: Iterable[str]) -> list[tuple[str, str]]:
        return [(column, str(record[column])) for column in columns if record.get(column)]


def _pair(record: Mapping[str, Any], columns: tuple[str, ...]) -> tuple[str, ...]:
    """The natural key of a record; empty when a part of it is."""
    values = [record.get(column) for column in columns]
    return tuple(str(value).lower() for value in values) if all(values) else ()
