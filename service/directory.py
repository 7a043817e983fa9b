"""Matches source people and teams with what Salesforce has, by the rule of their kind.

A source record with exactly one counterpart is matched; with none or several it is held with the reason
and the candidates. One that is asked for again is read again by id, since its mail address or name may
have been corrected on either side.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import anyio

from connectors.salesforce.client import SalesforceClient
from service.agents import AgentRule
from service.anew import GONE
from service.counterparts import ByName, Counterparts, Pairs
from service.crash_points import reach
from service.phases import Phase
from service.progress import PhaseProgress
from service.reading import Learned
from service.reread import Rereader
from service.seal import Sealer
from service.teams import TeamRule
from state.batches import Batch
from state.ledger import Ledger
from state.rows import RowEntry, RowState
from transforms.compile import CompiledPhase, MatchRule
from transforms.lookups import Lookups
from transforms.match import MatchFacts

_EVERY = 1_000_000  # people and teams are few


def counterparts_of(
    rule: MatchRule, *, ledger: Ledger, client: SalesforceClient, aliases: Mapping[str, str]
) -> Counterparts:
    """Return the rule of a kind, by the object that its records are matched with."""
    if rule.object == "User":
        return AgentRule(rule, ledger, client, aliases)
    if rule.make is not None:
        return TeamRule(rule, rule.make, ledger, client)
    return ByName(rule, client)


@dataclass
class _Again:
    """Records asked for again: their rows, what they are now, and what stands against them.

    `gone`: those that Kustomer no longer has.
    """

    keys: list[tuple[str, int]] = field(default_factory=list)
    facts: dict[str, MatchFacts] = field(default_factory=dict)
    entries: list[RowEntry] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class DirectoryMatcher:
    """The loader of a phase whose operation is `match`."""

    def __init__(
        self,
        phase: Phase,
        rule: MatchRule,
        *,
        ledger: Ledger,
        counterparts: Counterparts,
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
        self._counterparts = counterparts
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
        if batches or again.keys:
            records, repeated = await anyio.to_thread.run_sync(self._read, batches)
            # Who is settled stays so; a further pass reads him again.
            known = await self._ledger.crosswalk.known(
                self._phase.kind, sorted(records), except_job=None
            )
            records = {key: facts for key, facts in records.items() if key not in known}
            repeated += len(known)
            records.update(again.facts)
            pairs = await self._counterparts.pair(records, again.gone)
            reach("directory-read")
            await self._conclude(batches, again, records, repeated, pairs)
        await self._counterparts.follow()

    async def _again(self) -> _Again:
        rows = await self._ledger.rows.unmade(self._phase.name, _EVERY)
        found = _Again([(row.source_id, row.part) for row in rows])
        if not rows:
            return found
        read = await self._source.read(self._phase, [row.source_id for row in rows])
        block = self._compiled(list(read.values()), Lookups())
        table = block.tables[self._rule.object]
        payloads = zip(table.keys, table.payloads, strict=True)
        found.facts = {key: MatchFacts.load(payload) for key, payload in payloads}
        held = {each.source_id: each for each in block.held}
        for row in rows:
            if row.source_id in held:
                found.entries.append(self._held(row.source_id, held[row.source_id].reason))
            elif row.source_id not in found.facts:
                found.gone.append(row.source_id)
        return found

    async def _give_back_left_over(self) -> None:
        """A job row of a match that was cut short carried no outside effect: start it again."""
        for job in await self._ledger.jobs.unsettled():
            if job.phase == self._phase.name:
                async with self._ledger.write() as tx:
                    await self._ledger.batches.release(tx, job.id)
                    await self._ledger.jobs.abandon(tx, job.id, "match cut short")

    def _read(self, batches: list[Batch]) -> tuple[dict[str, MatchFacts], int]:
        """What is known by source id, and how many records were seen again."""
        records: dict[str, MatchFacts] = {}
        repeated = 0
        for batch in batches:
            with self._ledger.spool.open(batch.file, batch.crc) as reader:
                for index, key in enumerate(reader.keys):
                    repeated += key in records
                    records[key] = MatchFacts.load(bytes(reader.payload(index)))
        return records, repeated

    async def _conclude(
        self,
        batches: list[Batch],
        again: _Again,
        records: Mapping[str, MatchFacts],
        repeated: int,
        pairs: Pairs,
    ) -> None:
        held = self._left(again, records, pairs)
        phase, ledger = self._phase, self._ledger
        seen = [key for key in pairs.matched.keys() | pairs.made.keys() if key in records]
        asked = {key for key, _ in again.keys}
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
            counts = {}
            for origin, found in (("matched", pairs.matched), ("loaded", pairs.made)):
                learned: list[Learned] = [(key, 0, found[key], 0, b"") for key in sorted(found)]
                counts[origin] = await ledger.crosswalk.learn(
                    tx, phase.kind, self._rule.object, learned, origin=origin, job=job
                )
            await self._counterparts.note(tx, records, pairs)
            if again.keys:
                await ledger.rows.assign_job(tx, phase.name, again.keys, job)
            new = await ledger.rows.put(tx, held, out_of=job)
            # A further sighting of one that was held, or that is settled, is a duplicate.
            repeated += sum(each.source_id not in asked for each in held) - new
            repeated += await ledger.rows.forget(tx, phase.name, [(key, 0) for key in seen])
            await ledger.rows.clear_of_job(tx, phase.name, job)
            await ledger.books.add(tx, phase.name, **counts, duplicates=repeated)
            await ledger.batches.done(tx, job)
            await ledger.jobs.harvested(tx, job)
            reach("directory-uncommitted")
        reach("directory-matched")
        reach("retry-matched")
        for batch in batches:
            await anyio.to_thread.run_sync(self._ledger.spool.strip, batch.file)
        await self._sealer.freed(sum(batch.size_bytes for batch in batches))
        self._progress.matched += counts["matched"]
        self._progress.loaded += counts["loaded"]
        self._progress.held += sum(entry.state == "held" for entry in held)
        self._progress.failed += sum(entry.state == "failed" for entry in held)
        self._progress.duplicates += repeated

    def _left(
        self, again: _Again, records: Mapping[str, MatchFacts], pairs: Pairs
    ) -> list[RowEntry]:
        """What has no counterpart: held with what is known of it, or failed where it is gone."""
        held = [each for each in again.entries if each.source_id not in pairs.matched]
        gone = [each for each in again.gone if each not in pairs.matched]
        held += [self._held(each, GONE, "failed") for each in gone]
        for each in pairs.unpaired:
            payload = records[each.source_id].dump().encode()
            detail = " ".join(each.candidates)
            held.append(self._held(each.source_id, each.reason, detail=detail, payload=payload))
        return held

    def _held(
        self,
        source_id: str,
        reason: str,
        state: RowState = "held",
        *,
        detail: str = "",
        payload: bytes | None = None,
    ) -> RowEntry:
        return RowEntry(
            phase=self._phase.name,
            source_id=source_id,
            part=0,
            state=state,
            reason=reason,
            field=self._rule.target,
            detail=detail,
            payload=payload,
        )
