"""The records of the stand-in: inserts and updates with all their rules, unique keys, the bin."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from simulators.salesforce.effects import Effect, EffectLog
from simulators.salesforce.ids import IdMaker, with_checksum
from simulators.salesforce.schema import FieldDef, ObjectDef, Schema
from simulators.salesforce.values import BadValue, Check, checker


@dataclass(frozen=True)
class FieldError:
    """Why a row was refused."""

    status_code: str
    message: str
    fields: tuple[str, ...] = ()

    def bulk_text(self) -> str:
        """The form in which bulk results tell it (facts, 3.9)."""
        return f"{self.status_code}:{self.message}:{','.join(self.fields)}{' ' if self.fields else ''}--"


@dataclass(frozen=True)
class Outcome:
    """What became of one row."""

    record_id: str = ""
    created: bool = False
    errors: tuple[FieldError, ...] = ()

    @property
    def success(self) -> bool:
        """True when nothing was refused."""
        return not self.errors


@dataclass(frozen=True)
class WriteContext:
    """Who writes: `rest` or `bulk`, and the job's id."""

    source: str
    job: str = ""


@dataclass
class _Table:
    definition: ObjectDef
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    unique: dict[str, dict[str, str]] = field(default_factory=dict)
    by_parent: dict[str, list[str]] = field(default_factory=dict)


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
    ) -> None:
        self.schema = schema
        self.clock = clock
        self.effects = effects
        self.ids = IdMaker()
        self.running_user = running_user
        self.short_duplicate_ids = short_duplicate_ids
        self._tables = {name: _Table(each) for name, each in schema.objects.items()}
        self._plans: dict[tuple[str, tuple[str, ...], str], list[Any]] = {}

    def now(self) -> str:
        """The moment as records store it."""
        return f"{datetime.fromtimestamp(self.clock(), UTC):%Y-%m-%dT%H:%M:%S}.000+0000"

    def get(self, name: str, record_id: str) -> dict[str, Any] | None:
        """A record by its id of 15 or 18 characters; None when it is not there or in the bin."""
        record = self._find(name, record_id)
        return None if record is None or record["IsDeleted"] else record

    def dump(self, name: str) -> Iterator[dict[str, Any]]:
        """Every record of an object, deleted ones too."""
        yield from self._tables[name].records.values()

    def children(self, name: str, parent_id: str) -> list[str]:
        """Ids of the records of an object whose ParentId is `parent_id`."""
        return self._tables[name].by_parent.get(parent_id, [])

    def unique_id(self, name: str, column: str, value: str) -> str | None:
        """The id of the record that carries a unique value."""
        return self._tables[name].unique.get(column, {}).get(value.lower())

    def seed(self, name: str, values: Mapping[str, Any]) -> str:
        """Put a record in without checks; for what an org has before anyone migrates."""
        table = self._tables[name]
        record_id = str(values.get("Id") or self.ids.new(table.definition.prefix))
        now = self.now()
        table.records[record_id] = {
            **dict.fromkeys(table.definition.fields),
            "IsDeleted": False,
            "CreatedDate": now,
            "LastModifiedDate": now,
            "SystemModstamp": now,
            "CreatedById": self.running_user or record_id,
            "LastModifiedById": self.running_user or record_id,
            **values,
            "Id": record_id,
        }
        return record_id

    def chunk(
        self, name: str, rows: Sequence[Mapping[str, Any]], operation: str, context: WriteContext
    ) -> list[Outcome]:
        """Write up to 200 rows as one transaction.

        A unique key that occurs twice inside it fails all rows that carry it (facts, 3.9).
        """
        doubled = self._doubled(name, rows) if operation == "insert" else {}
        write = self.insert if operation == "insert" else self.update
        outcomes = []
        for row in rows:
            error = next((doubled[v] for v in row.values() if v in doubled), None)
            outcomes.append(Outcome(errors=(error,)) if error else write(name, row, context))
        return outcomes

    def _doubled(self, name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, FieldError]:
        found = {}
        for column, each in self._tables[name].definition.fields.items():
            if each.external_id:
                counts = Counter(row[column] for row in rows if row.get(column))
                for value, count in counts.items():
                    if count > 1:
                        message = f"Duplicate external id specified: {value}"
                        found[value] = FieldError("DUPLICATE_VALUE", message, (column,))
        return found

    def insert(self, name: str, values: Mapping[str, Any], context: WriteContext) -> Outcome:
        """Insert a row; `None` clears, an absent name takes the default."""
        table = self._tables[name]
        try:
            record = self._checked(table, values, "C")
            self._require(table, record)
            keys = self._claims(table, record, None)
        except BadValue as bad:
            return Outcome(errors=(FieldError(bad.code, bad.message, _names(bad)),))
        record_id = self.ids.new(table.definition.prefix)
        self._complete(table, record, record_id)
        table.records[record_id] = record
        for column, value in keys:
            table.unique.setdefault(column, {})[value] = record_id
        parent = record.get("ParentId")
        if parent:
            table.by_parent.setdefault(parent, []).append(record_id)
        self._note("insert", name, record, context)
        return Outcome(record_id, created=True)

    def update(self, name: str, values: Mapping[str, Any], context: WriteContext) -> Outcome:
        """Change a record by its Id."""
        table = self._tables[name]
        record_id = str(values.get("Id") or "")
        record = self._find(name, record_id)
        if record is None or record["IsDeleted"]:
            code = "ENTITY_IS_DELETED" if record else "INVALID_CROSS_REFERENCE_KEY"
            return Outcome(errors=(FieldError(code, "invalid cross reference id"),))
        rest = {column: value for column, value in values.items() if column != "Id"}
        try:
            changes = self._checked(table, rest, "U")
            if name == "EmailMessage":
                _only_open_fields(changes, record)
            keys = self._claims(table, changes, record["Id"])
        except BadValue as bad:
            return Outcome(record_id, errors=(FieldError(bad.code, bad.message, _names(bad)),))
        for column, value in keys:
            old = record.get(column)
            if old:
                table.unique[column].pop(old.lower(), None)
            table.unique.setdefault(column, {})[value] = record["Id"]
        record.update(changes)
        record["LastModifiedDate"] = record["SystemModstamp"] = self.now()
        record["LastModifiedById"] = self.running_user
        self._note("update", name, record, context)
        return Outcome(record["Id"])

    def delete(self, name: str, record_id: str, context: WriteContext) -> Outcome:
        """Move a record to the bin; its unique values are free again."""
        record = self._find(name, record_id)
        if record is None or record["IsDeleted"]:
            return Outcome(errors=(FieldError("ENTITY_IS_DELETED", "entity is deleted"),))
        record["IsDeleted"] = True
        record["SystemModstamp"] = self.now()
        for column, keys in self._tables[name].unique.items():
            if record.get(column):
                keys.pop(record[column].lower(), None)
        self._note("delete", name, record, context)
        return Outcome(record["Id"])

    def _find(self, name: str, record_id: str) -> dict[str, Any] | None:
        records = self._tables[name].records
        found = records.get(record_id)
        if found is None and len(record_id) == 15:
            found = records.get(with_checksum(record_id))
        return found

    def _plan(self, table: _Table, columns: tuple[str, ...], flag: str) -> list[Any]:
        """How to read each column of a row, worked out once per column set."""
        plan = self._plans.get((table.definition.name, columns, flag))
        if plan is None:
            plan = [self._column(table.definition, column, flag) for column in columns]
            self._plans[table.definition.name, columns, flag] = plan
        return plan

    def _column(self, definition: ObjectDef, column: str, flag: str) -> Any:
        known = definition.by_lower().get(column.lower())
        if known is None:
            message = f"No such column '{column}' on sobject of type {definition.name}"
            return BadValue("INVALID_FIELD", message, column)
        audit = "A" in known.flags and flag == "C" and self.schema.audit
        if flag not in known.flags and not audit:
            message = (
                f"Unable to create/update fields: {known.name}. Please check the security "
                "settings of this field and verify that it is read/write for your profile "
                "or permission set."
            )
            return BadValue("INVALID_FIELD_FOR_INSERT_UPDATE", message, known.name)
        if known.type == "reference":
            return known.name, self._reference(known)
        return known.name, checker(known, comment=definition.name == "CaseComment")

    def _checked(self, table: _Table, values: Mapping[str, Any], flag: str) -> dict[str, Any]:
        record = {}
        plan = self._plan(table, tuple(values), flag)
        for step, value in zip(plan, values.values(), strict=True):
            if isinstance(step, BadValue):
                raise step
            column, check = step
            record[column] = None if value is None else check(value)
        return record

    def _reference(self, known: FieldDef) -> Check:
        """Check a reference: right prefix, and a record there."""
        targets = [self._tables[name] for name in known.targets]
        prefixes = {table.definition.prefix: table for table in targets}

        def check(value: Any) -> str:
            text = str(value)
            table = prefixes.get(text[:3])
            if table is None or len(text) not in (15, 18):
                message = f"{known.name}: id value of incorrect type: {text}"
                raise BadValue("MALFORMED_ID", message, known.name)
            found = self._find(table.definition.name, text)
            if found is None or found["IsDeleted"]:
                raise BadValue("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", "")
            if known.name == "OwnerId" and found.get("IsActive") is False:
                raise BadValue("INACTIVE_OWNER_OR_USER", "owner is inactive", known.name)
            return str(found["Id"])

        return check

    def _require(self, table: _Table, record: dict[str, Any]) -> None:
        missing = [
            name
            for name, each in table.definition.fields.items()
            if "C" in each.flags
            and not set("ND") & set(each.flags)
            and each.type != "boolean"
            and record.get(name) in (None, "")
        ]
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise BadValue("REQUIRED_FIELD_MISSING", message, ",".join(missing))

    def _claims(
        self, table: _Table, record: dict[str, Any], own: str | None
    ) -> list[tuple[str, str]]:
        """The unique values of a row, each free or already its own."""
        claims = []
        for column, value in record.items():
            if value and table.definition.fields[column].external_id:
                key = value.lower()
                holder = table.unique.get(column, {}).get(key)
                if holder is not None and holder != own:
                    shown = holder[:15] if self.short_duplicate_ids else holder
                    message = (
                        f"duplicate value found: {column} duplicates value on record "
                        f"with id: {shown}"
                    )
                    raise BadValue("DUPLICATE_VALUE", message, "")
                claims.append((column, key))
        return claims

    def _complete(self, table: _Table, record: dict[str, Any], record_id: str) -> None:
        """Fill in what the platform sets itself."""
        now = self.now()
        record["Id"] = record_id
        record["IsDeleted"] = False
        record.setdefault("CreatedDate", now)
        record.setdefault("CreatedById", self.running_user)
        record.setdefault("LastModifiedDate", record["CreatedDate"])
        record.setdefault("LastModifiedById", record["CreatedById"])
        record["SystemModstamp"] = now
        if "OwnerId" in table.definition.fields:
            record["OwnerId"] = record.get("OwnerId") or self.running_user
        name = table.definition.name
        if name in ("Contact", "Lead"):
            parts = (record.get("FirstName"), record.get("LastName"))
            record["Name"] = " ".join(part for part in parts if part)
        elif name == "Case":
            self._complete_case(record, now)
        elif name == "EmailMessage":
            record["Name"] = (record.get("Subject") or "")[:255]
            record.setdefault("Incoming", False)
        elif name == "CaseComment":
            record.setdefault("IsPublished", False)

    def _complete_case(self, record: dict[str, Any], now: str) -> None:
        record["CaseNumber"] = f"{len(self._tables['Case'].records) + 1:08d}"
        record["Status"] = record.get("Status") or "New"
        record["Priority"] = record.get("Priority") or "Medium"
        record["IsClosed"] = record["Status"] in ("Closed", "Done")
        record["ClosedDate"] = now if record["IsClosed"] else None
        contact = record.get("ContactId")
        if contact and not record.get("AccountId"):
            record["AccountId"] = self._tables["Contact"].records[contact].get("AccountId")

    def _note(self, op: str, name: str, record: dict[str, Any], context: WriteContext) -> None:
        self.effects.write(
            Effect(
                op, name, record["Id"], record.get("Kustomer_Id__c"), context.source, context.job
            )
        )


def _names(bad: BadValue) -> tuple[str, ...]:
    return tuple(bad.field.split(",")) if bad.field else ()


def _only_open_fields(changes: dict[str, Any], record: dict[str, Any]) -> None:
    """E-mails are read-only once in, but for custom fields and New -> Read (facts, 7.2)."""
    for column, value in changes.items():
        read = column == "Status" and record["Status"] == "0" and value == "1"
        if not (read or column.endswith("__c") or column == "IsExternallyVisible"):
            message = "insufficient access rights on object id"
            raise BadValue("INSUFFICIENT_ACCESS_OR_READONLY", message, column)
