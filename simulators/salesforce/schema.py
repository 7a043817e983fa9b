"""The objects of the stand-in, read from their tables."""

import re
from typing import Any

from simulators.salesforce.definitions import FieldDef, ObjectDef
from simulators.salesforce.describe import (
    MASTER_TYPE,
    children_body,
    field_body,
    naming_field,
    object_body,
)
from simulators.salesforce.tables import AUDIT, AUDITED, TABLES

__all__ = ["FieldDef", "ObjectDef", "Schema"]

_FIELD = re.compile(
    r"(?P<name>\w+) (?P<type>\w+)(?:\((?P<length>\d+)\))? (?P<flags>[A-Z-]+)"
    r"(?:=(?P<values>[^;]+?))?(?:->(?P<targets>[\w,]+)\((?P<relation>\w+)\))?$"
)


class Schema:
    """All objects as the running user sees them. `hidden` fields (`Case.X`) have no access granted;
    `audit` tells whether audit fields may be set on insert.
    """

    def __init__(self, *, hidden: frozenset[str] = frozenset(), audit: bool = True) -> None:
        self.audit = audit
        self.objects = {
            name: _object(name, prefix, text, hidden) for name, (prefix, text) in TABLES.items()
        }
        self._lower = {name.lower(): each for name, each in self.objects.items()}
        self.dependants = _dependants(self.objects)

    def find(self, name: str) -> ObjectDef | None:
        """An object by its name in any case."""
        return self._lower.get(name.lower())

    def by_prefix(self, record_id: str) -> ObjectDef | None:
        """The object that an id belongs to."""
        return next((o for o in self.objects.values() if record_id.startswith(o.prefix)), None)

    def createable(self, each: FieldDef) -> bool:
        """Whether an insert may set the field now."""
        return "C" in each.flags or ("A" in each.flags and self.audit)

    def describe(self, each: ObjectDef) -> dict[str, Any]:
        """The describe reply of an object."""
        naming = naming_field(each)
        fields = [
            field_body(known, createable=self.createable(known), naming=known.name == naming)
            for known in each.fields.values()
        ]
        return self.brief(each) | {
            "fields": fields,
            "recordTypeInfos": [MASTER_TYPE],
            "childRelationships": children_body(each, self.objects),
            "supportedScopes": [{"label": "All", "name": "everything"}],
        }

    def brief(self, each: ObjectDef) -> dict[str, Any]:
        """An object as the list of objects tells it."""
        return object_body(each)


def _dependants(objects: dict[str, ObjectDef]) -> dict[str, list[tuple[str, str]]]:
    """For each object, the objects and reference columns whose records go with its records."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, each in objects.items():
        for column, known in each.fields.items():
            for target in known.targets if "M" in known.flags else ():
                found.setdefault(target, []).append((name, column))
    return found


def _object(name: str, prefix: str, text: str, hidden: frozenset[str]) -> ObjectDef:
    made = ObjectDef(name, prefix)
    for entry in f"{AUDIT};{text}".split(";"):
        entry = " ".join(entry.split())
        found = _FIELD.match(entry)
        if found is None:
            raise ValueError(f"{name}: {entry!r} is no field definition")
        if f"{name}.{found['name']}" not in hidden:
            made.fields[found["name"]] = _read(found, audited=name in AUDITED)
    return made


def _read(found: re.Match[str], *, audited: bool) -> FieldDef:
    long, number = found["type"] == "long", found["type"] == "double"
    return FieldDef(
        name=found["name"],
        type="textarea" if long else found["type"],
        length=0 if number else int(found["length"] or 0),
        flags=found["flags"] if audited else found["flags"].replace("A", ""),
        values=tuple(found["values"].split("|")) if found["values"] else (),
        targets=tuple(found["targets"].split(",")) if found["targets"] else (),
        relation=found["relation"] or "",
        long=long,
        scale=int(found["length"] or 2) if number else 0,
    )
