"""One compiled table: from a record to one row, or several where a text is split."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from transforms.block import RowSet
from transforms.errors import Hold
from transforms.record import Cell, Record


@dataclass(frozen=True)
class ParentField:
    """A reference of a row, resolved at upload.

    `columns`: CSV column by the object the parent became. `chain`: references are written
    `kind:id|kind:id`, tried in order; else they are plain ids of the one kind. `default`: a
    target id for rows whose reference leads nowhere.
    """

    name: str
    kinds: tuple[str, ...]
    columns: Mapping[str, str]
    required: bool
    default: str | None
    chain: bool


@dataclass(frozen=True)
class Table:
    """A target object's columns, in CSV order (the key first), and how rows are made."""

    object: str
    columns: tuple[str, ...]
    parents: tuple[ParentField, ...]
    key_column: str | None
    cells: tuple[Cell, ...]
    references: tuple[Callable[[Record], str], ...]
    match_key: Callable[[Record], str] | None = None
    split_at: int | None = None
    split_bytes: int = 0

    def add(self, record: Record, rows: RowSet) -> None:
        """Append the record's row or rows; raises `Hold`, and appends nothing then."""
        cells: list[str] = []
        append = cells.append
        for number, make in enumerate(self.cells):
            try:
                append(make(record))
            except Hold as hold:
                raise Hold(hold.reason, hold.field or self.columns[number], hold.detail) from None
        references = [make(record) for make in self.references]
        match_key = self.match_key(record) if self.match_key else ""
        parts = self._parts(cells)
        version = epoch_ms(record.attributes.get("updatedAt"))
        for part, payload in enumerate(parts):
            rows.keys.append(record.row["id"])
            rows.parts.append(part)
            rows.versions.append(version)
            for column, reference in zip(rows.parents, references, strict=True):
                column.append(reference)
            rows.payloads.append(payload)
            digest = blake2b(payload, digest_size=16)
            digest.update("|".join(references).encode())
            rows.digests.append(digest.hexdigest())
            rows.match_keys.append(match_key if part == 0 else "")

    def empty(self) -> RowSet:
        """Return a row set with a column for each parent field."""
        return RowSet(parents=[[] for _ in self.parents])

    def _parts(self, cells: list[str]) -> list[bytes]:
        try:
            whole = ('"' + '","'.join(cells) + '"').encode()
        except UnicodeEncodeError:
            raise Hold("bad-text") from None
        at = self.split_at
        if at is None or len(cells[at].encode()) <= self.split_bytes:
            return [whole]
        texts = split_text(cells[at].replace('""', '"'), self.split_bytes)
        made = []
        for text in texts:
            cells[at] = text.replace('"', '""')
            made.append(('"' + '","'.join(cells) + '"').encode())
        return made


def split_text(text: str, limit: int) -> list[str]:
    """Cut text into parts of at most `limit` UTF-8 bytes, each headed `(1/3) `; no character is lost.

    Cuts fall after white space where the last fifth of a part has any, never inside a character.
    """
    if len(text.encode()) <= limit:
        return [text]
    head = 6
    while True:
        pieces = _pieces(text, limit - head)
        needed = len(f"({len(pieces)}/{len(pieces)}) ")
        if needed <= head:
            break
        head = needed
    return [f"({number}/{len(pieces)}) {piece}" for number, piece in enumerate(pieces, 1)]


def _pieces(text: str, limit: int) -> list[str]:
    data = text.encode()
    pieces = []
    start = 0
    while start < len(data):
        end = min(start + limit, len(data))
        while end < len(data) and data[end] & 0xC0 == 0x80:
            end -= 1
        if end < len(data):
            space = max(data.rfind(b" ", start, end), data.rfind(b"\n", start, end))
            if space + 1 > start + limit * 4 // 5:
                end = space + 1
        pieces.append(data[start:end].decode())
        start = end
    return pieces


def epoch_ms(stamp: Any) -> int:
    """An ISO moment as epoch ms; 0 for anything else."""
    if not isinstance(stamp, str):
        return 0
    try:
        return int(datetime.fromisoformat(stamp).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0


def reference(
    sources: Sequence[tuple[str, Callable[[Record], Any]]], *, chain: bool
) -> Callable[[Record], str]:
    """Return a function that writes a record's reference, as `ParentField` describes."""
    if not chain:
        get = sources[0][1]

        def plain(record: Record) -> str:
            value = get(record)
            return value if isinstance(value, str) else ""

        return plain

    def linked(record: Record) -> str:
        links = []
        for kind, get in sources:
            value = get(record)
            ids = value if isinstance(value, list) else [value]
            links.extend(f"{kind}:{each}" for each in ids if isinstance(each, str) and each)
        return "|".join(links)

    return linked
