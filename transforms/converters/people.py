"""Converters for customers: names that are never empty, mail addresses, phones by type."""

import re
from typing import Any

from transforms.converters.cells import ELLIPSIS, as_text, clean, quoted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.errors import Hold
from transforms.record import Cell, Record

UNKNOWN = "Unknown"
# Stricter than the standard where Salesforce is: ASCII, one @, a dotted domain with letters at its end.
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}\Z"
)
_EMAIL_CHARS = 80


def _attribute(record: Record, name: str) -> str:
    value = record.attributes.get(name)
    return clean(value).strip() if isinstance(value, str) else ""


def whole_name(record: Record) -> str:
    """The name as the source shows it: display name, name, or first and last name."""
    joined = f"{_attribute(record, 'firstName')} {_attribute(record, 'lastName')}".strip()
    return _attribute(record, "displayName") or _attribute(record, "name") or joined


def split_name(record: Record) -> tuple[str, str]:
    """First and last name; the last is never empty (DESIGN, section 5).

    Without a last name the display name's last word serves, then the mail's local part, then
    `Unknown`.
    """
    first, last = _attribute(record, "firstName"), _attribute(record, "lastName")
    if last:
        return first, last
    words = whole_name(record).split()
    if first and words[: len(first.split())] == first.split():
        rest = " ".join(words[len(first.split()) :])
        return (first, rest) if rest else ("", first)
    if words:
        return " ".join(words[:-1]), words[-1]
    if first:
        return "", first
    address = next((text for text, _ in _emails(record)), "")
    return "", address.split("@")[0].strip() or UNKNOWN


def _shortened(value: str, limit: int) -> str:
    if limit and len(value) > limit:
        value = value[: limit - 1] + ELLIPSIS
    return quoted(value)


def first_name(context: ConverterContext) -> Cell:
    """The first name, shortened where it must be: `full-name` keeps the whole."""
    limit = context.length
    return lambda record: _shortened(split_name(record)[0], limit)


def last_name(context: ConverterContext) -> Cell:
    """The last name, never empty, shortened where it must be: `full-name` keeps the whole."""
    limit = context.length
    return lambda record: _shortened(split_name(record)[1], limit)


def full_name(context: ConverterContext) -> Cell:
    """The whole name as the source shows it."""
    limit = context.length

    def cell(record: Record) -> str:
        value = whole_name(record)
        if limit and len(value) > limit:
            raise Hold("too-long")
        return quoted(value)

    return cell


def _entries(record: Record, names: tuple[str, ...], key: str) -> list[tuple[str, str]]:
    """(value, type) pairs of contact points, shared ones last."""
    found = []
    for name in names:
        for entry in as_list(record.attributes.get(name)):
            if isinstance(entry, dict):
                value, kind = entry.get(key), entry.get("type")
            else:
                value, kind = entry, ""
            if isinstance(value, str) and value.strip():
                found.append((clean(value).strip(), kind if isinstance(kind, str) else ""))
    return found


def _emails(record: Record) -> list[tuple[str, str]]:
    return _entries(record, ("emails", "sharedEmails"), "email")


def _phones(record: Record) -> list[tuple[str, str]]:
    return _entries(record, ("phones", "sharedPhones", "whatsapps", "sharedWhatsapps"), "phone")


def is_email(value: str) -> bool:
    """Tell whether Salesforce takes `value` in a field of type email."""
    return len(value) <= _EMAIL_CHARS and _EMAIL.match(value) is not None


def _main_email(record: Record) -> str:
    return next((value for value, _ in _emails(record) if is_email(value)), "")


def email(context: ConverterContext) -> Cell:
    """The first usable mail address."""
    return lambda record: quoted(_main_email(record))


def unusable_email(context: ConverterContext) -> Cell:
    """The first address that Salesforce would refuse, kept as text."""
    limit = context.length

    def cell(record: Record) -> str:
        for value, _ in _emails(record):
            if not is_email(value):
                return quoted(value) if not limit or len(value) <= limit else ""
        return ""

    return cell


def other_emails(context: ConverterContext) -> Cell:
    """Every address but the main one, a line each with its type."""

    def cell(record: Record) -> str:
        main = _main_email(record)
        rest = [pair for pair in _emails(record) if pair[0] != main]
        return _lines(rest, context.length)

    return cell


def _lines(pairs: list[tuple[str, str]], limit: int) -> str:
    text = "\n".join(f"{kind}: {value}" if kind else value for value, kind in pairs)
    if limit and len(text) > limit:
        raise Hold("too-long")
    return quoted(text)


_PHONE_CHARS = 40


def _slots(record: Record, types: tuple[str, ...]) -> dict[str, str]:
    """Which phone goes into which typed field: the first of each type; `phone` takes any left."""
    slots: dict[str, str] = {}
    for value, kind in _phones(record):
        if len(value) > _PHONE_CHARS:
            continue
        wanted = kind if kind in types else "phone"
        if wanted not in slots:
            slots[wanted] = value
        elif "phone" not in slots:
            slots["phone"] = value
    return slots


def phone(context: ConverterContext) -> Cell:
    """The phone of one `type`; `types` names all types that have a field of their own."""
    wanted = str(context.options["type"])
    types = tuple(context.options["types"])
    return lambda record: quoted(_slots(record, types).get(wanted, ""))


def other_phones(context: ConverterContext) -> Cell:
    """Every phone that found no field, a line each with its type."""
    types = tuple(context.options["types"])

    def cell(record: Record) -> str:
        phones = _phones(record)
        if not phones:
            return ""
        used = set(_slots(record, types).values())
        rest: list[tuple[str, str]] = [pair for pair in phones if pair[0] not in used]
        return _lines(rest, context.length)

    return cell


def scalar(value: Any) -> str:
    """Cleaned text of a scalar."""
    return clean(as_text(value)).strip()
