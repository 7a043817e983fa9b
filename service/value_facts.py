"""The figures of attributes for `map show`, `map profile` and `map propose`: of all records, or a sample.

Those of all count only once a kind is read to its end with the profile on: until then, and where a part
was read by an earlier version, a sample speaks. What is no text of its own (a value outside a picklist)
is told as a count; a value is named only where it is known from elsewhere and not sensitive.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from service.phases import Phase
from service.profiling import RECORDS, profile_of
from state.ledger import Ledger
from state.profiles import Token
from transforms.map_lines import FieldLine
from transforms.mapping import Mapping as MapFile
from transforms.schema.profile import Profile
from transforms.schema.source import SourceAttribute, attribute_type
from transforms.schema.tally import CUSTOM, PageTally, meaning, standard_paths
from transforms.shape import FieldShape

Basis = Literal["all", "part", "sample", "none"]


class ViewFacts(BaseModel):
    """The root of what a view is made of; nothing is in it that its schema does not name."""

    model_config = ConfigDict(extra="forbid")


class ValueFacts(ViewFacts):
    """How the values of one attribute look. Lengths are those of the longest text.

    `distinct` texts, letter case apart; null when there are more than are told apart, or none may be
    kept. `bad_...`: values that are none of what the field or the attribute's name asks for, null where
    nothing asks. `outside`: values outside the field's picklist or the line's value map, and how many
    distinct ones; null where there is no such list or it cannot be told.
    """

    path: str
    filled: int
    fill_rate: float
    distinct: int | None
    characters: int
    bytes: int
    bad_dates: int | None
    bad_numbers: int | None
    bad_mails: int | None
    outside: int | None
    outside_distinct: int | None


@dataclass(frozen=True)
class KindValues:
    """Profiles of one phase's records by path, on which basis, and what makes their tokens."""

    basis: Basis = "none"
    records: int = 0
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    token: Token = str


async def counted_values(ledger: Ledger, phases: Iterable[Phase]) -> dict[str, KindValues]:
    """What was counted of each phase that reads: `all` when no extracted record is missing in it."""
    token = await ledger.profiles.token()
    found: dict[str, KindValues] = {}
    for phase in phases:
        stored = await ledger.profiles.of(phase.kind)
        if phase.of is not None or token is None or "" not in stored:
            continue
        records = stored[""].counts.get(RECORDS, 0)
        ended = await ledger.facts.get(f"extracted.{phase.name}") is not None
        whole = ended and records == (await ledger.books.read(phase.name)).extracted
        profiles = {path: profile_of(each) for path, each in stored.items() if path}
        for each in profiles.values():
            each.seen = records
        found[phase.name] = KindValues("all" if whole else "part", records, profiles, token)
    return found


def sampled_values(mapping: MapFile, phase: str, records: Sequence[Any]) -> KindValues:
    """The same figures of a sample, whose values need no token."""
    tally = PageTally(str, standard_paths(mapping, phase))
    tally.add(records)
    counted = tally.take()
    for each in counted.profiles.values():
        each.seen = counted.records
    return KindValues("sample", counted.records, counted.profiles)


def line_facts(
    known: KindValues, line: FieldLine, shape: FieldShape | None, hidden: Iterable[str]
) -> list[ValueFacts]:
    """The figures of each source of a line that was counted."""
    return [
        facts_of(path, known, line=line, shape=shape, hidden=path in set(hidden))
        for path in line.source
        if path in known.profiles or (path.startswith(CUSTOM) and known.records)
    ]


def facts_of(
    path: str,
    known: KindValues,
    *,
    line: FieldLine | None = None,
    shape: FieldShape | None = None,
    hidden: bool = False,
) -> ValueFacts:
    """The figures of one attribute; with `line` and `shape`, those that the target asks for too."""
    profile = known.profiles.get(path) or Profile()
    outside = None if hidden else outside_tokens(profile, known.token, line, shape)
    dates, numbers, mails = _bad(path, profile, line, shape)
    tokenless = hidden or (profile.texts > 0 and not profile.values)
    return ValueFacts(
        path=path,
        filled=profile.filled,
        fill_rate=profile.filled / known.records if known.records else 0.0,
        distinct=None if tokenless else profile.distinct,
        characters=profile.chars,
        bytes=profile.bytes,
        bad_dates=dates,
        bad_numbers=numbers,
        bad_mails=mails,
        outside=None if outside is None else outside.total(),
        outside_distinct=None if outside is None else len(outside),
    )


def _bad(
    path: str, profile: Profile, line: FieldLine | None, shape: FieldShape | None
) -> tuple[int | None, int | None, int | None]:
    """Bad dates, numbers and mail addresses; the forms of standard attributes are not counted."""
    if not path.startswith(CUSTOM):
        return None, None, None
    kind = attribute_type(path.removeprefix(CUSTOM), {})
    convert = line.convert if line else ""
    dates = kind == "datetime" or convert in ("date", "datetime")
    numbers = kind == "number" or convert in ("number", "decimal")
    mails = convert == "email-text" or (shape is not None and shape.type == "email")
    return (
        profile.bad_as("datetime") if dates else None,
        profile.bad_as("number") - profile.numeric_texts if numbers else None,
        profile.elements - profile.mails if mails else None,
    )


def outside_tokens(
    profile: Profile, token: Token, line: FieldLine | None, shape: FieldShape | None
) -> Counter[str] | None:
    """Tokens of values that the target has no place for; None where that is not told."""
    allowed: Iterable[str] | None = None
    if line is not None and line.convert == "values":
        allowed = line.values if line.default is None else None
    elif shape is not None and shape.type in ("picklist", "multipicklist"):
        allowed = shape.picklist or None
    if allowed is None or profile.open_ended or (profile.texts and not profile.values):
        return None
    inside = {token(meaning(each)) for each in allowed}
    return Counter({each: count for each, count in profile.values.items() if each not in inside})


def named(tokens: Iterable[str], token: Token, candidates: Iterable[str]) -> list[str]:
    """Those of `candidates` (texts known from elsewhere) that the tokens stand for."""
    wanted = set(tokens)
    return [each for each in dict.fromkeys(candidates) if token(meaning(each)) in wanted]


def with_names(
    counted: Profile, sample: Profile, token: Token, attribute: SourceAttribute
) -> Profile:
    """The profile of all records with the values that are known by name, and how many are not."""
    by_token: dict[str, str] = {}
    for each in (*attribute.values, *sample.values):
        by_token.setdefault(token(meaning(each)), each)
    values = Counter(
        {by_token[each]: count for each, count in counted.values.items() if each in by_token}
    )
    unnamed = len(counted.values) - len(values)
    bad = counted.bad_as(attribute.type)
    return replace(counted, values=values, unnamed=unnamed, bad=bad)


def said(values: ValueFacts) -> str:
    """The figures in a few words."""
    told = [f"{values.fill_rate:.0%} filled"]
    if values.distinct:
        told.append(f"{values.distinct} distinct")
    if values.characters:
        told.append(f"up to {values.characters} characters, {values.bytes} bytes")
    for count, what in (
        (values.bad_dates, "bad dates"),
        (values.bad_numbers, "bad numbers"),
        (values.bad_mails, "bad e-mails"),
        (values.outside, "outside the target's values"),
    ):
        if count:
            told.append(f"{count:,} {what}")
    return ", ".join(told)


def basis_said(basis: Basis, records: int) -> str:
    """Which records the figures are of."""
    words = {"all": "all {} records", "part": "{} records read so far", "sample": "a sample of {}"}
    return words.get(basis, "no records").format(f"{records:,}")
