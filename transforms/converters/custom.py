"""Values of custom attributes, as people have entered them: days, decimals, lists of choices."""

import re
from collections.abc import Mapping
from datetime import datetime

from transforms.converters.cells import clean, fitted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.record import Cell, Record
from transforms.tag_names import spelled

_FROM, _TO = 1700, 4000
# What a multi-select picklist holds of one record (salesforce facts, 7.10 and 8.4).
_MOST_CHOSEN, _LONGEST_CHOICE = 100, 255
_LARGEST = 10**18
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?\Z")
_COMMA = re.compile(r"[+-]?\d+,\d{1,2}\Z|[+-]?\d+,\d{4,}\Z")
_POINTS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+,\d+\Z|[+-]?\d{1,3}(?:\.\d{3}){2,}\Z")
_COMMAS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+\.\d+\Z|[+-]?\d{1,3}(?:,\d{3}){2,}\Z")
_SPACES = re.compile(r"[\s\u00a0\u202f']")


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

    What could be read in two ways, such as `1,234`, holds the record (ambiguous-number), and so does
    what is no number (not-a-number) or is 10^18 or more (out-of-range).
    """
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise Hold("not-a-number")
        made = _plain_number(value) if isinstance(value, str) else repr(value)
        if not abs(float(made)) < _LARGEST:
            raise Hold("out-of-range")
        return made

    return cell


def _plain_number(text: str) -> str:
    made = _SPACES.sub("", text)
    if _PLAIN.match(made):
        return made
    if _COMMA.match(made):
        return made.replace(",", ".")
    if _POINTS.match(made):
        return made.replace(".", "").replace(",", ".")
    if _COMMAS.match(made):
        return made.replace(",", "")
    if re.match(r"[+-]?\d{1,3},\d{3}\Z", made):
        raise Hold("ambiguous-number")
    raise Hold("not-a-number")


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
