"""Match keys: which existing record stands for a key such as a company's domain."""

from collections.abc import Sequence

from state.database import Database, Tx
from state.queries import load


class Matches:
    """Target ids by object and key; the first to claim a key keeps it."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("matches")

    async def learn(
        self, tx: Tx, object: str, entries: Sequence[tuple[str, str, str | None]]
    ) -> None:
        """Store (key, target id, source id or None); keys that are taken stay as they are."""
        await tx.run_many(self._sql["learn"], [(object, *entry) for entry in entries])

    async def lookup(self, object: str, keys: Sequence[str]) -> dict[str, str]:
        """Return the target id of each known key."""
        rows = await self._database.fetch_in(self._sql["lookup"], (object,), keys)
        return dict(rows)
