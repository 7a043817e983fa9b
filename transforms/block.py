"""What a page of source records becomes: rows by column, and the records set apart."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class RowSet:
    """Rows for one target object, by column.

    `parents`: one list per parent field of the table; "" where there is none. `payloads`: the CSV
    cells of the table's columns, quoted and joined, UTF-8, without a line end. `versions`: the
    source's updatedAt in epoch ms. `digests`: 32 hexadecimal characters over payload and parents.
    `unfit`: how many records have a line left empty for a value that did not fit, by (column, reason).
    """

    keys: list[str] = field(default_factory=list)
    parts: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    parents: list[list[str]] = field(default_factory=list)
    payloads: list[bytes] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    match_keys: list[str] = field(default_factory=list)
    unfit: dict[tuple[str, str], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record that cannot be mapped as it is: a stable reason, the field it is about, and the
    record itself (`row`), so that it can be mapped again without asking the source.
    """

    source_id: str
    reason: str
    field: str = ""
    detail: str = ""
    row: Any = dataclasses.field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SkippedRecord:
    """A record that is left out by rule."""

    source_id: str
    reason: str


@dataclass(slots=True)
class Block:
    """The outcome of one page; every record is in exactly one of the three.

    `addresses`: mail addresses in small letters, with the record's id, of a phase whose records others
    name by them; of records that are held as well, since they may arrive later. `supplied`: what records
    that made rows give the children that name them: finished cells by name.
    """

    tables: dict[str, RowSet]
    held: list[HeldRecord] = field(default_factory=list)
    skipped: list[SkippedRecord] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    supplied: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)
