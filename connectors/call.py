"""One call as the HTTP client sees it, and the options a caller may set."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypedDict

import httpx
import orjson

from connectors.address import resolve, route_of
from connectors.reply import Reply
from connectors.retry import Retry, Verdict

BeforeAttempt = Callable[[], Awaitable[Mapping[str, str]]]
AfterReply = Callable[[Reply], Awaitable[Verdict | None]]
Accept = Callable[[Reply], bool]


class Observer(Protocol):
    """Sees every attempt, for metrics. Must be quick, must not raise."""

    def attempt(
        self,
        name: str,
        method: str,
        route: str,
        status: int | None,
        seconds: float,
        sent: int,
        received: int,
    ) -> None:
        """One attempt ended. `status` is None when no answer came; `sent` and `received` are
        body bytes on the wire; `route` has ids replaced."""
        ...

    def retried(self, name: str, route: str, why: str) -> None:
        """A call is about to be sent again. `why` is an error's stable code, or `again`."""
        ...


class CallOptions(TypedDict, total=False):
    """What `HttpClient.request` and `.stream` accept beside method and path.

    params          query parameters, added to those in the path.
    headers         sent on every attempt.
    content         a request body; an async iterable is sent once and never again.
    json            a value sent as JSON (excludes `content`).
    retry           `Retry.SAFE` by default.
    accept          called on a whole 2xx reply; False means `broken`: SAFE tries again and ends in
                    `BadReply`, NEVER raises `OutcomeUnknown`. Not called for streams.
    before_attempt  awaited before each attempt (a budget, fresh auth); its mapping is merged over
                    `headers`. No connection is held while it waits.
    after_reply     awaited with every reply, of any status, before the retry rules; see `Verdict`.
                    For a stream with status under 400 the reply's body is empty. An exception it
                    raises ends the call.
    anonymous       allow another origin, and send no credentials anywhere.
    route           the label for metrics; by default the path with ids replaced.
    """

    params: Mapping[str, str | int] | None
    headers: Mapping[str, str] | None
    content: bytes | AsyncIterable[bytes] | None
    json: Any
    retry: Retry
    accept: Accept | None
    before_attempt: BeforeAttempt | None
    after_reply: AfterReply | None
    anonymous: bool
    route: str | None


class CountedBody:
    """A streamed request body that knows how many bytes have left."""

    def __init__(self, chunks: AsyncIterable[bytes]) -> None:
        self._chunks = chunks
        self.sent = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Pass the chunks on, counting."""
        async for chunk in self._chunks:
            self.sent += len(chunk)
            yield chunk


@dataclass(slots=True)
class Call:
    """A call ready to be sent, any number of times unless its body is a stream."""

    method: str
    url: httpx.URL
    route: str
    streaming: bool
    headers: dict[str, str]
    content: bytes | CountedBody | None
    retry: Retry = Retry.SAFE
    accept: Accept | None = None
    before_attempt: BeforeAttempt | None = None
    after_reply: AfterReply | None = None
    anonymous: bool = False
    attempts: int = field(default=0)

    @property
    def repeatable(self) -> bool:
        """True when the very same bytes can be sent again."""
        return not isinstance(self.content, CountedBody)

    @property
    def safe(self) -> bool:
        """True when sending twice is possible and harmless."""
        return self.retry is Retry.SAFE and self.repeatable

    @property
    def sent(self) -> int:
        """Bytes of the request body that left in the last attempt."""
        if isinstance(self.content, CountedBody):
            return self.content.sent
        return len(self.content or b"")


def make_call(
    base: httpx.URL, method: str, path: str, streaming: bool, options: CallOptions
) -> Call:
    """Put a call together. Raises `ForeignOrigin` or `InsecureAddress` for a bad absolute URL."""
    anonymous = options.get("anonymous", False)
    url = resolve(base, path, anonymous=anonymous)
    params = options.get("params")
    headers = dict(options.get("headers") or {})
    content = options.get("content")
    if options.get("json") is not None:
        if content is not None:
            raise ValueError("give either json or content, not both")
        content = orjson.dumps(options["json"])
        headers.setdefault("Content-Type", "application/json")
    body = content if content is None or isinstance(content, bytes) else CountedBody(content)
    return Call(
        method=method,
        url=url.copy_merge_params(params) if params else url,
        route=options.get("route") or route_of(path),
        streaming=streaming,
        headers=headers,
        content=body,
        retry=options.get("retry", Retry.SAFE),
        accept=options.get("accept"),
        before_attempt=options.get("before_attempt"),
        after_reply=options.get("after_reply"),
        anonymous=anonymous,
    )
