"""Outages: a run waits for a side that is down, and only for that."""

from __future__ import annotations

import anyio
import httpx
import pytest

from connectors.errors import AuthRefused, RemoteUnavailable, Unreachable
from connectors.http import HttpClient, Patience, Reply, RetryPolicy
from connectors.salesforce.ingest import IngestJobs
from tests.unit.connectors.salesforce_rig import JOB, Rig, job, refused
from tests.unit.connectors.virtual_clock import VirtualClock

HOUR = 3600.0


class Remote(httpx.AsyncBaseTransport):
    """Answers with 200 outside of its outages (seconds on the clock); `bad` paths never answer."""

    def __init__(self, clock: VirtualClock, *outages: tuple[float, float]) -> None:
        self.clock = clock
        self.outages = outages
        self.bad = ""
        self.seen: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        now = self.clock.monotonic()
        self.seen.append(now)
        if any(start <= now < end for start, end in self.outages):
            raise httpx.ConnectError("no route")
        if self.bad and self.bad in request.url.path:
            return httpx.Response(500)
        return httpx.Response(200, json={})


class Side:
    """A client with patience over such a remote."""

    def __init__(self, *outages: tuple[float, float], limit_s: float = 8 * HOUR) -> None:
        self.clock = VirtualClock()
        self.remote = Remote(self.clock, *outages)
        self.told: list[str | None] = []
        self.patience = Patience(
            "Kustomer", limit_s=limit_s, clock=self.clock, tell=self.told.append
        )
        self.http = HttpClient(
            "https://acme.example",
            name="acme",
            clock=self.clock,
            transport=self.remote,
            policy=RetryPolicy(),
            patience=self.patience,
        )

    async def get(self, path: str = "/x") -> Reply:
        return await self.http.request("GET", path)


async def test_a_call_outlasts_an_outage_of_hours_and_says_why_once() -> None:
    side = Side((1, 5 * HOUR))
    async with side.http:
        await side.get()
        side.clock.advance(2)
        assert (await side.get()).status == 200
    assert 5 * HOUR <= side.clock.passed <= 5 * HOUR + 160
    assert len(side.told) == 2
    assert side.told[0] is not None
    assert "Kustomer to answer again (unreachable" in side.told[0]
    assert side.told[1] is None
    assert side.patience.waiting_for is None
    assert len(side.remote.seen) < 250, "a remote that is down is not stormed"


async def test_an_outage_longer_than_the_patience_ends_in_its_own_error() -> None:
    side = Side((1, 1e9), limit_s=HOUR)
    async with side.http:
        await side.get()
        side.clock.advance(2)
        with pytest.raises(Unreachable):
            await side.get()
    assert HOUR <= side.clock.passed <= HOUR + 300


async def test_a_side_that_never_answered_is_not_waited_for() -> None:
    side = Side((0, 1e9))
    async with side.http:
        with pytest.raises(Unreachable):
            await side.get()
    assert side.clock.passed < 120
    assert side.told == []


async def test_all_who_wait_go_on_when_one_of_them_is_answered() -> None:
    side = Side((1, 1000))
    ended: list[float] = []

    async def one() -> None:
        await side.get()
        ended.append(side.clock.passed)

    async with side.http:
        await side.get()
        side.clock.advance(2)
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(one)
    assert max(ended) - min(ended) <= 5


async def test_one_endpoint_that_fails_while_others_answer_is_given_up_sooner() -> None:
    side = Side()
    side.remote.bad = "/bad"

    async def others() -> None:
        while True:
            await side.get()
            await side.clock.sleep(10)

    async with side.http, anyio.create_task_group() as group:
        group.start_soon(others)
        with pytest.raises(RemoteUnavailable):
            await side.get("/bad")
        group.cancel_scope.cancel()
    assert 300 <= side.clock.passed <= 600
    tries = len(side.remote.seen) - side.clock.passed / 10
    assert tries < 30, "the answers to others do not make it knock faster"


async def test_a_wait_can_be_cancelled_at_once() -> None:
    side = Side((1, 1e9))
    async with side.http:
        await side.get()
        side.clock.advance(2)
        async with anyio.create_task_group() as group:
            group.start_soon(side.get)
            while side.patience.waiting_for is None:
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()


async def test_a_job_is_made_after_an_outage_of_calls_with_effects() -> None:
    rig = Rig(lambda request: httpx.Response(503))
    rig.patience = Patience("Salesforce", limit_s=8 * HOUR, clock=rig.clock)

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503) if rig.clock.passed < 2 * HOUR else job("Open")

    rig.handler = answer
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).create("Case", "insert")).id == JOB
    assert rig.clock.passed >= 2 * HOUR


async def test_a_refusal_is_not_waited_for() -> None:
    rig = Rig(lambda request: refused(401, "INVALID_SESSION_ID"))
    rig.patience = Patience("Salesforce", limit_s=8 * HOUR, clock=rig.clock)
    async with rig.open() as client:
        with pytest.raises(AuthRefused):
            await client.limits()
    assert rig.clock.passed == 0
