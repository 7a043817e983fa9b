"""Converters for messages: addresses in the source's three shapes (kustomer facts, 6.4)."""

import re
from typing import Any

from transforms.converters.cells import clean, quoted
from transforms.converters.context import ConverterContext
from transforms.converters.lists import as_list
from transforms.converters.people import is_email
from transforms.errors import Hold
from transforms.record import Cell, Record

_IN_BRACKETS = re.compile(r"<([^<>]+)>\s*\Z")
_MESSAGE_ID = re.compile(r"<[^<>\s]+@[^<>\s]+>\Z")
_SENDER_CHARS = 1000


def _one(entry: Any) -> tuple[str, str]:
    """(address, name) of one entry: an object, a plain address, or `Name <address>`."""
    name = ""
    if isinstance(entry, dict):
        name = entry.get("name") if isinstance(entry.get("name"), str) else ""
        entry = entry.get("email") or entry.get("address") or entry.get("phone")
    if not isinstance(entry, str):
        return "", ""
    text = clean(entry).strip()
    bracketed = _IN_BRACKETS.search(text)
    if bracketed:
        name = name or text[: bracketed.start()].strip().strip('"')
        text = bracketed.group(1).strip()
    return text, name


def _all(value: Any) -> list[str]:
    found = []
    for entry in as_list(value):
        pieces = entry.split(",") if isinstance(entry, str) and "@" in entry else [entry]
        found.extend(address for address, _ in map(_one, pieces) if address)
    return found


def addresses(context: ConverterContext) -> Cell:
    """Mail addresses joined by `; `; what is no mail address is kept by `mail-unusable`."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        value = get(record)
        if not value:
            return ""
        text = "; ".join(address for address in _all(value) if is_email(address))
        if limit and len(text) > limit:
            raise Hold("too-long")
        return quoted(text)

    return cell


def sender(context: ConverterContext) -> Cell:
    """The sender's address, when it is a mail address."""
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if not value:
            return ""
        address, _ = _one(as_list(value)[0])
        return quoted(address) if is_email(address) else ""

    return cell


def sender_name(context: ConverterContext) -> Cell:
    """The sender's name; for senders without a mail address, what they are known by."""
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if not value:
            return ""
        address, name = _one(as_list(value)[0])
        shown = name or ("" if is_email(address) else address)
        if len(shown) > _SENDER_CHARS:
            raise Hold("too-long")
        return quoted(shown)

    return cell


def unusable(context: ConverterContext) -> Cell:
    """Recipients that are no mail addresses (phone numbers, handles, broken ones), as text."""
    limit = context.length

    def cell(record: Record) -> str:
        meta = record.attributes.get("meta")
        lines = []
        for field in ("from", "to", "cc", "bcc"):
            found = _all(meta.get(field)) if isinstance(meta, dict) else []
            odd = [address for address in found if not is_email(address)]
            if odd:
                lines.append(f"{field}: {'; '.join(odd)}")
        text = "\n".join(lines)
        if limit and len(text) > limit:
            raise Hold("too-long")
        return quoted(text)

    return cell


def message_id(context: ConverterContext) -> Cell:
    """The RFC message id, only where the value is one."""
    get, limit = context.get, context.length

    def cell(record: Record) -> str:
        value = get(record)
        if isinstance(value, str) and len(value) <= limit and _MESSAGE_ID.match(value):
            return quoted(clean(value))
        return ""

    return cell
