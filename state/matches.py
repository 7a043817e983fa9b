"""Match keys: which existing record stands for a key such as a company's domain."""

from collections.abc import Sequence

from state.cipher import Cipher
from state.database import Database, Tx
from state.queries import load


class Matches:
    """Target ids by object and key; the first to claim a key keeps it.

    With a cipher the keys (a company's domain) are stored blinded.
    """

    def __init__(self, database: Database, cipher: Cipher | None = None) -> None:
        self._database = database
        self._cipher = cipher
        self._sql = load("matches")

    async def learn(
        self, tx: Tx, object: str, entries: Sequence[tuple[str, str, str | None]]
    ) -> None:
        """Store (key, target id, source id or None); keys that are taken stay as they are."""
        rows = [(object, self._blind(key), target, source) for key, target, source in entries]
        await tx.run_many(self._sql["learn"], rows)

    async def lookup(self, object: str, keys: Sequence[str]) -> dict[str, str]:
        """Return the target id of each known key."""
        asked = {self._blind(key): key for key in keys}
        rows = await self._database.fetch_in(self._sql["lookup"], (object,), list(asked))
        return {asked[key]: target for key, target in rows}

    def _blind(self, key: str) -> str:
        return key if self._cipher is None else self._cipher.blind(key)
