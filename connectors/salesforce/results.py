"""Reading a job's result files as they arrive, memory flat (salesforce facts, 3.8 and 3.9).

Successes of keyed rows are found without parsing whole cells. All cells are quoted and quotes
inside are doubled, so a line feed followed by a quote and an id's character can only be the start
of a row: inside a cell the quote would be doubled, and a quote that closes the cell is followed by
a comma or the line's end.

Cells, keys and messages are what people wrote: they go to the ledger, never into a log.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from connectors.errors import BadReply
from connectors.salesforce.ids import existing_id, to_18
from connectors.salesforce.table import TableReader

__all__ = [
    "Failure",
    "Success",
    "existing_id",
    "parse_error",
    "read_failures",
    "read_rows",
    "read_successes",
    "to_18",
]

Success = tuple[str, str, bool]
"""Key, target id, and whether the row made the record (True) or found it there (False)."""

_KEY: Final = rb'[^"]*+(?:""[^"]*+)*+'
_ROW_START: Final = re.compile(
    rb'\n"([A-Za-z0-9]{15,18})","(true|false)","(' + _KEY + rb')"(?=[,\r\n])'
)
# The longest end of a buffer that more bytes could turn into a row start.
_UNFINISHED: Final = re.compile(
    rb'\n(?:"(?:[A-Za-z0-9]{0,18}|[A-Za-z0-9]{15,18}"(?:,(?:"(?:[a-z]{0,5}|(?:true|false)"'
    rb"(?:,(?:" + b'"' + _KEY + rb'"?)?)?)?)?)?)?)?\Z'
)
_BATCH: Final = 2_000
_LONGEST_KEY: Final = 1024 * 1024
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]*\Z")


@dataclass(frozen=True)
class Failure:
    """One refused row: Salesforce's code, message and fields, and the cells as they were sent.

    `target_id` is empty for a refused insert.
    """

    target_id: str
    code: str
    message: str
    fields: tuple[str, ...]
    cells: dict[str, str]


async def read_successes(
    chunks: AsyncIterator[bytes], *, key_column: str
) -> AsyncIterator[list[Success]]:
    """Yield (key, target id, created) of the rows that went in, some thousands at a time.

    The rows come in no order. Raises `BadReply` when the file lacks a needed column, is no table,
    or ends inside a row start. An empty file holds no rows.
    """
    head, more = await _head(chunks)
    line, _, rest = head.partition(b"\n")
    wanted = f'"sf__Id","sf__Created","{key_column}"'.encode()
    scannable = line == wanted or line.startswith(wanted + b",")
    found = (
        _scanned(rest, chunks)
        if scannable and more and rest.startswith(b'"')
        else _parsed_successes(_again(head, chunks), key_column)
    )
    waiting: list[Success] = []
    async for successes in found:
        waiting += successes
        if len(waiting) >= _BATCH:
            yield waiting
            waiting = []
    if waiting:
        yield waiting


async def read_failures(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Failure]]:
    """Yield the refused rows. Raises `BadReply` when the file is no list of failures."""
    async for rows in read_rows(chunks):
        if "sf__Error" not in rows[0]:
            raise BadReply("A list of failed rows lacks the column sf__Error.")
        yield [_failure(row) for row in rows]


async def read_rows(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, str]]]:
    """Yield whole rows by column name, some thousands at most. Raises `BadReply`."""
    async for columns, rows in _tables(chunks):
        if rows:
            yield [dict(zip(columns, row, strict=True)) for row in rows]


def parse_error(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Split `sf__Error` into code, message and fields; the message itself may hold colons.

    A text of another shape gives the code `UNKNOWN`, so that the code is never free text.
    """
    code, _, rest = text.partition(":")
    code = code.strip()
    if not _CODE.match(code):
        return "UNKNOWN", text, ()
    message, colon, last = rest.rpartition(":")
    names = last.strip()
    if not colon or not names.endswith("--"):
        return code, rest, ()
    fields = (name.strip() for name in names.removesuffix("--").split(","))
    return code, message, tuple(name for name in fields if name)


async def _head(chunks: AsyncIterator[bytes]) -> tuple[bytes, bool]:
    """The header line and at least one byte more, if there is one; and whether there was."""
    head = b""
    async for chunk in chunks:
        head += chunk
        line, _, rest = head.partition(b"\n")
        if rest:
            return head, True
        if len(line) > _LONGEST_KEY:
            raise BadReply("A result file has no header.")
    return head, False


async def _again(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


async def _scanned(rest: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Success]]:
    buffer = b"\n" + rest
    found, buffer = _scan(buffer)
    yield found
    async for chunk in chunks:
        found, buffer = _scan(buffer + chunk)
        yield found
        if len(buffer) > _LONGEST_KEY:
            raise BadReply("A key in a result file does not end.")
    found, _ = _scan(buffer + b"\n")
    yield found
    # A line feed and a quote may close the last cell; more is a row start that was cut short.
    if len(buffer) > 2 and not found:
        raise BadReply("A result file ends inside a row.")


def _scan(buffer: bytes) -> tuple[list[Success], bytes]:
    """The rows that start in the buffer, and the part of it that is still needed."""
    found = []
    end = 0
    for match in _ROW_START.finditer(buffer):
        target, created, key = match.groups()
        if b'""' in key:
            key = key.replace(b'""', b'"')
        try:
            found.append((key.decode(), target.decode(), created == b"true"))
        except UnicodeDecodeError:
            raise BadReply("A key in a result file is not UTF-8.") from None
        end = match.end()
    unfinished = _UNFINISHED.search(buffer, end)
    return found, buffer[unfinished.start() :] if unfinished else b""


async def _parsed_successes(
    chunks: AsyncIterator[bytes], key_column: str
) -> AsyncIterator[list[Success]]:
    async for columns, rows in _tables(chunks):
        try:
            key, target, created = (
                columns.index(name) for name in (key_column, "sf__Id", "sf__Created")
            )
        except ValueError:
            raise BadReply("A list of successful rows lacks the key or the id.") from None
        yield [(row[key], row[target], row[created].lower() == "true") for row in rows]


async def _tables(
    chunks: AsyncIterator[bytes],
) -> AsyncIterator[tuple[list[str], list[list[str]]]]:
    """Yield the columns with each piece of the rows; the first time as soon as they are known."""
    reader = TableReader()
    columns: list[str] = []
    async for rows in _pieces(reader, chunks):
        if not columns and rows:
            columns = rows.pop(0)
            if len(set(columns)) != len(columns):
                raise BadReply("A result file names a column twice.")
            yield columns, []
        if any(len(row) != len(columns) for row in rows):
            raise BadReply("A row of a result file does not have the header's columns.")
        for start in range(0, len(rows), _BATCH):
            yield columns, rows[start : start + _BATCH]


async def _pieces(
    reader: TableReader, chunks: AsyncIterator[bytes]
) -> AsyncIterator[list[list[str]]]:
    async for chunk in chunks:
        yield reader.feed(chunk)
    yield reader.end()


def _failure(row: dict[str, str]) -> Failure:
    code, message, fields = parse_error(row.pop("sf__Error"))
    return Failure(row.pop("sf__Id", ""), code, message, fields, row)
