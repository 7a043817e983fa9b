"""Values of custom attributes, as people have entered them: days, decimals, lists of choices."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from transforms.converters.cells import as_text, clean, fitted, quoted
from transforms.converters.contact_points import is_email
from transforms.converters.context import ConverterContext
from transforms.converters.numbers import LARGEST, read_number
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.record import Cell, Record
from transforms.tag_names import spelled

_FROM, _TO = 1700, 4000
# What a multi-select picklist holds of one record (salesforce facts, 7.10 and 8.4).
_MOST_CHOSEN, _LONGEST_CHOICE = 100, 255
_YES = ("true", "yes", "y", "on", "1")
_NO = ("false", "no", "n", "off", "0")
_DIGITS_OF_A_PHONE = 3
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


def date(context: ConverterContext) -> Cell:
    """The day that is written, in its own time zone; raises `Hold` (bad-date) for anything else.

    Midnight at `+02:00` is that day, not the one before in UTC. Days from 1700 to 4000.
    """
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        try:
            moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        except ValueError:
            moment = None
        if moment is None or not _FROM <= moment.year <= _TO:
            raise Hold("bad-date")
        return moment.date().isoformat()

    return cell


def decimal(context: ConverterContext) -> Cell:
    """A number, also one written with a comma or with marks between thousands.

    What could be read in two ways, such as `1,234`, holds the record (ambiguous-number) unless
    `decimal` says which mark is before the fraction (`.` or `,`). What is no number holds it, too
    (not-a-number), or is 10^18 or more (out-of-range).
    """
    get, mark = context.get, str(context.options.get("decimal", ""))

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Hold("not-a-number")
        made = read_number(value, mark) if isinstance(value, str) else repr(value)
        if not abs(float(made)) < LARGEST:
            raise Hold("out-of-range")
        return made

    return cell


def multi_select(context: ConverterContext) -> Cell:
    """A list as the choices of a multi-select picklist, each once, in the order of the list.

    With `of: tags` the list holds ids, and their names are chosen; an id that has no name holds the
    record (unknown-tag), or stays an id with `unknown: keep`. A value with a semicolon, or one that is
    no text, holds the record (unknown-value, wrong-type); so do more choices (too-many-values) or
    longer ones (too-long) than a field can hold.
    """
    get, limit = context.get, context.length
    named = _Names(str(context.options["of"]), context) if "of" in context.options else None

    def cell(record: Record) -> str:
        value = get(record)
        if not value:
            return ""
        chosen: dict[str, None] = {}
        for each in value if isinstance(value, list) else [value]:
            if not isinstance(each, str):
                raise Hold("wrong-type")
            name = named.of(each, record.lookups) if named else each.strip()
            if ";" in name:
                raise Hold("unknown-value")
            if len(name) > _LONGEST_CHOICE:
                raise Hold("too-long")
            if name:
                chosen[name] = None
        if len(chosen) > _MOST_CHOSEN:
            raise Hold("too-many-values")
        return fitted(clean(";".join(chosen)), limit)

    return cell


def yes_no(context: ConverterContext) -> Cell:
    """Yes or no, however it was written: true, yes, y, on, 1, and their opposites, in any letter case.

    `yes` and `no` list further words. Anything else holds the record (unknown-value).
    """
    get, default = context.get, quoted(context.default or "")
    words = dict.fromkeys(_YES, "true") | dict.fromkeys(_NO, "false")
    words |= {each.strip().lower(): "true" for each in context.options.get("yes", ())}
    words |= {each.strip().lower(): "false" for each in context.options.get("no", ())}

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return default
        text = as_text(value).strip().lower()
        if not text:
            return default
        made = words.get(text)
        if made is None:
            raise Hold("unknown-value")
        return made

    return cell


def picklist(context: ConverterContext) -> Cell:
    """One value of a picklist as it is, without blanks around it; a list must hold one value.

    A value that a closed picklist does not offer holds the record (unknown-value); a list of several
    does, too (too-many-values).
    """
    get, limit = context.get, context.length
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if isinstance(value, list):
            if len(value) > 1:
                raise Hold("too-many-values")
            value = value[0] if value else None
        text = clean(as_text(value)).strip()
        return fitted(text, limit) if text else default

    return cell


def email_text(context: ConverterContext) -> Cell:
    """One mail address out of a text attribute; what is none holds the record (bad-email)."""
    return _text_that(context, lambda text: text if is_email(text) else None, "bad-email")


def phone_text(context: ConverterContext) -> Cell:
    """One phone number out of a text attribute, as written; without digits it is none (bad-phone)."""

    def phone(text: str) -> str | None:
        return text if sum(each.isdigit() for each in text) >= _DIGITS_OF_A_PHONE else None

    return _text_that(context, phone, "bad-phone")


def url(context: ConverterContext) -> Cell:
    """One link; one without `http://` or the like gets `https://`. What is none is bad-url."""

    def link(text: str) -> str | None:
        if any(each.isspace() for each in text) or "." not in text:
            return None
        return text if _SCHEME.match(text) else f"https://{text}"

    return _text_that(context, link, "bad-url")


def _text_that(context: ConverterContext, made: Callable[[str], str | None], reason: str) -> Cell:
    """A text cell of what `made` takes; what it does not take holds the record."""
    get, limit = context.get, context.length
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        text = clean(as_text(get(record))).strip()
        if not text:
            return default
        found = made(text)
        if found is None:
            raise Hold(reason)
        return fitted(found, limit)

    return cell


class _Names:
    """The names of ids by one table of the lookups, each spelled in one way."""

    def __init__(self, kind: str, context: ConverterContext) -> None:
        self._kind = kind
        self._keep = context.options.get("unknown", "hold") == "keep"
        self._table: Mapping[str, str] | None = None
        self._names: dict[str, str] = {}

    def of(self, source_id: str, lookups: Lookups) -> str:
        """Return the name; raises `Hold` (unknown-tag) where there is none and ids are not kept."""
        table = lookups.table(self._kind)
        if table is not self._table:
            ways = spelled(table.values())
            self._table = table
            self._names = {each: ways[name] for each, name in table.items()}
        name = self._names.get(source_id)
        if not name:
            if not self._keep:
                raise Hold("unknown-tag")
            return source_id
        return name
