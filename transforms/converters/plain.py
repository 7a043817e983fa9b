"""Converters for single values: text, times, numbers, yes and no, value maps, JSON."""

import re
from datetime import UTC, datetime
from typing import Any

import orjson

from transforms.converters.cells import ELLIPSIS, as_text, clean, quoted
from transforms.converters.context import ConverterContext
from transforms.errors import Hold
from transforms.record import Cell, Record

_UTC_STAMP = re.compile(r"(?:19[7-9]\d|[23]\d{3})-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z\Z")


def identifier(context: ConverterContext) -> Cell:
    """The record's id as it is."""
    return lambda record: quoted(str(record.row["id"]))


def constant(context: ConverterContext) -> Cell:
    """The same value for every record: the line's `default`."""
    value = quoted(context.default or "")
    return lambda record: value


def text(context: ConverterContext) -> Cell:
    """Text, cleaned. Over the field's length it is shortened where the line keeps the whole elsewhere,
    else the record is held.
    """
    get, limit, default, keep = context.get, context.length, context.default or "", context.keep

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return default
        value = clean(value if isinstance(value, str) else as_text(value))
        if not value.strip():
            return default
        if limit and len(value) > limit:
            if not keep:
                raise Hold("too-long")
            value = value[: limit - 1] + ELLIPSIS
        return quoted(value)

    return cell


def datetime_cell(context: ConverterContext) -> Cell:
    """A moment in UTC. The source's own form passes as it is; other ISO forms are converted."""
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        if isinstance(value, str):
            if _UTC_STAMP.match(value):
                return value
            return _utc(value)
        raise Hold("bad-date")

    return cell


def _utc(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Hold("bad-date") from None
    if not 1970 <= moment.year < 4000:
        raise Hold("bad-date")
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def boolean(context: ConverterContext) -> Cell:
    """`true` or `false`; the line's default when absent."""
    get, default = context.get, context.default or ""

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
    """A number as it is; text that is plainly a number is taken as one."""
    get = context.get

    def cell(record: Record) -> str:
        value = get(record)
        if value is None or value == "":
            return ""
        if isinstance(value, str):
            try:
                value = float(value) if "." in value else int(value)
            except ValueError:
                raise Hold("not-a-number") from None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Hold("not-a-number")
        return str(value)

    return cell


def values(context: ConverterContext) -> Cell:
    """A value map. What is not in it takes the line's default, or holds the record."""
    get, default = context.get, context.default
    table = {key: quoted(value) for key, value in context.values.items()}
    otherwise = quoted(default) if default is not None else None

    def cell(record: Record) -> str:
        value = get(record)
        if isinstance(value, list):
            value = value[0] if value else None
        found = table.get(as_text(value).lower())
        if found is not None:
            return found
        if otherwise is None:
            raise Hold("unknown-value")
        return otherwise

    return cell


def json_cell(context: ConverterContext) -> Cell:
    """What has no field of its own, as JSON with sorted keys; empty when there is nothing.

    `pick`: names of attributes to keep; without it the value at the line's source.
    """
    get, limit = context.get, context.length
    pick = tuple(context.options.get("pick", ()))

    def cell(record: Record) -> str:
        value: Any = get(record)
        if pick:
            value = {name: record.attributes[name] for name in pick if record.attributes.get(name)}
            custom = get(record)
            if custom:
                value["custom"] = custom
        if not value:
            return ""
        try:
            made = clean(orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode())
        except TypeError:
            raise Hold("bad-text") from None
        if limit and len(made) > limit:
            raise Hold("too-long")
        return quoted(made)

    return cell
