"""Match keys: which existing record stands for a key such as a company's domain, and who decided."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from state.cipher import Cipher
from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

_TAKEN = "="


@dataclass(frozen=True)
class MatchDecision:
    """What a person decided about one record; `target_id` is '' for a new one. Epoch seconds."""

    phase: str
    source_id: str
    target_id: str
    decided_by: str
    decided_at: float


class Matches:
    """Target ids by object and key; of our own records the first to claim a key keeps it.

    With a cipher the keys (a company's domain) are stored blinded.
    """

    def __init__(
        self, database: Database, clock: Callable[[], float], cipher: Cipher | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._cipher = cipher
        self._sql = load("matches")

    async def learn(
        self, tx: Tx, object: str, entries: Sequence[tuple[str, str, str | None]]
    ) -> None:
        """Store (key, target id, source id or None); keys that are taken stay as they are."""
        rows = [(object, self._blind(key), target, source) for key, target, source in entries]
        await tx.run_many(self._sql["learn"], rows)

    async def offer(self, tx: Tx, object: str, entries: Sequence[tuple[str, str]]) -> None:
        """Store existing records as (key, target id); several may have one key. Repeatable."""
        rows = [(object, self._blind(key), target) for key, target in entries]
        await tx.run_many(self._sql["offer"], rows)

    async def lookup(self, object: str, keys: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """Return the target ids of each known key, existing records and our own."""
        asked = {self._blind(key): key for key in keys}
        found: dict[str, dict[str, None]] = {}
        for name in ("candidates", "lookup"):
            rows = await self._database.fetch_in(self._sql[name], (object,), list(asked))
            for key, target in rows:
                found.setdefault(asked[key], {})[target] = None
        return {key: tuple(targets) for key, targets in found.items()}

    async def take(self, tx: Tx, object: str, entries: Sequence[tuple[str, str]]) -> None:
        """Note (target id, source id): an existing record stands for a record of the source."""
        await self.learn(tx, object, [(_TAKEN + target, target, key) for target, key in entries])

    async def takers(self, object: str, targets: Sequence[str]) -> dict[str, str]:
        """Return the source id for which each target stands that was taken."""
        keys = [self._blind(_TAKEN + target) for target in targets]
        return dict(await self._database.fetch_in(self._sql["takers"], (object,), keys))

    async def decide(self, tx: Tx, phase: str, source_id: str, target_id: str, *, by: str) -> None:
        """Note that a record is `target_id`, or is to be made where that is ''; the last word counts."""
        values = (phase, encode_id(source_id), target_id, by, self._clock())
        await tx.run(self._sql["decide"], values)

    async def decisions(self, phase: str, ids: Sequence[str]) -> dict[str, str]:
        """Return what was decided about some records: the target id by source id."""
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["decisions"], (phase,), keys)
        return {decode_id(key): target for key, target in rows}

    async def decided(self) -> list[MatchDecision]:
        """Return all decisions."""
        rows = await self._database.fetch(self._sql["decided"])
        return [MatchDecision(row[0], decode_id(row[1]), *row[2:]) for row in rows]

    def _blind(self, key: str) -> str:
        return key if self._cipher is None else self._cipher.blind(key)
