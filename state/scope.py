"""Which records a plan leaves out, so that what belongs to them is known when it is read.

Written in the transaction that seals the records' page: a crash loses and doubles nothing.
"""

from collections.abc import Collection, Sequence

from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load


class Scope:
    """Source ids by kind. A record that is in no plan's way is not here."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("scope")

    async def leave(self, tx: Tx, kind: str, ids: Collection[str]) -> int:
        """Note records as left out; returns how many of them were not here before."""
        rows = [(kind, encode_id(each)) for each in sorted(set(ids))]
        return await tx.run_many(self._sql["leave"], rows) if rows else 0

    async def enter(self, tx: Tx, kind: str, ids: Collection[str]) -> int:
        """Note that records are left out no longer; returns how many of them were."""
        rows = [(kind, encode_id(each)) for each in sorted(set(ids))]
        return await tx.run_many(self._sql["enter"], rows) if rows else 0

    async def outside(self, kind: str, ids: Collection[str]) -> set[str]:
        """Return those of `ids` that are left out, as committed."""
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["outside"], (kind,), keys)
        return {decode_id(key) for (key,) in rows}

    async def want(self, tx: Tx, kind: str, ids: Collection[str]) -> None:
        """Note records that the plan takes because of what belongs to them; repeatable."""
        rows = [(kind, encode_id(each)) for each in sorted(set(ids))]
        await tx.run_many(self._sql["want"], rows)

    async def wanted(self, kind: str, ids: Collection[str]) -> set[str]:
        """Return those of `ids` that are wanted, as committed."""
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["wanted"], (kind,), keys)
        return {decode_id(key) for (key,) in rows}

    async def entered(self, kind: str, most: int) -> list[str]:
        """Return up to `most` records that entered and whose own are still to be read."""
        rows = await self._database.fetch(self._sql["entered"], (kind, most))
        return [decode_id(key) for (key,) in rows]

    async def count(self, kind: str) -> int:
        """Count the records that are left out."""
        return int((await self._database.fetch(self._sql["count"], (kind,)))[0][0])

    async def settle(self, tx: Tx, kind: str, ids: Sequence[str]) -> None:
        """Forget records that entered: what belongs to them is planned to be read."""
        await tx.run_many(self._sql["settle"], [(kind, encode_id(each)) for each in ids])

    async def clear(self, tx: Tx, kind: str) -> None:
        """Forget all of a kind: its stream is read from the start."""
        await tx.run(self._sql["clear"], (kind,))
