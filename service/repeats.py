"""Counts a record once, in whatever ways its sightings went.

Pages show records twice, and a further sighting may meet the first in any place: loaded, matched,
held, failed or waiting to go again. What the crosswalk knows is set apart nowhere, and each further
sighting is a duplicate. All in the transaction that ends a job or seals a page, so that repeating a
harvest counts nothing twice.
"""

from collections.abc import Collection, Sequence

from service.phases import Phase
from state.crosswalk import UNCLAIMED
from state.ledger import Ledger, Tx
from state.rows import RowEntry

Place = tuple[str, int]


class Repeats:
    """Finds the further sightings of one phase's records; holds nothing between calls."""

    def __init__(self, ledger: Ledger, phase: Phase) -> None:
        self._ledger = ledger
        self._phase = phase

    async def put(self, tx: Tx, entries: Sequence[RowEntry], out_of: int | None = None) -> int:
        """Set rows apart, unless the crosswalk knows them; returns how many records are repeats.

        `out_of`: the job they come out of; loose rows that it carries are no repeats. Nothing but
        `tx` writes while it is open: the committed crosswalk is that of now.
        """
        if not entries:
            return 0
        keys = sorted({entry.source_id for entry in entries})
        # What a rebuild found and no job has met yet is still to be taken over: no repeat.
        known = await self._ledger.crosswalk.known_parts(
            self._phase.kind, keys, except_job=UNCLAIMED
        )
        rows = self._ledger.rows
        carried = set() if out_of is None else await rows.carried(tx, out_of)
        unknown = [entry for entry in entries if (entry.source_id, entry.part) not in known]
        again = sum(each.part == 0 and (each.source_id, 0) in carried for each in unknown)
        new = await rows.put(tx, unknown, out_of=out_of)
        return sum(entry.part == 0 for entry in entries) - again - new

    async def forget(self, tx: Tx, places: Collection[Place]) -> int:
        """Drop what was set apart of `places`, now in the crosswalk; returns how many records."""
        if not places or not await self._ledger.rows.any(tx, self._phase.name):
            return 0
        later = [place for place in places if place[1] != 0]
        firsts = [place for place in places if place[1] == 0]
        await self._ledger.rows.forget(tx, self._phase.name, later)
        return await self._ledger.rows.forget(tx, self._phase.name, firsts)
