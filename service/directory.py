"""Matches source people and teams with what Salesforce has; nothing is written there.

A source record with exactly one counterpart is matched; with none or several it is held, and the
records that refer to it fall back as the map says. One that is asked for again is read again by id,
since its mail address or name may have been corrected on either side.
"""

from collections import defaultdict
from dataclasses import dataclass, field

import anyio

from connectors.salesforce.client import SalesforceClient
from service.anew import GONE
from service.crash_points import reach
from service.phases import Phase
from service.progress import PhaseProgress
from service.reading import Learned
from service.reread import Rereader
from service.seal import Sealer
from state.batches import Batch
from state.ledger import Ledger
from state.rows import RowEntry, RowState
from transforms.compile import CompiledPhase, MatchRule
from transforms.lookups import Lookups

_EVERY = 1_000_000  # people and teams are few


@dataclass
class _Again:
    """Records asked for again: their rows, their match values now, and what stands against them."""

    keys: list[tuple[str, int]] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    entries: list[RowEntry] = field(default_factory=list)


class DirectoryMatcher:
    """The loader of a phase whose operation is `match`."""

    def __init__(
        self,
        phase: Phase,
        rule: MatchRule,
        *,
        ledger: Ledger,
        client: SalesforceClient,
        compiled: CompiledPhase,
        source: Rereader,
        sealer: Sealer,
        progress: PhaseProgress,
    ) -> None:
        self._phase = phase
        self._rule = rule
        self._compiled = compiled
        self._source = source
        self._ledger = ledger
        self._client = client
        self._sealer = sealer
        self._progress = progress

    async def run(self) -> None:
        """Wait until the phase is extracted, then match all of it in one transaction."""
        async with self._sealer.sealed:
            while not await self._ledger.facts.get(f"extracted.{self._phase.name}"):
                await self._sealer.sealed.wait()
        await self._give_back_left_over()
        batches = await self._ledger.batches.ready(self._phase.name, self._rule.object)
        again = await self._again()
        if not batches and not again.keys:
            return
        values, repeated = await anyio.to_thread.run_sync(self._read, batches)
        values.update(again.values)
        targets = await self._targets()
        reach("directory-read")
        await self._conclude(batches, again, values, repeated, targets)

    async def _again(self) -> _Again:
        rows = await self._ledger.rows.unmade(self._phase.name, _EVERY)
        found = _Again([(row.source_id, row.part) for row in rows])
        if not rows:
            return found
        read = await self._source.read(self._phase, [row.source_id for row in rows])
        block = self._compiled(list(read.values()), Lookups())
        table = block.tables[self._rule.object]
        found.values = {key: table.payloads[index].decode() for index, key in enumerate(table.keys)}
        held = {each.source_id: each for each in block.held}
        for row in rows:
            if row.source_id in held:
                found.entries.append(self._held(row.source_id, held[row.source_id].reason))
            elif row.source_id not in found.values:
                found.entries.append(self._held(row.source_id, GONE, "failed"))
        return found

    async def _give_back_left_over(self) -> None:
        """A job row of a match that was cut short carried no outside effect: start it again."""
        for job in await self._ledger.jobs.unsettled():
            if job.phase == self._phase.name:
                async with self._ledger.write() as tx:
                    await self._ledger.batches.release(tx, job.id)
                    await self._ledger.jobs.abandon(tx, job.id, "match cut short")

    def _read(self, batches: list[Batch]) -> tuple[dict[str, str], int]:
        """Match values by source id, and how many records were seen again."""
        values: dict[str, str] = {}
        repeated = 0
        for batch in batches:
            with self._ledger.spool.open(batch.file, batch.crc) as reader:
                for index, key in enumerate(reader.keys):
                    repeated += key in values
                    values[key] = bytes(reader.payload(index)).decode()
        return values, repeated

    async def _targets(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        field = self._rule.target
        async for page in self._client.query(self._rule.soql()):
            for record in page:
                value = record.get(field)
                if isinstance(value, str) and value:
                    found[self._rule.normalise(value)].append(str(record["Id"]))
        return found

    def _pair(
        self, values: dict[str, str], targets: dict[str, list[str]]
    ) -> tuple[list[Learned], list[RowEntry]]:
        """Records with exactly one target for the crosswalk; the others held with why."""
        learned: list[Learned] = []
        held: list[RowEntry] = []
        for source_id, value in sorted(values.items()):
            hits = targets.get(value, []) if value else []
            if len(hits) == 1:
                learned.append((source_id, 0, hits[0], 0, b""))
            else:
                held.append(self._held(source_id, "several-matches" if hits else "no-match"))
        return learned, held

    async def _conclude(
        self,
        batches: list[Batch],
        again: _Again,
        values: dict[str, str],
        repeated: int,
        targets: dict[str, list[str]],
    ) -> None:
        learned, unmatched = self._pair(values, targets)
        held = [*again.entries, *unmatched]
        phase, ledger = self._phase, self._ledger
        async with ledger.write() as tx:
            job = await ledger.jobs.intend(
                tx,
                phase=phase.name,
                object=self._rule.object,
                operation="match",
                lane=0,
                rows_sent=0,
                aside=b"",
            )
            await ledger.batches.take(tx, [batch.id for batch in batches], job)
            matched = await ledger.crosswalk.learn(
                tx, phase.kind, self._rule.object, learned, origin="matched", job=job
            )
            if again.keys:
                await ledger.rows.assign_job(tx, phase.name, again.keys, job)
            await ledger.rows.put(tx, held, out_of=job)
            await ledger.rows.clear_of_job(tx, phase.name, job)
            await ledger.books.add(tx, phase.name, matched=matched, duplicates=repeated)
            await ledger.batches.done(tx, job)
            await ledger.jobs.harvested(tx, job)
            reach("directory-uncommitted")
        reach("directory-matched")
        reach("retry-matched")
        for batch in batches:
            await anyio.to_thread.run_sync(self._ledger.spool.strip, batch.file)
        await self._sealer.freed(sum(batch.size_bytes for batch in batches))
        self._progress.matched += matched
        self._progress.held += sum(entry.state == "held" for entry in held)
        self._progress.failed += sum(entry.state == "failed" for entry in held)
        self._progress.duplicates += repeated

    def _held(self, source_id: str, reason: str, state: RowState = "held") -> RowEntry:
        return RowEntry(
            phase=self._phase.name,
            source_id=source_id,
            part=0,
            state=state,
            reason=reason,
            field=self._rule.target,
            detail="",
            payload=None,
        )
