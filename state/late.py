"""Rows that went out without their user, who had no counterpart yet; they are to name that one later."""

from collections.abc import Iterable, Sequence

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load

Place = tuple[str, int]


class Late:
    """Rows by the user whom they lack; noted with the results of the job that carried them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("late")

    async def note(self, tx: Tx, phase: str, entries: Iterable[tuple[str, str, int]]) -> None:
        """Store (user's source id, row's source id, part); what is known already stays."""
        rows = [(encode_id(user), phase, encode_id(key), part) for user, key, part in entries]
        await tx.run_many(self._sql["note"], rows)

    async def users(self) -> dict[str, list[str]]:
        """Return the users whom rows lack, by phase."""
        found: dict[str, list[str]] = {}
        for phase, user in await self._database.fetch(self._sql["users"]):
            found.setdefault(phase, []).append(decode_id(user))
        return found

    async def of(
        self, phase: str, user: str, *, after: Place | None = None, limit: int
    ) -> list[Place]:
        """Return rows of a phase that lack `user`, in order, those behind `after`."""
        key, part = (encode_id(after[0]), after[1]) if after else (b"", -1)
        values = (encode_id(user), phase, key, part, limit)
        rows = await self._database.fetch(self._sql["of"], values)
        return [(decode_id(each), number) for each, number in rows]

    async def drop(self, tx: Tx, phase: str, user: str, places: Sequence[Place]) -> None:
        """Forget rows that name the user, or never will."""
        values = [(encode_id(user), phase, encode_id(key), part) for key, part in places]
        await tx.run_many(self._sql["drop"], values)
