"""One HTTP client for both APIs: pools, timeouts, retries by class of error, and the test seam.

It never logs, never follows a redirect, keeps no cookies, and sends no credentials to a host other
than its own. Nothing here survives a crash; what must, is the caller's ledger.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Final, Self, Unpack

import anyio
import httpx

from connectors.address import checked_url, without_credentials
from connectors.call import Call, CallOptions, CountedBody, Observer, make_call
from connectors.clock import Clock
from connectors.errors import (
    BadRequest,
    ConnectorError,
    ReplyTooLarge,
)
from connectors.outcome import may_retry, network_failure, status_failure
from connectors.patience import Outage, Patience
from connectors.reply import Reply, StreamReply, is_json, read_body
from connectors.retry import (
    Retry,
    RetryPolicy,
    Verdict,
    retry_after_s,
)
from connectors.wire import open_wire

__all__ = [
    "CallOptions",
    "HttpClient",
    "Observer",
    "Patience",
    "Reply",
    "Retry",
    "RetryPolicy",
    "StreamReply",
    "Verdict",
    "is_json",
]

USER_AGENT: Final = "deskferry/0.1 (helpdesk migration)"
_FIRST_ATTEMPTS: Final = 4
_BODY_S: Final = 900.0
_LARGEST_REPLY: Final = 128 * 1024 * 1024
_TIMEOUT: Final = "timeout"  # the name of the extension that httpx's own transport reads


class HttpClient:
    """Calls to one origin over at most `connections` connections; a call beyond them waits.

    With `patience`, a call that may be repeated outlasts an outage of the remote.
    `transport` replaces the network in tests. Plain http is refused for any host but this machine.
    Use as an async context manager; calls may run concurrently.
    """

    def __init__(
        self,
        base_url: str,
        *,
        name: str,
        clock: Clock,
        policy: RetryPolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        connections: int = 8,
        connect_s: float = 10,
        read_s: float = 120,
        observer: Observer | None = None,
        patience: Patience | None = None,
        user_agent: str = USER_AGENT,
    ) -> None:
        self.name = name
        self.base = checked_url(base_url)
        self.clock = clock
        self._policy = policy or RetryPolicy()
        self.patience = patience
        self.sent = 0  # attempts in all, retries among them
        self._given = transport
        self._wire: httpx.AsyncBaseTransport | None = None
        self._connections = connections
        self._timeout = httpx.Timeout(read_s, connect=connect_s, pool=None)
        self._observer = observer
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "gzip, deflate",
            "Connection": "keep-alive",
            "User-Agent": user_agent,
        }
        self._slots = anyio.Semaphore(connections, fast_acquire=True)

    async def __aenter__(self) -> Self:
        """Get ready. No connection is made yet."""
        self._wire = self._given or open_wire(self.base, connections=self._connections)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close every connection, also when cancelled."""
        wire, self._wire = self._wire, None
        if wire is not None:
            with anyio.CancelScope(shield=True):
                await wire.aclose()

    async def request(self, method: str, path: str, **options: Unpack[CallOptions]) -> Reply:
        """Make a call and return the whole reply; see `CallOptions`.

        Statuses that are an answer (2xx, 3xx, 4xx other than 408, 420, 429) are returned for the
        caller to read. Raises `Unreachable`, `RemoteUnavailable`, `RateLimited`, `BadReply` when
        attempts run out; `OutcomeUnknown` when a call with effects was sent and no whole, readable
        answer came; `BadRequest` when the call itself cannot be written to the wire.
        """
        call = make_call(self.base, method, path, False, options)
        async with AsyncExitStack() as stack:
            answer = await self._answer(call, stack)
        assert isinstance(answer, Reply)
        return answer

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, **options: Unpack[CallOptions]
    ) -> AsyncIterator[StreamReply]:
        """Like `request`, but a reply with status under 400 leaves its body to the caller.

        An answer with status 400 or more has its body read already (`await reply.read()`). A break
        before the body begins follows the retry rules; one inside it raises `Unreachable` to the
        reader. The connection is given back when the block is left.
        """
        call = make_call(self.base, method, path, True, options)
        async with AsyncExitStack() as stack:
            answer = await self._answer(call, stack)
            if isinstance(answer, Reply):
                answer = StreamReply(answer, most=_LARGEST_REPLY)
            yield answer

    async def _answer(self, call: Call, stack: AsyncExitStack) -> Reply | StreamReply:
        spent = 0.0
        outage: Outage | None = None
        while True:
            headers = await _headers(call)
            started = self.clock.monotonic()
            answer = await self._attempt(call, headers, stack)
            spent += self.clock.monotonic() - started
            more = call.attempts < self._most() and spent < self._policy.budget_s
            verdict = await _hook(call, answer)
            if verdict is Verdict.TAKE and not isinstance(answer, ConnectorError):
                return self._answered(answer)
            if verdict is Verdict.LATER and call.repeatable:
                call.attempts -= 1
                await stack.aclose()
                continue
            if verdict is Verdict.AGAIN and more and call.repeatable:
                self._note_retry(call, "again")
                await stack.aclose()
                continue
            failure = answer if isinstance(answer, ConnectorError) else status_failure(call, answer)
            if failure is None:
                assert not isinstance(answer, ConnectorError)
                return self._answered(answer)
            await stack.aclose()
            if not may_retry(call, failure):
                raise failure
            if not more:
                outage = await self._endure(outage, failure)
            self._note_retry(call, failure.code)
            if not more:
                continue
            pause = self._pause(call, answer)
            spent += pause
            await self.clock.sleep(pause)

    def _most(self) -> int:
        """The attempts of a call; few while the remote never answered: an address may be wrong."""
        new = self.patience is not None and not self.patience.answers
        return min(_FIRST_ATTEMPTS, self._policy.attempts) if new else self._policy.attempts

    def _answered(self, answer: Reply | StreamReply) -> Reply | StreamReply:
        if self.patience:
            self.patience.answered()
        return answer

    async def _endure(self, outage: Outage | None, failure: ConnectorError) -> Outage:
        if self.patience is None:
            raise failure
        outage = outage or self.patience.outage()
        await outage.endure(failure)
        return outage

    def _pause(self, call: Call, answer: Reply | StreamReply | ConnectorError) -> float:
        pause = self._policy.backoff(call.attempts, self.clock.random())
        if isinstance(answer, ConnectorError):
            return pause
        asked = retry_after_s(answer.headers.get("retry-after"), self.clock.now())
        return max(pause, asked or 0.0)

    def _note_retry(self, call: Call, why: str) -> None:
        if self._observer:
            self._observer.retried(self.name, call.route, why)

    async def _attempt(
        self, call: Call, headers: dict[str, str], stack: AsyncExitStack
    ) -> Reply | StreamReply | ConnectorError:
        """Send once. Expected failures are returned, not raised, with what they mean for a call."""
        call.attempts += 1
        self.sent += 1
        started = self.clock.monotonic()
        response: httpx.Response | None = None
        try:
            response = await self._send(call, headers, stack)
            if call.streaming and response.status_code < 400:
                return StreamReply(response, most=_LARGEST_REPLY)
            with anyio.fail_after(_BODY_S):
                body = await read_body(response, _LARGEST_REPLY)
            return Reply(response.status_code, response.headers, body)
        except (httpx.LocalProtocolError, UnicodeEncodeError):
            # Its text quotes the header, which may be the key: keep it out of the chain.
            return BadRequest("The call cannot be sent: a header or the body is malformed.")
        except (httpx.RequestError, TimeoutError) as error:
            return network_failure(call, error)
        except ReplyTooLarge as error:
            return error
        finally:
            if not call.streaming:
                await stack.aclose()
            if self._observer:
                self._observer.attempt(
                    self.name,
                    call.method,
                    call.route,
                    response.status_code if response else None,
                    self.clock.monotonic() - started,
                    call.sent,
                    response.num_bytes_downloaded if response else 0,
                )

    async def _send(
        self, call: Call, headers: dict[str, str], stack: AsyncExitStack
    ) -> httpx.Response:
        if self._wire is None:
            raise RuntimeError("use HttpClient inside `async with`")
        await self._slots.acquire()
        stack.callback(self._slots.release)
        content = call.content
        request = httpx.Request(
            call.method,
            call.url,
            headers={**self._headers, **headers},
            content=aiter(content) if isinstance(content, CountedBody) else content,
            extensions={_TIMEOUT: self._timeout.as_dict()},
        )
        response = await self._wire.handle_async_request(request)
        stack.push_async_callback(response.aclose)
        return response


async def _headers(call: Call) -> dict[str, str]:
    headers = call.headers
    if call.before_attempt:
        headers = {**headers, **await call.before_attempt()}
    return without_credentials(headers) if call.anonymous else headers


async def _hook(call: Call, answer: Reply | StreamReply | ConnectorError) -> Verdict | None:
    if call.after_reply is None or isinstance(answer, ConnectorError):
        return None
    if isinstance(answer, StreamReply):
        answer = Reply(answer.status, answer.headers, b"")
    return await call.after_reply(answer)
