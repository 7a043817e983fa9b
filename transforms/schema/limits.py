"""The platform's limits on a schema, checked before anything is sent (salesforce facts, 8.4).

Counted on what the running user can see: an org may hold more, and then its own check refuses.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from transforms.schema.fields import MULTISELECT_VALUES, PICKLIST_VALUES, TEXT_CHARS, FieldSpec
from transforms.schema.org import Org, OrgField

LONG_TEXT_CHARS = 1_638_400
EXTERNAL_IDS = 25
RELATIONSHIPS = 40
MASTERS = 2
_LARGE = frozenset({"Account", "Case", "Contact", "Lead", "ContentVersion", "User"})
_MANY_FIELDS, _OTHER_FIELDS, _MAIL_FIELDS = 900, 800, 50
_VALUE_SETS = {"CaseStatus": 100, "CasePriority": 50, "LeadStatus": 100}
_REFERENCES = ("Lookup", "MasterDetail")
REMOVE = "Leave fields out of the map, or remove fields that nobody uses from the object."


@dataclass(frozen=True)
class Edition:
    """What an edition allows: custom fields of one object, and custom objects."""

    fields: int
    objects: int


EDITIONS: Mapping[str, Edition] = {
    "Professional Edition": Edition(100, 50),
    "Enterprise Edition": Edition(500, 200),
    "Unlimited Edition": Edition(800, 2_000),
    "Performance Edition": Edition(800, 2_000),
    "Developer Edition": Edition(500, 400),
}
_UNKNOWN = Edition(_MANY_FIELDS, 3_000)


@dataclass(frozen=True)
class Impossible:
    """Something that cannot be deployed: where, why in one sentence, and what to do."""

    place: str
    why: str
    next_step: str


def edition_of(name: str) -> Edition:
    """What the edition allows; one that we do not know is held to the platform's hard limits."""
    return EDITIONS.get(name, _UNKNOWN)


def object_faults(
    name: str, own: Sequence[OrgField], new: Sequence[FieldSpec], edition: Edition
) -> Iterator[Impossible]:
    """What one object would have too much of, with the new fields added to its `own` custom ones."""
    counts = (
        ("custom fields", len(own) + len(new), _most_fields(name, edition)),
        (
            "external ids",
            sum(each.external_id for each in own) + sum(each.external_id for each in new),
            EXTERNAL_IDS,
        ),
        (
            "relationships",
            sum(each.type == "reference" for each in own)
            + sum(each.type in _REFERENCES for each in new),
            RELATIONSHIPS,
        ),
        ("master-detail relationships", sum(each.type == "MasterDetail" for each in new), MASTERS),
        ("characters of long text", _long_text(own, new), LONG_TEXT_CHARS),
    )
    for what, count, most in counts:
        if count > most and new:
            yield Impossible(name, f"It would have {count:,} {what}; {most:,} are allowed.", REMOVE)


def values_faults(place: str, spec: FieldSpec) -> Iterator[Impossible]:
    """What is wrong with the values of a picklist of our own."""
    most = MULTISELECT_VALUES if spec.type == "MultiselectPicklist" else PICKLIST_VALUES
    if len(spec.values) > most:
        why = f"It would have {len(spec.values):,} values; {most:,} are allowed."
        yield Impossible(place, why, "Make it a text in the map; of tags, make topics.")
    yield from value_faults(place, spec.values)


def value_faults(place: str, values: Sequence[str]) -> Iterator[Impossible]:
    """Values that no picklist takes."""
    if any(len(each) > TEXT_CHARS for each in values):
        why = f"A value has more than {TEXT_CHARS} characters."
        yield Impossible(place, why, "Give it a shorter value in the map's value map.")
    if any(not is_writable(each) for each in values):
        why = "A value holds control characters, which no source file can hold."
        yield Impossible(place, why, "Give it another value in the map's value map.")


def value_set_faults(name: str, count: int) -> Iterator[Impossible]:
    """Too many values in a standard value set."""
    most = _VALUE_SETS.get(name, PICKLIST_VALUES)
    if count > most:
        why = f"The value set would have {count} values; {most} are allowed."
        yield Impossible(name, why, "Map several source values to one in the map's value map.")


def org_faults(org: Org, new: Sequence[str]) -> Iterator[Impossible]:
    """Too many custom objects."""
    count, most = len(org.custom_objects | set(new)), edition_of(org.edition).objects
    if new and count > most:
        why = f"The org would have {count:,} custom objects; its edition allows {most:,}."
        step = "Leave klasses out of the map (move: false), or remove objects that nobody uses."
        yield Impossible(", ".join(new), why, step)


def is_writable(text: str) -> bool:
    """Whether XML can hold the text."""
    return all(
        each in "\t\n\r"
        or (" " <= each < "\ud800")
        or (each > "\udfff" and each not in "\ufffe\uffff")
        for each in text
    )


def _most_fields(name: str, edition: Edition) -> int:
    if name == "EmailMessage":
        return _MAIL_FIELDS
    custom = name.endswith("__c")
    return min(edition.fields, _MANY_FIELDS if custom or name in _LARGE else _OTHER_FIELDS)


def _long_text(own: Sequence[OrgField], new: Sequence[FieldSpec]) -> int:
    there = sum(each.length for each in own if each.type == "textarea" and each.length > TEXT_CHARS)
    return there + sum(each.length for each in new if each.type == "LongTextArea")
