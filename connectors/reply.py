"""What came back: a whole reply, or one whose body is still on its way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import orjson

from connectors.errors import BadReply, ReplyTooLarge, Unreachable

_UNSET: Any = object()


class Reply:
    """A whole reply. `body` is decoded (gzip undone); `json()` parses once and keeps the result."""

    __slots__ = ("_json", "body", "headers", "status")

    def __init__(self, status: int, headers: httpx.Headers, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self._json: Any = _UNSET

    def json(self) -> Any:
        """The body as JSON. Raises `BadReply` if it is anything else, such as a proxy's HTML."""
        if self._json is _UNSET:
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError:
                kind = self.headers.get("content-type", "no content type").split(";")[0][:60]
                raise BadReply(
                    f"A reply with status {self.status} is not JSON "
                    f"({len(self.body)} bytes, {kind}).",
                    status=self.status,
                ) from None
        return self._json


def is_json(reply: Reply) -> bool:
    """For `accept=`: True when the body parses as JSON, so a proxy's page is tried again."""
    try:
        reply.json()
    except BadReply:
        return False
    return True


def readable_by(read: Callable[[Any], object]) -> Callable[[Reply], bool]:
    """For `accept=`: True when `read` makes something of the JSON without a `BadReply`."""

    def fits(reply: Reply) -> bool:
        try:
            read(reply.json())
        except BadReply:
            return False
        return True

    return fits


class StreamReply:
    """A reply whose body is read by the caller, once, inside `async with http.stream(...)`."""

    def __init__(self, source: httpx.Response | Reply, *, most: int) -> None:
        self._source = source
        self._most = most
        self.status = source.status if isinstance(source, Reply) else source.status_code
        self.headers = source.headers

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The decoded body in chunks as they arrive; memory stays flat.

        Raises `Unreachable` when the connection breaks or the body ends too early; what was
        yielded before is then a true prefix of the body, no more.
        """
        if isinstance(self._source, Reply):
            yield self._source.body
            return
        try:
            async for chunk in self._source.aiter_bytes():
                yield chunk
        except httpx.RequestError as error:
            raise Unreachable(
                f"The connection broke while a reply was read ({type(error).__name__}).",
                status=self.status,
            ) from error

    async def read(self) -> Reply:
        """The whole body at once, for small ones such as errors. Raises `ReplyTooLarge`."""
        if isinstance(self._source, Reply):
            return self._source
        body = await read_body(self._source, self._most)
        return Reply(self.status, self.headers, body)


async def read_body(response: httpx.Response, most: int) -> bytes:
    """The whole decoded body, at most `most` bytes. Raises `ReplyTooLarge`, httpx errors as is."""
    parts: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > most:
            raise ReplyTooLarge(
                f"A reply is larger than {most} bytes.", status=response.status_code
            )
        parts.append(chunk)
    return parts[0] if len(parts) == 1 else b"".join(parts)
