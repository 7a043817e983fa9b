"""Turns queued pages into sealed batches: transform, spool file, one ledger transaction.

A batch holds rows of one phase, one target object and one lane. A lane is a share of the parents:
all rows of one parent are in one lane, so that two live jobs never hold children of one parent.
Batch files, the batches, what was held, the books, the profiles and the cursor are one fact: after the
transaction the source need not be asked again, before it nothing happened.
"""

from collections.abc import Mapping, Sequence

import anyio
import anyio.to_thread

from service.crash_points import reach
from service.pages import PageQueue
from service.phases import Phase
from service.progress import PhaseProgress
from service.removals import removal
from service.repeats import Repeats
from service.sightings import GONE_DIGEST
from service.unsealed import PhaseRows, Transformer, Unsealed
from state.ledger import Ledger, Tx
from state.rows import RowEntry
from state.spool import BatchColumns, SpoolFile
from transforms.block import HeldRecord

FLUSH_AFTER_S = 2.0
_Written = tuple[tuple[str, int], BatchColumns, SpoolFile]
"""A batch file: its object and lane, its columns, and where it lies."""


class Sealer:
    """The one consumer of the page queue."""

    def __init__(
        self,
        ledger: Ledger,
        queue: PageQueue,
        transformer: Transformer,
        *,
        spool_limit_bytes: int,
    ) -> None:
        self._ledger = ledger
        self._queue = queue
        self._transformer = transformer
        self._spool_limit = spool_limit_bytes
        self.sealed = anyio.Condition()
        self.spool_bytes = 0
        self.blocked = False

    async def run(self, progress: dict[str, PhaseProgress]) -> None:
        """Seal pages until the queue is closed; what is unsealed then is sealed last."""
        open_rows = Unsealed()
        stream = ""
        while not self._queue.finished:
            page = await self._queue.get(FLUSH_AFTER_S if open_rows.pages else None)
            if page is not None:
                stream = page.phase
                if not page.ends_phase:
                    page = await self._transformer.narrow(page, open_rows)
                    lookups = await self._transformer.lookups_for(page)
                    self._transformer.absorb(page, open_rows, lookups)
            stale = page is None or page.ends_phase
            if open_rows.full or (stale and open_rows.pages):
                await self.seal(stream, open_rows, progress)
                open_rows = Unsealed()
            if page is not None and page.ends_phase:
                await self._end_stream(stream)

    async def seal(
        self, stream: str, rows: Unsealed, progress: Mapping[str, PhaseProgress]
    ) -> None:
        """Make `rows` durable in one step; a cancelled run finishes the step it is in."""
        if not self._transformer.reads_ahead(stream):
            await self._wait_for_room()
        fed = [(phase, rows.phases[phase.name]) for phase in self._transformer.fed_by(stream)]
        with anyio.CancelScope(shield=True):
            files = await anyio.to_thread.run_sync(self._write_files, fed)
            reach("spool-written")
            async with self._ledger.write() as tx:
                for number in {number for number, _ in rows.pages}:
                    done = [page for each, page in rows.pages if each == number]
                    await self._ledger.slices.pages_done(tx, stream, number, done)
                counts = [
                    await self._note(tx, phase, mine, files[phase.name]) for phase, mine in fed
                ]
                left_out = await self._transformer.note_left_out(tx, stream, rows.out)
                if self._transformer.profiler is not None:
                    await self._transformer.profiler.note(tx, stream)
                reach("seal-uncommitted")
            reach("batch-sealed")
        for (phase, mine), (held, repeated) in zip(fed, counts, strict=True):
            seen = progress[phase.name]
            seen.extracted += mine.extracted
            seen.duplicates += repeated
            seen.held += held - repeated
            seen.skipped += sum(mine.skipped.values())
        reader, skipped, again = left_out
        seen = progress[reader.name]
        seen.extracted += len(rows.out.left)
        seen.skipped += skipped
        seen.duplicates += again
        await self._tell()

    async def _note(
        self, tx: Tx, phase: Phase, rows: PhaseRows, files: Sequence[_Written]
    ) -> tuple[int, int]:
        """Note one phase's batches, exceptions and books; returns (held, of them repeated)."""
        chosen: dict[str, int] = {}
        for (table, lane), columns, file in files:
            chosen[table] = chosen.get(table, 0) + columns.parts.count(0)
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
        held = [_held_entry(phase, *each) for each in rows.held]
        repeated = await Repeats(self._ledger, phase).put(tx, held)
        books = self._ledger.books
        await books.add(tx, phase.name, extracted=rows.extracted, duplicates=repeated)
        repeated += await self._note_deleted(tx, phase, rows.deleted)
        for reason, count in rows.skipped.items():
            await books.add_reason(tx, phase.name, "skipped", reason, count)
        for table, count in chosen.items() if len(phase.objects) > 1 else ():
            await books.add_reason(tx, phase.name, "chosen", table, count)
        for line, count in rows.emptied.items():
            await books.add_reason(tx, phase.name, "emptied", line, count)
        if rows.addresses and self._transformer.book is not None:
            await self._transformer.book.note(tx, rows.addresses)
        if rows.supplied:
            await self._ledger.supplied.learn(tx, phase.kind, rows.supplied)
        return len(held), repeated

    async def _note_deleted(self, tx: Tx, phase: Phase, ids: Sequence[str]) -> int:
        """Skip records that were deleted, and let those that are loaded follow; returns how many are."""
        if not ids:
            return 0
        await self._ledger.supplied.forget(tx, phase.kind, ids)
        there = await self._ledger.crosswalk.standing(phase.kind, sorted(set(ids)))
        loaded = {key for key, _ in there}
        entries = [
            removal(phase, place, found)
            for place, found in there.items()
            if found.digest != GONE_DIGEST
        ]
        if entries:
            await self._ledger.rows.put(tx, entries)
        known = sum(each in loaded for each in ids)
        await self._ledger.books.add(tx, phase.name, duplicates=known)
        if known < len(ids):
            await self._ledger.books.add_reason(
                tx, phase.name, "skipped", "deleted", len(ids) - known
            )
        return known

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

    async def _end_stream(self, stream: str) -> None:
        async with self._ledger.write() as tx:
            for piece in await self._ledger.slices.of(stream):
                if not piece.done:
                    await self._ledger.slices.finish(tx, stream, piece.number)
            for phase in self._transformer.fed_by(stream):
                await self._ledger.facts.set(tx, f"extracted.{phase.name}", "yes")
        reach("phase-extracted")
        await self._tell()

    def _write_files(self, fed: Sequence[tuple[Phase, PhaseRows]]) -> dict[str, list[_Written]]:
        written: dict[str, list[_Written]] = {}
        for phase, rows in fed:
            mine = written[phase.name] = []
            for (table, lane), columns in rows.columns.items():
                file = self._ledger.spool.write(f"{phase.name}-{table}-{lane}", columns)
                reach("spool-file-written")
                # Rows of a second pass wait for the end of the very stream that feeds them: they
                # must not keep it from being read.
                self.spool_bytes += 0 if phase.of else file.size_bytes
                mine.append(((table, lane), columns, file))
        return written


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
