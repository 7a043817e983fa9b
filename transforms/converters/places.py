"""Converters for addresses: the first one into fields of its own, all others kept as text."""

from typing import Any

from transforms.converters.cells import as_text, clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.converters.place_codes import PlaceCodes, text_of
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


def _parts(place: dict[str, Any]) -> dict[str, str]:
    lines = (text_of(place, name) for name in ("address", "address2", "address3"))
    return {
        "street": "\n".join(line for line in lines if line),
        "city": text_of(place, "cityName"),
        "state": text_of(place, "regionName") or text_of(place, "regionCode"),
        "postal_code": text_of(place, "zipCode"),
        "country": text_of(place, "countryName") or text_of(place, "countryCode"),
    }


def _fits(parts: dict[str, str]) -> bool:
    filled = any(parts.values())
    return filled and all(len(value) <= _LIMITS[name] for name, value in parts.items())


def _main(record: Record, codes: PlaceCodes | None) -> tuple[int, dict[str, str], bool]:
    """Position and parts of the first address that fits the fields, and whether it does so whole.

    The position is -1 when none does. Of what does not fit whole a state or country is missing.
    """
    known: tuple[int, dict[str, str], bool] | None = record.memo.get("place")
    if known is None:
        known = record.memo["place"] = _find_main(record, codes)
    return known


def _find_main(record: Record, codes: PlaceCodes | None) -> tuple[int, dict[str, str], bool]:
    for number, place in enumerate(as_list(record.attributes.get("locations"))):
        if isinstance(place, dict):
            parts = _parts(place)
            whole = codes is None or codes.settle(place, parts)
            if _fits(parts):
                return number, parts, whole
    return -1, {}, True


def address(context: ConverterContext) -> Cell:
    """One `part` of the main address: street, city, state, postal_code or country.

    Where the org has picklists for states and countries, those two are their codes.
    """
    part, codes = str(context.options["part"]), context.places
    return lambda record: quoted(_main(record, codes)[1].get(part, ""))


def other_addresses(context: ConverterContext) -> Cell:
    """All further addresses, and those that do not fit the fields whole, a line each."""
    limit, codes = context.length, context.places

    def cell(record: Record) -> str:
        places = as_list(record.attributes.get("locations"))
        if not places:
            return ""
        main, _, whole = _main(record, codes)
        lines = (_line(place) for number, place in enumerate(places) if number != main or not whole)
        return fitted("\n".join(line for line in lines if line), limit)

    return cell


def _line(place: Any) -> str:
    if not isinstance(place, dict):
        return clean(as_text(place)).strip()
    shown = (text_of(place, name) for name in _ALL_KEYS)
    return ", ".join(each for each in shown if each)
