"""What was transformed since the last seal: rows of each phase by object and lane, and exceptions.

One page may feed several phases: the one that reads it, and those that are made once more of its
records. Rows are dealt to lanes column by column, which costs a quarter of dealing them one by one.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

import orjson

from service.address_book import AddressBook
from service.narrowing import PEOPLE, LeftOut, Narrowing
from service.pages import SourcePage
from service.phases import Phase
from service.profiling import Profiler
from state.ledger import Tx
from state.spool import BatchColumns
from transforms.block import Block, HeldRecord, RowSet
from transforms.compile import CompiledMapping, CompiledPhase
from transforms.lookups import Lookups

Value = TypeVar("Value")
FLUSH_BYTES = 8_000_000
FLUSH_ROWS = 20_000


@dataclass
class PhaseRows:
    """The rows of one phase: by (object, lane), with what was held and skipped, and its records.

    `addresses`: whose mail address it is. `supplied`: what records give their children. `emptied` counts
    lines that were left empty for a value that did not fit, as `emptied_lines` says.
    """

    columns: dict[tuple[str, int], BatchColumns] = field(default_factory=dict)
    held: list[tuple[HeldRecord, bytes, tuple[int, int]]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    deleted: list[str] = field(default_factory=list)
    emptied: dict[str, int] = field(default_factory=dict)
    extracted: int = 0
    addresses: list[tuple[str, str]] = field(default_factory=list)
    supplied: list[tuple[str, Mapping[str, str]]] = field(default_factory=list)


@dataclass
class Unsealed:
    """Pages of one stream that are in memory only, and what they became, by phase."""

    pages: list[tuple[int, int]] = field(default_factory=list)
    phases: dict[str, PhaseRows] = field(default_factory=dict)
    out: LeftOut = field(default_factory=LeftOut)
    rows: int = 0
    size_bytes: int = 0

    @property
    def full(self) -> bool:
        """True when it is time to seal."""
        rows = max(self.rows, len(self.out.left))
        return self.size_bytes >= FLUSH_BYTES or rows >= FLUSH_ROWS


class Transformer:
    """Turns pages into unsealed rows of every phase that they feed."""

    def __init__(
        self,
        phases: Iterable[Phase],
        mapping: CompiledMapping,
        lookups: Lookups,
        *,
        lanes: int,
        profiler: Profiler | None = None,
        book: AddressBook | None = None,
        narrowing: Narrowing | None = None,
    ) -> None:
        """Take the parts. `narrowing` leaves out what the plan does not take."""
        self._narrowing = narrowing
        self.profiler = profiler
        self.book = book
        self._mapping = mapping
        self._lookups = lookups
        self._lanes = lanes
        self._fed: dict[str, list[Phase]] = {}
        for phase in phases:
            self._fed.setdefault(phase.of or phase.name, []).append(phase)

    def fed_by(self, stream: str) -> Sequence[Phase]:
        """The phases that the pages of the phase `stream` feed, itself among them."""
        return self._fed[stream]

    async def narrow(self, page: SourcePage, into: Unsealed) -> SourcePage:
        """Return the page without what the plan leaves out; that is noted in `into`."""
        if self._narrowing is None:
            return page
        return await self._narrowing.narrow(page, self._reader(page.phase).kind, into.out)

    async def note_left_out(self, tx: Tx, stream: str, out: LeftOut) -> tuple[Phase, int, int]:
        """Count what was left out in the books of the phase that reads; returns (it, skipped, again)."""
        phase = self._reader(stream)
        if self._narrowing is None:
            return phase, 0, 0
        return phase, *await self._narrowing.note(tx, phase, out)

    def reads_ahead(self, stream: str) -> bool:
        """Whether a stream is read before the parents of its records: it must not wait for their load."""
        people = self._narrowing is not None and self._narrowing.people
        return people and self._reader(stream).kind in PEOPLE

    def _reader(self, stream: str) -> Phase:
        return next(phase for phase in self._fed[stream] if phase.of is None)

    async def lookups_for(self, page: SourcePage) -> Lookups:
        """What transforming a page takes: names of small things, and customers named by address."""
        lookups = self._lookups
        if self.book is not None:
            for phase in self._fed[page.phase]:
                compiled = self._mapping.phases[phase.name]
                lookups = await self.book.lookups(compiled, page.rows, lookups)
        return lookups

    def absorb(self, page: SourcePage, into: Unsealed, lookups: Lookups | None = None) -> None:
        """Transform one page and add its rows, lane by lane, to the unsealed ones."""
        lookups = self._lookups if lookups is None else lookups
        into.pages.append((page.slice_number, page.page))
        if self.profiler is not None:
            self.profiler.add(page)
        for phase in self._fed[page.phase]:
            compiled = self._mapping.phases[phase.name]
            block = compiled(page.rows, lookups)
            mine = into.phases.setdefault(phase.name, PhaseRows())
            mine.extracted += _records(block) if phase.of else len(page.rows)
            for table, rows in block.tables.items():
                lock = _lock_index(compiled, table, phase)
                self._spread(page, table, rows, lock, mine)
                into.size_bytes += sum(map(len, rows.payloads))
                into.rows += len(rows.keys)
            for line, count in emptied_lines(block).items():
                mine.emptied[line] = mine.emptied.get(line, 0) + count
            mine.addresses += block.addresses
            mine.supplied += block.supplied
            _note_exceptions(page, block, mine)

    def _spread(
        self, page: SourcePage, table: str, rows: RowSet, lock: int | None, into: PhaseRows
    ) -> None:
        locks = rows.parents[lock] if lock is not None else rows.keys
        lanes = self._lanes
        picked: list[list[int]] = [[] for _ in range(lanes)]
        for index, (locked, key) in enumerate(zip(locks, rows.keys, strict=True)):
            picked[zlib.crc32((locked or key).encode()) % lanes].append(index)
        for lane, places in enumerate(picked):
            if not places:
                continue
            columns = into.columns.get((table, lane))
            if columns is None:
                columns = into.columns[table, lane] = BatchColumns.empty(len(rows.parents) + 1)
            columns.keys += _picked(rows.keys, places)
            columns.parts += _picked(rows.parts, places)
            columns.versions += _picked(rows.versions, places)
            for column, parent in zip(columns.parents, rows.parents, strict=False):
                column += _picked(parent, places)
            columns.parents[-1] += _picked(rows.match_keys, places)
            columns.digests += _picked(rows.digests, places)
            columns.pages += [page.page] * len(places)
            columns.slices += [page.slice_number] * len(places)
            columns.payloads += _picked(rows.payloads, places)


def emptied_lines(block: Block) -> dict[str, int]:
    """Records by `Object.Field: reason` for each line left empty, as the books count them."""
    return {
        f"{table}.{column}: {reason}": count
        for table, rows in block.tables.items()
        for (column, reason), count in rows.unfit.items()
    }


def _records(block: Block) -> int:
    """The records that a phase made of another's records is about: those with rows, or held."""
    return sum(rows.parts.count(0) for rows in block.tables.values()) + len(block.held)


def _note_exceptions(page: SourcePage, block: Block, into: PhaseRows) -> None:
    place = (page.slice_number, page.page)
    if block.held:
        into.held += [(held, orjson.dumps({"record": held.row}), place) for held in block.held]
    for skipped in block.skipped:
        if skipped.reason == "deleted":
            into.deleted.append(skipped.source_id)
            continue
        into.skipped[skipped.reason] = into.skipped.get(skipped.reason, 0) + 1


def _picked(column: Sequence[Value], places: Sequence[int]) -> Sequence[Value]:
    if len(places) == 1:
        return [column[places[0]]]
    return itemgetter(*places)(column)  # type: ignore[no-any-return]


def _lock_index(compiled: CompiledPhase, table: str, phase: Phase) -> int | None:
    """Position of the lane-giving parent among the table's parent fields, if it has one."""
    names = [parent.name for parent in compiled.tables[table].parents]
    return names.index(phase.lock_parent) if phase.lock_parent in names else None
