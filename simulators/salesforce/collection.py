"""Collections: up to 200 records in one call, the results in their order (facts, 5.2)."""

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from simulators.salesforce.bodies import values_of
from simulators.salesforce.calls import Answer, Call, Refused, result
from simulators.salesforce.outcomes import BadValue, FieldError, Outcome
from simulators.salesforce.records import REST, Records
from simulators.salesforce.schema import ObjectDef
from simulators.salesforce.store import Store

MOST_RECORDS, MOST_READ, MOST_CHUNKS = 200, 2_000, 10
_ROLLED_BACK = FieldError(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone "
    "header",
)
_Row = tuple[ObjectDef, Any]


class Collection:
    """The resources under `composite/sobjects`. Records of one kind that follow each other are
    one chunk, which is a transaction of its own.
    """

    def __init__(self, store: Store, records: Records) -> None:
        self._store = store
        self._records = records

    def create(self, call: Call) -> Answer:
        """Insert records."""
        return self._write(call, "insert")

    def change(self, call: Call) -> Answer:
        """Change records by their ids."""
        return self._write(call, "update")

    def upsert(self, call: Call, name: str, field: str) -> Answer:
        """Change the records that keys name, or insert them."""
        definition = self._records.definition(name)
        known = definition.by_lower().get(field.lower())
        if known is None or not known.id_lookup:
            message = f"Provided external ID field does not exist or is not accessible: {field}"
            raise Refused(404, "NOT_FOUND", message)
        return self._write(call, "upsert", known.name, definition)

    def delete(self, call: Call) -> Answer:
        """Delete records by their ids."""
        ids = [each for each in call.params.get("ids", "").split(",") if each]
        if not ids or len(ids) > MOST_RECORDS:
            raise _too_many() if ids else _no_input("ids")
        rows = [(self._store.schema.by_prefix(each), each) for each in ids]

        def write(definition: ObjectDef | None, chunk: list[str]) -> list[Outcome]:
            if definition is None:
                bad = [FieldError("MALFORMED_ID", f"malformed id {each[:40]}") for each in chunk]
                return [Outcome(errors=(error,)) for error in bad]
            wanted = [{"Id": each} for each in chunk]
            return self._store.chunk(definition.name, wanted, "delete", REST)

        strict = call.params.get("allOrNone", "").lower() == "true"
        return self._answer(self._chunks(rows, write, strict=strict))

    def read(self, call: Call, name: str) -> Answer:
        """Read records by their ids; null for those that are not there."""
        ids = call.params.get("ids", "").split(",")
        return self._read(call, name, ids, call.params.get("fields", "").split(","))

    def read_by_post(self, call: Call, name: str) -> Answer:
        """Read records, the ids and fields in the body."""
        asked = call.record()
        ids, fields = asked.get("ids"), asked.get("fields")
        if not (isinstance(ids, list) and isinstance(fields, list)):
            raise _no_input("ids" if not isinstance(ids, list) else "fields")
        return self._read(call, name, [str(i) for i in ids], [str(f) for f in fields])

    def _read(self, call: Call, name: str, ids: list[str], fields: list[str]) -> Answer:
        definition = self._records.definition(name)
        wanted = [each for each in fields if each]
        if not wanted:
            raise _no_input("fields")
        if len(ids) > MOST_READ:
            raise _too_many(MOST_READ)
        return Answer(200, [self._records.shown(call, definition, i, wanted) for i in ids])

    def _write(
        self, call: Call, operation: str, key: str = "", only: ObjectDef | None = None
    ) -> Answer:
        asked = call.record()
        records = asked.get("records")
        if not isinstance(records, list) or not records:
            raise _no_input("records")
        if len(records) > MOST_RECORDS:
            raise _too_many()
        rows = [self._row(each, only) for each in records]

        def write(definition: ObjectDef, chunk: list[Any]) -> list[Outcome]:
            read = [each for each in chunk if not isinstance(each, Outcome)]
            written = iter(
                self._store.chunk(definition.name, read, operation, REST, external_field=key)
            )
            return [each if isinstance(each, Outcome) else next(written) for each in chunk]

        outcomes = self._chunks(rows, write, strict=asked.get("allOrNone") is True)
        return self._answer(outcomes, created=operation == "upsert")

    def _row(self, record: Any, only: ObjectDef | None) -> _Row:
        """A record's kind and its values, or the outcome where it cannot be read."""
        if not isinstance(record, dict):
            raise Refused(400, "JSON_PARSER_ERROR", "A record is not a JSON object.")
        marks = record.get("attributes")
        kind = marks.get("type") if isinstance(marks, dict) else None
        found = self._store.schema.find(kind) if isinstance(kind, str) else only
        if found is None or (only is not None and found is not only):
            raise Refused(400, "INVALID_TYPE", f"sObject type '{kind}' is not supported.")
        try:
            return found, values_of(found, record)
        except BadValue as bad:
            return found, Outcome(errors=(bad.error(),))

    def _chunks(
        self,
        rows: Iterable[tuple[Any, Any]],
        write: Callable[[Any, list[Any]], list[Outcome]],
        *,
        strict: bool,
    ) -> list[Outcome]:
        """Write the rows kind by kind; all or none of them if `strict`."""
        groups = [
            (kind, [row for _, row in group])
            for kind, group in groupby(rows, key=lambda row: row[0])
        ]
        if len(groups) > MOST_CHUNKS:
            message = f"A request holds at most {MOST_CHUNKS} runs of one object type."
            raise Refused(400, "LIMIT_EXCEEDED", message)
        with self._store.transaction() as transaction:
            outcomes = [each for kind, chunk in groups for each in write(kind, chunk)]
            transaction.cancelled = strict and not all(each.success for each in outcomes)
        if not transaction.cancelled:
            return outcomes
        return [Outcome(errors=(_ROLLED_BACK,)) if each.success else each for each in outcomes]

    def _answer(self, outcomes: list[Outcome], *, created: bool = False) -> Answer:
        return Answer(200, [result(each, created=created) for each in outcomes])


def _no_input(name: str) -> Refused:
    return Refused(400, "JSON_PARSER_ERROR", f"The list '{name}' is missing or empty.")


def _too_many(most: int = MOST_RECORDS) -> Refused:
    message = f"record limit reached. cannot submit more than {most} records in this call"
    return Refused(400, "EXCEEDED_ID_LIMIT", message)
