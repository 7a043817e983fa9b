"""The way to the network: httpx's own transport, in shards of few connections each.

httpx's pool looks through all its connections twice a call, so its cost grows with their square;
eight in a pool are the best of what was measured (docs/adr/0005-where-the-time-goes.md).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final
from urllib.request import getproxies, proxy_bypass

import anyio
import httpx

IN_A_SHARD: Final = 8
_IDLE_S: Final = 4.0  # shorter than any server's: a stale connection would make a doubtful outcome


class Wire(httpx.AsyncBaseTransport):
    """HTTP/1.1 to one origin; the shard with the least to do takes the next call.

    How many calls are under way at once is for the caller to bound.
    """

    def __init__(self, shards: list[httpx.AsyncBaseTransport]) -> None:
        self._shards = shards
        self._busy = [0] * len(shards)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors."""
        shard = self._busy.index(min(self._busy))
        self._busy[shard] += 1
        try:
            response = await self._shards[shard].handle_async_request(request)
        except BaseException:
            self._busy[shard] -= 1
            raise
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        response.stream = _Body(stream, self._busy, shard)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        for shard in self._shards:
            await shard.aclose()


class _Body(httpx.AsyncByteStream):
    """A reply's body, whose end makes its shard free again."""

    def __init__(self, inner: httpx.AsyncByteStream, busy: list[int], shard: int) -> None:
        self._inner = inner
        self._busy: list[int] | None = busy
        self._shard = shard

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._inner.__aiter__()

    async def aclose(self) -> None:
        busy, self._busy = self._busy, None
        if busy is not None:
            busy[self._shard] -= 1
            with anyio.CancelScope(shield=True):
                await self._inner.aclose()


def open_wire(base: httpx.URL, *, connections: int) -> httpx.AsyncBaseTransport:
    """The transport for an origin, through the proxy that the environment names for it, if any."""
    tls = httpx.create_ssl_context()
    limits = httpx.Limits(max_connections=IN_A_SHARD, keepalive_expiry=_IDLE_S)
    count = max(1, -(-connections // IN_A_SHARD))
    proxy = proxy_for(base)
    return Wire(
        [httpx.AsyncHTTPTransport(verify=tls, limits=limits, proxy=proxy) for _ in range(count)]
    )


def proxy_for(base: httpx.URL) -> str | None:
    """The proxy that the environment names for an https address; none for this machine's."""
    if base.scheme != "https" or proxy_bypass(base.host):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")
