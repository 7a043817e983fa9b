"""Converters for addresses: the first one into fields of its own, all others kept as text."""

from typing import Any

from transforms.converters.cells import as_text, clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.record import Cell, Record

# Salesforce's lengths of the parts of an address, in characters (salesforce facts, section 14).
_LIMITS = {"street": 255, "city": 40, "state": 80, "postal_code": 20, "country": 80}
ADDRESS_PARTS = tuple(_LIMITS)
_ALL_KEYS = (
    "type",
    "name",
    "address",
    "address2",
    "address3",
    "zipCode",
    "cityName",
    "regionName",
    "regionCode",
    "countryName",
    "countryCode",
    "areaCode",
)


def _text(place: dict[str, Any], name: str) -> str:
    value = place.get(name)
    return clean(as_text(value)).strip() if value is not None else ""


def _parts(place: dict[str, Any]) -> dict[str, str]:
    lines = (_text(place, name) for name in ("address", "address2", "address3"))
    return {
        "street": "\n".join(line for line in lines if line),
        "city": _text(place, "cityName"),
        "state": _text(place, "regionName") or _text(place, "regionCode"),
        "postal_code": _text(place, "zipCode"),
        "country": _text(place, "countryName") or _text(place, "countryCode"),
    }


def _fits(parts: dict[str, str]) -> bool:
    filled = any(parts.values())
    return filled and all(len(value) <= _LIMITS[name] for name, value in parts.items())


def _main(record: Record) -> tuple[int, dict[str, str]]:
    """Position and parts of the first address that fits the fields whole; -1 when none does."""
    known: tuple[int, dict[str, str]] | None = record.memo.get("place")
    if known is None:
        known = record.memo["place"] = _find_main(record)
    return known


def _find_main(record: Record) -> tuple[int, dict[str, str]]:
    for number, place in enumerate(as_list(record.attributes.get("locations"))):
        if isinstance(place, dict):
            parts = _parts(place)
            if _fits(parts):
                return number, parts
    return -1, {}


def address(context: ConverterContext) -> Cell:
    """One `part` of the main address: street, city, state, postal_code or country."""
    part = str(context.options["part"])
    return lambda record: quoted(_main(record)[1].get(part, ""))


def other_addresses(context: ConverterContext) -> Cell:
    """All further addresses, and those too long for the fields, a line each."""
    limit = context.length

    def cell(record: Record) -> str:
        places = as_list(record.attributes.get("locations"))
        if not places:
            return ""
        main = _main(record)[0]
        lines = (_line(place) for number, place in enumerate(places) if number != main)
        return fitted("\n".join(line for line in lines if line), limit)

    return cell


def _line(place: Any) -> str:
    if not isinstance(place, dict):
        return clean(as_text(place)).strip()
    shown = (_text(place, name) for name in _ALL_KEYS)
    return ", ".join(each for each in shown if each)
