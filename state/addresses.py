"""Whose mail address it is: source ids by address, for records that name people by address alone.

No address is kept: a token stands for it, made with a key of this workspace (`state/profiles.py`). Who
has an address is learned in the transaction that seals its page, so a crash loses and doubles nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

from state.database import Database, Tx
from state.keys import decode_id, encode_id
from state.queries import load


class Addresses:
    """Source ids of all customers by the tokens of their addresses."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("addresses")

    async def learn(self, tx: Tx, entries: Iterable[tuple[str, str]]) -> None:
        """Store (token, source id); what is known already stays."""
        rows = sorted({(bytes.fromhex(token), encode_id(each)) for token, each in entries})
        await tx.run_many(self._sql["learn"], rows)

    async def owners(self, tokens: Collection[str]) -> dict[str, list[str]]:
        """Return the source ids of each known token, in their order; unknown tokens are absent."""
        found: dict[str, list[str]] = defaultdict(list)
        keys = [bytes.fromhex(token) for token in tokens]
        for token, source_id in await self._database.fetch_in(self._sql["owners"], (), keys):
            found[token.hex()].append(decode_id(source_id))
        return dict(found)
