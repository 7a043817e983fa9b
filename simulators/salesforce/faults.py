"""Faults of the Salesforce stand-in: on the wire, in the rows of a job, in a job's middle.

Wire faults of the shared kind come from `simulators.faults`; here are the ones that only
Salesforce has, and the dropping of a connection without a reply.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, get_args

import anyio
import orjson

from simulators.chaos import Chaos
from simulators.faults import App, ConnectionDropped, Fault, FaultyApp, Kind, Receive, Scope, Send
from simulators.salesforce.chaos import LOCKED_ROWS
from simulators.salesforce.store import FieldError

ROW_KINDS = frozenset({"row_error", "lock_rows"})
WIRE_KINDS = frozenset(
    {*get_args(Kind), "stall", "limit_exceeded", "expire_token", "too_many", "spoilt"}
)
_OWN = frozenset({"kind", "error", "message", "object"})
_RULE = frozenset(each.name for each in fields(Fault) if not each.name.startswith("_")) - {
    "hits",
    "kind",
}
_STALL_S = 600.0
_PAGE = b"<html><body>Please sign in to the proxy</body></html>"
_TEXTS = {
    "row_error": ("UNKNOWN_EXCEPTION", "An unexpected error occurred."),
    "lock_rows": (
        "UNABLE_TO_LOCK_ROW",
        "unable to obtain exclusive access to this record or 200 records",
    ),
    "limit_exceeded": ("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "too_many": ("TOO_MANY_REQUESTS", "Too many requests."),
    "status": ("SERVER_UNAVAILABLE", "The server is too busy. Please try again later."),
}


class FaultInvalid(ValueError):
    """A rule that cannot be understood; its text says why."""


@dataclass
class Rule:
    """One rule: `fault` says which calls or rows and how often; the rest says what happens.

    `object` narrows row and job rules to one object. For `job_failed_midway`, `after` counts the
    rows of a job that are worked before it fails; for row rules it counts rows let pass.
    """

    kind: str
    fault: Fault
    object: str = ""
    error: str = ""
    message: str = ""

    @classmethod
    def read(cls, spec: Mapping[str, Any]) -> "Rule":
        """Make a rule from a request; raises `FaultInvalid`."""
        kind = spec.get("kind")
        if kind not in WIRE_KINDS | ROW_KINDS | {"job_failed_midway"}:
            raise FaultInvalid(f"There is no fault of kind {kind!r}.")
        unknown = sorted(set(spec) - _OWN - _RULE)
        if unknown:
            raise FaultInvalid(f"A fault has no {', '.join(unknown)}.")
        given = {name: spec[name] for name in _RULE & set(spec)}
        given.setdefault("match", "")
        if kind == "stall":
            given.setdefault("seconds", _STALL_S)
        if kind == "job_failed_midway":
            given.setdefault("times", 1)
        code, text = _TEXTS.get(kind, ("UNKNOWN_EXCEPTION", "An unexpected error occurred."))
        return cls(
            kind,
            Fault(**given, kind="status"),
            str(spec.get("object", "")),
            str(spec.get("error", code)),
            str(spec.get("message", text)),
        )


class FaultBook:
    """All rules in force, in the order in which they were set, and chaos if it reigns."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.chaos: Chaos | None = None

    @property
    def hits(self) -> int:
        """How often any rule has struck."""
        return sum(rule.fault.hits for rule in self.rules)

    def add(self, spec: Mapping[str, Any]) -> None:
        """Put a rule in force; raises `FaultInvalid`."""
        self.rules.append(Rule.read(spec))

    def wire(self, method: str, path: str) -> Rule | None:
        """The rule that strikes a call, if one does; it is counted."""
        for rule in self.rules:
            if rule.kind in WIRE_KINDS and rule.fault.strikes(method, path):
                return rule
        drawn = self.chaos.draw(method, path) if self.chaos else None
        return Rule.read(drawn.spec) if drawn else None

    def row(self, name: str) -> FieldError | None:
        """What strikes a row of an object, if anything; it is counted."""
        for rule in self.rules:
            if rule.kind in ROW_KINDS and rule.object in ("", name) and rule.fault.strikes("", ""):
                return FieldError(rule.error, rule.message)
        if self.chaos and self.chaos.chance(LOCKED_ROWS):
            self.chaos.hits["lock_rows"] += 1
            return FieldError(*_TEXTS["lock_rows"])
        return None

    def midway(self, name: str, worked: int) -> str:
        """The text with which a job fails after `worked` rows, or nothing; it is counted."""
        for rule in self.rules:
            fault = rule.fault
            if (
                rule.kind == "job_failed_midway"
                and rule.object in ("", name)
                and worked >= fault.after
                and (fault.times is None or fault.hits < fault.times)
            ):
                fault.hits += 1
                return "InternalServerError : " + (rule.message or "the job could not be finished")
        return ""


class SalesforceFaults(FaultyApp):
    """The app with its wire faults in front. `expire` ends all sessions."""

    def __init__(self, app: App, book: FaultBook, expire: Callable[[], None]) -> None:
        super().__init__(app, [])
        self.book = book
        self._expire = expire

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or break, one call."""
        rule = None
        if scope["type"] == "http" and not scope["path"].startswith("/__admin"):
            rule = self.book.wire(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
        else:
            await self._strike(rule, scope, receive, send)

    async def _strike(self, rule: Rule, scope: Scope, receive: Receive, send: Send) -> None:
        kind = rule.kind
        if kind == "expire_token":
            self._expire()
            await self._app(scope, receive, send)
        elif kind == "limit_exceeded":
            await _refuse(send, 403, rule)
        elif kind == "too_many":
            await _refuse(send, 429, rule, retry_after=rule.fault.seconds)
        elif kind == "status":
            await _refuse(send, rule.fault.status, rule)
        elif kind == "spoilt":
            await self._app(scope, receive, _Spoilt(send))
        elif kind == "reset_before":
            await _hang_up(receive, send)
        elif kind == "reset_after":
            await self._app(scope, receive, _swallow)
            await _hang_up(receive, send)
        elif kind == "stall":
            with anyio.move_on_after(rule.fault.seconds):
                await _gone(receive)
            await _hang_up(receive, send)
        else:
            rule.fault.kind = next(each for each in get_args(Kind) if each == kind)
            await self._break(rule.fault, scope, receive, send)


class _Spoilt:
    """Passes a reply on whose body has become a proxy's page; what was asked for is done."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._told = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            headers = [
                (b"content-type", b"text/html"),
                (b"content-length", str(len(_PAGE)).encode()),
            ]
            await self._send({**message, "headers": headers})
        elif not self._told:
            self._told = True
            await self._send({"type": "http.response.body", "body": _PAGE})


async def _refuse(send: Send, status: int, rule: Rule, *, retry_after: float = 0.0) -> None:
    body = orjson.dumps([{"message": rule.message, "errorCode": rule.error}])
    headers = [(b"content-type", b"application/json;charset=UTF-8")]
    headers.append((b"content-length", str(len(body)).encode()))
    if retry_after:
        headers.append((b"retry-after", f"{retry_after:g}".encode()))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _swallow(message: Any) -> None:
    """Take a reply and tell nobody."""


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection without a reply.

    An app that breaks off before it replies is answered for with a 500 by the server, so the
    server's own transport is cut. Without one (a client in this process) the app breaks off.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise ConnectionDropped
    transport.abort()
    await _gone(receive)
