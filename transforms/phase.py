"""The function of one phase: a page of source records in, rows and exceptions out."""

from collections.abc import Callable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import orjson

from transforms.block import Block, HeldRecord, SkippedRecord
from transforms.elements import addresses_in
from transforms.errors import Hold
from transforms.lookups import Lookups
from transforms.match import MatchRule
from transforms.record import Getter, Record
from transforms.references import is_reference
from transforms.table import Table

# Of these records the phase that reads them tells.
_NOT_OURS = frozenset({"no-id", "bad-id", "no-attributes", "wrong-record-type"})


@dataclass(frozen=True)
class CompiledPhase:
    """The function of one phase. A match phase has a rule, and a table of plain match values.

    `reads`: the types that its records may have. A `fed` phase is made once more of the records of
    another one: what that one leaves out or cannot name is not its business. `keeps_deleted`: records
    that were deleted in the source are rows like any other. `known_by` reads the mail addresses by which
    other records name these; `asks` tells by which ones a row names customers.
    """

    name: str
    kind: str
    tables: AnyMapping[str, Table]
    match: MatchRule | None
    choose: Callable[[Record], str]
    reads: frozenset[str]
    fed: bool = False
    keeps_deleted: bool = False
    known_by: Getter | None = None
    asks: Callable[[AnyMapping[str, Any]], list[str]] | None = None

    def __call__(self, records: Sequence[Any], lookups: Lookups) -> Block:
        """Map one page. Each record ends in rows, held or skipped; none affects its neighbours."""
        block = Block({name: table.empty() for name, table in self.tables.items()})
        for row in records:
            try:
                self._map(row, lookups, block)
            except Hold as hold:
                if not (self.fed and hold.reason in _NOT_OURS):
                    block.held.append(_held(row, hold.reason, hold.field, hold.detail))
            except Exception as error:  # noqa: BLE001  one odd record must not stop its neighbours
                block.held.append(_held(row, "unmappable", "", type(error).__name__))
        return block

    def _map(self, row: Any, lookups: Lookups, block: Block) -> None:
        source_id = row.get("id") if isinstance(row, dict) else None
        if not isinstance(source_id, str) or not source_id:
            raise Hold("no-id")
        if not (source_id.isalnum() and source_id.isascii()) and not is_reference(source_id):
            raise Hold("bad-id")
        attributes = row.get("attributes")
        if not isinstance(attributes, dict):
            raise Hold("no-attributes", "attributes")
        kind = row.get("type")
        # The source writes `customers` for `customer` here and there (kustomer facts, 9.1).
        if kind is not None and not (isinstance(kind, str) and kind in self.reads):
            raise Hold("wrong-record-type" if self.fed else "wrong-type", "type")
        gone = attributes.get("deleted") is True and not self.keeps_deleted
        if self.match is None and gone:
            if not self.fed:
                block.skipped.append(SkippedRecord(source_id, "deleted"))
            return
        record = Record(row, attributes, lookups)
        if self.known_by is not None:
            found = addresses_in(self.known_by(record))
            block.addresses += [(address, source_id) for address in found]
        name = self.choose(record)
        table = self.tables[name]
        table.add(record, block.tables[name])
        if table.supplies:
            block.supplied.append((source_id, table.given(record)))


def _held(row: Any, reason: str, field: str, detail: str) -> HeldRecord:
    return HeldRecord(_name_of(row), reason, field, detail, row)


def _name_of(row: Any) -> str:
    """The record's id, or a stable name for one without, so that it can be held and counted."""
    source_id = row.get("id") if isinstance(row, dict) else None
    if isinstance(source_id, str) and is_reference(source_id):
        return source_id
    try:
        data = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        data = repr(row).encode("utf-8", "replace")
    return f"noid-{blake2b(data, digest_size=8).hexdigest()}"
