"""Makes rows that are to be sent again anew, by the map in force, before they are loaded.

A record that was held still has its source record; that is mapped first, and read from Kustomer
again only when it is held once more: it may have been corrected there. A row that was made by an
earlier map keeps only its finished cells, so its record is read again by id. Each block of records
is one transaction; after a crash the blocks that are left are made by whoever runs next.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from service.address_book import AddressBook
from service.crash_points import reach
from service.phases import Phase
from service.progress import PhaseProgress
from service.reread import Rereader
from service.rows_made import rows_of
from service.unsealed import emptied_lines
from state.ledger import Ledger, Tx
from state.rows import RowEntry
from transforms.block import HeldRecord
from transforms.compile import CompiledPhase
from transforms.lookups import Lookups
from transforms.references import is_reference

BLOCK_RECORDS = 200
GONE = "gone-in-kustomer"
SPLIT = "split-changed"


@dataclass
class _Outcomes:
    """What the records of a block became; a record that is in none is gone.

    `emptied` counts lines left empty in rows that were made, as the books do. `supplied`: what records
    that were made give their children.
    """

    made: dict[str, list[RowEntry]]
    held: dict[str, HeldRecord]
    skipped: dict[str, str]
    emptied: dict[str, int]
    supplied: list[tuple[str, Mapping[str, str]]]

    def known(self, source_id: str) -> bool:
        """Tell whether the record has an outcome other than held."""
        return source_id in self.made or source_id in self.skipped


class Anew:
    """Makes the rows of one phase anew."""

    def __init__(
        self,
        phase: Phase,
        compiled: CompiledPhase,
        *,
        ledger: Ledger,
        source: Rereader,
        lookups: Lookups,
        progress: PhaseProgress,
        book: AddressBook | None = None,
    ) -> None:
        self._phase = phase
        self._compiled = compiled
        self._ledger = ledger
        self._source = source
        self._lookups = lookups
        self._book = book
        self._progress = progress

    async def run(self) -> None:
        """Go on until every row that is to be sent was made by the map in force.

        Raises the connectors' errors; what was made until then stays made.
        """
        while rows := await self._ledger.rows.unmade(self._phase.name, BLOCK_RECORDS):
            records: dict[str, list[RowEntry]] = defaultdict(list)
            for row in rows:
                records[row.source_id].append(row)
            outcomes = await self._outcomes(records)
            known = await self._ledger.crosswalk.known_parts(
                self._phase.kind, list(records), except_job=None
            )
            async with self._ledger.write() as tx:
                for source_id, parts in records.items():
                    changing = {row.part for row in parts if row.change}
                    there = {part for key, part in known if key == source_id} - changing
                    await self._settle(tx, parts, there, outcomes)
                for line, count in outcomes.emptied.items():
                    name = self._phase.name
                    await self._ledger.books.add_reason(tx, name, "emptied", line, count)
                if outcomes.supplied:
                    await self._ledger.supplied.learn(tx, self._phase.kind, outcomes.supplied)
            reach("retry-made")

    async def _outcomes(self, records: Mapping[str, Sequence[RowEntry]]) -> _Outcomes:
        kept = [record for parts in records.values() for record in _kept(parts)]
        outcomes = await self._map(kept)
        again = [each for each in records if not outcomes.known(each) and _readable(each)]
        read = await self._source.read(self._phase, again)
        newer = await self._map(list(read.values()))
        outcomes.made.update(newer.made)
        outcomes.skipped.update(newer.skipped)
        outcomes.supplied += newer.supplied
        for line, count in newer.emptied.items():
            outcomes.emptied[line] = outcomes.emptied.get(line, 0) + count
        for source_id in again:
            outcomes.held.pop(source_id, None)  # what is true of it now counts, or that it is gone
        outcomes.held.update(newer.held)
        return outcomes

    async def _map(self, records: Sequence[Any]) -> _Outcomes:
        lookups = self._lookups
        if self._book is not None:
            lookups = await self._book.lookups(self._compiled, records, lookups)
        block = self._compiled(records, lookups)
        return _Outcomes(
            _by_record(rows_of(self._phase.name, block)),
            {held.source_id: held for held in block.held},
            {each.source_id: each.reason for each in block.skipped},
            emptied_lines(block),
            block.supplied,
        )

    async def _settle(
        self, tx: Tx, parts: Sequence[RowEntry], there: set[int], outcomes: _Outcomes
    ) -> None:
        """Write down what one record became; `there` are its parts that are in Salesforce."""
        source_id = parts[0].source_id
        if source_id in outcomes.made:
            await self._remake(tx, parts, there, outcomes.made[source_id])
        elif source_id in outcomes.held:
            await self._hold(tx, parts, there, outcomes.held[source_id])
        elif source_id in outcomes.skipped:
            await self._drop(tx, parts)
            if 0 not in there:
                reason = outcomes.skipped[source_id]
                await self._ledger.books.add_reason(tx, self._phase.name, "skipped", reason, 1)
                self._progress.skipped += 1
        else:
            await self._fail(tx, parts, there, GONE)

    async def _remake(
        self, tx: Tx, parts: Sequence[RowEntry], there: set[int], made: Sequence[RowEntry]
    ) -> None:
        before = {row.part for row in parts} | there
        if there and len(made) != len(before):
            await self._fail(tx, parts, there, SPLIT)
            return
        await self._drop(tx, [row for row in parts if row.part >= len(made)])
        by_part = {row.part: row for row in parts}
        entries = [
            replace(
                by_part.get(each.part, parts[0]),
                part=each.part,
                state="pending",
                object=each.object,
                payload=each.payload,
                tries=0,
                attempts=0,
            )
            for each in made
            if each.part not in there
        ]
        await self._ledger.rows.put(tx, entries)

    async def _hold(
        self, tx: Tx, parts: Sequence[RowEntry], there: set[int], held: HeldRecord
    ) -> None:
        """Hold a record again, at its first part that is not in Salesforce: it counts once."""
        first, *others = parts
        await self._drop(tx, others)
        entry = replace(
            first,
            state="held",
            reason=held.reason,
            field=held.field,
            detail=held.detail,
            payload=orjson.dumps({"record": held.row}),
            object="",
            tries=0,
            attempts=0,
        )
        await self._ledger.rows.put(tx, [entry])
        self._progress.held += 0 not in there

    async def _fail(self, tx: Tx, parts: Sequence[RowEntry], there: set[int], reason: str) -> None:
        entries = [
            replace(
                row,
                state="failed",
                reason=reason,
                field="",
                detail="",
                payload=None,
                tries=0,
                attempts=0,
            )
            for row in parts
        ]
        await self._ledger.rows.put(tx, entries)
        self._progress.failed += 0 not in there

    async def _drop(self, tx: Tx, parts: Iterable[RowEntry]) -> None:
        keys = [(row.source_id, row.part) for row in parts]
        if keys:
            await self._ledger.rows.drop(tx, self._phase.name, keys)


def _kept(parts: Sequence[RowEntry]) -> list[Any]:
    """The source record that a held row keeps, if it does."""
    for row in parts:
        if row.payload and not row.object:
            raw = orjson.loads(row.payload)
            if "record" in raw:
                return [raw["record"]]
    return []


def _readable(source_id: str) -> bool:
    """Records without an id are held under a name of ours; Kustomer does not know it."""
    return is_reference(source_id) and not source_id.startswith("noid-")


def _by_record(rows: Iterable[RowEntry]) -> dict[str, list[RowEntry]]:
    made: dict[str, list[RowEntry]] = defaultdict(list)
    for row in rows:
        made[row.source_id].append(row)
    return made
