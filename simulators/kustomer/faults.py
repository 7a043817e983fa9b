"""Faults on the wire of this stand-in, asked for through the side-door."""

import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import orjson

from simulators.chaos import Chaos
from simulators.faults import App, Fault, Message, Receive, Scope, Send
from simulators.kustomer.attributes import names
from simulators.kustomer.changes import Changes
from simulators.kustomer.desk import Desk

KINDS = names(
    "reset_before reset_after status html empty truncated invalid_json slow not_a_page timed_out "
    "rate_limit rate_limit_bare stall empty_200 truncated_gzip duplicates touch"
)
_JSON = b"application/json"
Sleep = Callable[[float], Awaitable[None]]


class FaultyOrg:
    """An app in front of the real one that breaks calls by the rules in `faults`, and by chaos.

    `reset_*` and `truncated` close the socket under the reply. They need uvicorn; under another
    server they raise `ConnectionResetError`.
    """

    def __init__(self, app: App, desk: Desk, sleep: Sleep = anyio.sleep) -> None:
        self._app = app
        self._desk = desk
        self._sleep = sleep
        self._changes = Changes(desk, "fault")
        self.faults: list[Fault] = []
        self.chaos: Chaos | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or break, one call."""
        if scope["type"] == "http" and not scope["path"].startswith("/__admin"):
            fault = self._struck(scope["method"], scope["path"])
            if fault:
                self._desk.journal.write(
                    at=self._desk.clock(), path=scope["path"], fault=fault.kind
                )
                await self._break(fault, scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _struck(self, method: str, path: str) -> Fault | None:
        for fault in self.faults:
            if fault.strikes(method, path):
                return fault
        drawn = self.chaos.draw(method, path) if self.chaos else None
        return Fault(match="", **drawn.spec) if drawn else None

    async def _break(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = fault.kind
        if kind == "reset_before":
            await _hang_up(receive, send)
        elif kind == "status":
            await _reply(send, fault.status, _JSON, b'{"errors":[{"code":"unavailable"}]}')
        elif kind == "html":
            await _reply(send, 502, b"text/html", b"<html><body>Bad gateway</body></html>")
        elif kind == "empty":
            await _reply(send, 500, _JSON, b"")
        elif kind == "empty_200":
            await _reply(send, 200, _JSON, b"")
        elif kind in ("rate_limit", "rate_limit_bare"):
            await self._limit(fault, send, hints=kind == "rate_limit")
        elif kind == "stall":
            await self._sleep(fault.seconds)
            await _hang_up(receive, send)
        elif kind == "slow":
            await self._sleep(fault.seconds)
            await self._app(scope, receive, send)
        else:
            await self._spoil(kind, scope, receive, send)

    async def _limit(self, fault: Fault, send: Send, *, hints: bool) -> None:
        headers = self._desk.budget_headers(used_up_for=fault.seconds) if hints else {}
        body = orjson.dumps({"errors": [{"code": "too_many_requests", "message": "Slow down"}]})
        await _reply(send, 429, _JSON, body, headers)

    async def _spoil(self, kind: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the call answered, its budget used, and do something to the answer."""
        told: list[Message] = []

        async def keep(message: Message) -> None:
            told.append(message)

        await self._app(scope, receive, keep)
        start = next(each for each in told if each["type"] == "http.response.start")
        body = b"".join(each.get("body", b"") for each in told)
        if kind == "reset_after":
            await _hang_up(receive, send)
        elif kind == "truncated":
            await send(start)
            cut = body[: len(body) // 2]
            await send({"type": "http.response.body", "body": cut, "more_body": True})
            await _hang_up(receive, send, flush=True)
        else:
            kept = [pair for pair in start["headers"] if pair[0] != b"content-length"]
            if kind == "touch":
                self._touch(body)
            if kind == "truncated_gzip":
                kept.append((b"content-encoding", b"gzip"))
            made = _SPOILT[kind](body) if start["status"] == 200 else body
            headers = [*kept, (b"content-length", str(len(made)).encode())]
            await send({**start, "headers": headers})
            await send({"type": "http.response.body", "body": made})

    def _touch(self, body: bytes) -> None:
        """Change the record that the page begins with, behind the reader's back."""
        rows = orjson.loads(body).get("data")
        if isinstance(rows, list) and rows:
            kind = str(rows[0]["type"]).partition(".")[0]
            self._changes.update(kind, rows[0]["id"], {})


def _doubled(body: bytes) -> bytes:
    """A page that holds its first record twice."""
    answer = orjson.loads(body)
    if isinstance(answer.get("data"), list):
        answer["data"] = [*answer["data"], *answer["data"][:1]]
    return orjson.dumps(answer)


def _cut_gzip(body: bytes) -> bytes:
    packed = gzip.compress(body)
    return packed[: len(packed) // 2]


def _timed_out(body: bytes) -> bytes:
    """A search that gave up half-way: fewer rows, and the flag."""
    answer = orjson.loads(body)
    if isinstance(answer.get("data"), list):
        answer["data"] = answer["data"][: len(answer["data"]) // 2]
    answer["meta"] = {**answer.get("meta", {}), "timed_out": True}
    return orjson.dumps(answer)


_SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "invalid_json": lambda body: body[: len(body) // 2],
    "not_a_page": lambda _: b'{"hello":"world"}',
    "timed_out": _timed_out,
    "truncated_gzip": _cut_gzip,
    "duplicates": _doubled,
    "touch": lambda body: body,
}


async def _hang_up(receive: Receive, send: Send, *, flush: bool = False) -> None:
    """Close the socket under the call, and return once the server has noticed."""
    # `send` belongs to uvicorn's cycle, which holds the transport; ASGI has no word for a reset.
    transport: Any = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionResetError("The stand-in hung up.")
    if flush:
        transport.close()
    else:
        transport.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _reply(
    send: Send, status: int, kind: bytes, body: bytes, extra: dict[str, str] | None = None
) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in (extra or {}).items()]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
