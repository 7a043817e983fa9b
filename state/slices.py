"""Extraction cursors: which pages of which slice are sealed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from state.database import Database, Tx
from state.queries import load


@dataclass(frozen=True)
class Slice:
    """A part of a stream: one page list or one search window, as the planner described it."""

    phase: str
    number: int
    spec: dict[str, Any]
    done: bool


class Slices:
    """The slices of every phase. Pages are known one by one while a slice is open."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("slices")

    async def plan(self, tx: Tx, phase: str, specs: Sequence[Mapping[str, Any]]) -> None:
        """Store the slices of a phase, in reading order."""
        rows = [(phase, number, orjson.dumps(spec).decode()) for number, spec in enumerate(specs)]
        await tx.run_many(self._sql["add"], rows)

    async def of(self, phase: str) -> list[Slice]:
        """Return the slices of a phase; none before it was planned."""
        rows = await self._database.fetch(self._sql["of"], (phase,))
        return [
            Slice(name, number, orjson.loads(spec), bool(done)) for name, number, spec, done in rows
        ]

    async def done_pages(self, phase: str, number: int) -> set[int]:
        """Return the pages of an open slice whose rows are sealed."""
        rows = await self._database.fetch(self._sql["done_pages"], (phase, number))
        return {page for (page,) in rows}

    async def pages_done(self, tx: Tx, phase: str, number: int, pages: Iterable[int]) -> None:
        """Note pages as sealed, in the transaction that seals their rows."""
        await tx.run_many(self._sql["page_done"], [(phase, number, page) for page in pages])

    async def forget(self, tx: Tx, phase: str) -> None:
        """Forget the plan of a phase and what was read of it: it is read anew."""
        await tx.run(self._sql["forget_pages"], (phase,))
        await tx.run(self._sql["forget"], (phase,))

    async def again(self, tx: Tx, phase: str) -> None:
        """Keep the plan of a phase and forget what was read of it: the same is read again."""
        await tx.run(self._sql["forget_pages"], (phase,))
        await tx.run(self._sql["reopen"], (phase,))

    async def finish(self, tx: Tx, phase: str, number: int) -> None:
        """Note that a slice is read to its end; its single pages are forgotten."""
        await tx.run(self._sql["finish"], (phase, number))
        await tx.run(self._sql["drop_pages"], (phase, number))
