"""A record's mail addresses and phones, read once and shared by its cells."""

import re
from functools import lru_cache
from typing import Any

from transforms.converters.cells import as_text, clean
from transforms.converters.lists import as_list
from transforms.record import Record

ContactPoint = tuple[str, str]
"""(value, type); the type is "" where the source gives none."""

PHONE_CHARS = 40
CONTACT_EMAIL_CHARS = 80
_ADDRESS_CHARS = 254
# Stricter than the standard where Salesforce is: ASCII, one @, a dotted domain ending in letters.
_EMAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,}\Z"
)


@lru_cache(maxsize=8192)
def is_email(value: str) -> bool:
    """Tell whether Salesforce takes `value` for a mail address, field lengths aside."""
    return len(value) <= _ADDRESS_CHARS and _EMAIL.match(value) is not None


def emails(record: Record) -> list[ContactPoint]:
    """All mail addresses, shared ones last."""
    return _memo(record, "emails", ("emails", "sharedEmails"), "email")


def own_emails(record: Record) -> list[str]:
    """The usable addresses that the record does not share with others."""
    shared = {value for value, _ in _entries(record, ("sharedEmails",), "email")}
    return [value for value, _ in emails(record) if value not in shared and is_email(value)]


def main_email(record: Record) -> str:
    """The first address that fits a Contact's or Lead's Email; "" when none does."""
    for value, _ in emails(record):
        if len(value) <= CONTACT_EMAIL_CHARS and is_email(value):
            return value
    return ""


def phones(record: Record) -> list[ContactPoint]:
    """All phones, shared ones last."""
    return _memo(record, "phones", ("phones", "sharedPhones"), "phone")


def messenger_phones(record: Record) -> list[ContactPoint]:
    """WhatsApp numbers (`whatsapp:+…`), shared ones last."""
    return _memo(record, "whatsapps", ("whatsapps", "sharedWhatsapps"), "phone")


def phone_slots(record: Record, types: tuple[str, ...]) -> dict[str, str]:
    """Which phone goes into which typed field: the first of each type; `phone` takes any left."""
    known: dict[str, str] | None = record.memo.get(types)
    if known is not None:
        return known
    slots: dict[str, str] = {}
    for value, kind in phones(record):
        if len(value) > PHONE_CHARS:
            continue
        wanted = kind if kind in types else "phone"
        slot = wanted if wanted not in slots else "phone"
        if slot in types:
            slots.setdefault(slot, value)
    record.memo[types] = slots
    return slots


def _memo(record: Record, name: str, sources: tuple[str, ...], key: str) -> list[ContactPoint]:
    known: list[ContactPoint] | None = record.memo.get(name)
    if known is None:
        known = record.memo[name] = _entries(record, sources, key)
    return known


def _entries(record: Record, sources: tuple[str, ...], key: str) -> list[ContactPoint]:
    found = []
    for name in sources:
        entries = record.attributes.get(name)
        if not entries:
            continue
        for entry in as_list(entries):
            value, kind = _point(entry, key)
            if value:
                found.append((value, kind))
    return found


def _point(entry: Any, key: str) -> ContactPoint:
    if not isinstance(entry, dict):
        return clean(as_text(entry)).strip(), ""
    kind = entry.get("type")
    text = clean(as_text(entry.get(key))).strip()
    return text, clean(kind).strip() if isinstance(kind, str) else ""
