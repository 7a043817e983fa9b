"""Records that became another object in Salesforce, step by step: Leads that became Contacts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load

Step = Literal["made", "references", "relations", "done"]
"""The last step that is done: the new record is there; records that named the earlier one name it;
relations do, too; the earlier one has met its fate."""


@dataclass(frozen=True)
class Transition:
    """What one record was, what it is now, and how far its surroundings have followed.

    `from_origin`: how the earlier record had come here, as in the crosswalk. `fate`: what became of it.
    `stuck`: the reason why the last try got no further. Times are epoch seconds, set by the ledger.
    """

    phase: str
    source_id: str
    from_object: str
    from_id: str
    from_origin: str
    to_object: str
    to_id: str
    step: Step = "made"
    fate: str = ""
    stuck: str = ""
    began_at: float = 0.0
    updated_at: float = 0.0


class Transitions:
    """All transitions, those that are done among them."""

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._sql = load("transitions")

    async def begin(self, tx: Tx, entries: Sequence[Transition]) -> None:
        """Note records that are another object from now on; one that is noted stays as it is."""
        now = self._clock()
        values = [
            (
                each.phase,
                encode_id(each.source_id),
                each.from_object,
                each.from_id,
                each.from_origin,
                each.to_object,
                each.to_id,
                now,
            )
            for each in entries
        ]
        await tx.run_many(self._sql["begin"], values)

    async def at(
        self, phase: str, step: Step, *, after: str | None = None, limit: int
    ) -> list[Transition]:
        """Return at most `limit` that have come to `step`, by id, those behind `after`."""
        key = b"" if after is None else encode_id(after)
        return await self._entries("at", (phase, step, key, limit))

    async def advance(self, tx: Tx, phase: str, step: Step, fates: Mapping[str, str]) -> None:
        """Note that `step` is done of the records in `fates`, and what became of the earlier one."""
        now = self._clock()
        values = [(step, fate, now, phase, encode_id(key)) for key, fate in fates.items()]
        await tx.run_many(self._sql["advance"], values)

    async def stick(self, tx: Tx, phase: str, reasons: Mapping[str, str]) -> None:
        """Note why records got no further, by id."""
        now = self._clock()
        values = [(reason, now, phase, encode_id(key)) for key, reason in reasons.items()]
        await tx.run_many(self._sql["stick"], values)

    async def find(self, source_id: str) -> list[Transition]:
        """Return what is known of one record, in any phase."""
        return await self._entries("find", (encode_id(source_id),))

    async def sources_of(self, from_id: str) -> list[str]:
        """Return the source ids that an earlier record stood for."""
        rows = await self._database.fetch(self._sql["sources_of"], (from_id,))
        return [decode_id(key) for (key,) in rows]

    async def _entries(self, name: str, values: Sequence[object]) -> list[Transition]:
        rows = await self._database.fetch(self._sql[name], values)
        return [Transition(row[0], decode_id(row[1]), *row[2:]) for row in rows]
