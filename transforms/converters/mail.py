"""Converters for messages: addresses in the source's three shapes (kustomer facts, 6.4).

What is no mail address (phone numbers, handles, broken ones) stays out of the address fields; the
default map keeps the whole of `meta` as JSON beside them.
"""

import re
from collections.abc import Callable
from typing import Any

from transforms.converters.cells import clean, fitted
from transforms.converters.contact_points import is_email
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.record import Cell, Record

_IN_BRACKETS = re.compile(r"<([^<>]+)>\s*\Z")
_SEPARATORS = re.compile(r"[,;]")


def _text_of(entry: dict[str, Any]) -> Any:
    return entry.get("email") or entry.get("address") or entry.get("phone")


def _one(entry: Any) -> tuple[str, str]:
    """(address, name) of one entry: an object, a plain address, or `Name <address>`."""
    name = ""
    if isinstance(entry, dict):
        given = entry.get("name")
        name = clean(given).strip() if isinstance(given, str) else ""
        entry = _text_of(entry)
    if not isinstance(entry, str):
        return "", name
    text = clean(entry).strip()
    bracketed = _IN_BRACKETS.search(text) if ">" in text else None
    if bracketed:
        name = name or text[: bracketed.start()].strip().strip('"')
        text = bracketed.group(1).strip()
    return text, name


def usable_addresses(entry: Any) -> list[str]:
    """The mail addresses of one entry; text may hold several."""
    text = entry if isinstance(entry, str) else _text_of(entry) if isinstance(entry, dict) else None
    if not isinstance(text, str):
        return []
    if is_email(text):
        return [text]
    pieces = _SEPARATORS.split(text) if "@" in text else []
    return [address for address, _ in map(_one, pieces) if is_email(address)]


def sender_of(value: Any) -> str:
    """The sender's address, when it is a mail address; else ""."""
    if not value:
        return ""
    if type(value) is str and is_email(value):
        return value
    address, _ = _one(as_list(value)[0])
    return address if is_email(address) else ""


def _is_message_id(value: str) -> bool:
    inner = value[1:-1]
    return (
        value[:1] == "<"
        and value[-1:] == ">"
        and "@" in inner[1:-1]
        and "<" not in inner
        and ">" not in inner
        and " " not in inner
        and inner.isprintable()
    )


def addresses(context: ConverterContext) -> Cell:
    """Mail addresses joined by `; `."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        value = get(record)
        if not value:
            return ""
        found: list[str] = []
        for entry in as_list(value):
            found += usable_addresses(entry)
        return fitted("; ".join(found), limit)

    return cell


def _room(context: ConverterContext) -> Callable[[str], str]:
    """The finished cell of a text; with the option `leave_long` one that is too long is left out."""
    limit = context.length
    if context.options.get("leave_long") is True:
        return lambda value: fitted(value, 0) if not limit or len(value) <= limit else ""
    return lambda value: fitted(value, limit)


def sender(context: ConverterContext) -> Cell:
    """The sender's address, when it is a mail address."""
    get, room = context.get, _room(context)

    def cell(record: Record) -> str:
        address = sender_of(get(record))
        return room(address) if address else ""

    return cell


def sender_name(context: ConverterContext) -> Cell:
    """The sender's name; for senders without a mail address, what they are known by."""
    get, room = context.get, _room(context)

    def cell(record: Record) -> str:
        value = get(record)
        if not value or (type(value) is str and is_email(value)):
            return ""
        address, name = _one(as_list(value)[0])
        if not name and not is_email(address):
            name = address
        return room(name)

    return cell


def message_id(context: ConverterContext) -> Cell:
    """The RFC message id, only where the value is one and fits; a text line keeps any other."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        value = get(record)
        if not isinstance(value, str) or not _is_message_id(value):
            return ""
        return "" if limit and len(value) > limit else fitted(value, limit)

    return cell
