"""Facts: single values that a run must agree with or remembers (orgs, digests, marks)."""

from collections.abc import Sequence

from state.database import Database, Tx
from state.queries import load


class Facts:
    """Text values by key."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("facts")

    async def get(self, key: str) -> str | None:
        """Return the value, or None when it was never set."""
        rows = await self._database.fetch(self._sql["get"], (key,))
        return str(rows[0][0]) if rows else None

    async def set(self, tx: Tx, key: str, value: str) -> None:
        """Set or replace the value."""
        await tx.run(self._sql["set"], (key, value))

    async def drop(self, tx: Tx, keys: Sequence[str]) -> None:
        """Forget values; one that was never set is no error."""
        await tx.run_many(self._sql["drop"], [(key,) for key in keys])

    async def all(self) -> dict[str, str]:
        """Return every fact."""
        return dict(await self._database.fetch(self._sql["all"]))
