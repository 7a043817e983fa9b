"""Turns queued pages into sealed batches: transform, spool file, one ledger transaction.

A batch holds rows of one phase, one target object and one lane. A lane is a share of the parents:
all rows of one parent are in one lane, so that two live jobs never hold children of one parent.
Batch files, the batches, what was held, the books and the cursor are one fact: after the
transaction the source need not be asked again, before it nothing happened.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeVar

import anyio
import anyio.to_thread
import orjson

from service.crash_points import reach
from service.pages import PageQueue, SourcePage
from service.phases import Phase, phase_named
from service.progress import PhaseProgress
from service.repeats import Repeats
from state.ledger import Ledger
from state.rows import RowEntry
from state.spool import BatchColumns, SpoolFile
from transforms.block import Block, HeldRecord, RowSet
from transforms.compile import CompiledMapping, CompiledPhase
from transforms.lookups import Lookups

Value = TypeVar("Value")
FLUSH_BYTES = 8_000_000
FLUSH_ROWS = 20_000
FLUSH_AFTER_S = 2.0


@dataclass
class _Unsealed:
    """What was transformed since the last seal: rows per (object, lane), exceptions, pages."""

    columns: dict[tuple[str, int], BatchColumns] = field(default_factory=dict)
    pages: list[tuple[int, int]] = field(default_factory=list)
    held: list[tuple[HeldRecord, bytes, tuple[int, int]]] = field(default_factory=list)
    skipped: dict[str, int] = field(default_factory=dict)
    extracted: int = 0
    rows: int = 0
    size_bytes: int = 0

    @property
    def full(self) -> bool:
        return self.size_bytes >= FLUSH_BYTES or self.rows >= FLUSH_ROWS


class Sealer:
    """The one consumer of the page queue."""

    def __init__(
        self,
        ledger: Ledger,
        queue: PageQueue,
        mapping: CompiledMapping,
        lookups: Lookups,
        *,
        lanes: int,
        spool_limit_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._mapping = mapping
        self._lookups = lookups
        self._lanes = lanes
        self._spool_limit = spool_limit_bytes
        self.sealed = anyio.Condition()
        self.spool_bytes = 0
        self.blocked = False

    async def run(self, progress: dict[str, PhaseProgress]) -> None:
        """Seal pages until the queue is closed; what is unsealed then is sealed last."""
        open_rows = _Unsealed()
        phase = ""
        while not self._queue.finished:
            page = await self._queue.get(FLUSH_AFTER_S if open_rows.pages else None)
            if page is not None:
                phase = page.phase
                if not page.ends_phase:
                    self._absorb(page, open_rows)
            stale = page is None or page.ends_phase
            if open_rows.full or (stale and open_rows.pages):
                await self.seal(phase_named(phase), open_rows, progress[phase])
                open_rows = _Unsealed()
            if page is not None and page.ends_phase:
                await self._end_phase(phase)

    async def seal(self, phase: Phase, rows: _Unsealed, progress: PhaseProgress) -> None:
        """Make `rows` durable in one step; a cancelled run finishes the step it is in."""
        await self._wait_for_room()
        with anyio.CancelScope(shield=True):
            files = await anyio.to_thread.run_sync(self._write_files, phase, rows)
            reach("spool-written")
            async with self._ledger.write() as tx:
                for (table, lane), columns, file in files:
                    await self._ledger.batches.seal(
                        tx,
                        phase=phase.name,
                        kind=phase.kind,
                        object=table,
                        lane=lane,
                        rows=len(columns.keys),
                        size_bytes=file.size_bytes,
                        file=file.name,
                        crc=file.crc,
                    )
                for number in {number for number, _ in rows.pages}:
                    done = [page for each, page in rows.pages if each == number]
                    await self._ledger.slices.pages_done(tx, phase.name, number, done)
                held = [_held_entry(phase, *each) for each in rows.held]
                repeated = await Repeats(self._ledger, phase).put(tx, held)
                await self._ledger.books.add(
                    tx, phase.name, extracted=rows.extracted, duplicates=repeated
                )
                for reason, count in rows.skipped.items():
                    await self._ledger.books.add_reason(tx, phase.name, "skipped", reason, count)
                reach("seal-uncommitted")
            reach("batch-sealed")
        progress.extracted += rows.extracted
        progress.duplicates += repeated
        progress.held += len(held) - repeated
        progress.skipped += sum(rows.skipped.values())
        await self._tell()

    async def freed(self, size_bytes: int) -> None:
        """Note that harvested batches gave back spool room (bytes)."""
        self.spool_bytes -= size_bytes
        await self._tell()

    async def _tell(self) -> None:
        async with self.sealed:
            self.sealed.notify_all()

    async def _wait_for_room(self) -> None:
        """Wait while too much is sealed and not loaded; loaders then take what there is."""
        async with self.sealed:
            while self.spool_bytes > self._spool_limit:
                self.blocked = True
                self.sealed.notify_all()
                await self.sealed.wait()
            self.blocked = False

    async def _end_phase(self, phase: str) -> None:
        async with self._ledger.write() as tx:
            for piece in await self._ledger.slices.of(phase):
                if not piece.done:
                    await self._ledger.slices.finish(tx, phase, piece.number)
            await self._ledger.facts.set(tx, f"extracted.{phase}", "yes")
        reach("phase-extracted")
        await self._tell()

    def _absorb(self, page: SourcePage, into: _Unsealed) -> None:
        """Transform one page and add its rows, lane by lane, to the unsealed ones."""
        phase = phase_named(page.phase)
        compiled = self._mapping.phases[page.phase]
        block = compiled(page.rows, self._lookups)
        into.pages.append((page.slice_number, page.page))
        into.extracted += len(page.rows)
        for table, rows in block.tables.items():
            lock = _lock_index(compiled, table, phase)
            self._spread(page, table, rows, lock, into)
        self._note_exceptions(page, block, into)

    def _spread(
        self, page: SourcePage, table: str, rows: RowSet, lock: int | None, into: _Unsealed
    ) -> None:
        """Deal a page's rows to their lanes, column by column."""
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
        into.size_bytes += sum(map(len, rows.payloads))
        into.rows += len(rows.keys)

    def _note_exceptions(self, page: SourcePage, block: Block, into: _Unsealed) -> None:
        place = (page.slice_number, page.page)
        if block.held:
            into.held += [(held, orjson.dumps({"record": held.row}), place) for held in block.held]
        for skipped in block.skipped:
            into.skipped[skipped.reason] = into.skipped.get(skipped.reason, 0) + 1

    def _write_files(
        self, phase: Phase, rows: _Unsealed
    ) -> Sequence[tuple[tuple[str, int], BatchColumns, SpoolFile]]:
        written = []
        for (table, lane), columns in rows.columns.items():
            file = self._ledger.spool.write(f"{phase.name}-{table}-{lane}", columns)
            reach("spool-file-written")
            self.spool_bytes += file.size_bytes
            written.append(((table, lane), columns, file))
        return written


def _picked(column: Sequence[Value], places: Sequence[int]) -> Sequence[Value]:
    if len(places) == 1:
        return [column[places[0]]]
    return itemgetter(*places)(column)  # type: ignore[no-any-return]


def _lock_index(compiled: CompiledPhase, table: str, phase: Phase) -> int | None:
    """Position of the lane-giving parent among the table's parent fields, if it has one."""
    names = [parent.name for parent in compiled.tables[table].parents]
    return names.index(phase.lock_parent) if phase.lock_parent in names else None


def _held_entry(phase: Phase, record: HeldRecord, raw: bytes, place: tuple[int, int]) -> RowEntry:
    return RowEntry(
        phase=phase.name,
        source_id=record.source_id,
        part=0,
        state="held",
        reason=record.reason,
        field=record.field,
        detail=record.detail,
        payload=raw,
        slice=place[0],
        page=place[1],
    )
