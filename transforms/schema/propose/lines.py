"""Writes one attribute's line: the field it goes to, made or found, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rapidfuzz import fuzz, process

from transforms.converters import CONVERTERS
from transforms.schema.fields import FieldChoice, choose_field
from transforms.schema.names import label
from transforms.schema.profile import Profile
from transforms.schema.propose.affinity import NUMBERS
from transforms.schema.propose.homes import Home
from transforms.schema.source import SourceAttribute
from transforms.shape import FieldShape

_UNSEEN = 0.6
_SENSITIVE = 0.5
# Where a converter is not there, the nearest one, and the type of field that this one fills.
_NEAREST: Mapping[str, tuple[str, str | None]] = {
    "json-value": ("json", None),
}
_BY_FIELD = {
    "multipicklist": "multi-select",
    "email": "email-text",
    "date": "date",
    "datetime": "datetime",
    "boolean": "boolean",
    "currency": "currency",
}
_ALIKE = 88


@dataclass(frozen=True)
class Line:
    """A proposed line: `field` is its API name, `create` the form of a field to be made."""

    field: str
    line: Mapping[str, Any]
    create: Mapping[str, Any] | None = None


def can_fill(attribute: SourceAttribute, profile: Profile, field: FieldShape) -> bool:
    """Tell whether there is a converter from the attribute into the field."""
    convert = _converter(attribute, field)
    spec = CONVERTERS.get(convert)
    return spec is not None and (spec.types is None or field.type in spec.types)


def existing(attribute: SourceAttribute, profile: Profile, home: Home) -> Line:
    """The line of an attribute that has a home."""
    field = home.field
    assert field is not None  # it has one
    line: dict[str, Any] = {"source": attribute.path, "convert": _converter(attribute, field)}
    flags = list(choose_field(attribute, profile).flags) if attribute.sensitive else []
    if field.picklist and field.type in ("picklist", "combobox"):
        values, added = _value_map(attribute, profile, field)
        # Of an attribute with no known value there is nothing to map: its values go as they are.
        line |= {"convert": "values", "values": values} if values else {"convert": "text"}
        if added:
            flags.append(f"{added} values are not in its picklist yet and are added to it")
    if line["convert"] == "number" and field.type in ("int", "long"):
        line["options"] = {"whole": True}
    if line["convert"] == "text":
        del line["convert"]
    line |= bad_rule(attribute, field)
    confidence = home.confidence
    if home.others:
        flags.append(f"or {', '.join(home.others[:2])}")
    return Line(field.name, line | _why(attribute, profile, home.reason, flags, confidence))


def bad_rule(attribute: SourceAttribute, field: FieldShape | None) -> dict[str, Any]:
    """A value that does not fit is kept raw, so that its record arrives.

    Never one of a sensitive attribute, since the field that keeps it is open to more people; nor
    where the org wants the field filled.
    """
    return {} if attribute.sensitive or (field and field.required) else {"bad": "keep"}


def made(
    attribute: SourceAttribute,
    profile: Profile,
    name: str,
    home: Home | None,
    *,
    whole_kept: bool = False,
) -> Line:
    """The line of an attribute that gets a field of its own, called `name` (with `__c`).

    `whole_kept`: another line keeps all custom attributes as they are, so that this one may leave out
    what nobody reads, such as the tags of HTML.
    """
    choice = _choice(attribute, profile)
    kind, convert = choice.type, choice.convert
    if convert not in CONVERTERS:
        convert, other = _NEAREST.get(convert, ("text", None))
        kind = other or kind  # type: ignore[assignment]
    line: dict[str, Any] = {"source": attribute.path}
    if convert != "text":
        line["convert"] = convert
    if convert == "datetime":
        line["options"] = {"early": True}
    line |= bad_rule(attribute, None)
    flags = list(choice.flags)
    if convert == "html-to-text" and not whole_kept:
        del line["convert"]
        flags.append("written in HTML: converter html-to-text would make it readable")
    if convert == "html-to-text" and whole_kept:
        flags.append("its HTML is kept with the other raw attributes")
    if choice.offer:
        flags.append(f"{choice.offer} would do, too")
    if home is not None and home.others:
        flags.append(f"or {', '.join(home.others[:2])}")
    confidence = choice.confidence * (home.confidence if home else 1.0)
    why = _why(attribute, profile, f"new field: {choice.reason}", flags, confidence)
    return Line(name, line | why, _form(choice, kind, attribute))


def _choice(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    """The form of a field; an id of what is not moved can be kept only as it is."""
    lists = attribute.several or profile.lists
    if attribute.type != "reference" or not attribute.target or lists:
        return choose_field(attribute, profile)
    choice = choose_field(replace(attribute, target=None), profile)
    return replace(choice, reason=f"the id of a {attribute.target}, to which no lookup can lead")


def _form(choice: FieldChoice, kind: str, attribute: SourceAttribute) -> dict[str, Any]:
    form: dict[str, Any] = {"type": kind, "label": label(attribute.label)}
    if kind in ("Text", "LongTextArea"):
        long = kind == "LongTextArea"
        form["length"] = max(choice.length, 256, _room(choice)) if long else choice.length or 255
    if kind == "Number":
        form |= {"digits": choice.digits} | ({"scale": choice.scale} if choice.scale else {})
    if kind in ("Picklist", "MultiselectPicklist"):
        form["values"] = list(choice.values)
    return form


def _room(choice: FieldChoice) -> int:
    return sum(len(each) + 2 for each in choice.values)


def _why(
    attribute: SourceAttribute,
    profile: Profile,
    reason: str,
    flags: Sequence[str],
    confidence: float,
) -> dict[str, Any]:
    """Reason and confidence; a sensitive attribute is never more than half sure: a person decides."""
    if not profile.filled:
        confidence = min(confidence, _UNSEEN)
    if attribute.sensitive:
        confidence = min(confidence, _SENSITIVE)
    said = "; ".join(dict.fromkeys([reason, *flags]))
    return {"reason": said, "confidence": round(max(min(confidence, 0.99), 0.01), 2)}


def _converter(attribute: SourceAttribute, field: FieldShape) -> str:
    if field.type in NUMBERS - {"currency"}:
        found = "decimal"
    elif field.type in ("picklist", "combobox"):
        return "values" if field.picklist else "text"
    elif attribute.type == "tree":
        found = "tree"
    else:
        found = _BY_FIELD.get(field.type, "text")
    if found in CONVERTERS:
        return found
    nearest, other = _NEAREST.get(found, (found, None))
    return found if other else nearest  # another type of field: there is no converter into this one


def _value_map(
    attribute: SourceAttribute, profile: Profile, field: FieldShape
) -> tuple[dict[str, str], int]:
    """Every known value with its value in the picklist; one that is not there is to be added."""
    offered = {each.strip().lower(): each for each in field.picklist}
    known = dict.fromkeys([*attribute.values, *sorted(profile.values)])
    found: dict[str, str] = {}
    added = 0
    for value in known:
        plain = value.strip().lower()
        if plain in {each.lower() for each in found}:
            continue
        near = process.extractOne(plain, list(offered), scorer=fuzz.ratio, score_cutoff=_ALIKE)
        added += near is None
        found[value] = offered[near[0]] if near else value.strip()
    if found:
        found.setdefault("", "")  # a record without a value is no odd one
    return found, added
