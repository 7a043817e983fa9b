"""Whether value maps are total: every value that an attribute is known to have has a target. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from transforms.mapping import FieldLine
from transforms.mapping import Mapping as MapFile
from transforms.schema.profile import Profile
from transforms.schema.source import SourceSchema

_CUSTOM = "attributes.custom."
Profiles = Mapping[str, Mapping[str, Profile]]


@dataclass(frozen=True)
class Unmapped:
    """Values of an attribute for which a line of the map has no target; `place` leads to the line."""

    place: tuple[str, ...]
    source: str
    values: tuple[str, ...]


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
            values = dict.fromkeys([*(known.values if known else ()), *sorted(profile.values)])
            missing = tuple(each for each in values if each.strip().lower() not in mapped)
            if missing:
                found.append(Unmapped(place, f"{_CUSTOM}{name}", missing))
    return found


def _lines(mapping: MapFile) -> Iterator[tuple[str, tuple[str, ...], FieldLine]]:
    for phase, line in mapping.phases.items():
        if not line.move:
            continue
        kind = mapping.phases[line.of].kind if line.of else line.kind
        for table, content in line.tables.items():
            for name, field in content.fields.items():
                if field.convert == "values" and field.default is None:
                    yield kind, ("phases", phase, "tables", table, "fields", name), field


def _attributes(line: FieldLine) -> list[str]:
    return [each.removeprefix(_CUSTOM) for each in line.source if each.startswith(_CUSTOM)]
