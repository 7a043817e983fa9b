"""Matches source people and teams with what Salesforce has; nothing is written there.

A source record with exactly one counterpart is matched; with none or several it is held, and the
records that refer to it fall back as the map says.
"""

from collections import defaultdict

import anyio

from connectors.salesforce.client import SalesforceClient
from service.phases import Phase
from service.progress import PhaseProgress
from service.seal import Sealer
from state.batches import Batch
from state.ledger import Ledger
from state.rows import RowEntry
from transforms.compile import MatchRule


class DirectoryMatcher:
    """The loader of a phase whose operation is `match`."""

    def __init__(
        self,
        phase: Phase,
        rule: MatchRule,
        *,
        ledger: Ledger,
        client: SalesforceClient,
        sealer: Sealer,
        progress: PhaseProgress,
    ) -> None:
        self._phase = phase
        self._rule = rule
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
        if not batches:
            return
        values, repeated = await anyio.to_thread.run_sync(self._read, batches)
        targets = await self._targets()
        await self._conclude(batches, values, repeated, targets)

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

    async def _conclude(
        self,
        batches: list[Batch],
        values: dict[str, str],
        repeated: int,
        targets: dict[str, list[str]],
    ) -> None:
        learned, held = [], []
        for source_id, value in sorted(values.items()):
            hits = targets.get(value, []) if value else []
            if len(hits) == 1:
                learned.append((source_id, 0, hits[0], 0, b""))
            else:
                reason = "several-matches" if hits else "no-match"
                held.append(self._held(source_id, reason))
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
            new = await ledger.rows.put(tx, held) if held else 0
            await ledger.books.add(tx, phase.name, matched=matched, duplicates=repeated)
            await ledger.batches.done(tx, job)
            await ledger.jobs.harvested(tx, job)
        for batch in batches:
            await anyio.to_thread.run_sync(self._ledger.spool.strip, batch.file)
        await self._sealer.freed(sum(batch.size_bytes for batch in batches))
        self._progress.matched += matched
        self._progress.held += new
        self._progress.duplicates += repeated

    def _held(self, source_id: str, reason: str) -> RowEntry:
        return RowEntry(
            phase=self._phase.name,
            source_id=source_id,
            part=0,
            state="held",
            reason=reason,
            field=self._rule.target,
            detail="",
            payload=None,
        )
