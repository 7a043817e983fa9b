"""Small numbers for the names that the crosswalk repeats: kinds, objects, origins."""

from collections.abc import Iterable, Mapping, Sequence

from state.database import Database, Tx
from state.queries import load


class NumberedNames:
    """What a table group that keeps names by number is made on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._name_sql = load("numbered_names")
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}

    async def recall_names(self) -> None:
        """Read the small numbers of kinds, objects and origins."""
        for name, number in await self._database.fetch(self._name_sql["names"]):
            self._numbers[name] = number
            self._names[number] = name

    async def _number(self, name: str) -> int | None:
        """Return a name's number; another process may have given it one since we looked."""
        if name not in self._numbers:
            await self.recall_names()
        return self._numbers.get(name)

    async def _names_for(self, numbers: Iterable[int]) -> Mapping[int, str]:
        if not self._names.keys() >= set(numbers):
            await self.recall_names()
        return self._names

    async def _numbers_of(self, tx: Tx, names: Sequence[str]) -> list[int]:
        """Return the names' numbers, giving new ones.

        A number that this transaction gives is not remembered here: a rollback would take it back.
        """
        if not self._numbers.keys() >= set(names):
            await tx.run_many(self._name_sql["add_name"], [(name,) for name in names])
            given = dict(await tx.fetch(self._name_sql["names"]))
            return [given[name] for name in names]
        return [self._numbers[name] for name in names]
