"""Chooses the loose rows that go out next: how many at once, and after which pause.

A row that met a lock was refused for good in its job (salesforce facts, 3.7). Sent again among
fewer rows, with all other jobs on these parents at rest, it meets fewer locks; what holds them from
outside gets time to end.
"""

from connectors.clock import Clock
from service.lanes import JOB_BYTES, JOB_ROWS
from service.removals import is_removal
from state.ledger import Ledger
from state.rows import RowEntry

# One transaction of Salesforce's: a job of so many rows is worked strictly one after the other.
FEWEST_ROWS = 200
FIRST_AGAIN_ROWS = 5_000
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 60.0
_BLOCK = 500
# Loose rows are held in memory, unlike batches.
_MOST_BYTES = JOB_BYTES // 4


class Again:
    """The pace of one table's loose rows; a new run begins at full size without a pause."""

    def __init__(self, ledger: Ledger, clock: Clock, phase: str, table: str) -> None:
        self._ledger = ledger
        self._clock = clock
        self._phase = phase
        self._table = table
        self.most = JOB_ROWS
        self._pause_s = 0.0

    async def choose(self) -> list[RowEntry]:
        """Return the rows of the next job that wait to be sent again; nothing when there are none.

        New records first, then what was deleted, then changes: each by itself.
        """
        new = await self._choose(change=False)
        if new:
            return new
        changes = await self._choose(change=True)
        return [row for row in changes if is_removal(row)] or changes

    async def _choose(self, *, change: bool) -> list[RowEntry]:
        chosen: list[RowEntry] = []
        after: tuple[str, int] | None = None
        room = _MOST_BYTES
        while True:
            block = await self._ledger.rows.pending(
                self._phase, self._table, change=change, after=after, limit=_BLOCK
            )
            for row in block:
                room -= len(row.payload or b"")
                chosen.append(row)
                if len(chosen) >= self.most or room <= 0:
                    return chosen
            if len(block) < _BLOCK:
                return chosen
            after = (block[-1].source_id, block[-1].part)

    async def pause(self) -> None:
        """Wait before rows that were refused go out again; a part of it is left to chance."""
        if self._pause_s:
            await self._clock.sleep(self._pause_s * (0.5 + self._clock.random() / 2))

    def learn(self, *, refused: int) -> None:
        """Take in how a job went, by its rows that Salesforce was too busy for."""
        if refused:
            self.most = max(FEWEST_ROWS, min(FIRST_AGAIN_ROWS, self.most // 5))
            self._pause_s = min(LONGEST_PAUSE_S, self._pause_s * 2 or FIRST_PAUSE_S)
        else:
            self.most = min(JOB_ROWS, self.most * 2)
            self._pause_s = 0.0
