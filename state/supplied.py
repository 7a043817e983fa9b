"""What records give the children that name them: a name or an address, by source id.

Learned in the transaction that seals a record's page, so a crash loses and doubles nothing. These are
values of records: sealed by the spool key where there is one, and dropped by a purge.
"""

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter

import orjson

from state.cipher import Cipher
from state.database import Database, Tx
from state.keys import decode_id, encode_id, encode_ids
from state.queries import load

_PLACE = "supplied.payload"


class Supplied:
    """Texts by name, of records of any kind."""

    def __init__(self, database: Database, cipher: Cipher | None = None) -> None:
        self._database = database
        self._cipher = cipher
        self._sql = load("supplied")

    async def learn(
        self, tx: Tx, kind: str, entries: Sequence[tuple[str, Mapping[str, str]]]
    ) -> None:
        """Store what records give, by source id; what was known of them is replaced."""
        rows = [(kind, encode_id(key), self._sealed(orjson.dumps(each))) for key, each in entries]
        # By id, and as they came: of one that comes twice the later counts.
        await tx.run_many(self._sql["learn"], sorted(rows, key=itemgetter(1)))

    async def of(self, kind: str, ids: Collection[str]) -> dict[str, Mapping[str, str]]:
        """Return what records give, as committed; of whom nothing was learned are absent."""
        keys = sorted(encode_ids(ids))
        rows = await self._database.fetch_in(self._sql["of"], (kind,), keys)
        return {decode_id(key): orjson.loads(self._opened(payload)) for key, payload in rows}

    async def forget(self, tx: Tx, kind: str, ids: Collection[str]) -> None:
        """Drop what records gave; one of which nothing is known is no error."""
        await tx.run_many(self._sql["forget"], [(kind, encode_id(each)) for each in ids])

    def _sealed(self, payload: bytes) -> bytes:
        return payload if self._cipher is None else self._cipher.seal_blob(payload, _PLACE)

    def _opened(self, payload: bytes) -> bytes:
        return payload if self._cipher is None else self._cipher.open_blob(payload, _PLACE)
