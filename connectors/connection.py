"""One HTTP/1.1 connection: one request and its reply at a time, parsed by llhttp (httptools).

httpx's own transport costs 2.3 ms of CPU for a page of 100 records, which is more than parsing and
mapping it; this one costs a tenth (docs/adr). It raises httpx's errors, so that nobody above can
tell the two apart.
"""

from __future__ import annotations

import asyncio
import re
from collections import deque
from typing import Any, Final, cast

import httptools
import httpx

_HIGH_BYTES: Final = 1_000_000  # of an unread body; then the peer has to wait
_HEAD_BYTES: Final = 256 * 1024
_NO_HEADER: Final = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]|\A[ \t]|[ \t]\Z")


class Connection(asyncio.Protocol):
    """Made by the event loop. After an error or a cancelled call only `abort` is allowed."""

    def __init__(self, read_s: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._read_s = read_s
        self._transport: asyncio.Transport | None = None
        self._parser: Any = None
        self._waiter: asyncio.Future[None] | None = None
        self._writable = True
        self._paused = False
        self.idle_since = 0.0
        self.closed = False
        self._begin()

    def _begin(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._status = 0
        self._complete = False
        self._sent = False
        self._keep = False
        self._surplus = False
        self._error: httpx.TransportError | None = None

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is there."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by class

    def data_received(self, data: bytes) -> None:
        """Parse what came; bytes that nobody asked for end the connection."""
        if self._parser is None:
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._fail(httpx.RemoteProtocolError(f"not HTTP ({type(error).__name__})"))
        self._wake()

    def pause_writing(self) -> None:
        """The peer does not take more for now."""
        self._writable = False

    def resume_writing(self) -> None:
        """The peer takes more."""
        self._writable = True
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """The end. A reply without a length ends with its connection; any other one is broken."""
        self.closed = True
        if self._status and not self._complete and self._ends_with_connection() and error is None:
            self._complete = True
        elif error is not None:
            self._fail(httpx.ReadError("the connection broke"))
        else:
            self._fail(httpx.RemoteProtocolError("the peer closed before the whole reply came"))
        self._wake()

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Another reply behind a whole one is nobody's: the connection is not used again."""
        self._surplus = self._complete

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header of a reply, or a trailer, which is dropped with the headers of interim ones."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _HEAD_BYTES:
            self._fail(httpx.RemoteProtocolError("the headers do not end"))
        elif not self._status:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """The status is known. Interim replies (1xx) are passed over."""
        status = self._parser.get_status_code()
        if self._complete:
            return
        if status >= 200:
            self._status = status
        else:
            self._headers = []

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        if self._complete:
            return
        self._pieces.append(body)
        self._unread += len(body)
        if self._unread > _HIGH_BYTES and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        """The reply is whole."""
        if self._status and not self._complete:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    # What the transport calls.

    async def ask(self, request: httpx.Request) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send a request; returns status and headers. The body waits for `read`.

        A reply that comes before the request's body has left ends the sending: it is a refusal.
        """
        self._begin()
        head = _head(request)
        self._parser = httptools.HttpResponseParser(self)
        self._error = httpx.WriteError("the connection is closed") if self.closed else None
        await self._send(head, request)
        while not self._status:
            await self._wait()
        return self._status, self._headers

    async def _send(self, head: bytes, request: httpx.Request) -> None:
        transport, chunked = self._transport, "transfer-encoding" in request.headers
        assert transport is not None
        transport.write(head)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for chunk in request.stream:
            if not chunk:
                continue
            while not (self._writable or self._status):
                await self._wait()
            if self._status or self._error:
                return
            transport.writelines([b"%x\r\n" % len(chunk), chunk, b"\r\n"] if chunked else [chunk])
        if chunked:
            transport.write(b"0\r\n\r\n")
        self._sent = True

    async def read(self) -> bytes:
        """The next piece of the body; empty at its end."""
        while not self._pieces:
            if self._complete:
                return b""
            await self._wait()
        piece = self._pieces.popleft()
        self._unread -= len(piece)
        if self._paused and not self._pieces and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return piece

    def finish(self) -> bool:
        """End an exchange; True when the connection can serve another one."""
        self._parser = None  # it holds us, and we hold it
        whole = self._complete and self._sent and not self._pieces and not self._paused
        return whole and self._keep and not (self._surplus or self.closed)

    def abort(self) -> None:
        """Close at once."""
        self._parser = None
        self.closed = True
        if self._transport is not None:
            self._transport.abort()

    async def _wait(self) -> None:
        """Wait until something happens; raises what went wrong, or `ReadTimeout`."""
        if self._error:
            raise self._error
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(self._read_s, self._too_late)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None
        if self._error and not (self._status and self._pieces):
            raise self._error

    def _too_late(self) -> None:
        self._fail(httpx.ReadTimeout("nothing came in time"))
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: httpx.TransportError) -> None:
        if self._error is None and not self._complete:
            self._error = error

    def _ends_with_connection(self) -> bool:
        names = {name.lower() for name, _ in self._headers}
        return not names & {b"content-length", b"transfer-encoding"}


def _head(request: httpx.Request) -> bytes:
    """The request's first lines. Raises `LocalProtocolError`, which does not quote the header."""
    lines = [request.method.encode("ascii"), b" ", request.url.raw_path, b" HTTP/1.1\r\n"]
    for name, value in request.headers.raw:
        if _NO_HEADER.search(value) or _NO_HEADER.search(name):
            raise httpx.LocalProtocolError("a header cannot be sent")
        lines += (name, b": ", value, b"\r\n")
    lines.append(b"\r\n")
    return b"".join(lines)
