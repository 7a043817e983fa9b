"""One object compared: what the org lacks of it, what must grow, and what is impossible."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from transforms.schema.fields import LONG_CHARS, TEXT_CHARS, FieldSpec
from transforms.schema.limits import (
    Impossible,
    edition_of,
    is_writable,
    object_faults,
    value_faults,
    value_set_faults,
    values_faults,
)
from transforms.schema.needed import NeededObject
from transforms.schema.org import DESCRIBED, MASTER_VALUE_SETS, Org, OrgField, OrgObject

_PICKLISTS = ("picklist", "multipicklist")
_OTHER_VALUE = "Correct the map's value map."
_RENAME = "Give the field another name in the map, or remove the field from the org."


@dataclass(frozen=True)
class NewField:
    """A field to be made."""

    object: str
    spec: FieldSpec


@dataclass(frozen=True)
class Change:
    """A field that is there and must hold more: `wanted` is its new form, `what` says it."""

    object: str
    wanted: FieldSpec
    what: tuple[str, ...]


@dataclass(frozen=True)
class NewValues:
    """Values to be added to a picklist that is there.

    `value_set` is the standard value set that the field takes them from; None when the field has its
    own. `closed`: those of them that close a record.
    """

    object: str
    field: str
    value_set: str | None
    values: tuple[str, ...]
    closed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Admitted:
    """New values of a picklist that record types must admit: each narrows the values it offers."""

    object: str
    field: str
    values: tuple[str, ...]
    record_types: tuple[str, ...]


@dataclass
class Differences:
    """What has been found so far, object by object; see `SchemaPlan`."""

    fields: list[NewField] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    values: list[NewValues] = field(default_factory=list)
    admitted: list[Admitted] = field(default_factory=list)
    new_access: list[str] = field(default_factory=list)
    there: int = 0
    impossible: list[Impossible] = field(default_factory=list)


def compare(needed: NeededObject, org: Org, draft: Differences) -> None:
    """Compare one object with the org, and add what differs to `draft`."""
    there = org.objects.get(needed.name)
    if there is None and not needed.made:
        why = "The org has no such object, or the running user may not see it."
        step = "Grant the running user the object, or leave it out of the map."
        draft.impossible.append(Impossible(needed.name, why, step))
        return
    if there is not None and not there.createable:
        _closed_object(needed, draft)
    known = there or OrgObject(needed.name)
    new = []
    for name, spec in needed.fields.items():
        place = f"{needed.name}.{name}"
        draft.impossible += _spec_faults(place, spec)
        found = known.fields.get(name) or org.hidden.get(place)
        if found is None:
            new.append(spec)
        else:
            _compare_field(needed.name, spec, found, draft)
    for spec in new:
        draft.fields.append(NewField(needed.name, spec))
        _admit(needed.name, spec.name, spec.values, known, draft)
    own = [each for each in known.fields.values() if each.custom]
    own += [each for place, each in org.hidden.items() if place.startswith(f"{needed.name}.")]
    draft.impossible += object_faults(needed.name, own, new, edition_of(org.edition))
    _compare_values(needed, known, org, draft)
    _compare_access(needed, known, org, draft)


def _closed_object(needed: NeededObject, draft: Differences) -> None:
    if needed.made:
        draft.new_access.append(needed.name)
        return
    why = "The running user may not make records of it."
    step = "Grant the running user create, read and edit on the object by its profile."
    draft.impossible.append(Impossible(needed.name, why, step))


def _spec_faults(place: str, spec: FieldSpec) -> Iterator[Impossible]:
    if not is_writable(spec.label):
        why = "Its label holds control characters, which no source file can hold."
        yield Impossible(place, why, "Correct the label in the map.")
    yield from values_faults(place, spec)


def _compare_field(name: str, spec: FieldSpec, found: OrgField, draft: Differences) -> None:
    place = f"{name}.{spec.name}"
    why = _other_kind(spec, found)
    if why:
        draft.impossible.append(Impossible(place, why, _RENAME))
        return
    wanted, what = _grown(spec, found)
    if what:
        draft.changes.append(Change(name, wanted, tuple(what)))
    else:
        draft.there += 1


def _other_kind(spec: FieldSpec, found: OrgField) -> str:
    """Why a field that is there cannot become the one that is needed; empty when it can."""
    if found.type not in DESCRIBED[spec.type]:
        return f"It is there as {found.type}; the map needs {spec.type}."
    if spec.type == "LongTextArea" and found.length <= TEXT_CHARS:
        return f"It is there as a text area of {found.length}; the map needs {spec.type}."
    if spec.reference_to and spec.reference_to not in found.reference_to:
        named = ", ".join(found.reference_to) or "nothing"
        return f"It refers to {named}; the map needs {spec.reference_to}."
    return ""


def _grown(spec: FieldSpec, found: OrgField) -> tuple[FieldSpec, list[str]]:
    """The field with room for both, and what that changes; nothing is ever made smaller."""
    what = []
    length = min(max(spec.length, found.length), LONG_CHARS)
    if spec.type in ("Text", "LongTextArea") and spec.length > found.length:
        what.append(f"longer: {found.length:,} to {spec.length:,} characters")
    digits, scale = max(spec.digits, found.digits), max(spec.scale, found.scale)
    if (spec.type, found.type) in (("Number", "double"), ("Currency", "currency")) and (
        digits,
        scale,
    ) != (found.digits, found.scale):
        what.append(f"more digits: {digits} before the point, {scale} behind it")
    if spec.unique and not found.unique:
        what.append("unique")
    if spec.external_id and not found.external_id:
        what.append("an external id")
    return replace(spec, length=length, digits=digits, scale=scale), what


def _compare_values(needed: NeededObject, there: OrgObject, org: Org, draft: Differences) -> None:
    wanted = dict(needed.values)
    for name, spec in needed.fields.items():
        if spec.values:
            wanted[name] = tuple(dict.fromkeys((*spec.values, *wanted.get(name, ()))))
    _compare_closed(needed, org, draft)
    for name, values in wanted.items():
        found = there.fields.get(name) or org.hidden.get(f"{needed.name}.{name}")
        if found is None or found.type not in _PICKLISTS:
            continue
        place = f"{needed.name}.{name}"
        draft.impossible += value_faults(place, values)
        missing = tuple(each for each in values if each not in found.values)
        if missing:
            _add_values(needed, found, missing, there, draft)


def _compare_closed(needed: NeededObject, org: Org, draft: Differences) -> None:
    """A value that is there as an open one would leave every record open that the map closes."""
    value_set = MASTER_VALUE_SETS.get((needed.name, "Status"), "")
    for value in sorted(needed.closed & org.open_values.get(value_set, frozenset())):
        why = f"The value {value} is there and closes nothing; the map closes records by it."
        step = (
            "Mark it as closed in Setup (this closes the records that have it), or map to another."
        )
        draft.impossible.append(Impossible(f"{needed.name}.Status", why, step))


def _add_values(
    needed: NeededObject,
    found: OrgField,
    missing: tuple[str, ...],
    there: OrgObject,
    draft: Differences,
) -> None:
    place = f"{needed.name}.{found.name}"
    value_set = MASTER_VALUE_SETS.get((needed.name, found.name))
    if value_set is None and not found.custom:
        why = f"It does not take {', '.join(missing)}, and its values cannot be changed."
        draft.impossible.append(Impossible(place, why, _OTHER_VALUE))
        return
    spelled = {each.lower(): each for each in found.values}
    for value in missing:
        if value.lower() in spelled:
            why = f"It has the value {spelled[value.lower()]}, which differs from {value} in letter case."
            draft.impossible.append(Impossible(place, why, _OTHER_VALUE))
    if value_set is not None:
        draft.impossible += value_set_faults(value_set, len(found.values) + len(missing))
    closed = tuple(each for each in missing if found.name == "Status" and each in needed.closed)
    draft.values.append(NewValues(needed.name, found.name, value_set, missing, closed))
    _admit(needed.name, found.name, missing, there, draft)


def _admit(
    name: str, field_name: str, values: tuple[str, ...], there: OrgObject, draft: Differences
) -> None:
    if values and there.record_types:
        draft.admitted.append(Admitted(name, field_name, values, there.record_types))


def _compare_access(needed: NeededObject, there: OrgObject, org: Org, draft: Differences) -> None:
    """Fields that the map fills and the running user does not see, or may not write."""
    for name in sorted(needed.filled | needed.updated):
        found = there.fields.get(name)
        if found is not None and not _lacking(needed, name, found):
            continue
        place = f"{needed.name}.{name}"
        known = found is not None or name in needed.fields or place in org.hidden
        if name.endswith("__c") and known:
            draft.new_access.append(place)
        elif there.fields:
            draft.impossible.append(_no_access(place, found))


def _no_access(place: str, found: OrgField | None) -> Impossible:
    if place.endswith("__c"):
        why = "The map fills it; the org does not have it, and the map does not make it."
        return Impossible(place, why, "Correct its name, or add it to `create` in the map.")
    why = "The running user does not see it." if found is None else "It cannot be written."
    step = "Grant the running user edit access to it by the profile, or leave it out of the map."
    return Impossible(place, why, step)


def _lacking(needed: NeededObject, name: str, found: OrgField) -> bool:
    unset = name in needed.filled and not found.createable
    return unset or (name in needed.updated and not found.updateable)
