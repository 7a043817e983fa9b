"""The objects of the stand-in, read from their tables, and their describes (facts, 5.5)."""

import re
from dataclasses import dataclass, field
from typing import Any

from simulators.salesforce.tables import AUDIT, TABLES

_FIELD = re.compile(
    r"(?P<name>\w+) (?P<type>\w+)(?:\((?P<length>\d+)\))? (?P<flags>[A-Z-]+)"
    r"(?:=(?P<values>[^;]+?))?(?:->(?P<targets>[\w,]+)\((?P<relation>\w+)\))?$"
)


@dataclass(frozen=True)
class FieldDef:
    """One field; `long` marks text that cannot be filtered."""

    name: str
    type: str
    length: int
    flags: str
    values: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    relation: str = ""
    long: bool = False

    @property
    def external_id(self) -> bool:
        """True for a unique external id."""
        return "X" in self.flags


@dataclass
class ObjectDef:
    """One object: its id prefix and its fields by name."""

    name: str
    prefix: str
    fields: dict[str, FieldDef] = field(default_factory=dict)

    def by_lower(self) -> dict[str, FieldDef]:
        """Fields by lower-case name: the API takes names in any case."""
        return {name.lower(): each for name, each in self.fields.items()}


class Schema:
    """All objects as the running user sees them. `hidden` fields (`Case.X`) have no access granted;
    `audit` tells whether audit fields may be set on insert.
    """

    def __init__(self, *, hidden: frozenset[str] = frozenset(), audit: bool = True) -> None:
        self.audit = audit
        self.objects = {
            name: _object(name, prefix, text, hidden) for name, (prefix, text) in TABLES.items()
        }

    def find(self, name: str) -> ObjectDef | None:
        """An object by its name in any case."""
        for known, each in self.objects.items():
            if known.lower() == name.lower():
                return each
        return None

    def createable(self, each: FieldDef) -> bool:
        """Whether an insert may set the field now."""
        return "C" in each.flags or ("A" in each.flags and self.audit)

    def describe(self, each: ObjectDef) -> dict[str, Any]:
        """The describe reply of an object."""
        return {
            "name": each.name,
            "label": each.name,
            "keyPrefix": each.prefix,
            "createable": True,
            "updateable": each.name not in ("Organization", "Profile"),
            "deletable": each.name not in ("Organization", "User"),
            "queryable": True,
            "custom": each.name.endswith("__c"),
            "fields": [self._field(known) for known in each.fields.values()],
            "recordTypeInfos": [],
            "childRelationships": [],
            "urls": {"sobject": f"/services/data/v62.0/sobjects/{each.name}"},
        }

    def _field(self, each: FieldDef) -> dict[str, Any]:
        text = each.type in ("string", "textarea", "email", "phone", "url", "picklist")
        return {
            "name": each.name,
            "label": each.name,
            "type": each.type,
            "length": each.length,
            "byteLength": each.length * 3 if text else 0,
            "nillable": "N" in each.flags,
            "createable": self.createable(each),
            "updateable": "U" in each.flags,
            "defaultedOnCreate": "D" in each.flags or each.type == "boolean",
            "unique": each.external_id,
            "externalId": each.external_id,
            "idLookup": "I" in each.flags or each.name == "Id",
            "caseSensitive": False,
            "custom": each.name.endswith("__c"),
            "filterable": not each.long,
            "sortable": not each.long,
            "restrictedPicklist": "R" in each.flags,
            "picklistValues": [
                {"active": True, "defaultValue": False, "label": v, "validFor": None, "value": v}
                for v in each.values
            ],
            "referenceTo": list(each.targets),
            "relationshipName": each.relation or None,
            "polymorphicForeignKey": len(each.targets) > 1,
            "calculated": False,
            "autoNumber": each.name == "CaseNumber",
            "precision": 18 if each.type == "double" else 0,
            "scale": 2 if each.type == "double" else 0,
            "digits": 8 if each.type == "int" else 0,
            "dependentPicklist": False,
            "controllerName": None,
            "permissionable": "N" in each.flags and "C" in each.flags,
        }


def _object(name: str, prefix: str, text: str, hidden: frozenset[str]) -> ObjectDef:
    made = ObjectDef(name, prefix)
    for entry in f"{AUDIT};{text}".split(";"):
        entry = " ".join(entry.split())
        found = _FIELD.match(entry)
        if found is None:
            raise ValueError(f"{name}: {entry!r} is no field definition")
        if f"{name}.{found['name']}" in hidden:
            continue
        long = found["type"] == "long"
        made.fields[found["name"]] = FieldDef(
            found["name"],
            "textarea" if long else found["type"],
            int(found["length"] or 0),
            found["flags"],
            tuple((found["values"] or "").split("|")) if found["values"] else (),
            tuple((found["targets"] or "").split(",")) if found["targets"] else (),
            found["relation"] or "",
            long,
        )
    return made
