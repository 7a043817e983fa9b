"""Gates: phases whose books balanced, so that what depends on them may be loaded."""

from dataclasses import dataclass

from state.database import Database, Tx
from state.queries import load


@dataclass(frozen=True)
class Gate:
    """When a phase was closed (epoch s), and the counts of both sides then."""

    closed_at: float
    source_count: int
    target_count: int | None


class Gates:
    """The closed gates."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("gates")

    async def close(
        self, tx: Tx, phase: str, *, at: float, source_count: int, target_count: int | None
    ) -> None:
        """Close the gate of a phase."""
        await tx.run(self._sql["close"], (phase, at, source_count, target_count))

    async def reopen(self, tx: Tx, phase: str) -> None:
        """Open the gate of a phase again: some of its rows are to be sent once more."""
        await tx.run(self._sql["reopen"], (phase,))

    async def closed(self, phase: str) -> bool:
        """Tell whether a phase is done."""
        return await self.get(phase) is not None

    async def get(self, phase: str) -> Gate | None:
        """Return the gate of a phase, None while it is open."""
        rows = await self._database.fetch(self._sql["get"], (phase,))
        return Gate(*rows[0]) if rows else None
