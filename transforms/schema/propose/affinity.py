"""How well an existing field fits an attribute: facts of a pair, and the odds that they come to.

The weights were fitted on half of the labelled pairs (`python -m benchmarks.proposer --fit`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

from rapidfuzz import fuzz

from transforms.schema.profile import Profile
from transforms.schema.propose.words import Weights, by_meaning, concepts, initials, likeness
from transforms.schema.source import SourceAttribute
from transforms.shape import FieldShape

NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})
_TEXTS = frozenset({"string", "textarea", "encryptedstring"})
_CHOICES = frozenset({"picklist", "multipicklist", "combobox"})
_TYPES: Mapping[str, frozenset[str]] = {
    "string": _TEXTS | _CHOICES | {"email", "phone", "url"},
    "text": _TEXTS,
    "number": NUMBERS,
    "datetime": frozenset({"date", "datetime"}),
    "boolean": frozenset({"boolean"}),
    "url": frozenset({"url", "string"}),
    "tree": frozenset({"string", "picklist"}),
    "unknown": _TEXTS,
}
_SHARE = 0.98

# Of the facts, in the order of `FEATURES`; `NONE` stands against them all: a field of its own.
FEATURES = ("name", "inside", "spelling", "initials", "values", "foreign", "form", "type", "room")
WEIGHTS: Mapping[str, float] = {
    "name": 3.65,
    "inside": 3.39,
    "spelling": 1.43,
    "initials": 0.28,
    "values": 2.31,
    "foreign": -2.2,
    "form": 1.51,
    "type": 1.1,
    "room": -0.93,
}
NONE = 3.75


@dataclass(frozen=True)
class Pair:
    """An attribute and a field that could take it; `facts` by the names in `FEATURES`."""

    facts: Mapping[str, float]

    @property
    def gain(self) -> float:
        """The logarithm of the odds that this is its field rather than that it has none."""
        return sum(WEIGHTS[name] * value for name, value in self.facts.items()) - NONE


class Fields:
    """The fields of one object that are free, made ready for many comparisons.

    Without `meant`, words are compared as they are spelled: how good the proposer is where its
    table of words does not help.
    """

    def __init__(self, fields: Sequence[FieldShape], *, meant: bool = True) -> None:
        self.fields = tuple(fields)
        self._meant = meant
        self._names = [self._spoken(each.name.removesuffix("__c"), each.label) for each in fields]
        self._initials = [
            {initials(each.name.removesuffix("__c")), initials(each.label)} for each in fields
        ]
        self._weights = Weights([[w for name in names for w in name] for names in self._names])

    def pairs(self, attribute: SourceAttribute, profile: Profile) -> list[Pair | None]:
        """Compare an attribute with every field; None where the field cannot take it at all."""
        names = self._spoken(attribute.bare_name, attribute.label)
        return [
            Pair(self._facts(number, names, attribute, profile))
            if can_take(field, attribute, profile)
            else None
            for number, field in enumerate(self.fields)
        ]

    def _spoken(self, name: str, label: str) -> list[tuple[str, ...]]:
        said = (concepts(each, meant=self._meant) for each in (name, label or name))
        return list(dict.fromkeys(said))

    def _facts(
        self,
        number: int,
        names: Sequence[tuple[str, ...]],
        attribute: SourceAttribute,
        profile: Profile,
    ) -> dict[str, float]:
        field = self.fields[number]
        alike = [
            likeness(one, other, self._weights) for one in names for other in self._names[number]
        ]
        offered, seen = by_meaning(field.picklist), _values(attribute, profile)
        shared = len(seen & offered) / len(seen) if seen and offered else 0.0
        spelled = (attribute.bare_name.lower(), attribute.label.lower())
        return {
            "name": max(each for each, _ in alike),
            "inside": max(each for _, each in alike),
            "spelling": max(
                fuzz.token_sort_ratio(one, other) / 100
                for one in spelled
                for other in (
                    field.name.removesuffix("__c").replace("_", " ").lower(),
                    field.label.lower(),
                )
            ),
            "initials": float(
                bool({each for each in spelled if len(each) > 1} & self._initials[number])
            ),
            "values": shared,
            "foreign": float(bool(offered) and bool(seen) and not seen & offered),
            "form": _form(field, profile),
            "type": _type(field, attribute, profile),
            "room": float(field.type == "textarea" and attribute.type != "text"),
        }


def can_take(field: FieldShape, attribute: SourceAttribute, profile: Profile) -> bool:
    """Tell whether a field can hold the attribute's values at all, by type, length and digits."""
    if attribute.several or profile.lists or profile.objects:
        return field.type == "multipicklist" and profile.distinct is not None
    if field.type not in _TYPES.get(attribute.type, frozenset()) or field.type == "multipicklist":
        return False
    if field.type in NUMBERS:
        scale = 0 if field.type in ("int", "long") else field.scale
        known = field.digits or field.scale or field.type in ("int", "long")
        return not known or (
            profile.decimals <= scale and profile.integer_digits <= (field.digits or 9)
        )
    if field.type in _CHOICES:
        return bool(_values(attribute, profile)) and not profile.open_ended
    if field.type == "email" and profile.texts and profile.share(profile.mails) < _SHARE:
        return False
    return not field.length or profile.chars <= field.length


def _values(attribute: SourceAttribute, profile: Profile) -> set[str]:
    seen = set() if profile.open_ended else by_meaning(profile.values)
    return seen | by_meaning(attribute.values)


def _form(field: FieldShape, profile: Profile) -> float:
    """What the values look like against what the field is for: -1 to 1."""
    if not profile.texts:
        return 0.0
    shares = {"email": profile.mails, "phone": profile.phones, "url": profile.urls}
    if field.type in shares:
        return 1.0 if profile.share(shares[field.type]) >= _SHARE else -1.0
    special = max(profile.mails, profile.urls)
    return -0.5 if profile.share(special) >= _SHARE and field.type in _TEXTS else 0.0


def _type(field: FieldShape, attribute: SourceAttribute, profile: Profile) -> float:
    """How closely the types agree: 0 to 1."""
    if attribute.type == "datetime" and profile.moments:
        days = profile.midnights == profile.moments
        return 1.0 if days == (field.type == "date") else 0.0
    same = {"text": "textarea", "url": "url", "boolean": "boolean"}
    if attribute.type in same:
        return float(field.type == same[attribute.type])
    if attribute.type == "number":
        return float(field.type != "int" or not profile.decimals)
    return 0.5


def shares_of(gains: Sequence[float | None]) -> list[float]:
    """The probability of each field, beside that of having none (which is what is left of 1)."""
    odds = [0.0 if gain is None else exp(min(gain, 30.0)) for gain in gains]
    whole = 1.0 + sum(odds)
    return [each / whole for each in odds]
