"""Converters for addresses: the first one into fields of its own, all others kept as text."""

from typing import Any

from transforms.converters.cells import clean, quoted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.errors import Hold
from transforms.record import Cell, Record

_LIMITS = {"street": 255, "city": 40, "state": 80, "postal_code": 20, "country": 80}
_ALL_PARTS = (
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
)


def _text(place: dict[str, Any], name: str) -> str:
    value = place.get(name)
    return clean(value).strip() if isinstance(value, str) else ""


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


def _places(record: Record) -> list[dict[str, Any]]:
    found = as_list(record.attributes.get("locations"))
    return [each for each in found if isinstance(each, dict)]


def _main(places: list[dict[str, Any]]) -> int | None:
    """The first address that fits the fields whole."""
    return next((n for n, place in enumerate(places) if _fits(_parts(place))), None)


def address(context: ConverterContext) -> Cell:
    """One `part` of the main address: street, city, state, postal_code or country."""
    part = str(context.options["part"])

    def cell(record: Record) -> str:
        places = _places(record)
        main = _main(places)
        return "" if main is None else quoted(_parts(places[main])[part])

    return cell


def other_addresses(context: ConverterContext) -> Cell:
    """All further addresses, and those too long for the fields, a line each."""
    limit = context.length

    def cell(record: Record) -> str:
        places = _places(record)
        main = _main(places)
        lines = []
        for number, place in enumerate(places):
            shown = [_text(place, name) for name in _ALL_PARTS]
            if number != main and any(shown):
                lines.append(", ".join(each for each in shown if each))
        text = "\n".join(lines)
        if limit and len(text) > limit:
            raise Hold("too-long")
        return quoted(text)

    return cell
