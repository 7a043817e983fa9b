"""Converters for customers: names that are never empty, mail addresses, phones by type."""

import re

from transforms.converters.cells import ELLIPSIS, as_text, clean, fitted, quoted
from transforms.converters.contact_points import (
    ContactPoint,
    emails,
    is_email,
    main_email,
    messenger_phones,
    phone_slots,
    phones,
)
from transforms.converters.context import ConverterContext
from transforms.record import Cell, Record

UNKNOWN = "Unknown"
# Han, kana, hangul and their marks: what is written in them alone has the family name first.
_CJK = re.compile(
    "[\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]+"
)
_SUFFIXES = frozenset({"jr", "sr", "ii", "iii", "iv", "phd", "ph.d", "md", "m.d", "esq", "dds"})


def _attribute(record: Record, name: str) -> str:
    value = record.attributes.get(name)
    if type(value) is str and value.isprintable():
        return value.strip()
    if value is None:
        return ""
    text = clean(as_text(value)).strip()
    # A name of nothing but zero-width marks is none to Salesforce.
    return text if any(each.isprintable() and not each.isspace() for each in text) else ""


def _joined_name(record: Record) -> str:
    return f"{_attribute(record, 'firstName')} {_attribute(record, 'lastName')}".strip()


def whole_name(record: Record) -> str:
    """The name as the source shows it: display name, name, or first and last name."""
    shown = _attribute(record, "displayName") or _attribute(record, "name")
    return shown or _joined_name(record)


def split_name(record: Record) -> tuple[str, str]:
    """First and last name; the last is never empty (DESIGN, section 5).

    Without a last name the display name's last words serve (`Jr.` and the like go with them; of names
    in Chinese, Japanese or Korean letters the first word), then the mail's local part, then `Unknown`.
    """
    known: tuple[str, str] | None = record.memo.get("name")
    if known is None:
        known = record.memo["name"] = _split_name(record)
    return known


def _split_name(record: Record) -> tuple[str, str]:
    first, last = _attribute(record, "firstName"), _attribute(record, "lastName")
    if last:
        return first, last
    words, given = whole_name(record).split(), first.split()
    if given and words[: len(given)] == given:
        rest = " ".join(words[len(given) :])
        return (first, rest) if rest else ("", first)
    if first and not words:
        return "", first
    if words:
        return _by_words(words, first)
    address = next((text for text, _ in emails(record)), "")
    return "", address.split("@")[0].strip() or UNKNOWN


def _by_words(words: list[str], first: str) -> tuple[str, str]:
    """First and last name of a shown name: the last word is the last name, with what follows it.

    Names in Chinese, Japanese or Korean letters begin with the family name. Titles stay in front.
    """
    if all(_CJK.fullmatch(word) for word in words):
        return first or " ".join(words[1:]), words[0]
    at = len(words) - 1
    while at > 0 and words[at].strip(".,").lower() in _SUFFIXES:
        at -= 1
    return first or " ".join(words[:at]), " ".join(words[at:])


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
    """The whole name as the source shows it; other forms of it follow, a line each."""
    limit = context.length

    def cell(record: Record) -> str:
        forms = [_attribute(record, "displayName"), _attribute(record, "name")]
        forms.append(_joined_name(record))
        return fitted("\n".join(dict.fromkeys(form for form in forms if form)), limit)

    return cell


def shown_name(context: ConverterContext) -> Cell:
    """The whole name as the source shows it, in one line; empty where it shows none."""
    limit = context.length
    return lambda record: fitted(" ".join(whole_name(record).split()), limit)


def email(context: ConverterContext) -> Cell:
    """The first usable mail address."""
    return lambda record: main_email(record)


def unusable_email(context: ConverterContext) -> Cell:
    """The first address that is not usable, when it fits; `other-emails` keeps all of them."""
    limit = context.length

    def cell(record: Record) -> str:
        main = main_email(record)
        for value, _ in emails(record):
            if value != main and not is_email(value):
                return quoted(value) if not limit or len(value) <= limit else ""
        return ""

    return cell


def other_emails(context: ConverterContext) -> Cell:
    """Every address but the main one, a line each with its type."""
    limit = context.length

    def cell(record: Record) -> str:
        found = emails(record)
        if not found:
            return ""
        main = main_email(record)
        return _lines([point for point in found if point[0] != main], limit)

    return cell


def phone(context: ConverterContext) -> Cell:
    """The phone of one `type`; `types` names all types that have a field of their own."""
    wanted = str(context.options["type"])
    types = tuple(context.options["types"])
    return lambda record: quoted(phone_slots(record, types).get(wanted, ""))


def other_phones(context: ConverterContext) -> Cell:
    """Every phone that found no field, and messenger numbers, a line each with its type."""
    types, limit = tuple(context.options["types"]), context.length

    def cell(record: Record) -> str:
        found, messengers = phones(record), messenger_phones(record)
        if not found and not messengers:
            return ""
        used = set(phone_slots(record, types).values())
        rest = [point for point in found if point[0] not in used]
        return _lines(rest + messengers, limit)

    return cell


def _lines(points: list[ContactPoint], limit: int) -> str:
    if not points:
        return ""
    lines = [f"{kind}: {value}" if kind else value for value, kind in points]
    return fitted("\n".join(lines), limit)
