"""The way to the network: kept connections by origin, or httpx's own transport behind a proxy."""

from __future__ import annotations

import asyncio
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from connectors.connection import Connection

_IDLE_S: Final = 4.0  # shorter than any server's: a stale connection would make a doubtful outcome
Origin = tuple[str, str, int]


class Wire(httpx.AsyncBaseTransport):
    """HTTP/1.1 over kept connections. How many are open at once is for the caller to bound."""

    def __init__(self, *, tls: ssl.SSLContext, connect_s: float, read_s: float) -> None:
        tls.set_alpn_protocols(["http/1.1"])
        self._tls = tls
        self._connect_s = connect_s
        self._read_s = read_s
        self._idle: defaultdict[Origin, list[Connection]] = defaultdict(list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; raises httpx's errors, as its own transport does."""
        origin = _origin(request.url)
        connection = self._kept(origin) or await self._connect(origin)
        try:
            status, headers = await connection.ask(request)
        except BaseException:
            connection.abort()
            raise

        def done() -> None:
            if connection.finish():
                connection.idle_since = asyncio.get_running_loop().time()
                self._idle[origin].append(connection)
            else:
                connection.abort()

        return httpx.Response(status, headers=headers, stream=_Body(connection, done))

    async def aclose(self) -> None:
        """Close every kept connection."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        await asyncio.sleep(0)  # the loop tells the connections that they are gone

    def _kept(self, origin: Origin) -> Connection | None:
        """The connection that was used last; those that are too old are closed."""
        kept = self._idle[origin]
        oldest = asyncio.get_running_loop().time() - _IDLE_S
        while kept:
            connection = kept.pop()
            if not connection.closed and connection.idle_since > oldest:
                return connection
            connection.abort()
        return None

    async def _connect(self, origin: Origin) -> Connection:
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        tls = self._tls if scheme == "https" else None
        try:
            async with asyncio.timeout(self._connect_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(self._read_s), host, port, ssl=tls
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:  # ssl.SSLError is one
            raise httpx.ConnectError(type(error).__name__) from error
        return connection


class _Body(httpx.AsyncByteStream):
    """A reply's body; `done` is called once, when it was read or given up."""

    def __init__(self, connection: Connection, done: Callable[[], None]) -> None:
        self._connection = connection
        self._done: Callable[[], None] | None = done

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._connection.read():
            yield piece

    async def aclose(self) -> None:
        if self._done is not None:
            done, self._done = self._done, None
            done()


def open_wire(
    base: httpx.URL, *, connections: int, connect_s: float, read_s: float
) -> httpx.AsyncBaseTransport:
    """The transport for an origin: our own, or httpx's when the environment names a proxy."""
    tls = httpx.create_ssl_context()
    proxy = proxy_for(base)
    if proxy is None:
        return Wire(tls=tls, connect_s=connect_s, read_s=read_s)
    limits = httpx.Limits(max_connections=connections, keepalive_expiry=_IDLE_S)
    return httpx.AsyncHTTPTransport(verify=tls, limits=limits, proxy=proxy)


def proxy_for(base: httpx.URL) -> str | None:
    """The proxy that the environment names for an https address; none for this machine's."""
    if base.scheme != "https" or proxy_bypass(base.host):
        return None
    proxies = getproxies()
    return proxies.get("https") or proxies.get("all")


def _origin(url: httpx.URL) -> Origin:
    return (
        url.scheme,
        url.raw_host.decode("ascii"),
        url.port or (443 if url.scheme == "https" else 80),
    )
