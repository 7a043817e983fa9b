"""Which attributes of a kind have a home among the fields that an object already has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from transforms.schema.profile import Profile
from transforms.schema.propose.affinity import NUMBERS, Fields, Pair, shares_of
from transforms.schema.propose.assign import best_assignment
from transforms.schema.source import SourceAttribute
from transforms.shape import FieldShape

# What a hint is worth against the names: it tips a close decision, and no clear one.
_HINT = 2.0


@dataclass(frozen=True)
class Home:
    """What was found for one attribute: a field, or None, with how sure that is and why.

    `others` are the next best fields, for a person (or a model) to choose from.
    """

    field: FieldShape | None
    confidence: float
    reason: str
    others: tuple[str, ...] = ()


Usable = Callable[[SourceAttribute, Profile, FieldShape], bool]
Hints = Mapping[str, str | None]


def find_homes(
    attributes: Sequence[tuple[SourceAttribute, Profile]],
    fields: Sequence[FieldShape],
    *,
    usable: Usable = lambda attribute, profile, field: True,
    hints: Hints | None = None,
    meant: bool = True,
) -> dict[str, Home]:
    """Give each attribute, by name, its field or none; no field is given twice.

    `usable` may rule pairs out. `hints` name for some attributes a field that somebody prefers
    (None: none of them); they tip close decisions. `meant` as in `Fields`.
    """
    ready = Fields(fields, meant=meant)
    pairs = [
        _ruled(ready.pairs(attribute, profile), attribute, profile, fields, usable)
        for attribute, profile in attributes
    ]
    gains = [
        [
            _gain(pair, attribute.name, field.name, hints or {})
            for pair, field in zip(row, fields, strict=True)
        ]
        for row, (attribute, _) in zip(pairs, attributes, strict=True)
    ]
    chosen = best_assignment(gains)
    return {
        attribute.name: _home(attribute, row, gain, column, fields)
        for (attribute, _), row, gain, column in zip(attributes, pairs, gains, chosen, strict=True)
    }


def _ruled(
    pairs: list[Pair | None],
    attribute: SourceAttribute,
    profile: Profile,
    fields: Sequence[FieldShape],
    usable: Usable,
) -> list[Pair | None]:
    return [
        pair if pair and usable(attribute, profile, field) else None
        for pair, field in zip(pairs, fields, strict=True)
    ]


def _gain(pair: Pair | None, attribute: str, field: str, hints: Hints) -> float | None:
    if pair is None:
        return None
    if attribute not in hints:
        return pair.gain
    return pair.gain + (_HINT if hints[attribute] == field else -_HINT)


def _home(
    attribute: SourceAttribute,
    pairs: Sequence[Pair | None],
    gains: Sequence[float | None],
    column: int | None,
    fields: Sequence[FieldShape],
) -> Home:
    shares = shares_of(gains)
    order = sorted(range(len(fields)), key=lambda number: -shares[number])
    others = tuple(
        fields[each].name for each in order[:3] if each != column and shares[each] > 0.02
    )
    if column is None:
        return Home(None, 1.0 - sum(shares), "no field of the org is like it", others)
    pair = pairs[column]
    assert pair is not None  # a ruled-out pair has no gain
    return Home(fields[column], shares[column], _reason(pair, fields[column]), others)


def _reason(pair: Pair, field: FieldShape) -> str:
    facts = pair.facts
    said = [f"like {field.label or field.name}"]
    if facts["name"] >= 0.95 or facts["spelling"] >= 0.95:
        said = [f"the same name as {field.label or field.name}"]
    elif facts["initials"]:
        said = [f"the initials of {field.label or field.name}"]
    if facts["values"]:
        said.append(f"{facts['values']:.0%} of its values are in the picklist")
    if facts["form"] > 0:
        said.append(f"its values look like a {field.type}")
    if field.type in NUMBERS | {"boolean", "date", "datetime"}:
        said.append("its type fits")
    return "; ".join(said)
