"""The source's schema: kinds of records and their custom attributes (kustomer facts, 6.7).

Read from klasses and metadata as the API gives them. The type of an attribute is told by the
suffix of its name first, by its metadata second: names never change, metadata is edited by people.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

AttributeType = Literal[
    "string", "text", "number", "datetime", "boolean", "url", "reference", "tree", "unknown"
]
KlassStatus = Literal["enabled", "existing_only", "disabled"]

STANDARD_KINDS = ("company", "customer", "conversation", "message")
_SUFFIXES: dict[str, AttributeType] = {
    "Str": "string",
    "Txt": "text",
    "Num": "number",
    "At": "datetime",
    "Bool": "boolean",
    "Url": "url",
    "Id": "reference",
    "Tree": "tree",
}
_SUFFIX = re.compile(f"(?:{'|'.join(_SUFFIXES)})\\Z")
_BY_METADATA: dict[str, AttributeType] = {
    "string": "string",
    "number": "number",
    "integer": "number",
    "boolean": "boolean",
}
KOBJECT = "kobject."


@dataclass(frozen=True)
class SourceAttribute:
    """One custom attribute.

    `label` is what agents see, `several` tells that it holds a list, `target` the kind that a
    reference names (`kobject.order`; None when metadata does not say), `values` its enumeration.
    `sensitive` values are masked for most agents and are never shown. A `deleted` attribute is gone
    from the app but may still be filled in records. `suffixed` tells whether its name has a suffix,
    `told` the type that metadata gives it, as it stands there.
    """

    name: str
    label: str
    type: AttributeType
    several: bool = False
    target: str | None = None
    values: tuple[str, ...] = ()
    sensitive: bool = False
    deleted: bool = False
    suffixed: bool = True
    told: str = ""

    @property
    def path(self) -> str:
        """Where a record holds it, as the mapping file writes it."""
        return f"attributes.custom.{self.name}"

    @property
    def bare_name(self) -> str:
        """The name without its suffix, unless nothing would be left."""
        return _SUFFIX.sub("", self.name) or self.name


@dataclass(frozen=True)
class SourceKind:
    """One kind of record. `klass` and `status` are those of a custom object, else None."""

    name: str
    label: str
    attributes: Mapping[str, SourceAttribute]
    klass: str | None = None
    status: KlassStatus | None = None

    def references(self) -> list[SourceAttribute]:
        """The attributes that name other records, those of deleted ones left out."""
        return [
            each
            for each in self.attributes.values()
            if each.type == "reference" and each.target and not each.deleted
        ]


@dataclass(frozen=True)
class SourceSchema:
    """All kinds by name: the standard ones, and `kobject.NAME` for each klass.

    `gaps` say plainly what could not be read, and why.
    """

    kinds: Mapping[str, SourceKind] = field(default_factory=dict)
    gaps: tuple[str, ...] = ()

    def klasses(self) -> list[SourceKind]:
        """The custom objects, in the order of their names."""
        return sorted((k for k in self.kinds.values() if k.klass), key=lambda kind: kind.name)


def attribute_type(name: str, told: Mapping[str, Any]) -> AttributeType:
    """The type of an attribute by its suffix, then by its metadata."""
    if told.get("tree"):
        return "tree"
    suffix = _SUFFIX.search(name)
    if suffix is not None and suffix[0] != name:
        return _SUFFIXES[suffix[0]]
    if told.get("target"):
        return "reference"
    return _BY_METADATA.get(str(told.get("type") or ""), "unknown")


def read_attribute(name: str, told: Any) -> SourceAttribute:
    """Read one property of a metadata resource; a property that is none becomes `unknown`."""
    facts: Mapping[str, Any] = told if isinstance(told, Mapping) else {}
    kind = attribute_type(name, facts)
    listed = facts.get("enumeration")
    values = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    label = facts.get("displayName")
    target = facts.get("target")
    suffix = _SUFFIX.search(name)
    return SourceAttribute(
        name=name,
        label=label if isinstance(label, str) and label.strip() else name,
        type=kind,
        several=bool(facts.get("multi") or facts.get("array")),
        target=_kind_of(target) if isinstance(target, str) and target else None,
        values=tuple(dict.fromkeys(values)),
        sensitive=bool(facts.get("hasSensitiveAttributes")),
        deleted=bool(facts.get("deletedAt")),
        suffixed=suffix is not None and suffix[0] != name,
        told=str(facts.get("type") or ""),
    )


def read_attributes(metadata: Any) -> dict[str, SourceAttribute]:
    """Read the resource `metadata/KIND`; an empty one has no attributes."""
    attributes = metadata.get("attributes") if isinstance(metadata, Mapping) else None
    told = attributes.get("properties") if isinstance(attributes, Mapping) else None
    if not isinstance(told, Mapping):
        return {}
    return {str(name): read_attribute(str(name), facts) for name, facts in sorted(told.items())}


def read_klass(resource: Any, metadata: Any) -> SourceKind | None:
    """Read a klass with its metadata; None for what is no klass."""
    attributes = resource.get("attributes") if isinstance(resource, Mapping) else None
    name = attributes.get("name") if isinstance(attributes, Mapping) else None
    if not isinstance(attributes, Mapping) or not isinstance(name, str) or not name:
        return None
    # One example of the API's own pages spells it in lower case.
    label = attributes.get("displayName") or attributes.get("displayname")
    status = attributes.get("status")
    return SourceKind(
        name=f"{KOBJECT}{name}",
        label=label if isinstance(label, str) and label.strip() else name,
        attributes=read_attributes(metadata),
        klass=name,
        status=status if status in ("enabled", "existing_only", "disabled") else "enabled",
    )


def schema_of(kinds: Iterable[SourceKind], gaps: Iterable[str] = ()) -> SourceSchema:
    """Put kinds together; of two with one name the first stays."""
    found: dict[str, SourceKind] = {}
    for kind in kinds:
        found.setdefault(kind.name, kind)
    return SourceSchema(found, tuple(gaps))


def _kind_of(target: str) -> str:
    """A reference's target as the name of a kind: `order` and `kobject.order` are one."""
    plain = target.strip()
    known = (*STANDARD_KINDS, "user", "team", "note", "tag")
    return plain if plain in known or plain.startswith(KOBJECT) else f"{KOBJECT}{plain}"
