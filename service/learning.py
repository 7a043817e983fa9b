"""Brings what a job made into the crosswalk: new records, changed ones, and those that became others."""

from collections.abc import Sequence

from service.assemble import JobRows
from service.crash_points import reach
from service.phases import Phase
from service.progress import PhaseProgress
from service.reading import Learned, Reading
from service.transition import become
from state.ledger import Ledger, Tx
from transforms.match_keys import read_keys


class Learner:
    """Learns for one phase and target table; holds nothing between calls."""

    def __init__(
        self,
        ledger: Ledger,
        phase: Phase,
        table: str,
        progress: PhaseProgress,
        *,
        shared: bool = True,
    ) -> None:
        """`shared`: twins of the rows find the records that were made by their match keys."""
        self._ledger = ledger
        self._phase = phase
        self._table = table
        self._progress = progress
        self._shared = shared

    async def learn(self, reading: Reading, entries: Sequence[Learned], origin: str) -> int:
        """Store ids; a record counts as loaded when its first part is new in the crosswalk.

        Returns how many records were there already, brought by another job.
        """
        firsts = [entry for entry in entries if entry[1] == 0]
        others = [entry for entry in entries if entry[1] != 0]
        if reading.rows.changes:
            await self._revise(entries)
            return 0
        if reading.rows.moves:
            await self._become(reading.job, entries, origin)
            return 0
        async with self._ledger.write() as tx:
            new = await self._put(tx, reading.job, firsts, origin)
            await self._put(tx, reading.job, others, origin)
            await self._ledger.books.add(tx, self._phase.name, loaded=new)
            reach("learned-uncommitted")
        self._progress.loaded += new
        return len(firsts) - new

    async def learn_matches(self, rows: JobRows) -> None:
        """Remember which record now stands for a match key, for the twins that wait."""
        if not self._shared or not any(any(reader.parents[-1]) for reader in rows.readers):
            return
        keyed = {
            row.key: rows.readers[row.reader].parents[-1][row.index]
            for row in rows.rows
            if rows.readers[row.reader].parents[-1][row.index]
        }
        made = await self._ledger.crosswalk.resolve(self._phase.kind, list(keyed))
        entries = [
            (each, target_id, key)
            for key, (_, target_id) in made.items()
            for way in read_keys(keyed[key])
            for each in way
        ]
        async with self._ledger.write() as tx:
            await self._ledger.matches.learn(tx, self._table, entries)
        reach("matches-learned")

    async def _revise(self, entries: Sequence[Learned]) -> None:
        """Note which versions are there now."""
        async with self._ledger.write() as tx:
            changed = await self._ledger.crosswalk.revise(tx, self._phase.kind, entries)
            await self._ledger.books.add(tx, self._phase.name, changed=changed)
            reach("revised-uncommitted")
        self._progress.changed += changed

    async def _become(self, job: int, entries: Sequence[Learned], origin: str) -> None:
        """Let records stand here that were others before; each counts as changed, and once."""
        keys = [entry[0] for entry in entries]
        was = await self._ledger.crosswalk.standing(self._phase.kind, keys)
        async with self._ledger.write() as tx:
            changed = await become(
                tx, self._ledger, self._phase, self._table, entries, was, origin=origin, job=job
            )
            await self._ledger.books.add(tx, self._phase.name, changed=changed)
            reach("became-uncommitted")
        self._progress.changed += changed

    async def _put(self, tx: Tx, job: int, entries: Sequence[Learned], origin: str) -> int:
        if not entries:
            return 0
        return await self._ledger.crosswalk.learn(
            tx, self._phase.kind, self._table, entries, origin=origin, job=job
        )
