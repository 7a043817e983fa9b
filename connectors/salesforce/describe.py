"""An object's describe, cut to what a loader needs (salesforce facts, 5.5)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from connectors.errors import BadReply


@dataclass(frozen=True)
class FieldDescribe:
    """One field that the running user can see. `length` in characters, `byte_length` in bytes.

    `picklist` holds the active values as the API takes them, which are not the labels; unknown
    values are refused only when `restricted`. `reference_to` names the objects of a lookup. A number
    has `digits` before the point and `scale` behind it. `controller` names the field that a dependent
    picklist depends on; `valid_for` has the controlling values of each of its values.
    """

    name: str
    type: str
    length: int
    byte_length: int
    nillable: bool
    createable: bool
    updateable: bool
    defaulted_on_create: bool
    unique: bool
    external_id: bool
    restricted: bool
    picklist: tuple[str, ...]
    reference_to: tuple[str, ...]
    custom: bool
    filterable: bool
    label: str = ""
    digits: int = 0
    scale: int = 0
    controller: str = ""
    valid_for: dict[str, frozenset[str]] = dataclass_field(default_factory=dict)

    @property
    def required(self) -> bool:
        """True when an insert must give it a value; a checkbox never is."""
        needed = self.createable and not self.nillable and not self.defaulted_on_create
        return needed and self.type != "boolean"


@dataclass(frozen=True)
class ObjectDescribe:
    """One object. Fields without field-level security for the user are absent.

    `record_types`: the names of the active ones beside the master.
    """

    name: str
    createable: bool
    updateable: bool
    fields: dict[str, FieldDescribe]
    key_prefix: str | None = None
    deletable: bool = False
    queryable: bool = True
    custom: bool = False
    record_types: tuple[str, ...] = ()


def read_describe(said: Any) -> ObjectDescribe:
    """Read a describe reply; raises `BadReply` when it is none."""
    try:
        return ObjectDescribe(
            name=said["name"],
            createable=bool(said.get("createable")),
            updateable=bool(said.get("updateable")),
            fields=_fields(said["fields"]),
            key_prefix=said.get("keyPrefix"),
            deletable=bool(said.get("deletable")),
            queryable=bool(said.get("queryable", True)),
            custom=bool(said.get("custom")),
            record_types=_record_types(said.get("recordTypeInfos") or []),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise BadReply("A describe is not what Salesforce promises.") from None


def _record_types(infos: list[dict[str, Any]]) -> tuple[str, ...]:
    named = (each["developerName"] for each in infos if each.get("active") and not each["master"])
    return tuple(sorted(named))


def _fields(said: list[dict[str, Any]]) -> dict[str, FieldDescribe]:
    told = {field["name"]: field for field in said}
    return {
        name: _field(field, told.get(field.get("controllerName"))) for name, field in told.items()
    }


def _field(field: dict[str, Any], controller: dict[str, Any] | None) -> FieldDescribe:
    values = field.get("picklistValues") or []
    scale = int(field.get("scale") or 0)
    return FieldDescribe(
        name=field["name"],
        type=field["type"],
        length=int(field.get("length") or 0),
        byte_length=int(field.get("byteLength") or 0),
        nillable=bool(field.get("nillable", True)),
        createable=bool(field.get("createable")),
        updateable=bool(field.get("updateable")),
        defaulted_on_create=bool(field.get("defaultedOnCreate")),
        unique=bool(field.get("unique")),
        external_id=bool(field.get("externalId")),
        restricted=bool(field.get("restrictedPicklist")),
        picklist=tuple(value["value"] for value in values if value.get("active", True)),
        reference_to=tuple(field.get("referenceTo") or ()),
        custom=bool(field.get("custom")),
        filterable=bool(field.get("filterable", True)),
        label=str(field.get("label") or ""),
        digits=max(0, int(field.get("precision") or 0) - scale),
        scale=scale,
        controller=controller["name"] if controller else "",
        valid_for=_valid_for(values, controller) if controller else {},
    )


def _valid_for(
    values: list[dict[str, Any]], controller: dict[str, Any]
) -> dict[str, frozenset[str]]:
    """Bit n of a value's map, counted from the left, is the n-th controlling value, inactive ones
    counted; of a checkbox the first is false.
    """
    entries = (
        ["false", "true"]
        if controller.get("type") == "boolean"
        else [each["value"] for each in controller.get("picklistValues") or []]
    )
    found = {}
    for value in values:
        bits = base64.b64decode(value.get("validFor") or "")
        found[value["value"]] = frozenset(
            entry
            for number, entry in enumerate(entries)
            if number >> 3 < len(bits) and bits[number >> 3] & (0x80 >> (number % 8))
        )
    return found
