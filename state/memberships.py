"""Members of teams that were made, who are not in the target's group yet."""

from collections.abc import Iterable

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load


class Memberships:
    """Pairs of source ids (team, user) that are still to be made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("memberships")

    async def add(self, tx: Tx, pairs: Iterable[tuple[str, str]]) -> None:
        """Note pairs to be made; one that is noted already stays as it is."""
        await tx.run_many(self._sql["add"], [(encode_id(t), encode_id(u)) for t, u in pairs])

    async def done(self, tx: Tx, pairs: Iterable[tuple[str, str]]) -> None:
        """Forget pairs that are made."""
        await tx.run_many(self._sql["done"], [(encode_id(t), encode_id(u)) for t, u in pairs])

    async def open(self) -> list[tuple[str, str]]:
        """Return all pairs that are to be made, by team and user."""
        rows = await self._database.fetch(self._sql["open"])
        return [(decode_id(team), decode_id(user)) for team, user in rows]
