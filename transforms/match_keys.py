"""Match keys: the texts by which a record is known again among those that Salesforce has already.

A row carries them as one text: the ways of matching in the order in which they are tried, and within a
way all keys that the record has.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

_NEXT_KEY = "\x1f"
_NEXT_WAY = "\x1e"


@dataclass(frozen=True)
class MatchWay:
    """One way of matching: a `field` of existing records, and the key that a value of it comes to.

    `key_of` gives "" for a value that stands for nobody. `where` leaves existing records out.
    """

    field: str
    key_of: Callable[[str], str]
    where: str = ""


@dataclass(frozen=True)
class Matching:
    """How a table's records are matched with existing ones.

    `shared`: several records of the source may stand for one record, so they are matched with each other
    as well; else a second one is a question for a person.
    """

    ways: tuple[MatchWay, ...]
    shared: bool = True


def write_keys(ways: Iterable[Iterable[str]]) -> str:
    """Write the keys of each way, each key once; "" where there is none."""
    return _NEXT_WAY.join(_NEXT_KEY.join(dict.fromkeys(keys)) for keys in ways).rstrip(_NEXT_WAY)


def read_keys(text: str) -> list[Sequence[str]]:
    """Read back what `write_keys` wrote: the keys of each way that has any."""
    return [keys.split(_NEXT_KEY) for keys in text.split(_NEXT_WAY) if keys]


def field_key(field: str, value: str) -> str:
    """The key of a field's value, in any letter case; "" for none."""
    plain = "".join(each for each in value if each.isprintable()).strip().lower()
    return f"{field}={plain}" if plain else ""
