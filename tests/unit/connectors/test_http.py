"""The HTTP client's promises, over a fake transport and a virtual clock."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import anyio
import anyio.lowlevel
import httpx
import pytest

from connectors.errors import (
    BadReply,
    BadRequest,
    ForeignOrigin,
    InsecureAddress,
    OutcomeUnknown,
    RateLimited,
    RemoteUnavailable,
    ReplyTooLarge,
    Unreachable,
)
from connectors.http import HttpClient, Reply, Retry, RetryPolicy, Verdict, is_json
from tests.unit.connectors.virtual_clock import VirtualClock

BASE = "https://acme.example"
Answer = httpx.Response | Exception


class Script(httpx.AsyncBaseTransport):
    """Answers with the given answers in turn, the last one for ever."""

    def __init__(self, *answers: Answer | Callable[[httpx.Request], Answer]) -> None:
        self.answers = list(answers)
        self.seen: list[httpx.Request] = []
        self.bodies: list[bytes] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        self.bodies.append(await request.aread())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Broken(httpx.AsyncByteStream):
    """A body that ends before its time."""

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b'{"data": '
        raise httpx.RemoteProtocolError("peer closed connection")


class Notes:
    def __init__(self) -> None:
        self.attempts: list[tuple[str, int | None, int, int]] = []
        self.whys: list[str] = []

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
        self.attempts.append((f"{name} {method} {route}", status, sent, received))

    def retried(self, name: str, route: str, why: str) -> None:
        self.whys.append(why)


def client(script: Script, clock: VirtualClock | None = None, **more: object) -> HttpClient:
    return HttpClient(
        BASE,
        name="acme",
        clock=clock or VirtualClock(),
        transport=script,
        **more,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("status", [408, 420, 429, 500, 502, 503, 504])
async def test_a_safe_call_is_tried_again_after_a_passing_status(status: int) -> None:
    script = Script(httpx.Response(status), httpx.Response(200, json={"a": 1}))
    async with client(script) as http:
        reply = await http.request("GET", "/v1/x")
    assert reply.json() == {"a": 1}
    assert len(script.seen) == 2


@pytest.mark.parametrize(
    "error", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")]
)
async def test_a_safe_call_survives_network_errors(error: Exception) -> None:
    script = Script(error, error, httpx.Response(200))
    async with client(script) as http:
        assert (await http.request("GET", "/v1/x")).status == 200


async def test_a_truncated_body_is_read_again() -> None:
    script = Script(httpx.Response(200, stream=Broken()), httpx.Response(200, json=[1]))
    async with client(script) as http:
        assert (await http.request("GET", "/v1/x")).json() == [1]


async def test_a_proxys_page_is_read_again_and_ends_in_bad_reply() -> None:
    script = Script(httpx.Response(200, html="<h1>maintenance</h1>"))
    async with client(script, policy=RetryPolicy(attempts=3)) as http:
        with pytest.raises(BadReply):
            await http.request("GET", "/v1/x", accept=is_json)
    assert len(script.seen) == 3


async def test_attempts_are_bounded_and_backed_off_with_jitter() -> None:
    clock = VirtualClock(chance=0.5)
    script = Script(httpx.Response(503))
    async with client(script, clock, policy=RetryPolicy(attempts=4, base_s=1, cap_s=3)) as http:
        with pytest.raises(RemoteUnavailable) as caught:
            await http.request("GET", "/v1/x")
    assert caught.value.status == 503
    assert clock.sleeps == [0.75, 1.5, 2.25]


async def test_the_time_budget_ends_a_call_before_its_attempts_do() -> None:
    script = Script(httpx.Response(503))
    policy = RetryPolicy(attempts=100, base_s=10, cap_s=10, budget_s=20)
    async with client(script, policy=policy) as http:
        with pytest.raises(RemoteUnavailable):
            await http.request("GET", "/v1/x")
    assert len(script.seen) == 4


@pytest.mark.parametrize("value", ["7", "Tue, 14 Nov 2023 22:13:27 GMT"])
async def test_retry_after_is_honoured(value: str) -> None:
    clock = VirtualClock(start=1_700_000_000.0)  # 22:13:20
    script = Script(httpx.Response(503, headers={"retry-after": value}), httpx.Response(200))
    async with client(script, clock) as http:
        await http.request("GET", "/v1/x")
    assert clock.sleeps == [7.0]


@pytest.mark.parametrize("status", [200, 201, 204, 302, 400, 401, 403, 404, 409])
async def test_an_answer_is_returned_and_not_repeated(status: int) -> None:
    script = Script(httpx.Response(status, headers={"location": "https://evil.example/"}))
    async with client(script) as http:
        assert (await http.request("GET", "/v1/x")).status == status
    assert len(script.seen) == 1


@pytest.mark.parametrize("error", [httpx.ReadError("x"), httpx.ReadTimeout("x")])
async def test_a_call_with_effects_is_sent_once_and_its_doubt_surfaces(error: Exception) -> None:
    script = Script(error)
    async with client(script) as http:
        with pytest.raises(OutcomeUnknown):
            await http.request("POST", "/v1/x", json={"a": 1}, retry=Retry.NEVER)
    assert len(script.seen) == 1


async def test_a_call_with_effects_whose_answer_is_unreadable_is_in_doubt() -> None:
    script = Script(httpx.Response(201, html="<p>proxy</p>"))
    async with client(script) as http:
        with pytest.raises(OutcomeUnknown):
            await http.request("POST", "/v1/x", json={}, retry=Retry.NEVER, accept=is_json)
        script.answers = [httpx.Response(201, stream=Broken())]
        with pytest.raises(OutcomeUnknown):
            await http.request("POST", "/v1/x", json={}, retry=Retry.NEVER)


async def test_a_call_with_effects_that_never_left_may_be_tried_again() -> None:
    script = Script(httpx.ConnectError("refused"), httpx.Response(201))
    async with client(script) as http:
        assert (await http.request("POST", "/v1/x", json={}, retry=Retry.NEVER)).status == 201


@pytest.mark.parametrize(("status", "error"), [(503, RemoteUnavailable), (429, RateLimited)])
async def test_a_call_with_effects_is_not_repeated_after_a_bad_status(
    status: int, error: type[Exception]
) -> None:
    script = Script(httpx.Response(status))
    async with client(script) as http:
        with pytest.raises(error):
            await http.request("PATCH", "/v1/x", json={}, retry=Retry.NEVER)
    assert len(script.seen) == 1


async def test_a_streamed_body_is_sent_once_even_when_called_safe() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    script = Script(httpx.Response(503))
    notes = Notes()
    async with client(script, observer=notes) as http:
        with pytest.raises(RemoteUnavailable):
            await http.request("PUT", "/v1/x", content=chunks())
    assert script.bodies == [b"onetwo"]
    assert notes.attempts == [("acme PUT /v1/x", 503, 6, 0)]


async def test_hooks_run_around_every_attempt_and_again_costs_no_back_off() -> None:
    clock = VirtualClock()
    tokens = iter(["old", "new"])
    seen: list[int] = []

    async def before() -> Mapping[str, str]:
        return {"Authorization": next(tokens)}

    async def after(reply: Reply) -> Verdict | None:
        seen.append(reply.status)
        return Verdict.AGAIN if reply.status == 401 else None

    script = Script(httpx.Response(401), httpx.Response(200))
    async with client(script, clock) as http:
        reply = await http.request(
            "POST", "/x", json={}, retry=Retry.NEVER, before_attempt=before, after_reply=after
        )
    assert reply.status == 200
    assert seen == [401, 200]
    assert [request.headers["authorization"] for request in script.seen] == ["old", "new"]
    assert clock.sleeps == []


async def test_again_for_ever_ends_with_the_attempts() -> None:
    async def after(reply: Reply) -> Verdict | None:
        return Verdict.AGAIN

    script = Script(httpx.Response(401))
    async with client(script, policy=RetryPolicy(attempts=3)) as http:
        assert (await http.request("GET", "/x", after_reply=after)).status == 401
    assert len(script.seen) == 3


async def test_a_hook_may_take_a_server_error_as_the_answer() -> None:
    async def after(reply: Reply) -> Verdict | None:
        return Verdict.TAKE

    async with client(Script(httpx.Response(500))) as http:
        assert (await http.request("GET", "/x", after_reply=after)).status == 500


async def test_another_origin_is_refused_and_anonymous_calls_carry_no_credentials() -> None:
    script = Script(httpx.Response(200))
    secret = {"Authorization": "Bearer s", "Cookie": "a=b", "X-Other": "kept"}
    async with client(script) as http:
        for url in ("https://evil.example/x", "//evil.example/x", f"{BASE}:444/x"):
            with pytest.raises(ForeignOrigin):
                await http.request("GET", url, headers=secret)
        await http.request("GET", f"{BASE}/x", headers=secret)
        await http.request("GET", "https://files.example/x", headers=secret, anonymous=True)
    assert [("authorization" in r.headers, "cookie" in r.headers) for r in script.seen] == [
        (True, True),
        (False, False),
    ]
    assert script.seen[1].headers["x-other"] == "kept"


async def test_an_url_inside_a_query_is_no_origin() -> None:
    script = Script(httpx.Response(200))
    async with client(script) as http:
        await http.request("GET", "/v1/x?u=https://evil.example/", params={"page": 2})
    assert str(script.seen[0].url) == f"{BASE}/v1/x?u=https%3A%2F%2Fevil.example%2F&page=2"


@pytest.mark.parametrize(
    "url", ["http://acme.example", "ftp://acme.example", "acme.example", "https://u:p@a.example"]
)
def test_an_address_that_would_expose_credentials_is_refused(url: str) -> None:
    with pytest.raises(InsecureAddress):
        HttpClient(url, name="x", clock=VirtualClock())


@pytest.mark.parametrize("url", ["http://127.0.0.1:8", "http://localhost:8", "http://[::1]:8"])
def test_plain_http_is_accepted_on_this_machine(url: str) -> None:
    HttpClient(url, name="x", clock=VirtualClock())


async def test_cookies_are_not_kept() -> None:
    script = Script(httpx.Response(200, headers={"set-cookie": "sid=1"}))
    async with client(script) as http:
        await http.request("GET", "/x")
        await http.request("GET", "/x")
    assert "cookie" not in script.seen[1].headers


@pytest.mark.parametrize("key", ["Bearer a\nb", "Bearer schlüssel\u2026"])
async def test_a_malformed_header_raises_without_showing_it(key: str) -> None:
    def check(request: httpx.Request) -> httpx.Response:
        raise httpx.LocalProtocolError(f"Illegal header value {key!r}")

    async with client(Script(check)) as http:
        with pytest.raises(BadRequest) as caught:
            await http.request("GET", "/x", headers={"Authorization": key})
    assert "Bearer" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


async def test_a_stream_hands_over_chunks_and_a_break_inside_it_is_told() -> None:
    script = Script(
        httpx.Response(503),
        httpx.Response(200, content=b"abc"),
        httpx.Response(200, stream=Broken()),
    )
    async with client(script) as http:
        async with http.stream("GET", "/x") as reply:
            assert b"".join([chunk async for chunk in reply.aiter_bytes()]) == b"abc"
        async with http.stream("GET", "/x") as reply:
            with pytest.raises(Unreachable):
                _ = [chunk async for chunk in reply.aiter_bytes()]
    assert len(script.seen) == 3


async def test_a_streams_refusal_comes_with_its_body() -> None:
    script = Script(httpx.Response(404, json={"errors": []}))
    async with client(script) as http, http.stream("GET", "/x") as reply:
        assert reply.status == 404
        assert (await reply.read()).json() == {"errors": []}
        assert [chunk async for chunk in reply.aiter_bytes()] == [b'{"errors":[]}']


async def test_a_body_without_end_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.http._LARGEST_REPLY", 1_000)
    script = Script(httpx.Response(200, content=b"x" * 1_001))
    async with client(script) as http:
        with pytest.raises(ReplyTooLarge):
            await http.request("GET", "/x")
    assert len(script.seen) == 1


async def test_never_more_calls_under_way_than_connections_and_all_are_served() -> None:
    class Slow(httpx.AsyncBaseTransport):
        now = most = served = 0

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            self.now += 1
            self.most = max(self.most, self.now)
            await anyio.lowlevel.checkpoint()
            self.now -= 1
            self.served += 1
            return httpx.Response(200)

    slow = Slow()
    clock = VirtualClock()
    async with (
        HttpClient(BASE, name="x", clock=clock, transport=slow, connections=3) as http,
        anyio.create_task_group() as tasks,
    ):
        for _ in range(20):
            tasks.start_soon(http.request, "GET", "/x")
    assert (slow.most, slow.served) == (3, 20)


async def test_a_cancelled_call_gives_its_connection_back() -> None:
    class Stuck(httpx.AsyncBaseTransport):
        stuck = True

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if self.stuck:
                await anyio.sleep_forever()
            return httpx.Response(200)

    stuck = Stuck()
    clock = VirtualClock()
    async with HttpClient(BASE, name="x", clock=clock, transport=stuck, connections=1) as http:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(http.request, "GET", "/x")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        stuck.stuck = False
        assert (await http.request("GET", "/x")).status == 200


async def test_the_observer_sees_every_attempt_and_no_ids() -> None:
    notes = Notes()
    answers = [httpx.Response(200, stream=httpx.ByteStream(b"four")) for _ in range(2)]
    script = Script(httpx.ConnectError("x"), *answers)
    async with client(script, observer=notes) as http:
        await http.request("GET", "/v1/conversations/66f0a1b2c3d4e5f601020304/messages?page=1")
        await http.request("GET", "/v1/customers/email=ada@example.test")
    assert notes.attempts == [
        ("acme GET /v1/conversations/{id}/messages", None, 0, 0),
        ("acme GET /v1/conversations/{id}/messages", 200, 0, 4),
        ("acme GET /v1/customers/{id}", 200, 0, 4),
    ]
    assert notes.whys == ["unreachable"]


async def test_a_message_never_quotes_what_was_sent() -> None:
    script = Script(httpx.ReadError("Bearer abc ada@example.test"))
    async with client(script, policy=RetryPolicy(attempts=1)) as http:
        with pytest.raises(Unreachable) as caught:
            await http.request("GET", "/v1/customers/email=ada@example.test")
    assert "ada" not in str(caught.value)
    assert "Bearer" not in str(caught.value)


async def test_a_reply_that_is_not_json_says_so_without_its_text() -> None:
    async with client(Script(httpx.Response(200, html="<p>ada@example.test</p>"))) as http:
        reply = await http.request("GET", "/x")
    with pytest.raises(BadReply) as caught:
        reply.json()
    assert "text/html" in str(caught.value)
    assert "ada" not in str(caught.value)
