"""An object's describe, cut to what a loader needs (salesforce facts, 5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connectors.errors import BadReply


@dataclass(frozen=True)
class FieldDescribe:
    """One field that the running user can see. `length` in characters, `byte_length` in bytes.

    `picklist` holds the active values as the API takes them, which are not the labels; unknown
    values are refused only when `restricted`. `reference_to` names the objects of a lookup. A number
    has `digits` before the point and `scale` behind it. `controller`: what a dependent picklist hangs on.
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
            fields={field["name"]: _field(field) for field in said["fields"]},
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


def _field(field: dict[str, Any]) -> FieldDescribe:
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
        controller=str(field.get("controllerName") or ""),
    )
