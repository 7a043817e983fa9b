"""Reading a job's result files as they arrive, memory flat (salesforce facts, 3.8 and 3.9).

Successes of keyed rows are found without parsing whole cells. All cells are quoted and quotes
inside are doubled, so a line feed followed by a quote, an id, and a quoted `true` or `false` can only
be the start of a row: inside a cell the character after a quote that follows a line feed would be
a second quote, or what ends the cell.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

from connectors.errors import BadReply

Success = tuple[str, str, bool]
_ROW_START = re.compile(
    rb'(?:\A|\n)"([A-Za-z0-9]{15,18})","(true|false)","((?:[^"]|"")*)"(?=[,\n])'
)
_TAIL = 4096
_BATCH = 2000
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_EXISTING = re.compile(r"record with id: ([A-Za-z0-9]{18}|[A-Za-z0-9]{15})\b")

csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class Failure:
    """One refused row: Salesforce's code, message and fields, and the cells as they were sent."""

    target_id: str
    code: str
    message: str
    fields: tuple[str, ...]
    cells: dict[str, str]


async def read_successes(
    chunks: AsyncIterator[bytes], *, key_column: str
) -> AsyncIterator[list[Success]]:
    """Yield (key, target id, created) of the rows that went in, some thousands at a time.

    Raises `BadReply` when the file lacks the key column.
    """
    head = b""
    async for chunk in chunks:
        head += chunk
        if b"\n" in head:
            break
    if not head.strip():
        return
    line, _, rest = head.partition(b"\n")
    wanted = f'"sf__Id","sf__Created","{key_column}"'.encode()
    if line == wanted or line.startswith(wanted + b","):
        async for found in _scan(rest, chunks):
            yield found
        return
    async for rows in _records(_again(head, chunks)):
        if rows and key_column not in rows[0]:
            raise BadReply(f"A result file lacks the column {key_column}.")
        yield [(row[key_column], row["sf__Id"], row["sf__Created"] == "true") for row in rows]


async def _scan(rest: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Success]]:
    buffer = b"\n" + rest
    async for chunk in chunks:
        buffer += chunk
        found, end = _starts(buffer)
        # Keep what may be the beginning of a row start that the next chunk completes.
        keep = max(end, len(buffer) - _TAIL)
        cut = buffer.rfind(b"\n", end, keep + 1)
        buffer = buffer[max(cut, end) :] if cut >= end else buffer[keep:]
        if found:
            yield found
    found, _ = _starts(buffer + b"\n")
    if found:
        yield found


def _starts(buffer: bytes) -> tuple[list[Success], int]:
    found = []
    end = 0
    for match in _ROW_START.finditer(buffer):
        target, created, key = match.groups()
        if b'""' in key:
            key = key.replace(b'""', b'"')
        found.append((key.decode(), target.decode(), created == b"true"))
        end = match.end()
    return found, end


async def read_failures(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[Failure]]:
    """Yield the refused rows, parsed."""
    async for rows in _records(chunks):
        failures = []
        for row in rows:
            error = row.pop("sf__Error", "")
            target_id = row.pop("sf__Id", "")
            code, message, fields = parse_error(error)
            failures.append(Failure(target_id, code, message, fields, row))
        yield failures


async def read_rows(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, str]]]:
    """Yield whole rows by column name."""
    async for rows in _records(chunks):
        yield rows


def parse_error(text: str) -> tuple[str, str, tuple[str, ...]]:
    """Split `sf__Error` into code, message and fields; the message itself may hold colons."""
    code, _, rest = text.partition(":")
    message, colon, fields = rest.rpartition(":")
    if not colon:
        return code.strip() or "UNKNOWN", rest, ()
    names = fields.strip().removesuffix("--").strip()
    return code.strip(), message, tuple(name.strip() for name in names.split(",") if name.strip())


def existing_id(message: str) -> str | None:
    """The id that a `DUPLICATE_VALUE` text names (15 or 18 characters); None for `<unknown>`."""
    found = _EXISTING.search(message)
    return found.group(1) if found else None


def to_18(record_id: str) -> str:
    """Return the 18-character form of an id (salesforce facts, 7.10)."""
    if len(record_id) != 15:
        return record_id
    suffix = ""
    for start in (0, 5, 10):
        block = record_id[start : start + 5]
        suffix += _ALPHABET[sum(1 << n for n, char in enumerate(block) if char.isupper())]
    return record_id + suffix


async def _again(head: bytes, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield head
    async for chunk in chunks:
        yield chunk


async def _records(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[dict[str, str]]]:
    """Parse CSV as it arrives, cutting only where no cell is open."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    header: list[str] | None = None
    pending = ""
    open_cell = False
    async for chunk in _ended(chunks):
        text = decoder.decode(chunk, final=not chunk)
        start = len(pending)
        pending += text
        cut = -1
        for position in range(start, len(pending)):
            char = pending[position]
            if char == '"':
                open_cell = not open_cell
            elif char == "\n" and not open_cell:
                cut = position
        if not chunk:
            cut = len(pending) - 1
        if cut < 0:
            continue
        rows = list(_parse(pending[: cut + 1]))
        pending = pending[cut + 1 :]
        if header is None and rows:
            header = rows.pop(0)
        if rows and header is not None:
            yield [dict(zip(header, row, strict=False)) for row in rows]


async def _ended(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async for chunk in chunks:
        if chunk:
            yield chunk
    yield b""


def _parse(text: str) -> Iterator[list[str]]:
    return (row for row in csv.reader(_lines(text)) if row)


def _lines(text: str) -> Iterator[str]:
    """Lines by line feed alone: other separators belong to the text."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end + 1
        yield text[start:end]
        start = end
