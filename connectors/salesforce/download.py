"""A large result read in pieces, which goes on after the connection broke.

Salesforce offers no ranges. After a break the result is asked for again, the part that was handed
out already is read past, and it must be the very same bytes: else nothing would be certain.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final

import httpx

from connectors.clock import Clock
from connectors.errors import BadReply, Unreachable
from connectors.salesforce.client import SalesforceClient

_TRIES: Final = 5
_PAUSE_S: Final = 1.0


class Download:
    """One CSV result below the version's base path. `headers` are there once a piece came."""

    def __init__(
        self,
        client: SalesforceClient,
        clock: Clock,
        path: str,
        what: str,
        *,
        params: Mapping[str, str | int] | None = None,
    ) -> None:
        self._client = client
        self._clock = clock
        self._path = path
        self._what = what
        self._params = params
        self._size = 0
        self._digest = hashlib.blake2b()
        self.headers = httpx.Headers()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes once, in order.

        Raises `Unreachable` after five breaks in a row that brought nothing new, or when no reply
        comes at all; `BadReply` when the result changed between two readings; the client's
        refusals. Close the iterator
        (`aclosing`) to give the connection back early.
        """
        breaks = 0
        while True:
            before = self._size
            try:
                async with aclosing(self._reading()) as reading:
                    async for piece in reading:
                        yield piece
            except Unreachable as error:
                if error.status is None:  # no reply began, and the client tried long enough
                    raise
                breaks = 1 if self._size > before else breaks + 1
                if breaks >= _TRIES:
                    raise
            else:
                return
            await self._clock.sleep(_PAUSE_S * 2 ** (breaks - 1))

    async def _reading(self) -> AsyncGenerator[bytes, None]:
        known = self._size
        again = hashlib.blake2b()
        async with self._client.stream(
            "GET", self._path, self._what, params=self._params, headers={"Accept": "text/csv"}
        ) as reply:
            self.headers = reply.headers
            kind = reply.headers.get("content-type", "text/csv")
            if not kind.startswith("text/csv"):  # a proxy's page, or an error under a good status
                raise Unreachable("A result is not a table.", status=reply.status)
            async for piece in reply.aiter_bytes():
                old, new = piece[:known], piece[known:]
                if old:
                    again.update(old)
                    known -= len(old)
                    if not known:
                        self._check(again)
                if new:
                    self._size += len(new)
                    self._digest.update(new)
                    yield new
        if known:
            raise BadReply("A result became shorter between two readings.")

    def _check(self, again: hashlib.blake2b) -> None:
        if again.digest() != self._digest.digest():
            raise BadReply("A result changed between two readings.")
