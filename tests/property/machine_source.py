"""Kustomer and the map as the ledger machine sees them: pages of small records, and their rows."""

import zlib
from collections import defaultdict
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from connectors.errors import Unreachable
from connectors.kustomer.envelope import Page
from service.phases import PHASES, Phase
from tests.property.machine_world import World
from transforms.block import Block, HeldRecord, RowSet, SkippedRecord
from transforms.references import ParentField
from transforms.table import Table

TABLES = {
    "companies": "Account",
    "conversations": "Case",
    "messages": "EmailMessage",
    "notes": "CaseComment",
}
PARENTS = {"conversations": "customer", "messages": "conversation", "notes": "conversation"}


@dataclass(frozen=True)
class Record:
    """One sighting of a source record. What it is about follows from its `number`, so that all its
    sightings agree; its version and its `fate` (sent, held) may change between two pages."""

    number: int
    version: int = 0
    fate: str = "sent"

    @property
    def parent(self) -> int:
        """Its parent's number."""
        return self.number % 2

    @property
    def text(self) -> str:
        """The text of a note; every fourth has the same, and its parent too: true twins."""
        return f"b{self.number % 4}"

    @property
    def moment(self) -> str:
        """When a note was made."""
        return f"2020-01-0{1 + self.number % 4}T00:00:00.000Z"

    @property
    def parts(self) -> int:
        """In how many rows a note goes."""
        return 2 if self.number % 4 == 3 else 1

    @property
    def match(self) -> str:
        """A company's domain; several companies have the same one, some have none."""
        return f"m{self.number % 3}.test" if self.number % 3 < 2 else ""


def source_id(kind: str, number: int) -> str:
    """An id of the form that Kustomer uses."""
    return f"{zlib.crc32(kind.encode()):08x}{number:016x}"


def phase_of(name: str) -> Phase:
    return next(phase for phase in PHASES if phase.name == name)


@dataclass
class Source:
    """Lists that grow at their end. `served` is what each page showed when it was last read."""

    world: World
    pages: dict[str, list[list[Record]]] = field(default_factory=lambda: defaultdict(list))
    served: dict[tuple[str, int], list[Record]] = field(default_factory=dict)

    async def list_page(self, path: str, number: int, *, page_size: int, params: Any) -> Page:
        """One page of an org-wide list."""
        await self.world.turn("before a page")
        if number > 99:  # the planner's look behind the cap
            return Page([], [], False, None, 0)
        if self.world.next_fault() == "lost before":
            raise Unreachable("no page")
        phase = next(phase for phase in PHASES if phase.stream.path == path)
        pages = self.pages[phase.name]
        records = pages[number - 1] if number <= len(pages) else []
        self.served[phase.name, number] = records
        rows: list[dict[str, Any]] = [
            {"id": source_id(phase.kind, record.number), "record": record} for record in records
        ]
        return Page(rows, [], number < len(pages), None, 100)

    async def search_page(self, *_: Any, **__: Any) -> Page:
        """Search is not needed: lists are whole."""
        return Page([], [], False, None, 0)


class _MapLine:
    """A compiled phase: its table, and rows out of a page."""

    def __init__(self, phase: Phase) -> None:
        self._phase = phase
        parent = PARENTS.get(phase.name)
        columns = ("Kustomer_Id__c", "Name") if phase.keyed else ("CommentBody", "CreatedDate")
        fields = []
        if parent:
            required = parent == "conversation"
            fields = [
                ParentField(parent, (parent,), {"Case": "ParentId"}, required, None, chain=False)
            ]
        table = TABLES[phase.name]
        self.match = None
        made_elsewhere: Any = None
        self.tables = {table: Table(table, columns, tuple(fields), None, made_elsewhere, (), ())}

    def __call__(self, rows: list[dict[str, Any]], lookups: Any) -> Block:
        [(name, table)] = self.tables.items()
        made = RowSet(parents=[[] for _ in table.parents])
        block = Block({name: made})
        for row in rows:
            record: Record = row["record"]
            if record.fate == "held":
                block.held.append(HeldRecord(row["id"], "bad-text", row={}))
            elif record.fate == "skipped":
                block.skipped.append(SkippedRecord(row["id"], "deleted"))
            else:
                self._add(made, row["id"], record)
        if not made.keys:
            block.tables.clear()
        return block

    def _add(self, rows: RowSet, key: str, record: Record) -> None:
        for part in range(1 if self._phase.keyed else record.parts):
            cells = (
                (key, f"v{record.version}")
                if self._phase.keyed
                else (body(record, part), record.moment)
            )
            rows.keys.append(key)
            rows.parts.append(part)
            rows.versions.append(record.version)
            for column in rows.parents:
                column.append(source_id(PARENTS[self._phase.name], record.parent))
            rows.payloads.append(",".join(f'"{cell}"' for cell in cells).encode())
            rows.digests.append("00" * 16)
            rows.match_keys.append(record.match if self._phase.name == "companies" else "")


def body(record: Record, part: int) -> str:
    """The text of a comment; a long one is in parts."""
    return record.text + (f" ({part + 1}/{record.parts})" if record.parts > 1 else "")


def mapping() -> Any:
    """What the sealer and the loaders need of a compiled mapping."""
    return SimpleNamespace(phases={name: _MapLine(phase_of(name)) for name in TABLES})
