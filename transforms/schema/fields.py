"""Which field takes an attribute: its type by suffix, metadata and the values that it really has.

Limits are those of the platform (salesforce facts, 8.2 and 8.4).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from transforms.schema.profile import Profile
from transforms.schema.source import SourceAttribute

FieldType = Literal[
    "Text",
    "TextArea",
    "LongTextArea",
    "Number",
    "Currency",
    "Checkbox",
    "Date",
    "DateTime",
    "Email",
    "Phone",
    "Url",
    "Picklist",
    "MultiselectPicklist",
    "Lookup",
    "MasterDetail",
]

TEXT_CHARS = 255
LONG_CHARS = 131_072
DIGITS = 18
PICKLIST_VALUES = 1_000
MULTISELECT_VALUES = 500
MULTISELECT_CHOSEN = 100
OFFERED_VALUES = 30
_SHARE = 0.98
_MOSTLY = 0.5
_FEW = 20


@dataclass(frozen=True)
class FieldSpec:
    """A field as it is to be: enough to write it down as source and to compare it with a describe.

    `name` ends in `__c`. `length` in characters, `digits` before the point, `scale` behind it.
    `reference_to` is the name of an object, `relationship` that of its list of children.
    """

    name: str
    label: str
    type: FieldType
    length: int = 0
    digits: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    restricted: bool = False
    reference_to: str = ""
    relationship: str = ""
    unique: bool = False
    external_id: bool = False
    required: bool = False
    description: str = ""


@dataclass(frozen=True)
class FieldChoice:
    """The form of a field, the converter that fills it, and why.

    `confidence` 0 to 1. `flags` say what a person should look at. `offer` is another type that
    would fit and that a person may prefer.
    """

    type: FieldType
    convert: str
    reason: str
    confidence: float
    length: int = 0
    digits: int = 0
    scale: int = 0
    values: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    offer: FieldType | None = None


class _Form(Protocol):
    """The form of a field, wherever it is written."""

    @property
    def type(self) -> FieldType: ...
    @property
    def length(self) -> int: ...
    @property
    def digits(self) -> int: ...
    @property
    def scale(self) -> int: ...
    @property
    def values(self) -> Sequence[str]: ...
    @property
    def reference_to(self) -> str: ...
    @property
    def unique(self) -> bool: ...
    @property
    def external_id(self) -> bool: ...


_KEYS = ("Text", "Number", "Email")


def create_faults(form: _Form) -> Iterator[str]:
    """What the platform would refuse in a field of this form, a sentence each."""
    kind = form.type
    if kind == "Text" and not 1 <= form.length <= TEXT_CHARS:
        yield f"a Text field has a length of 1 to {TEXT_CHARS} characters"
    if kind == "LongTextArea" and not TEXT_CHARS < form.length <= LONG_CHARS:
        yield f"a LongTextArea has a length of {TEXT_CHARS + 1} to {LONG_CHARS} characters"
    if kind in ("Number", "Currency") and not 1 <= form.digits + form.scale <= DIGITS:
        yield f"a {kind} has 1 to {DIGITS} digits and scale together"
    if kind in ("Picklist", "MultiselectPicklist"):
        yield from _value_faults(form)
    if (kind in ("Lookup", "MasterDetail")) != bool(form.reference_to):
        yield "reference_to belongs to Lookup and MasterDetail, and they need it"
    if (form.unique or form.external_id) and kind not in _KEYS:
        yield f"only {', '.join(_KEYS)} can be unique or an external id"


def _value_faults(form: _Form) -> Iterator[str]:
    most = PICKLIST_VALUES if form.type == "Picklist" else MULTISELECT_VALUES
    values = form.values
    if not 1 <= len(values) <= most:
        yield f"a {form.type} has 1 to {most} values"
    if len({each.lower() for each in values}) != len(values):
        yield "a value is there twice; letter case does not tell values apart"
    bad = [each for each in values if not each or len(each) > TEXT_CHARS or ";" in each]
    if bad:
        yield f"a value has 1 to {TEXT_CHARS} characters and no semicolon"


def choose_field(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    """Choose the field for one attribute.

    An attribute of which no value was seen is chosen by its name and metadata alone, with room to
    spare and less confidence.
    """
    choice = _BY_TYPE[attribute.type](attribute, profile)
    flags = list(choice.flags)
    confidence = choice.confidence
    if not profile.filled:
        flags.append("never filled in what was read")
        confidence = min(confidence, 0.6)
    if profile.bad:
        flags.append(f"{profile.bad} values are not of its type")
        confidence = min(confidence, 0.5)
    if profile.unnamed and choice.values:
        flags.append(f"{profile.unnamed} more values are in records, not known by name")
        confidence = min(confidence, 0.5)
    if attribute.deleted:
        flags.append("deleted in Kustomer, still filled in some records")
    if attribute.sensitive:
        flags.append("sensitive in Kustomer: grant the field to few")
    return FieldChoice(**{**vars(choice), "flags": tuple(flags), "confidence": confidence})


def _text(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if attribute.several or profile.lists:
        return _several(attribute, profile)
    if attribute.values:
        return _enumerated(attribute, profile)
    if special := _by_form(profile):
        return special
    if profile.chars > TEXT_CHARS or profile.multiline:
        return _long(profile, f"texts of up to {profile.chars} characters")
    few = profile.distinct is not None and 1 < profile.distinct <= OFFERED_VALUES
    often = few and profile.texts >= _FEW * (profile.distinct or 1)
    return FieldChoice(
        "Text",
        "text",
        f"texts of up to {profile.chars} characters" if profile.filled else "a string by its name",
        0.85 if often else 0.95,
        length=TEXT_CHARS,
        offer="Picklist" if often else None,
        flags=(f"only {profile.distinct} values: a picklist would do",) if often else (),
    )


def _by_form(profile: Profile) -> FieldChoice | None:
    """Texts that are all mail addresses, phone numbers or links."""
    if profile.texts < _FEW:
        return None
    forms: tuple[tuple[int, FieldType, str, int], ...] = (
        (profile.mails, "Email", "email-text", 80),
        (profile.phones, "Phone", "text", 40),
        (profile.urls, "Url", "text", TEXT_CHARS),
    )
    for count, kind, convert, most in forms:
        if profile.share(count) >= _SHARE and profile.chars <= most:
            reason = f"{profile.share(count):.0%} of the values look like one"
            return FieldChoice(kind, convert, reason, 0.8, length=most, offer="Text")
    return None


def _enumerated(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    seen = () if profile.distinct is None else tuple(sorted(profile.values))
    values = tuple(dict.fromkeys((*attribute.values, *seen)))
    unfit = len(values) > PICKLIST_VALUES or any(";" in each for each in values)
    if profile.distinct is None or unfit or _too_long(values):
        return _plain_text(profile, "its values do not fit a picklist")
    extra = len(values) - len(attribute.values)
    flags = (f"{extra} values are not in its enumeration",) if extra else ()
    return FieldChoice(
        "Picklist", "picklist", "Kustomer lists its values", 0.9, values=values, flags=flags
    )


def _several(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    seen = () if profile.distinct is None else tuple(sorted(profile.values))
    values = tuple(dict.fromkeys((*attribute.values, *seen)))
    if (
        profile.distinct is None
        or not values
        or len(values) > MULTISELECT_VALUES
        or profile.longest_list > MULTISELECT_CHOSEN
        or _too_long(values)
        or any(";" in each for each in values)
    ):
        return _long(profile, "lists that do not fit a multi-select picklist", convert="join")
    return FieldChoice(
        "MultiselectPicklist", "multi-select", "lists of few values", 0.85, values=values
    )


def _too_long(values: tuple[str, ...]) -> bool:
    return any(len(each) > TEXT_CHARS for each in values)


def _plain_text(profile: Profile, reason: str) -> FieldChoice:
    if profile.chars > TEXT_CHARS or profile.multiline:
        return _long(profile, reason)
    return FieldChoice("Text", "text", reason, 0.8, length=TEXT_CHARS)


def _long(profile: Profile, reason: str, *, convert: str = "text") -> FieldChoice:
    """Room for twice the longest text seen, in steps of a thousand."""
    room = -(-max(profile.chars * 2, 1_000) // 1_000) * 1_000
    flags = () if profile.chars <= LONG_CHARS else ("some values do not fit any field",)
    return FieldChoice(
        "LongTextArea", convert, reason, 0.9, length=min(room, LONG_CHARS), flags=flags
    )


def _long_text(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if profile.texts and profile.share(profile.htmls) >= _MOSTLY:
        return _long(profile, "a text by its name, written in HTML", convert="html-to-text")
    return _long(profile, "a text by its name")


def _number(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    scale = min(profile.decimals, 8)
    digits = max(profile.integer_digits, DIGITS - scale if not profile.filled else 1)
    room = min(max(digits + 2, 6), DIGITS - scale)
    flags: tuple[str, ...] = ()
    if profile.integer_digits > DIGITS - scale or profile.decimals > scale:
        flags = ("some numbers have more digits than a field holds",)
    if profile.numeric_texts:
        flags = (*flags, f"{profile.numeric_texts} numbers are written as text")
    reason = "whole numbers" if not scale else f"numbers with up to {scale} decimals"
    if not profile.filled:
        return FieldChoice("Number", "decimal", "a number by its name", 0.7, digits=12, scale=6)
    return FieldChoice("Number", "decimal", reason, 0.95, digits=room, scale=scale, flags=flags)


def _datetime(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if profile.moments >= _FEW and profile.midnights == profile.moments:
        return FieldChoice(
            "Date", "date", "always midnight: days, not moments", 0.8, offer="DateTime"
        )
    return FieldChoice("DateTime", "datetime", "moments", 0.95)


def _boolean(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    unset = profile.seen - profile.filled
    flags = (f"{unset} records without a value become false",) if unset else ()
    return FieldChoice("Checkbox", "boolean", "true or false", 0.95, flags=flags)


def _url(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if profile.chars > TEXT_CHARS:
        return _long(profile, f"links of up to {profile.chars} characters")
    return FieldChoice("Url", "text", "a link by its name", 0.95, length=TEXT_CHARS)


def _reference(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if attribute.target is None:
        return _plain_text(profile, "an id, of which Kustomer does not say what it names")
    if attribute.several or profile.lists:
        return _long(profile, "ids of several records; a lookup holds one", convert="join")
    return FieldChoice("Lookup", "reference", f"names a {attribute.target}", 0.95)


def _tree(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    if profile.chars > TEXT_CHARS:
        return _long(profile, "paths in a tree", convert="tree")
    return FieldChoice(
        "Text",
        "tree",
        "paths in a tree; Salesforce has no such type",
        0.7,
        length=TEXT_CHARS,
        offer="Picklist",
        flags=("the tree itself is not moved: values are kept as paths",),
    )


def _unknown(attribute: SourceAttribute, profile: Profile) -> FieldChoice:
    """No suffix and no metadata: the values alone decide."""
    if profile.objects:
        return _long(profile, "values with a structure, kept as JSON", convert="json-value")
    if profile.filled and profile.booleans == profile.elements:
        return _boolean(attribute, profile)
    if profile.filled and profile.numbers == profile.elements:
        return _number(attribute, profile)
    return _text(attribute, profile)


_BY_TYPE: dict[str, Callable[[SourceAttribute, Profile], FieldChoice]] = {
    "string": _text,
    "text": _long_text,
    "number": _number,
    "datetime": _datetime,
    "boolean": _boolean,
    "url": _url,
    "reference": _reference,
    "tree": _tree,
    "unknown": _unknown,
}
