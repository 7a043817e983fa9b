"""The phase of a klass: a custom object with what every record of a klass has."""

from collections.abc import Collection
from typing import Any

from transforms.schema.names import api_names, label, object_stems
from transforms.schema.source import SourceKind, SourceSchema
from transforms.shape import ObjectShape, TargetShape

KEY = "Kustomer_Id__c"
_KEY_FORM = {"type": "Text", "length": 24, "unique": True, "external_id": True}
# Field, form, line: what the API gives every record of a klass (kustomer facts, 6.7).
_STANDARD: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
    (
        "Kustomer_Description__c",
        {"type": "LongTextArea", "length": 32000, "label": "Kustomer Description"},
        {"source": "attributes.description"},
    ),
    (
        "Kustomer_External_Id__c",
        {"type": "Text", "length": 255, "label": "Kustomer External Id"},
        {"source": "attributes.externalId"},
    ),
    (
        "Kustomer_Status__c",
        {"type": "Text", "length": 255, "label": "Kustomer Status"},
        {"source": "attributes.status"},
    ),
    (
        "Kustomer_Data__c",
        {"type": "LongTextArea", "length": 131072, "label": "Kustomer Data"},
        {"source": "attributes.data", "convert": "json"},
    ),
    (
        "Kustomer_Tags__c",
        {"type": "LongTextArea", "length": 32000, "label": "Kustomer Tags"},
        {"source": "attributes.tags", "convert": "names", "options": {"of": "tags"}},
    ),
    (
        "Kustomer_Created_At__c",
        {"type": "DateTime", "label": "Kustomer Created At"},
        {"source": "attributes.createdAt", "convert": "datetime"},
    ),
    (
        "Kustomer_Updated_At__c",
        {"type": "DateTime", "label": "Kustomer Updated At"},
        {"source": "attributes.updatedAt", "convert": "datetime"},
    ),
    (
        "Kustomer_Deleted_At__c",
        {"type": "DateTime", "label": "Kustomer Deleted At"},
        {"source": "attributes.deletedAt", "convert": "datetime", "optional": True},
    ),
)
_STAMP = {"source": "attributes.createdAt", "convert": "datetime", "optional": True}
_CREATOR = {
    "source": ["relationships.createdBy.data.id"],
    "kinds": ["user"],
    "columns": {"User": "CreatedById"},
    "optional": True,
}


def object_names(schema: SourceSchema, taken: Collection[str] = ()) -> dict[str, str]:
    """The name of each klass's object, with `__c`, by kind; `taken` names are in use already."""
    wanted = {kind.name: object_stems(kind.klass or "") for kind in schema.klasses()}
    return {kind: f"{name}__c" for kind, name in api_names(wanted, taken=taken).items()}


def klass_phase(kind: SourceKind, name: str, shapes: TargetShape) -> dict[str, Any]:
    """The phase of a klass whose object is called `name`; one that the org has is used as it is.

    The records of a disabled klass are listed and not moved, until someone says so in the map.
    """
    there = shapes.get(name)
    table: dict[str, Any] = {"key": KEY}
    if there is None:
        shown = label(kind.label)
        table["object"] = {"label": shown, "plural": label(_plural(kind.label))}
    create = {KEY: {**_KEY_FORM, "label": "Kustomer Id"}}
    fields: dict[str, Any] = {KEY: {"source": "id", "convert": "id"}}
    if there is None or _settable(there, "Name"):
        fields["Name"] = {
            "source": ["attributes.title", "attributes.externalId", "id"],
            "keep": "Kustomer_Title__c",
        }
        create["Kustomer_Title__c"] = {
            "type": "LongTextArea",
            "length": 1024,
            "label": "Kustomer Title",
        }
    for field, form, line in _STANDARD:
        create[field], fields[field] = dict(form), dict(line)
    fields["CreatedDate"] = dict(_STAMP)
    table["create"] = {n: f for n, f in create.items() if not _settable(there, n)}
    table |= {"fields": fields, "parents": {"creator": dict(_CREATOR)}}
    phase: dict[str, Any] = {"kind": kind.name}
    if kind.status == "disabled":
        phase["move"] = False
    phase["tables"] = {name: table}
    return phase


def _settable(shape: ObjectShape | None, field: str) -> bool:
    found = shape.fields.get(field) if shape else None
    return found is not None and found.createable


def _plural(text: str) -> str:
    if text.endswith("y") and text[-2:-1].lower() not in tuple("aeiou"):
        return f"{text[:-1]}ies"
    return text if text.endswith("s") else f"{text}s"
