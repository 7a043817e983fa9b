"""Faults on the wire, asked for through the admin side-door of either stand-in."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal

import anyio

Kind = Literal[
    "reset_before",
    "reset_after",
    "status",
    "html",
    "empty",
    "truncated",
    "invalid_json",
    "slow",
    "not_a_page",
]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_BODIES: dict[str, tuple[int, bytes, bytes]] = {
    "html": (502, b"text/html", b"<html><body>Bad gateway</body></html>"),
    "empty": (500, b"application/json", b""),
    "invalid_json": (200, b"application/json", b'{"data": [{"id": '),
    "not_a_page": (200, b"application/json", b'{"hello": "world"}'),
}


class ConnectionDropped(Exception):
    """Raised through the server so that it closes the socket without a reply."""


@dataclass
class Fault:
    """One rule: which calls (a part of the path, a method), what happens, how often.

    `times` bounds it; `rate` (0..1) draws by `seed`; `after` lets that many matching calls pass.
    """

    match: str
    kind: Kind
    method: str = ""
    status: int = 503
    times: int | None = None
    rate: float | None = None
    after: int = 0
    seconds: float = 1.0
    seed: int = 1
    hits: int = 0
    _seen: int = 0
    _random: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._random = Random(self.seed)  # noqa: S311

    def strikes(self, method: str, path: str) -> bool:
        """Tell whether this call is struck, and count it."""
        if self.match not in path or (self.method and self.method != method):
            return False
        self._seen += 1
        if self._seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        if self.rate is not None and self._random.random() >= self.rate:
            return False
        self.hits += 1
        return True


class FaultyApp:
    """An app in front of the real one that breaks calls by the rules in `faults`."""

    def __init__(self, app: App, faults: list[Fault]) -> None:
        self._app = app
        self.faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or break, one call."""
        if scope["type"] != "http" or scope["path"].startswith("/__admin"):
            await self._app(scope, receive, send)
            return
        for fault in self.faults:
            if fault.strikes(scope["method"], scope["path"]):
                await self._break(fault, scope, receive, send)
                return
        await self._app(scope, receive, send)

    async def _break(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "reset_before":
            await _drop(send)
        elif fault.kind == "reset_after":
            await self._app(scope, receive, _swallow)
            await _drop(send)
        elif fault.kind == "slow":
            await anyio.sleep(fault.seconds)
            await self._app(scope, receive, send)
        elif fault.kind == "truncated":
            await self._app(scope, receive, _Halved(send))
        elif fault.kind == "status":
            await _reply(send, fault.status, b"application/json", b"[]")
        else:
            await _reply(send, *_BODIES[fault.kind])


class _Halved:
    """Passes a reply on with its promised length and half its body, then drops the connection."""

    def __init__(self, send: Send) -> None:
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            body = message.get("body", b"")
            await self._send({**message, "body": body[: len(body) // 2], "more_body": True})
            raise ConnectionDropped
        await self._send(message)


async def _swallow(message: Message) -> None:
    """Take a reply and tell nobody."""


async def _drop(send: Send) -> None:
    """End the connection without a reply: the server closes it when an app breaks off."""
    raise ConnectionDropped


async def _reply(send: Send, status: int, kind: bytes, body: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
