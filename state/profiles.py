"""Profiles of all extracted records: counts by kind and path, added to as pages are sealed.

What the counts mean is their maker's business; here they are numbers by name. No value is kept: distinct
ones are tokens, made with a key of this workspace. With a spool key the token key rests on it, so that
the ledger alone does not tell which value a token stands for.
"""

import hmac
import os
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import orjson

from state.cipher import Cipher
from state.database import Database, Tx
from state.queries import load

TOKEN_CHARS = 16
_KEY_BYTES = 32
_PAIR = struct.Struct(">8sQ")
Token = Callable[[str], str]


@dataclass
class StoredProfile:
    """Counts by name, and how often each token was met. `open`: more distinct values than are kept."""

    counts: dict[str, int] = field(default_factory=dict)
    open: bool = False
    tokens: dict[str, int] = field(default_factory=dict)


class Profiles:
    """The profiles of all kinds; the path '' is the kind itself."""

    def __init__(self, database: Database, cipher: Cipher | None) -> None:
        self._database = database
        self._cipher = cipher
        self._sql = load("profiles")

    async def of(self, kind: str, tx: Tx | None = None) -> dict[str, StoredProfile]:
        """Return a kind's profiles by path, as committed or as `tx` sees them."""
        fetch = self._database.fetch if tx is None else tx.fetch
        rows = await fetch(self._sql["of"], (kind,))
        return {
            path: StoredProfile(orjson.loads(counts), bool(is_open), _unpacked(tokens or b""))
            for path, counts, is_open, tokens in rows
        }

    async def put(self, tx: Tx, kind: str, profiles: Mapping[str, StoredProfile]) -> None:
        """Set or replace profiles of a kind, in the transaction of the pages that they count."""
        rows = [
            (kind, path, orjson.dumps(each.counts).decode(), each.open, _packed(each.tokens))
            for path, each in profiles.items()
        ]
        await tx.run_many(self._sql["put"], rows)

    async def token(self) -> Token | None:
        """Return what makes a value's token here; None where nothing was counted, or after a purge."""
        rows = await self._database.fetch(self._sql["key"])
        return self._maker(str(rows[0][0])) if rows else None

    async def begin(self) -> Token:
        """Return what makes a value's token; the key is drawn and made durable at first."""
        known = await self.token()
        if known is not None:
            return known
        key = os.urandom(_KEY_BYTES).hex()
        async with self._database.write() as tx:
            await tx.run(self._sql["set_key"], (key,))
        return self._maker(key)

    def _maker(self, kept: str) -> Token:
        key = bytes.fromhex(self._cipher.blind(kept) if self._cipher else kept)

        def token(text: str) -> str:
            data = text.encode("utf-8", "surrogatepass")
            return hmac.digest(key, data, "sha256").hex()[:TOKEN_CHARS]

        return token


def _packed(tokens: Mapping[str, int]) -> bytes:
    pack = _PAIR.pack
    return b"".join(pack(bytes.fromhex(token), count) for token, count in sorted(tokens.items()))


def _unpacked(data: bytes) -> dict[str, int]:
    return {token.hex(): count for token, count in _PAIR.iter_unpack(data)}
