"""HTTP/1.1 on real sockets, against servers that keep to the protocol and servers that do not."""

from __future__ import annotations

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from connectors.wire import open_wire, proxy_for

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers each connection by `serve` and remembers what it was sent."""

    def __init__(self, serve: Serve) -> None:
        self.serve = serve
        self.connections = 0
        self.port = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self.serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[Server, httpx.AsyncBaseTransport]]:
    server = Server(serve)
    listener = await asyncio.start_server(server, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    wire = open_wire(httpx.URL(f"http://127.0.0.1:{server.port}"), connections=16)
    try:
        yield server, wire
    finally:
        await wire.aclose()
        listener.close()
        await listener.wait_closed()


def request(
    server: Server, method: str = "GET", read_s: float = 5.0, **more: object
) -> httpx.Request:
    timeout = httpx.Timeout(read_s).as_dict()
    url = f"http://127.0.0.1:{server.port}/x"
    return httpx.Request(method, url, extensions={"timeout": timeout}, **more)  # type: ignore[arg-type]


async def fetch(wire: httpx.AsyncBaseTransport, asked: httpx.Request) -> tuple[int, bytes]:
    response = await wire.handle_async_request(asked)
    try:
        return response.status_code, b"".join([piece async for piece in response.aiter_bytes()])
    finally:
        await response.aclose()


def saying(*pieces: bytes) -> Serve:
    """Answers every request on a connection with these bytes, until the peer goes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readuntil(b"\r\n\r\n"):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)

    return serve


def saying_once(*pieces: bytes) -> Serve:
    """Answers one request, then closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.writelines(pieces)
        await writer.drain()

    return serve


async def test_one_connection_serves_call_after_call() -> None:
    async with serving(saying(OK)) as (server, wire):
        for _ in range(5):
            assert await fetch(wire, request(server)) == (200, b"ok")
        assert server.connections == 1


async def test_calls_at_the_same_time_have_connections_of_their_own() -> None:
    async with serving(saying(OK)) as (server, wire):
        answers = await asyncio.gather(*(fetch(wire, request(server)) for _ in range(4)))
        assert answers == [(200, b"ok")] * 4
        assert server.connections == 4


@pytest.mark.parametrize("cut", [1, 7, 40])
async def test_a_chunked_reply_is_read_however_it_is_cut(cut: int) -> None:
    whole = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    )
    pieces = [whole[start : start + cut] for start in range(0, len(whole), cut)]
    async with serving(saying(*pieces)) as (server, wire):
        assert await fetch(wire, request(server)) == (200, b"abc0123456789")
        assert await fetch(wire, request(server)) == (200, b"abc0123456789")
        assert server.connections == 1


async def test_a_packed_reply_is_unpacked() -> None:
    body = gzip.compress(b"ferry" * 1000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    async with serving(saying(head, body)) as (server, wire):
        assert await fetch(wire, request(server)) == (200, b"ferry" * 1000)


async def test_interim_replies_are_passed_over() -> None:
    early = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    async with serving(saying(early, early, OK)) as (server, wire):
        response = await wire.handle_async_request(request(server))
        assert (response.status_code, "link" in response.headers) == (200, False)
        assert await response.aread() == b"ok"
        assert await fetch(wire, request(server)) == (200, b"ok")


async def test_replies_without_a_body_end_at_once() -> None:
    async with serving(saying(b"HTTP/1.1 204 No Content\r\n\r\n")) as (server, wire):
        for _ in range(2):
            assert await fetch(wire, request(server)) == (204, b"")
        assert server.connections == 1


async def test_a_reply_without_a_length_ends_with_its_connection() -> None:
    async with serving(saying_once(b"HTTP/1.1 200 OK\r\n\r\n", b"to the end")) as (server, wire):
        assert await fetch(wire, request(server)) == (200, b"to the end")
        assert await fetch(wire, request(server)) == (200, b"to the end")
        assert server.connections == 2


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: %s\r\n" % (b"b" * 1000) * 300 + b"\r\n",
    ],
)
async def test_a_reply_that_is_cut_short_or_no_http_is_never_taken_as_whole(reply: bytes) -> None:
    async with serving(saying_once(reply)) as (server, wire):
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            await fetch(wire, request(server))


async def test_a_silent_server_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    async with serving(silent) as (server, wire):
        with pytest.raises(httpx.ReadTimeout):
            await fetch(wire, request(server, read_s=0.05))


async def test_no_listener_means_that_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        wire = open_wire(httpx.URL(f"http://127.0.0.1:{port}"), connections=1)
        with pytest.raises(httpx.ConnectError):
            await wire.handle_async_request(httpx.Request("GET", f"http://127.0.0.1:{port}/"))


async def test_a_body_in_pieces_arrives_whole_and_in_order() -> None:
    got = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"transfer-encoding: chunked" in head.lower()
        while size := int(await reader.readline(), 16):
            got.extend(await reader.readexactly(size))
            await reader.readline()
        writer.write(OK)

    async def pieces() -> AsyncIterator[bytes]:
        for number in range(200):
            yield b"%05d" % number * 2000
        yield b""

    async with serving(serve) as (server, wire):
        assert await fetch(wire, request(server, "PUT", content=pieces())) == (200, b"ok")
    assert bytes(got) == b"".join(b"%05d" % number * 2000 for number in range(200))


async def test_a_connection_that_died_while_kept_is_not_used_again() -> None:
    async with serving(saying_once(OK)) as (server, wire):
        assert await fetch(wire, request(server)) == (200, b"ok")
        await asyncio.sleep(0.05)  # the server's close arrives
        assert await fetch(wire, request(server)) == (200, b"ok")
        assert server.connections == 2


async def test_a_reply_left_half_read_takes_its_connection_along() -> None:
    big = b"HTTP/1.1 200 OK\r\nContent-Length: 5000000\r\n\r\n" + bytes(5_000_000)
    async with serving(saying(big)) as (server, wire):
        response = await wire.handle_async_request(request(server))
        async for _ in response.aiter_bytes():
            break
        await response.aclose()
        assert len((await fetch(wire, request(server)))[1]) == 5_000_000
        assert server.connections == 2


async def test_a_slow_reader_holds_the_peer_back() -> None:
    sent = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n")
        for _ in range(50):
            writer.write(bytes(1_000_000))
            await writer.drain()
            sent += 1_000_000

    async with serving(serve) as (server, wire):
        response = await wire.handle_async_request(request(server))
        await asyncio.sleep(0.2)
        assert sent < 30_000_000  # the sockets' own buffers, and ours of about one million
        assert len(await response.aread()) == 50_000_000
        await response.aclose()


@pytest.mark.parametrize("value", [b"a\r\nX-Other: b", b"a\nb", b" a", b"\x00"])
async def test_a_header_that_would_become_two_is_not_sent(value: bytes) -> None:
    async with serving(saying(OK)) as (server, wire):
        with pytest.raises(httpx.LocalProtocolError):
            await fetch(wire, request(server, headers=[(b"Authorization", value)]))


async def test_a_cancelled_call_leaves_no_connection_behind() -> None:
    async with serving(saying(OK)) as (server, wire):
        task = asyncio.ensure_future(fetch(wire, request(server)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await fetch(wire, request(server)) == (200, b"ok")


def test_the_proxy_of_the_environment_is_used_for_https_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", "inside.example")
    assert proxy_for(httpx.URL("https://acme.example")) == "http://proxy.example:3128"
    assert proxy_for(httpx.URL("https://inside.example")) is None
    assert proxy_for(httpx.URL("http://127.0.0.1:80")) is None
