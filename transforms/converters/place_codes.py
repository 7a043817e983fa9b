"""States and countries as codes, for orgs in which they are picklists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from transforms.converters.cells import as_text, clean


@dataclass(frozen=True)
class PlaceCodes:
    """What an org offers where its states and countries are picklists: codes in capitals.

    `states`: the countries that each state's code belongs to.
    """

    countries: frozenset[str]
    states: Mapping[str, frozenset[str]]

    def settle(self, place: dict[str, Any], parts: dict[str, str]) -> bool:
        """Put codes in the place of names; False where one is not offered, which is then left out."""
        named = bool(parts["country"]), bool(parts["state"])
        country, state = text_of(place, "countryCode").upper(), text_of(place, "regionCode").upper()
        parts["country"] = country if country in self.countries else ""
        here = parts["country"] in self.states.get(state, frozenset())
        parts["state"] = state if here else ""
        return named == (bool(parts["country"]), bool(parts["state"]))


def text_of(place: dict[str, Any], name: str) -> str:
    """One value of an address as clean text; "" where there is none."""
    value = place.get(name)
    return clean(as_text(value)).strip() if value is not None else ""
