"""Taking in one row: which record it means, and what it sets."""

from collections.abc import Mapping
from typing import Any

from simulators.salesforce.outcomes import BadValue, Outcome
from simulators.salesforce.reading import Reader
from simulators.salesforce.shelves import Record, Shelf

# A row that passed its checks: the record it changes, or None, and the values as stored.
Ready = tuple[Record | None, Record]


class Intake:
    """Finds records by id or by an upsert's key, and reads rows. Changes nothing."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def ready(
        self, shelf: Shelf, values: Mapping[str, Any], operation: str, key: str
    ) -> Ready | Outcome:
        """What a row is to become, or why it is refused. `key` is the field of an upsert."""
        definition = shelf.definition
        try:
            if operation == "upsert":
                return self._by_key(shelf, values, key)
            if operation == "insert":
                definition.allow("insert")
                return None, self._reader.read(definition, values, "insert")
            record = self.target(shelf, str(values.get("Id") or ""), "update")
            rest = {column: value for column, value in values.items() if column != "Id"}
            return record, self._reader.read(definition, rest, "update")
        except BadValue as bad:
            return Outcome(str(values.get("Id") or ""), errors=(bad.error(),))

    def target(
        self, shelf: Shelf, record_id: str, operation: str, *, binned: bool = False
    ) -> Record:
        """The record that an id names; raises `BadValue`. `binned`: it may be in the bin."""
        if not record_id:
            raise BadValue("MISSING_ARGUMENT", f"Id not specified in an {operation} call")
        if len(record_id) not in (15, 18) or not record_id.startswith(shelf.definition.prefix):
            text = f"{shelf.definition.name} ID: id value of incorrect type: {record_id[:40]}"
            raise BadValue("MALFORMED_ID", text, "Id")
        record = shelf.find(record_id)
        if record is None:
            raise BadValue("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        if record["IsDeleted"] and not binned:
            raise BadValue("ENTITY_IS_DELETED", "entity is deleted")
        shelf.definition.allow(operation)
        return record

    def _by_key(self, shelf: Shelf, values: Mapping[str, Any], key: str) -> Ready:
        """The record that an upsert changes, if one is there."""
        definition = shelf.definition
        rest = {column: v for column, v in values.items() if column.lower() != key.lower()}
        value = next((v for column, v in values.items() if column not in rest), None)
        if value is None or value == "":
            if key != "Id":
                raise BadValue("MISSING_ARGUMENT", f"{key} not specified")
            definition.allow("insert")
            return None, self._reader.read(definition, rest, "upsert")
        if key == "Id":
            record = self.target(shelf, str(value), "update")
            return record, self._reader.read(definition, rest, "update")
        ids = shelf.holders(key, str(value))
        if len(ids) > 1:
            text = f"{key}: more than one record found for external id field: [{', '.join(ids)}]"
            raise BadValue("DUPLICATE_EXTERNAL_ID", text, key)
        definition.allow("update" if ids else "insert")
        if ids:
            return shelf.records[ids[0]], self._reader.read(definition, rest, "update")
        return None, self._reader.read(definition, values, "upsert")
