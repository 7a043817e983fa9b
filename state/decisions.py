"""Whom a person chose for a source user, when and by which command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load


@dataclass(frozen=True)
class Decision:
    """One choice. `how`: the command that took it; `decided_at` in epoch seconds."""

    source_id: str
    target_id: str
    how: str
    decided_by: str
    decided_at: float


class Decisions:
    """The history of choices; of each user the newest counts. Nothing is ever deleted."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("decisions")

    async def decide(self, tx: Tx, chosen: Mapping[str, str], *, how: str, by: str) -> None:
        """Note target ids by source id, on behalf of the person `by`."""
        now = self._clock()
        rows = [(encode_id(source), target, how, by, now) for source, target in chosen.items()]
        await tx.run_many(self._sql["decide"], rows)

    async def latest(self) -> dict[str, Decision]:
        """Return the choice that counts for each user somebody chose for, oldest first."""
        rows = await self._database.fetch(self._sql["latest"])
        return {decode_id(row[0]): Decision(decode_id(row[0]), *row[1:]) for row in rows}
