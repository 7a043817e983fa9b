"""Describes: what an object and its fields look like to the running user (facts, 5.5)."""

import base64
from collections.abc import Mapping
from typing import Any

from simulators.salesforce.definitions import FieldDef, ObjectDef

_BASE = "/services/data/v66.0/sobjects"
_TEXTS = frozenset(
    {"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"}
)
_IDS = frozenset({"id", "reference"})
_NUMBERS = frozenset({"double", "currency", "percent"})
_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "base64": "xsd:base64Binary",
}
# The field that names a record, where it is not Name.
_NAMES = {
    "Case": "CaseNumber",
    "EmailMessage": "Subject",
    "Task": "Subject",
    "ContentVersion": "Title",
    "ContentDocument": "Title",
    "CaseStatus": "MasterLabel",
}
_PERSON_NAME = frozenset({"FirstName", "LastName", "Salutation"})
_NEVER: dict[str, Any] = {
    "aiPredictionField": False,
    "calculated": False,
    "calculatedFormula": None,
    "caseSensitive": False,
    "controllerName": None,
    "defaultValue": None,
    "defaultValueFormula": None,
    "dependentPicklist": False,
    "deprecatedAndHidden": False,
    "displayLocationInDecimal": False,
    "encrypted": False,
    "filteredLookupInfo": None,
    "formulaTreatNullNumberAsZero": False,
    "highScaleNumber": False,
    "htmlFormatted": False,
    "inlineHelpText": None,
    "mask": None,
    "maskType": None,
    "queryByDistance": False,
    "referenceTargetField": None,
    "relationshipOrder": None,
    "restrictedDelete": False,
    "searchPrefilterable": False,
    "writeRequiresMasterRead": False,
}
MASTER_TYPE: dict[str, Any] = {
    "active": True,
    "available": True,
    "defaultRecordTypeMapping": True,
    "developerName": "Master",
    "master": True,
    "name": "Master",
    "recordTypeId": "012000000000000AAA",
    "urls": {},
}


def object_body(each: ObjectDef) -> dict[str, Any]:
    """An object without its fields."""
    fixed = each.fixed
    ordinary = not fixed
    url = f"{_BASE}/{each.name}"
    return {
        "name": each.name,
        "label": each.label or each.name,
        "labelPlural": each.plural or f"{each.name}s",
        "keyPrefix": each.prefix,
        "createable": "insert" not in fixed,
        "updateable": "update" not in fixed,
        "deletable": "delete" not in fixed,
        "undeletable": ordinary,
        "queryable": True,
        "retrieveable": True,
        "mergeable": each.name in ("Account", "Contact", "Lead"),
        "triggerable": ordinary,
        "feedEnabled": False,
        "custom": each.name.endswith("__c"),
        "urls": {
            "sobject": url,
            "describe": f"{url}/describe",
            "rowTemplate": f"{url}/{{ID}}",
        },
    }


def field_body(
    each: FieldDef, *, createable: bool, naming: bool, controller: FieldDef | None = None
) -> dict[str, Any]:
    """One field with all its keys. `createable` depends on the running user's permissions; `naming`
    tells that the field names the record; `controller` is the field its picklist depends on.
    """
    plain = not each.long and each.type not in ("base64", "junctionidlist")
    return (
        _NEVER
        | _sizes(each)
        | {
            "aggregatable": not each.long and each.type != "boolean",
            "cascadeDelete": "M" in each.flags,
            "caseSensitive": each.case_sensitive,
            "controllerName": controller.name if controller else None,
            "dependentPicklist": controller is not None,
            "htmlFormatted": each.html,
            "relationshipOrder": 0 if "M" in each.flags and each.name.endswith("__c") else None,
            "compoundFieldName": "Name" if each.name in _PERSON_NAME else None,
            "createable": createable,
            "custom": each.name.endswith("__c"),
            "defaultValue": False if each.type == "boolean" else None,
            "defaultedOnCreate": "D" in each.flags or each.type == "boolean",
            "externalId": each.external_id,
            "extraTypeInfo": "plaintextarea" if each.type == "textarea" else None,
            "filterable": plain,
            "groupable": not each.long and each.type in _TEXTS | _IDS | {"boolean", "date", "int"},
            "idLookup": each.id_lookup,
            "label": each.label or each.name,
            "name": each.name,
            "nameField": naming,
            "namePointing": len(each.targets) > 1,
            "nillable": "N" in each.flags,
            "permissionable": "N" in each.flags and "C" in each.flags,
            "picklistValues": _choices(each, controller),
            "polymorphicForeignKey": len(each.targets) > 1,
            "referenceTo": list(each.targets),
            "relationshipName": each.relation or None,
            "restrictedPicklist": "R" in each.flags,
            "soapType": _SOAP.get(each.type, "xsd:string"),
            "sortable": plain,
            "type": each.type,
            "unique": each.unique,
            "updateable": "U" in each.flags,
        }
    )


def _sizes(each: FieldDef) -> dict[str, Any]:
    """Lengths: of text in characters and, threefold, in bytes; of numbers in digits;
    whether the platform counts the values up.
    """
    length = 18 if each.type in _IDS else each.length
    return {
        "byteLength": length * 3 if each.type in _TEXTS else 18 if each.type in _IDS else 0,
        "digits": 8 if each.type == "int" else 0,
        "autoNumber": each.name == "CaseNumber",
        "length": length,
        "precision": (each.precision or 18) if each.type in _NUMBERS else 0,
        "scale": each.scale,
    }


def naming_field(each: ObjectDef) -> str:
    """The name of the field that names a record."""
    return _NAMES.get(each.name, "Name")


def children_body(each: ObjectDef, objects: Mapping[str, ObjectDef]) -> list[dict[str, Any]]:
    """The references that point to an object."""
    return [
        {
            "cascadeDelete": "M" in known.flags,
            "childSObject": child.name,
            "deprecatedAndHidden": False,
            "field": known.name,
            "junctionIdListNames": [],
            "junctionReferenceTo": [],
            "relationshipName": None,
            "restrictedDelete": False,
        }
        for child in objects.values()
        for known in child.fields.values()
        if each.name in known.targets
    ]


def record_types_body(each: ObjectDef) -> list[dict[str, Any]]:
    """The record types of an object; the master one is always there."""
    own = [
        MASTER_TYPE
        | {
            "active": kind.active,
            "available": kind.active,
            "defaultRecordTypeMapping": False,
            "developerName": kind.name,
            "master": False,
            "name": kind.label,
            "recordTypeId": kind.id,
        }
        for kind in each.record_types.values()
    ]
    return [*own, MASTER_TYPE]


def _choices(each: FieldDef, controller: FieldDef | None) -> list[dict[str, Any]]:
    allowed = dict(each.valid_for)
    return [
        {
            "active": value not in each.unused,
            "defaultValue": False,
            "label": value,
            "validFor": _bitmap(controller, allowed.get(value, ())) if controller else None,
            "value": value,
        }
        for value in (*each.values, *each.unused)
    ]


def _bitmap(controller: FieldDef, allowed: tuple[str, ...]) -> str:
    """Bit n, counted from the left, stands for the n-th value of the controlling field."""
    checkbox = controller.type == "boolean"
    entries = ("false", "true") if checkbox else (*controller.values, *controller.unused)
    bits = bytearray(-(-len(entries) // 8))
    for number, value in enumerate(entries):
        if value in allowed:
            bits[number >> 3] |= 0x80 >> (number % 8)
    return base64.b64encode(bytes(bits)).decode()
