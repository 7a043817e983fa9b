"""How the columns of a row are read: worked out once per object, column set and operation."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.schema import FieldDef, ObjectDef, Schema
from simulators.salesforce.shelves import Record, Shelf
from simulators.salesforce.values import Check, checker

Operation = Literal["insert", "upsert", "update"]
_RELATION = re.compile(r"(?:(?P<type>\w+):)?(?P<relation>\w+)\.(?P<field>\w+)")
_PLANS_KEPT = 4096
_BYTES = {("CaseComment", "CommentBody"), ("Case", "Comments")}
_SKIP = object()


@dataclass(frozen=True, slots=True)
class Step:
    """How one column is read: the field it sets, its check, what an empty value stands for."""

    column: str
    check: Check
    empty: Any
    spelling: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How a row with certain columns is read."""

    steps: tuple[Step, ...]
    refusal: tuple[str, str, str] | None
    missing: tuple[str, ...]
    needed: tuple[str, ...]
    unique: tuple[tuple[str, str], ...]
    merges: bool


class Reader:
    """Reads rows of all objects. Names are taken in any case; `Account.Ext__c` and
    `Contact:Who.Ext__c` name a parent by a key of its own (facts, 3.6).
    """

    def __init__(
        self, schema: Schema, shelves: Mapping[str, Shelf], *, inactive_owner: bool
    ) -> None:
        self._schema = schema
        self._shelves = shelves
        self._inactive_owner = inactive_owner
        self._plans: dict[tuple[str, tuple[str, ...], Operation], Plan] = {}
        self._steps: dict[tuple[str, str, Operation], Step | tuple[str, str, str]] = {}

    def forget(self) -> None:
        """Work everything out anew: objects or fields have changed."""
        self._plans.clear()
        self._steps.clear()

    def knows(self, definition: ObjectDef, column: str) -> bool:
        """Whether a column of a bulk header stands for a field, or for a parent's key.

        Binary content and lists of ids have no form in CSV (facts, 3.5 and 7.2).
        """
        known = definition.by_lower().get(column.lower())
        if known is not None:
            return known.type not in ("base64", "junctionidlist")
        return not isinstance(self._parent(definition, column), tuple)

    def plan(self, definition: ObjectDef, columns: tuple[str, ...], operation: Operation) -> Plan:
        """The plan for a column set."""
        key = (definition.name, columns, operation)
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            found = self._plans[key] = self._made(definition, columns, operation)
        return found

    def read(
        self, definition: ObjectDef, values: Mapping[str, Any], operation: Operation
    ) -> Record:
        """The fields that a row sets, as stored; raises `BadValue`."""
        plan = self.plan(definition, tuple(values), operation)
        if plan.refusal is not None:
            raise BadValue(*plan.refusal)
        if plan.merges:
            record = _merged(plan, values)
        else:
            record = {}
            for step, value in zip(plan.steps, values.values(), strict=True):
                if value is not None and value != "":
                    record[step.column] = step.check(value)
                elif step.empty is not _SKIP:
                    record[step.column] = step.empty
        missing = plan.missing
        for column in plan.needed:
            if record.get(column) is None:
                missing = (*missing, column)
        if missing:
            message = f"Required fields are missing: [{', '.join(missing)}]"
            raise BadValue("REQUIRED_FIELD_MISSING", message, ",".join(missing))
        return record

    def _made(self, definition: ObjectDef, columns: tuple[str, ...], operation: Operation) -> Plan:
        steps: list[Step] = []
        refusal = None
        for column in columns:
            step = self._step(definition, column, operation)
            if isinstance(step, Step):
                steps.append(step)
            else:
                refusal = refusal or step
        given = {step.column for step in steps}
        if operation == "update":
            missing: tuple[str, ...] = ()
            needed = tuple(name for name in given if _never_empty(definition.fields[name]))
        else:
            missing = tuple(name for name in definition.required if name not in given)
            needed = tuple(name for name in definition.required if name in given)
        unique = tuple((s.spelling, s.column) for s in steps if s.column in definition.unique)
        return Plan(tuple(steps), refusal, missing, needed, unique, len(given) < len(steps))

    def _step(
        self, definition: ObjectDef, column: str, operation: Operation
    ) -> Step | tuple[str, str, str]:
        key = (definition.name, column, operation)
        found = self._steps.get(key)
        if found is None:
            found = self._new_step(definition, column, operation)
            if len(self._steps) < _PLANS_KEPT:
                self._steps[key] = found
        return found

    def _new_step(
        self, definition: ObjectDef, column: str, operation: Operation
    ) -> Step | tuple[str, str, str]:
        known = definition.by_lower().get(column.lower())
        if known is not None:
            check = self._check(definition, known)
        else:
            parent = self._parent(definition, column)
            if isinstance(parent, tuple):
                return parent
            known = definition.by_relation(parent.relation)
            assert known is not None
            check = parent.check(self._reference(definition, known))
        if not self._writable(known, operation):
            message = (
                f"Unable to create/update fields: {known.name}. Please check the security "
                "settings of this field and verify that it is read/write for your profile "
                "or permission set."
            )
            return "INVALID_FIELD_FOR_INSERT_UPDATE", message, known.name
        empty: Any = False if known.type == "boolean" else None
        if operation != "update" and ("D" in known.flags or known.type == "boolean"):
            empty = _SKIP
        return Step(known.name, check, empty, column)

    def _writable(self, known: FieldDef, operation: Operation) -> bool:
        if operation == "update":
            return "U" in known.flags
        # Audit fields: with insert only, not with upsert (facts, 7.9).
        return self._schema.createable(known) if operation == "insert" else "C" in known.flags

    def _check(self, definition: ObjectDef, known: FieldDef) -> Check:
        if known.type == "reference":
            return self._reference(definition, known)
        return checker(known, in_bytes=(definition.name, known.name) in _BYTES)

    def _parent(self, definition: ObjectDef, column: str) -> "_Parent | tuple[str, str, str]":
        """The parent's key that a relationship column names, or why it names none."""
        unknown = f"No such column '{column}' on sobject of type {definition.name}"
        refusal = ("INVALID_FIELD", unknown, "" if "." in column else column)
        found = _RELATION.fullmatch(column)
        known = definition.by_relation(found["relation"]) if found else None
        if found is None or known is None:
            return refusal
        # The type is needed where there are several, and is an error where there is one.
        if bool(found["type"]) != (len(known.targets) > 1):
            return refusal
        wanted = (found["type"] or known.targets[0]).lower()
        target = next((each for each in known.targets if each.lower() == wanted), None)
        key = (
            self._schema.objects[target].by_lower().get(found["field"].lower()) if target else None
        )
        if target is None or key is None or not key.id_lookup:
            return refusal
        return _Parent(known.relation, key.name, self._shelves[target])

    def _reference(self, definition: ObjectDef, known: FieldDef) -> Check:
        """Check a reference: right prefix, and a record there that may take the part."""
        targets = [self._shelves[name] for name in known.targets]
        prefixes = {shelf.definition.prefix: shelf for shelf in targets}
        name, owns = known.name, known.name == "OwnerId"

        def check(value: Any) -> str:
            text = value if type(value) is str else str(value)
            shelf = prefixes.get(text[:3])
            if shelf is None or len(text) not in (15, 18):
                message = f"{name}: id value of incorrect type: {text[:40]}"
                raise BadValue("MALFORMED_ID", message, name)
            found = shelf.find(text)
            if found is None or found["IsDeleted"]:
                raise BadValue("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            if owns:
                self._may_own(definition, found)
            return str(found["Id"])

        return check

    def _may_own(self, definition: ObjectDef, owner: Record) -> None:
        if owner["Id"].startswith("005"):
            if not (owner.get("IsActive") or self._inactive_owner):
                raise BadValue("INACTIVE_OWNER_OR_USER", "owner is inactive", "OwnerId")
            return
        pair = {"QueueId": owner["Id"], "SobjectType": definition.name}
        if owner.get("Type") != "Queue" or self._shelves["QueueSobject"].twin(pair) is None:
            message = "Queue not associated with this SObject type"
            raise BadValue("INVALID_OPERATION", message, "OwnerId")


@dataclass(frozen=True, slots=True)
class _Parent:
    """A parent that a column names by a key of its own."""

    relation: str
    field: str
    shelf: Shelf

    def check(self, inner: Check) -> Check:
        """Find the parent and check it as a plain reference is."""
        field, shelf = self.field, self.shelf

        def check(value: Any) -> Any:
            ids = shelf.holders(field, str(value))
            if len(ids) == 1:
                return inner(ids[0])
            told = f"Foreign key external ID: {value}"
            if ids:
                message = (
                    f"{told} more than one record found for external id field: [{', '.join(ids)}]"
                )
            else:
                message = f"{told} not found for field {field} in entity {shelf.definition.name}"
            raise BadValue("INVALID_FIELD", message)

        return check


def _never_empty(known: FieldDef) -> bool:
    return "N" not in known.flags and known.type != "boolean"


def _merged(plan: Plan, values: Mapping[str, Any]) -> Record:
    """Read a row in which several columns name one field: one of them may carry a value."""
    record: Record = {}
    for step, value in zip(plan.steps, values.values(), strict=True):
        if value is None or value == "":
            record.setdefault(step.column, None)
            continue
        if record.get(step.column) is not None:
            raise BadValue("INVALID_FIELD", _given_twice(step), step.column)
        record[step.column] = step.check(value)
    return record


def _given_twice(step: Step) -> str:
    relation = step.spelling.rpartition(".")[0].rpartition(":")[2]
    if not relation:
        return f"{step.column} is given more than once"
    return (
        f"Cannot specify both an external ID reference {relation} and a salesforce id, "
        f"{step.column}"
    )
