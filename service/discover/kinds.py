"""The source's schema as an inventory: kinds, attributes with their types and homes, relations."""

import re
from collections.abc import Iterator

from service.discover.facts import AttributeFacts, KindFacts, RelationFacts
from service.sampling import Sample
from transforms.mapping import Mapping, PhaseLine
from transforms.schema.source import SourceAttribute, SourceKind, SourceSchema, attribute_type

# Relations that every record has, or that lead to settings, not to records of another kind.
_COMMON = frozenset({"org", "createdBy", "modifiedBy", "deletedBy", "messages", "klass"})
_CUSTOM = "attributes.custom."
_WHOLE = "attributes.custom"
# A name that is no plain word may have come from a record, so it is not shown.
_PLAIN = re.compile(r"[\w-]{1,128}\Z", re.ASCII)


def kinds_of(schema: SourceSchema, sample: Sample, mapping: Mapping) -> list[KindFacts]:
    """Every kind with its custom attributes, those that only records know among them."""
    return [
        KindFacts(
            name=name,
            label=kind.label,
            status=kind.status,
            sampled=sample.records.get(name, 0),
            objects=sorted({table for line in _lines(mapping, name) for table in line.tables}),
            attributes=[
                _attribute(each, kind, sample, homes_of(mapping, name))
                for each in _attributes(kind, sample)
            ],
        )
        for name, kind in schema.kinds.items()
    ]


def relations_of(schema: SourceSchema, sample: Sample) -> list[RelationFacts]:
    """References by attribute, and the relations that sampled records have."""
    by_attribute = [
        RelationFacts(
            kind=name, name=each.name, target=each.target, several=each.several, by="attribute"
        )
        for name, kind in schema.kinds.items()
        for each in kind.references()
    ]
    by_relation = [
        RelationFacts(kind=name, name=each, target=None, several=False, by="relation")
        for name in schema.kinds
        for each in sorted(sample.relations.get(name, frozenset()) - _COMMON)
        if _PLAIN.match(each)
    ]
    return [*by_attribute, *by_relation]


def homes_of(mapping: Mapping, kind: str) -> dict[str, str]:
    """Where custom attributes of a kind go by the map: `Object.Field` by the attribute's path."""
    found: dict[str, str] = {}
    for line in _lines(mapping, kind):
        for table, fields in line.tables.items():
            for name, each in fields.fields.items():
                for path in each.source:
                    if path.startswith(_CUSTOM) and path != _WHOLE:
                        found.setdefault(path, f"{table}.{name}")
            for name, parent in fields.parents.items():
                for path in parent.source:
                    if path.startswith(_CUSTOM):
                        found.setdefault(path, f"{table}: {name}")
    return found


def _lines(mapping: Mapping, kind: str) -> Iterator[PhaseLine]:
    """The phases that are made of a kind's records, second passes among them."""
    for line in mapping.phases.values():
        read = mapping.phases[line.of] if line.of else line
        if read.kind == kind:
            yield line


def _attributes(kind: SourceKind, sample: Sample) -> Iterator[SourceAttribute]:
    yield from kind.attributes.values()
    for name in sorted(sample.profiles.get(kind.name, {}).keys() - kind.attributes.keys()):
        if _PLAIN.match(name):
            yield SourceAttribute(name, name, attribute_type(name, {}))


def _attribute(
    each: SourceAttribute, kind: SourceKind, sample: Sample, homes: dict[str, str]
) -> AttributeFacts:
    profile = sample.of(kind.name, each.name)
    suffix = attribute_type(each.name, {})
    return AttributeFacts(
        name=each.name,
        label=each.label,
        type=each.type,
        by_suffix=suffix if suffix != "unknown" else None,
        by_metadata=each.told or None,
        several=each.several,
        levels=each.type == "tree",
        target=each.target,
        choices=len(each.values),
        sensitive=each.sensitive,
        deleted=each.deleted,
        known=each.name in kind.attributes,
        filled=profile.filled / profile.seen if profile.seen else None,
        home=homes.get(each.path),
    )
