"""Checking one value against its field, as an insert or update does (facts, 3.5, 3.9, 7)."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from simulators.salesforce.schema import FieldDef

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\\\]]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}\Z")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)\Z", re.IGNORECASE
)


class BadValue(Exception):
    """A value that its field refuses: status code and message."""

    def __init__(self, code: str, message: str, field: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.field = field


Check = Callable[[Any], Any]


def checker(field: FieldDef, *, comment: bool) -> Check:
    """Return the check of a field: gives the value as stored, or raises `BadValue`."""
    if field.type in ("string", "textarea", "phone", "url", "combobox"):
        return _text(field, in_bytes=comment and field.name == "CommentBody")
    if field.type == "email":
        return _email(field)
    if field.type in ("picklist", "multipicklist"):
        return _picklist(field)
    if field.type == "datetime":
        return _datetime(field)
    if field.type == "boolean":
        return _boolean(field)
    if field.type in ("double", "int", "currency", "percent"):
        return _number(field)
    if field.type == "date":
        return _date(field)
    return str


def _text(field: FieldDef, *, in_bytes: bool) -> Check:
    name, limit = field.name, field.length

    def check(value: Any) -> str:
        text = value if isinstance(value, str) else str(value)
        size = len(text.encode()) if in_bytes else len(text)
        if limit and size > limit:
            shown = text[:40]
            message = f"{name}: data value too large: {shown} (max length={limit})"
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
    name = field.name

    def check(value: Any) -> str:
        text = str(value)
        if restricted and text not in known:
            code = "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
            raise BadValue(code, f"bad value for restricted picklist field: {text}", name)
        return text

    return check


def _datetime(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> str:
        text = str(value)
        if not _MOMENT.match(text):
            raise BadValue("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: value not of type", name)
        try:
            moment = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
        except (ValueError, OverflowError):
            raise BadValue("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: no moment", name) from None
        if not 1700 <= moment.year <= 4000:
            raise BadValue("NUMBER_OUTSIDE_VALID_RANGE", f"{name}: out of range", name)
        # Moments keep whole seconds (facts, 7.9).
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000+0000"

    return check


def _boolean(field: FieldDef) -> Check:
    name = field.name
    known = {"true": True, "1": True, "false": False, "0": False}

    def check(value: Any) -> bool:
        found = known.get(str(value).lower())
        if found is None:
            raise BadValue("INVALID_TYPE_ON_FIELD_IN_RECORD", f"{name}: no boolean", name)
        return found

    return check


def _number(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> float:
        try:
            return float(value)
        except (TypeError, ValueError):
            code = "INVALID_TYPE_ON_FIELD_IN_RECORD"
            raise BadValue(code, f"{name}: no number", name) from None

    return check


def _date(field: FieldDef) -> Check:
    name = field.name

    def check(value: Any) -> str:
        try:
            return datetime.strptime(str(value), "%Y-%m-%d").date().isoformat()
        except ValueError:
            code = "INVALID_TYPE_ON_FIELD_IN_RECORD"
            raise BadValue(code, f"{name}: no date", name) from None

    return check
