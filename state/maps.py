"""The maps that this workspace's rows were made with; the newest makes the rows from now on."""

from collections.abc import Callable
from dataclasses import dataclass

from state.database import Database, Tx
from state.queries import load


@dataclass(frozen=True)
class MapEntry:
    """One accepted map. `digest`: of its text. `form`: of the columns it came to, '' if unknown.
    `text`: '' for a map that an earlier version accepted.

    `accepted_by`: the command that accepted it; `accepted_at` in epoch seconds.
    """

    number: int
    digest: str
    form: str
    accepted_by: str
    accepted_at: float
    text: str = ""


class Maps:
    """The history of accepted maps."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("maps")

    async def current(self) -> MapEntry | None:
        """Return the map in force, None before the first."""
        rows = await self._database.fetch(self._sql["current"])
        return MapEntry(*rows[0]) if rows else None

    async def history(self) -> list[MapEntry]:
        """Return all maps, oldest first."""
        return [MapEntry(*row) for row in await self._database.fetch(self._sql["history"])]

    async def accept(self, tx: Tx, *, digest: str, form: str, by: str, text: str) -> int:
        """Put a map in force; rows stored from now on are of it. Returns its number."""
        return await tx.run(self._sql["accept"], (digest, form, by, self._clock(), text))

    async def newest(self, tx: Tx) -> int:
        """Return the number of the map in force, as `tx` sees it."""
        return int((await tx.fetch(self._sql["current"]))[0][0])

    async def set_form(self, tx: Tx, number: int, form: str) -> None:
        """Note the columns of a map that was accepted before they were looked at."""
        await tx.run(self._sql["set_form"], (form, number))
