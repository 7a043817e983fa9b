"""The groups that teams become: names that fit, that nobody else has, and that find them again."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from transforms.converters.cells import ELLIPSIS

NAME_CHARS = 40  # of a group's name (salesforce facts, 7.6)
DESCRIPTION_CHARS = 1332
PREFIX = "Kustomer_"  # and the team's id: the developer name of a group


@dataclass(frozen=True)
class NewGroup:
    """A group to be made. `description` holds the whole name where `name` is not the team's own."""

    source_id: str
    name: str
    developer_name: str
    description: str


def new_groups(names: Mapping[str, str], taken: Set[str]) -> list[NewGroup]:
    """Return a group for each team, by source id, in the order of ids.

    A name that is too long is cut, and one that is taken, letter case aside, gets a number; the
    description then tells the whole name. `taken` holds names in lower case.
    """
    used = set(taken)
    found = []
    for source_id, given in sorted(names.items()):
        whole = " ".join(given.split()) or "Team"
        name = _free(whole, used)
        used.add(name.lower())
        kept = whole[:DESCRIPTION_CHARS] if name != whole else ""
        found.append(NewGroup(source_id, name, developer_name(source_id), kept))
    return found


def developer_name(source_id: str) -> str:
    """The name that a team's group is found by again; ids differ in more than letter case."""
    return PREFIX + source_id


def _free(whole: str, used: Set[str]) -> str:
    name, number = _cut(whole, ""), 1
    while name.lower() in used:
        number += 1
        name = _cut(whole, f" ({number})")
    return name


def _cut(whole: str, suffix: str) -> str:
    room = NAME_CHARS - len(suffix)
    return (whole if len(whole) <= room else whole[: room - 1].rstrip() + ELLIPSIS) + suffix
