"""Sweeps: which ids of a kind Kustomer still shows, and which of the loaded ones it does not.

The difference is made inside SQLite, a block at a time, so that memory stays flat at any number of ids.
Nothing here says that a record is deleted: what is missing is only a reason to ask for it by id.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from state.crosswalk import REMOVED
from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

Answer = Literal["there", "merged", "deleted"]
_ANSWERS: Final[dict[Answer, int]] = {"there": 1, "merged": 2, "deleted": 3}
_FORGOTTEN_AT_ONCE = 50_000


@dataclass(frozen=True)
class SweptCounts:
    """Ids by what is known of them: shown by a list or search, or asked for by id."""

    shown: int = 0
    there: int = 0
    merged: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class LoadedBy:
    """Loaded records of a `kind` that are compared: by jobs up to `job`, not `gone` (a digest).

    What later jobs brought was made after the reading began; a record with the digest `gone`, or that
    was removed, was followed already.
    """

    kind: str
    job: int
    gone: bytes


class Sweeps:
    """What the sweeps under way have met. Every statement is about one kind."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("sweeps")

    async def newest_job(self) -> int:
        """Return the number of the last job of all; 0 for none."""
        return int((await self._database.fetch(self._sql["newest_job"]))[0][0])

    async def met(self, tx: Tx, kind: str, ids: Iterable[str]) -> None:
        """Note ids that a list or search has shown; one that is known stays as it is."""
        number = await self._number_in(tx, kind)
        await tx.run_many(self._sql["met"], [(number, key) for key in sorted(encode_ids(ids))])

    async def answered(self, tx: Tx, kind: str, answers: Mapping[str, Answer]) -> None:
        """Note what asking for ids one by one has told."""
        number = await self._number_in(tx, kind)
        rows = [(number, encode_id(key), _ANSWERS[told]) for key, told in answers.items()]
        await tx.run_many(self._sql["answered"], rows)

    async def count_loaded(self, loaded: LoadedBy) -> int:
        """Count the loaded records that are compared."""
        return await self._count("loaded", loaded)

    async def count_missing(self, loaded: LoadedBy, phase: str) -> int:
        """Count those of them that nothing has shown and nobody has asked for.

        Without those of which `phase` has a change set apart: what is held is news no more.
        """
        return await self._count("count_missing", loaded, phase)

    async def missing(self, loaded: LoadedBy, *, after: str | None, limit: int) -> list[str]:
        """Return the next of these ids behind `after`, in the order of the crosswalk."""
        number = await self._number(loaded.kind)
        if number is None:
            return []
        behind = b"" if after is None else encode_id(after)
        values = (number, loaded.job, loaded.gone, REMOVED, behind, limit)
        return [
            decode_id(key) for (key,) in await self._database.fetch(self._sql["missing"], values)
        ]

    async def shown(self, loaded: LoadedBy, limit: int) -> list[str]:
        """Return some loaded ids that a list or search has shown in this sweep."""
        number = await self._number(loaded.kind)
        if number is None:
            return []
        values = (number, loaded.gone, REMOVED, limit)
        return [decode_id(key) for (key,) in await self._database.fetch(self._sql["shown"], values)]

    async def unseen(self, kind: str, phase: str, limit: int) -> list[str]:
        """Return ids that were shown and that nothing knows: neither loaded, nor set apart in `phase`."""
        number = await self._number(kind)
        if number is None:
            return []
        rows = await self._database.fetch(self._sql["unseen"], (number, phase, limit))
        return [decode_id(key) for (key,) in rows]

    async def counts(self, kind: str) -> SweptCounts:
        """Count the ids of the sweep under way by what is known of them."""
        number = await self._number(kind)
        if number is None:
            return SweptCounts()
        found = dict(await self._database.fetch(self._sql["counts"], (number,)))
        by_name = {name: found.get(answer, 0) for name, answer in _ANSWERS.items()}
        return SweptCounts(found.get(0, 0), by_name["there"], by_name["merged"], by_name["deleted"])

    async def forget(self, tx: Tx, kind: str) -> bool:
        """Forget some of the kind's ids; True when there may be more, for another transaction."""
        number = await self._number(kind)
        if number is None:
            return False
        gone = await tx.run_many(self._sql["forget"], [(number, _FORGOTTEN_AT_ONCE)])
        return gone == _FORGOTTEN_AT_ONCE

    async def _count(self, name: str, loaded: LoadedBy, *more: str) -> int:
        number = await self._number(loaded.kind)
        if number is None:
            return 0
        values: Sequence[object] = (number, loaded.job, loaded.gone, REMOVED, *more)
        return int((await self._database.fetch(self._sql[name], values))[0][0])

    async def _number(self, kind: str) -> int | None:
        """The crosswalk's number of a kind; None where nothing of it was ever loaded."""
        found = await self._database.fetch(self._sql["number"], (kind,))
        return int(found[0][0]) if found else None

    async def _number_in(self, tx: Tx, kind: str) -> int:
        await tx.run(self._sql["add_name"], (kind,))
        return int((await tx.fetch(self._sql["number"], (kind,)))[0][0])
