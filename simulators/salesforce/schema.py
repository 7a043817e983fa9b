"""The objects of the stand-in, read from their tables."""

import re
from collections.abc import Iterable
from typing import Any

from simulators.salesforce.definitions import FieldDef, ObjectDef
from simulators.salesforce.describe import (
    children_body,
    field_body,
    naming_field,
    object_body,
    record_types_body,
)
from simulators.salesforce.tables import AUDIT, AUDITED, PERSON_FIELDS, PERSON_TABLES, TABLES

__all__ = ["FieldDef", "ObjectDef", "Schema"]

_FIELD = re.compile(
    r"(?P<name>\w+) (?P<type>\w+)(?:\((?P<length>\d+)\))? (?P<flags>[A-Z-]+)"
    r"(?:=(?P<values>[^;]+?))?(?:->(?P<targets>[\w,]+)\((?P<relation>\w+)\))?$"
)


class Schema:
    """All objects as the running user sees them. `hidden` fields (`Case.X`) have no access granted;
    `audit` tells whether audit fields may be set on insert; a `bare` org has nothing that was made
    for a migration: no custom fields, and only the values that come with the product. With `persons`
    accounts may be persons.

    `permission_sets`: for each, the fields that it shows (`Case.X`) and whether they may be changed.
    """

    def __init__(
        self,
        *,
        hidden: frozenset[str] = frozenset(),
        audit: bool = True,
        bare: bool = False,
        persons: bool = False,
    ) -> None:
        self.audit = audit
        self.objects = {
            name: _object(name, prefix, text, hidden, bare=bare)
            for name, (prefix, text) in _tables(persons=persons).items()
        }
        self.permission_sets: dict[str, dict[str, bool]] = {}
        self.show(())

    def show(self, assigned: Iterable[str]) -> None:
        """Show what the running user may see, who has the permission sets `assigned`."""
        granted: dict[str, bool] = {}
        for name in assigned:
            for field, editable in self.permission_sets.get(name, {}).items():
                granted[field] = granted.get(field, False) or editable
        for each in self.objects.values():
            each.show(granted)
        self._lower = {name.lower(): each for name, each in self.objects.items()}
        self._prefixes = {each.prefix: each for each in self.objects.values()}
        self.dependants = _dependants(self.objects)

    def find(self, name: str) -> ObjectDef | None:
        """An object by its name in any case."""
        return self._lower.get(name.lower())

    def by_prefix(self, record_id: str) -> ObjectDef | None:
        """The object that an id belongs to."""
        return self._prefixes.get(record_id[:3])

    def createable(self, each: FieldDef) -> bool:
        """Whether an insert may set the field now."""
        return "C" in each.flags or ("A" in each.flags and self.audit)

    def describe(self, each: ObjectDef) -> dict[str, Any]:
        """The describe reply of an object."""
        naming = naming_field(each)
        fields = [
            field_body(
                known,
                createable=self.createable(known),
                naming=known.name == naming,
                controller=each.fields.get(known.controller),
            )
            for known in each.fields.values()
        ]
        return self.brief(each) | {
            "fields": fields,
            "recordTypeInfos": record_types_body(each),
            "childRelationships": children_body(each, self.objects),
            "supportedScopes": [{"label": "All", "name": "everything"}],
        }

    def brief(self, each: ObjectDef) -> dict[str, Any]:
        """An object as the list of objects tells it."""
        return object_body(each)


def _tables(*, persons: bool) -> dict[str, tuple[str, str]]:
    """All objects of an org; with `persons` accounts may be persons."""
    if not persons:
        return TABLES
    prefix, text = TABLES["Account"]
    account = f"{text.replace('Name string(255) CU;', 'Name string(255) CUN;')};{PERSON_FIELDS}"
    return {**TABLES, **PERSON_TABLES, "Account": (prefix, account)}


def _dependants(objects: dict[str, ObjectDef]) -> dict[str, list[tuple[str, str]]]:
    """For each object, the objects and reference columns whose records go with its records."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, each in objects.items():
        for column, known in each.fields.items():
            for target in known.targets if "M" in known.flags else ():
                found.setdefault(target, []).append((name, column))
    return found


def custom_object(name: str, prefix: str, fields: str) -> ObjectDef:
    """A custom object as it is made, with the fields that every object has and `fields`."""
    made = _object(name, prefix, fields, frozenset(), audited=True)
    made.deployed = True
    made.show({})
    return made


def _object(
    name: str,
    prefix: str,
    text: str,
    hidden: frozenset[str],
    *,
    bare: bool = False,
    audited: bool = False,
) -> ObjectDef:
    made = ObjectDef(name, prefix)
    for entry in f"{AUDIT};{text}".split(";"):
        entry = " ".join(entry.split())
        found = _FIELD.match(entry)
        if found is None:
            raise ValueError(f"{name}: {entry!r} is no field definition")
        extra = bare and found["name"].endswith("__c")
        if f"{name}.{found['name']}" not in hidden and not extra:
            read = _read(found, audited=audited or name in AUDITED, bare=bare)
            made.known[found["name"]] = read
    return made


def _values(text: str | None, *, bare: bool) -> tuple[str, ...]:
    """The values of a picklist; those with a `+` are there only where the map's fields are."""
    listed = text.split("|") if text else []
    return tuple(each.removeprefix("+") for each in listed if not (bare and each.startswith("+")))


def _read(found: re.Match[str], *, audited: bool, bare: bool) -> FieldDef:
    long, number = found["type"] == "long", found["type"] == "double"
    return FieldDef(
        name=found["name"],
        type="textarea" if long else found["type"],
        length=0 if number else int(found["length"] or 0),
        flags=found["flags"] if audited else found["flags"].replace("A", ""),
        values=_values(found["values"], bare=bare),
        targets=tuple(found["targets"].split(",")) if found["targets"] else (),
        relation=found["relation"] or "",
        long=long,
        scale=int(found["length"] or 2) if number else 0,
    )
