"""Whether value maps are total: every value that an attribute is known to have has a target. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from transforms.converters.tree import tree_part
from transforms.errors import Hold
from transforms.map_lines import FieldLine
from transforms.mapping import Mapping as MapFile
from transforms.schema.profile import Profile
from transforms.schema.source import SourceAttribute, SourceSchema

_CUSTOM = "attributes.custom."
Profiles = Mapping[str, Mapping[str, Profile]]


@dataclass(frozen=True)
class Unmapped:
    """Values of an attribute for which a line of the map has no target; `place` leads to the line.

    "" among them stands for records without a value. `open`: there are values that cannot be listed,
    being numbers, or too many.
    """

    place: tuple[str, ...]
    source: str
    values: tuple[str, ...]
    open: bool = False


def kinds_to_look_at(mapping: MapFile) -> set[str]:
    """The kinds of which values must be known: some line maps values of a custom attribute."""
    return {kind for kind, _, line in _lines(mapping) if _attributes(line)}


def unmapped_values(mapping: MapFile, schema: SourceSchema, profiles: Profiles) -> list[Unmapped]:
    """All values of custom attributes, listed by Kustomer or seen in records, that go nowhere."""
    found = []
    for kind, place, line in _lines(mapping):
        mapped = {value.strip().lower() for value in line.values}
        for name in _attributes(line):
            profile = profiles.get(kind, {}).get(name) or Profile()
            known = schema.kinds[kind].attributes.get(name) if kind in schema.kinds else None
            taken = dict.fromkeys(
                part for each in _values(known, profile) for part in _parts(each, line)
            )
            missing = tuple(each for each in taken if each.strip().lower() not in mapped)
            unlisted = profile.open_ended or profile.numbers > 0
            if missing or unlisted:
                found.append(Unmapped(place, f"{_CUSTOM}{name}", missing, unlisted))
    return found


def _values(known: SourceAttribute | None, profile: Profile) -> Iterator[str]:
    yield from known.values if known else ()
    yield from sorted(profile.values)
    if profile.booleans or (known is not None and known.type == "boolean"):
        yield from ("true", "false")
    if profile.seen > profile.filled:
        yield ""


def _parts(value: str, line: FieldLine) -> Iterator[str]:
    """What of a value is looked up in the line's map: of a tree the part that the line takes.

    A tree's line leaves a field empty for no path, and holds what is none by itself.
    """
    if line.convert != "tree":
        yield value
        return
    try:
        part = tree_part(value, line.options)
    except Hold:
        return
    if part:
        yield part


def _lines(mapping: MapFile) -> Iterator[tuple[str, tuple[str, ...], FieldLine]]:
    for phase, line in mapping.phases.items():
        if not line.move:
            continue
        kind = mapping.phases[line.of].kind if line.of else line.kind
        for table, content in line.tables.items():
            for name, field in content.fields.items():
                if field.values and field.default is None:
                    yield kind, ("phases", phase, "tables", table, "fields", name), field


def _attributes(line: FieldLine) -> list[str]:
    return [each.removeprefix(_CUSTOM) for each in line.source if each.startswith(_CUSTOM)]
