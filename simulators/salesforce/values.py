"""Checking one value against its field, as an insert or update does (facts, 3.5, 3.9, 7)."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from simulators.salesforce.outcomes import BadValue
from simulators.salesforce.schema import FieldDef

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\Z")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)", re.IGNORECASE | re.ASCII
)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(E[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NOT_OF_TYPE = "INVALID_TYPE_ON_FIELD_IN_RECORD"
_OUT_OF_RANGE = "NUMBER_OUTSIDE_VALID_RANGE"
_MOST_CHOSEN = 100
_AUDIT_FROM, _FROM, _TO = 1970, 1700, 4000


Check = Callable[[Any], Any]


def checker(field: FieldDef, *, in_bytes: bool = False) -> Check:
    """Return the check of a field: gives the value as stored, or raises `BadValue`.

    `in_bytes`: the length of the text counts UTF-8 bytes, not characters (facts, 7.4).
    """
    make = _MAKERS.get(field.type)
    return _text(field, in_bytes=in_bytes) if make is None else make(field)


def _plain(value: Any, name: str) -> str:
    """A JSON value as text; objects and arrays are no field values."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadValue("JSON_PARSER_ERROR", f"Cannot deserialize a value of field {name}", name)


def _text(field: FieldDef, *, in_bytes: bool) -> Check:
    name, limit = field.name, field.length

    def check(value: Any) -> str:
        text = value if type(value) is str else _plain(value, name)
        size = len(text.encode()) if in_bytes else len(text)
        if limit and size > limit:
            message = f"{name}: data value too large: {text[:40]} (max length={limit})"
            raise BadValue("STRING_TOO_LONG", message, name)
        return text

    return check


def _email(field: FieldDef) -> Check:
    plain = _text(field, in_bytes=False)
    name = field.name

    def check(value: Any) -> str:
        text: str = plain(value)
        if not _EMAIL.match(text) or not text.isascii():
            raise BadValue("INVALID_EMAIL_ADDRESS", f"{name}: invalid email address: {text}", name)
        return text

    return check


def _picklist(field: FieldDef) -> Check:
    known = frozenset(field.values)
    restricted = "R" in field.flags
    name, limit = field.name, field.length

    def check(value: Any) -> str:
        text = value if type(value) is str else _plain(value, name)
        if restricted and text not in known:
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise BadValue(code, f"bad value for restricted picklist field: {text}", name)
        if limit and len(text) > limit:
            message = f"{name}: data value too large: {text[:40]} (max length={limit})"
            raise BadValue("STRING_TOO_LONG", message, name)
        return text

    return check


def _several(field: FieldDef) -> Check:
    """The values of a multi-select picklist, apart by semicolons, each once (facts, 7.10)."""
    one = _picklist(replace(field, length=255))
    name, limit = field.name, field.length

    def check(value: Any) -> str:
        parts = [part.strip() for part in _plain(value, name).split(";")]
        chosen = list(dict.fromkeys(one(part) for part in parts if part))
        if len(chosen) > _MOST_CHOSEN:
            raise BadValue("TOO_MANY_ENUM_VALUE", f"{name}: too many values", name)
        text = ";".join(chosen)
        if limit and len(text) > limit:
            message = f"{name}: data value too large: {text[:40]} (max length={limit})"
            raise BadValue("STRING_TOO_LONG", message, name)
        return text

    return check


def _datetime(field: FieldDef) -> Check:
    name = field.name
    first = _AUDIT_FROM if "A" in field.flags else _FROM

    def check(value: Any) -> str:
        text = value if type(value) is str else _plain(value, name)
        try:
            stored = utc_text(text)
        except ValueError:
            raise BadValue(_NOT_OF_TYPE, f"{name}: value not of required type", name) from None
        if not first <= int(stored[:4]) <= _TO:
            raise BadValue(_OUT_OF_RANGE, f"{name}: out of range", name)
        # Moments keep whole seconds (facts, 7.9).
        return f"{stored[:19]}.000+0000"

    return check


def utc_text(text: str) -> str:
    """A moment with zone as `yyyy-mm-ddThh:mm:ss.mmm+0000`; raises ValueError when it is none."""
    if _UTC.fullmatch(text):
        datetime.fromisoformat(text[:19])
        return f"{text[:19]}.{text[20:-1][:3].ljust(3, '0')}+0000"
    if not _MOMENT.fullmatch(text):
        raise ValueError(text)
    try:
        moment = datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError(text) from None
    return f"{moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}+0000"


def _boolean(field: FieldDef) -> Check:
    name = field.name
    known = {"true": True, "1": True, "false": False, "0": False}

    def check(value: Any) -> bool:
        found = known.get(_plain(value, name).lower())
        if found is None:
            raise BadValue(_NOT_OF_TYPE, f"{name}: no boolean", name)
        return found

    return check


def _number(field: FieldDef) -> Check:
    name = field.name
    room = field.precision - field.scale if field.precision else 18

    def check(value: Any) -> float:
        text = _plain(value, name).strip()
        if isinstance(value, bool) or not _NUMBER.fullmatch(text):
            raise BadValue(_NOT_OF_TYPE, f"{name}: no number", name)
        number = float(text)
        if abs(number) >= 10.0**room:
            raise BadValue(_OUT_OF_RANGE, f"{name}: out of range", name)
        return number

    return check


def _whole_number(field: FieldDef) -> Check:
    number = _number(field)
    name = field.name

    def check(value: Any) -> int:
        found = number(value)
        if found != int(found):
            raise BadValue(_NOT_OF_TYPE, f"{name}: no whole number", name)
        if abs(found) > 2**31 - 1:
            raise BadValue(_OUT_OF_RANGE, f"{name}: out of range", name)
        return int(found)

    return check


def _date(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> str:
        text = _plain(value, name)
        try:
            if not _DAY.fullmatch(text):
                raise ValueError(text)
            return datetime.fromisoformat(text).date().isoformat()
        except ValueError:
            raise BadValue(_NOT_OF_TYPE, f"{name}: no date", name) from None

    return check


def _id_list(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> list[str]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise BadValue("JSON_PARSER_ERROR", f"Cannot deserialize a value of field {name}", name)
        return list(value)

    return check


def _binary(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> bytes:
        if isinstance(value, bytes):
            return value
        try:
            return base64.b64decode(_plain(value, name), validate=True)
        except ValueError:
            raise BadValue(_NOT_OF_TYPE, f"{name}: not in base64", name) from None

    return check


_MAKERS: dict[str, Callable[[FieldDef], Check]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _several,
    "datetime": _datetime,
    "boolean": _boolean,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "int": _whole_number,
    "date": _date,
    "junctionidlist": _id_list,
    "base64": _binary,
}
