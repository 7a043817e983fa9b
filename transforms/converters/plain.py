"""Converters for single values: text, times, numbers, yes and no, value maps, JSON."""

import re
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import orjson

from transforms.converters.cells import ELLIPSIS, as_text, clean, fitted, quoted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.moments import target_moment
from transforms.record import Cell, Getter, Record, compile_path
from transforms.same_text import same_text

_MARK_BYTES = 4
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")
# The largest magnitude of a field of 18 digits before the point.
_LARGEST = 10**18


def identifier(context: ConverterContext) -> Cell:
    """The record's id as it is."""
    limit = context.length

    def cell(record: Record) -> str:
        return fitted(str(record.row["id"]), limit)

    return cell


def pair(context: ConverterContext) -> Cell:
    """The record's id and that of the element at hand: the key of a row that joins two records."""
    limit = context.length

    def cell(record: Record) -> str:
        if not isinstance(record.each, str) or not record.each:
            raise Hold("bad-reference" if record.each is not None else "no-parent")
        return fitted(quoted(f"{record.row['id']}-{record.each}"), limit)

    return cell


def constant(context: ConverterContext) -> Cell:
    """The same value for every record: the line's `default`."""
    value = quoted(context.default or "")
    return lambda record: value


def text(context: ConverterContext) -> Cell:
    """Text, cleaned; blank text counts as none.

    Over the field's length it is shortened where the line keeps the whole elsewhere, else the
    record is held (too-long).
    """
    get, keep = context.get, context.keep
    limit = context.length
    default = quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return default
        value = clean(value if isinstance(value, str) else as_text(value))
        if not value or value.isspace():
            return default
        if keep and limit and len(value) > limit:
            value = value[: limit - 1] + ELLIPSIS
        return fitted(value, limit)

    return cell


def unique_text(context: ConverterContext) -> Cell:
    """A name that occurs once, cleaned; none at all holds the record (no-name).

    Over the field's length it is shortened where the line keeps the whole elsewhere, else the record is
    held (too-long). Its last characters are a mark made of the whole, so that two long names that
    begin alike stay two.
    """
    get, keep, limit = context.get, context.keep, context.length
    default = context.default or ""

    def cell(record: Record) -> str:
        value = clean(as_text(get(record))).strip() or default
        if not value:
            raise Hold("no-name")
        if keep and limit and len(value) > limit:
            mark = blake2b(same_text(value).encode(), digest_size=_MARK_BYTES).hexdigest()
            value = f"{value[: limit - len(mark) - 2]}{ELLIPSIS} {mark}"
        return fitted(value, limit)

    return cell


def datetime_cell(context: ConverterContext) -> Cell:
    """A moment in UTC with milliseconds; raises `Hold` (bad-date) for anything else.

    `early: true` takes moments from 1700 on; audit fields begin with 1970.
    """
    get, early = context.get, bool(context.options.get("early", False))

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        made = target_moment(value, early=early) if isinstance(value, str) else None
        if made is None:
            raise Hold("bad-date")
        return made

    return cell


def boolean(context: ConverterContext) -> Cell:
    """`true` or `false`; the line's default when absent."""
    get, default = context.get, quoted(context.default or "")

    def cell(record: Record) -> str:
        value = get(record)
        if value is None:
            return default
        if value is True:
            return "true"
        if value is False:
            return "false"
        raise Hold("wrong-type")

    return cell


def number(context: ConverterContext) -> Cell:
    """A number without loss; text that is plainly a number is taken as one.

    `whole: true` holds numbers with a fraction, for fields without decimals.
    """
    get, whole = context.get, bool(context.options.get("whole", False))

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        if type(value) is int and -_LARGEST < value < _LARGEST:
            return str(value)
        if isinstance(value, bool):
            raise Hold("not-a-number")
        if isinstance(value, str):
            made = value.strip()
            if not _NUMBER.match(made):
                raise Hold("not-a-number")
        else:
            made = as_text(value)
        return _in_range(made, whole=whole)

    return cell


def _in_range(made: str, *, whole: bool) -> str:
    if abs(float(made)) >= _LARGEST or (whole and not float(made).is_integer()):
        raise Hold("out-of-range")
    return made


def values(context: ConverterContext) -> Cell:
    """A value map; of a list, the first. Letter case does not count.

    What is not in the map takes the line's default, or holds the record (unknown-value).
    """
    get, default = context.get, context.default
    table = {key: quoted(value) for key, value in context.values.items()}
    otherwise = quoted(default) if default is not None else None

    def cell(record: Record) -> str:
        value = get(record)
        if type(value) is list:
            value = value[0] if value else None
        if type(value) is str and value in table:
            return table[value]
        found = table.get(as_text(value).strip().lower())
        if found is not None:
            return found
        if otherwise is None:
            raise Hold("unknown-value")
        return otherwise

    return cell


def json_cell(context: ConverterContext) -> Cell:
    """What has no field of its own, as JSON with sorted keys; empty when there is nothing.

    `pick`: what to keep beside the value at the line's source: names of attributes, and
    `relationships.X` for ids; empty ones are left out. `without`: keys to leave out of a picked
    object, because they have fields of their own.
    """
    get, limit = context.get, context.length
    picks = [_pick(entry) for entry in context.options.get("pick", ())]
    names = tuple(name for name, getter in picks if getter is None)
    related = tuple((name, getter) for name, getter in picks if getter is not None)
    options: Mapping[str, Any] = context.options.get("without", {})
    without = tuple((name, frozenset(keys)) for name, keys in options.items())
    own = context.options.get("as", "custom")

    def picked(record: Record) -> dict[str, Any]:
        attributes = record.attributes
        kept: dict[str, Any] = {}
        for name in names:
            value = attributes.get(name)
            # The source writes objects with nothing but empty values by default.
            if value and (type(value) is not dict or any(value.values())):
                kept[name] = value
        for name, getter in related:
            value = getter(record)
            if value:
                kept[name] = value
        for name, keys in without:
            value = kept.get(name)
            if isinstance(value, dict) and not keys.isdisjoint(value):
                kept[name] = {key: each for key, each in value.items() if key not in keys}
        value = get(record)
        if value:
            kept[own] = value
        return kept

    def cell(record: Record) -> str:
        value = picked(record) if picks else get(record)
        return fitted(_json(value), limit) if value else ""

    return cell


def _pick(entry: str) -> tuple[str, Getter | None]:
    if entry.startswith("relationships."):
        name = entry.split(".")[1]
        return name, _ids_of(name)
    return entry, None


def _ids_of(name: str) -> Getter:
    """The id of a relation, or all of them where it is given as a list."""
    one = compile_path(f"relationships.{name}.data.id")

    def get(record: Record) -> Any:
        related = record.relationships.get(name)
        data = related.get("data") if isinstance(related, dict) else None
        if isinstance(data, list):
            return [each.get("id") for each in data if isinstance(each, dict)]
        return one(record)

    return get


def _json(value: Any) -> str:
    try:
        made = orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except TypeError:
        raise Hold("bad-text") from None
    return clean(made)
