"""The records of the stand-in: inserts and updates with all their rules, unique keys, the bin."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

from simulators.salesforce.dependence import refuse_pairs
from simulators.salesforce.effects import Effect, EffectLog
from simulators.salesforce.files import FILE_RULES
from simulators.salesforce.ids import IdMaker
from simulators.salesforce.intake import Intake, Ready
from simulators.salesforce.journal import Journal, Transaction
from simulators.salesforce.keys import claim, doubled
from simulators.salesforce.outcomes import BadValue, FieldError, Outcome, WriteContext
from simulators.salesforce.reading import Reader
from simulators.salesforce.rules import RULES, Rules
from simulators.salesforce.schema import Schema
from simulators.salesforce.shelves import Record, Shelf
from simulators.salesforce.tables import NO_BIN

__all__ = ["FieldError", "Outcome", "Store", "WriteContext"]
_NO_RULES = Rules()
_RULES = RULES | FILE_RULES


class Store:
    """All records. Rows are checked in the order of the real thing: fields, references, unique keys."""

    def __init__(
        self,
        schema: Schema,
        *,
        clock: Callable[[], float],
        effects: EffectLog,
        running_user: str = "",
        short_duplicate_ids: bool = False,
        refuse_pairs: bool = False,
        inactive_owner: bool = True,
    ) -> None:
        self.schema = schema
        self.clock = clock
        self.effects = effects
        self.ids = IdMaker()
        self.case_numbers = count(1)
        self.blobs: dict[str, bytes] = {}
        self.running_user = running_user
        self.inside_mail = False  # whether an e-mail's own lists of people are being taken in
        self.short_duplicate_ids = short_duplicate_ids
        self.refuse_pairs = refuse_pairs
        self._shelves = {name: Shelf(each) for name, each in schema.objects.items()}
        self._reader = Reader(schema, self._shelves, inactive_owner=inactive_owner)
        self._intake = Intake(self._reader)
        self._journal = Journal(effects)
        self._now = (-1, "")
        self.access_lag_s = 0.0
        self._access_due: float | None = None

    def reshape(self) -> None:
        """Take a changed schema in: new objects, fields that came, went, or are seen now."""
        self._access_due = None
        assigned = {
            row["PermissionSetId"]
            for row in self._shelves["PermissionSetAssignment"].records.values()
            if row["AssigneeId"] == self.running_user and not row["IsDeleted"]
        }
        sets = self._shelves["PermissionSet"].records
        self.schema.show(sets[each]["Name"] for each in assigned if each in sets)
        for name in [name for name in self._shelves if name not in self.schema.objects]:
            del self._shelves[name]
        for name, definition in self.schema.objects.items():
            if name in self._shelves:
                self._shelves[name].reindex()
            else:
                self._shelves[name] = Shelf(definition)
        self._reader.forget()

    def access_changed(self) -> None:
        """Permissions changed: what is seen changes when the caches have caught up (facts, 8.2)."""
        if not self.access_lag_s:
            self.reshape()
        elif self._access_due is None:
            self._access_due = self.clock() + self.access_lag_s

    def catch_up(self) -> None:
        """Let a change of permissions that is due come into force."""
        if self._access_due is not None and self.clock() >= self._access_due:
            self.reshape()

    def now(self) -> str:
        """The moment as records store it."""
        second = int(self.clock())
        if second != self._now[0]:
            moment = datetime.fromtimestamp(second, UTC)
            self._now = (second, f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000")
        return self._now[1]

    def shelf(self, name: str) -> Shelf:
        """The records of an object as they are kept; to be read only."""
        return self._shelves[name]

    def get(self, name: str, record_id: str) -> Record | None:
        """A copy of a record, with all its fields, by its id of 15 or 18 characters; None when it
        is not there or in the bin.
        """
        shelf = self._shelves[name]
        record = shelf.find(record_id)
        if record is None or record["IsDeleted"]:
            return None
        return {**dict.fromkeys(shelf.definition.fields), **record}

    def dump(self, name: str) -> Iterator[Record]:
        """A copy of every record of an object, deleted ones too."""
        for record in self._shelves[name].records.values():
            yield dict(record)

    def children(self, name: str, parent_id: str) -> list[str]:
        """Ids of the records of an object whose ParentId is `parent_id`, deleted ones too."""
        return self._shelves[name].children("ParentId", parent_id)

    def unique_id(self, name: str, column: str, value: str) -> str | None:
        """The id of the record that carries a unique value."""
        return self._shelves[name].holder(column, value)

    def seed(self, name: str, values: Mapping[str, Any]) -> str:
        """Put a record in without checks; for what an org has before anyone migrates."""
        return str(self._put(name, values)["Id"])

    def place(self, name: str, values: Mapping[str, Any], context: WriteContext) -> str:
        """Put a record in that the platform makes by itself, as an effect of what `context` did."""
        record = self._put(name, values)
        shelf = self._shelves[name]
        self._journal.undoable(partial(shelf.drop, record))
        self._note("insert", shelf, record, context)
        return str(record["Id"])

    def touch(self, name: str, record_id: str, changes: Mapping[str, Any]) -> None:
        """Change a record as the platform does by itself: no checks, no effect of its own."""
        shelf = self._shelves[name]
        record = shelf.records[record_id]
        stamped = {**changes, "SystemModstamp": self.now()}
        old = shelf.change(record, stamped)
        self._journal.undoable(partial(shelf.change, record, old))

    def _put(self, name: str, values: Mapping[str, Any]) -> Record:
        shelf = self._shelves[name]
        record_id = str(values.get("Id") or self.ids.new(shelf.definition.prefix))
        now = self.now()
        record = {
            **dict.fromkeys(shelf.definition.fields),
            **shelf.definition.defaults,
            "CreatedDate": now,
            "LastModifiedDate": now,
            "SystemModstamp": now,
            "CreatedById": self.running_user or record_id,
            "LastModifiedById": self.running_user or record_id,
            **values,
            "Id": record_id,
        }
        shelf.put(record)
        return record

    def transaction(self) -> AbstractContextManager[Transaction]:
        """All writes inside stay or go together: set `cancelled` to take them back."""
        return self._journal.transaction()

    def chunk(
        self,
        name: str,
        rows: Sequence[Mapping[str, Any]],
        operation: str,
        context: WriteContext,
        *,
        external_field: str = "",
    ) -> list[Outcome]:
        """Write up to 200 rows as one transaction, each row for itself.

        `operation` is insert, update, upsert (by `external_field`), delete or hardDelete (rows
        with an Id). A unique key that occurs twice inside the chunk fails all rows that carry it
        (facts, 3.9). Rows do not see each other: all are read before the first is written.
        """
        if operation in ("delete", "hardDelete"):
            hard = operation == "hardDelete"
            return [self.delete(name, str(row.get("Id") or ""), context, hard=hard) for row in rows]
        shelf = self._shelves[name]
        refused = (
            doubled(self._reader, shelf, rows, external_field)
            if operation in ("insert", "upsert")
            else {}
        )
        made: list[Ready | Outcome] = []
        for number, row in enumerate(rows):
            if number in refused:
                made.append(Outcome(errors=(refused[number],)))
            else:
                made.append(self._intake.ready(shelf, row, operation, external_field))
        return [
            each if isinstance(each, Outcome) else self._write(shelf, each, context)
            for each in made
        ]

    def insert(self, name: str, values: Mapping[str, Any], context: WriteContext) -> Outcome:
        """Insert a row; `None` clears, an absent name takes the default.

        Names are taken in any case; `Account.Ext__c` and `Contact:Who.Ext__c` name a parent by a
        key of its own.
        """
        return self._one(name, values, "insert", "", context)

    def update(self, name: str, values: Mapping[str, Any], context: WriteContext) -> Outcome:
        """Change a record by its Id."""
        return self._one(name, values, "update", "", context)

    def upsert(
        self, name: str, external_field: str, values: Mapping[str, Any], context: WriteContext
    ) -> Outcome:
        """Change the record that carries the row's key, or insert one (facts, 5.1)."""
        return self._one(name, values, "upsert", external_field, context)

    def delete(
        self, name: str, record_id: str, context: WriteContext, *, hard: bool = False
    ) -> Outcome:
        """Move a record to the bin, or past it if `hard`, with the records that go with it.

        Its keys are free again.
        """
        shelf = self._shelves[name]
        try:
            record = self._intake.target(shelf, record_id, "delete", binned=hard)
            _RULES.get(name, _NO_RULES).remove(self, record)
        except BadValue as bad:
            return Outcome(errors=(bad.error(),))
        self._bin(shelf, record, context, hard=hard)
        return Outcome(record["Id"])

    def _one(
        self,
        name: str,
        values: Mapping[str, Any],
        operation: str,
        key: str,
        context: WriteContext,
    ) -> Outcome:
        shelf = self._shelves[name]
        ready = self._intake.ready(shelf, values, operation, key)
        return ready if isinstance(ready, Outcome) else self._write(shelf, ready, context)

    def _write(self, shelf: Shelf, ready: Ready, context: WriteContext) -> Outcome:
        rules = _RULES.get(shelf.definition.name, _NO_RULES)
        try:
            if rules.after is None or (
                rules.after_columns and rules.after_columns.isdisjoint(ready[1])
            ):
                return self._save(shelf, rules, ready, context)[1]
            with self.transaction():
                record, outcome = self._save(shelf, rules, ready, context)
                rules.after(self, record, context)
                return outcome
        except BadValue as bad:
            return Outcome(ready[0]["Id"] if ready[0] else "", errors=(bad.error(),))

    def _save(
        self, shelf: Shelf, rules: Rules, ready: Ready, context: WriteContext
    ) -> tuple[Record, Outcome]:
        record, values = ready
        whole = values if record is None else {**record, **values}
        if self.refuse_pairs:
            refuse_pairs(shelf.definition, whole, values)
        if shelf.definition.natural and (twin := shelf.twin(whole)):
            return shelf.records[twin], rules.again(whole, twin)
        if record is None:
            claim(shelf, values, None, short_ids=self.short_duplicate_ids)
            record = self._completed(shelf, rules, values)
            shelf.put(record)
            if self._journal.open:
                self._journal.undoable(partial(shelf.drop, record))
            self._note("insert", shelf, record, context)
            return record, Outcome(record["Id"], created=True)
        rules.change(self, record, values)
        claim(shelf, values, record["Id"], short_ids=self.short_duplicate_ids)
        values["LastModifiedDate"] = values["SystemModstamp"] = self.now()
        values["LastModifiedById"] = self.running_user
        old = shelf.change(record, values)
        self._journal.undoable(partial(shelf.change, record, old))
        self._note("update", shelf, record, context)
        return record, Outcome(record["Id"])

    def _completed(self, shelf: Shelf, rules: Rules, values: Record) -> Record:
        """A record with what the platform sets itself."""
        definition = shelf.definition
        now = self.now()
        created = values.get("CreatedDate") or now
        creator = values.get("CreatedById") or self.running_user
        record = {
            **definition.defaults,
            "Id": self.ids.new(definition.prefix),
            "CreatedDate": created,
            "CreatedById": creator,
            "LastModifiedDate": created,
            "LastModifiedById": creator,
            **values,
            "SystemModstamp": now,
        }
        if definition.owned:
            record["OwnerId"] = record.get("OwnerId") or self.running_user
        rules.complete(self, record)
        return record

    def _bin(self, shelf: Shelf, record: Record, context: WriteContext, *, hard: bool) -> None:
        hard = hard or shelf.definition.name in NO_BIN
        for name, column in self.schema.dependants.get(shelf.definition.name, ()):
            child_shelf = self._shelves[name]
            for child_id in child_shelf.children(column, record["Id"]):
                child = child_shelf.records.get(child_id)
                if child is not None and (hard or not child["IsDeleted"]):
                    self._bin(child_shelf, child, context, hard=hard)
        if hard:
            shelf.drop(record)
            self._journal.undoable(partial(shelf.put, record))
        else:
            shelf.bin(record)
            record["SystemModstamp"] = self.now()
            self._journal.undoable(partial(shelf.unbin, record))
        self._note("delete", shelf, record, context)
        _RULES.get(shelf.definition.name, _NO_RULES).removed(self, record)

    def _note(self, op: str, shelf: Shelf, record: Record, context: WriteContext) -> None:
        key = record.get("Kustomer_Id__c")
        effect = Effect(op, shelf.definition.name, record["Id"], key, context.source, context.job)
        self._journal.note(effect)
