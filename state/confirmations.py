"""The maps that a person confirmed, and what they were confirmed for."""

from collections.abc import Callable
from dataclasses import dataclass

from state.database import Database, Tx
from state.queries import load


@dataclass(frozen=True)
class Confirmation:
    """One confirmation. `digest`: of the map's meaning; `text`: the map as it was then.

    `source` and `target`: facts about both schemas, as JSON. `confirmed_at` in epoch seconds.
    """

    number: int
    digest: str
    text: str
    source: str
    target: str
    confirmed_by: str
    confirmed_at: float


class Confirmations:
    """The history of confirmations; the newest one counts."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("confirmations")

    async def latest(self) -> Confirmation | None:
        """Return the confirmation that counts, None before the first."""
        rows = await self._database.fetch(self._sql["latest"])
        return Confirmation(*rows[0]) if rows else None

    async def confirm(
        self, tx: Tx, *, digest: str, text: str, source: str, target: str, by: str
    ) -> int:
        """Note a confirmation by the person `by`; it takes the place of the one before."""
        values = (digest, text, source, target, by, self._clock())
        return await tx.run(self._sql["confirm"], values)
