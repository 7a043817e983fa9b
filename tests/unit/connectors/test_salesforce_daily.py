"""The org's daily limits: a pause with its reason, a reserve for others, and going on."""

from __future__ import annotations

import anyio
import anyio.lowlevel
import httpx
import pytest

from connectors.errors import RequestLimitExceeded
from connectors.salesforce.daily import DailyLimit
from connectors.salesforce.ingest import IngestJobs
from tests.unit.connectors.salesforce_rig import BASE, JOB, Rig, job, refused

HOUR = 3600.0
EXCEEDED = refused(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


class Day(Rig):
    """An org with a day's limits; what was used frees up at `free_at` (seconds on the clock)."""

    def __init__(
        self, *, reserve: float, used: int = 0, allowed: int = 1000, free_at: float = 1e9
    ) -> None:
        super().__init__(self.answer)
        self.used = used
        self.allowed = allowed
        self.free_at = free_at
        self.batches = 15_000
        self.may_see_limits = True
        self.told: list[str | None] = []
        self.daily = DailyLimit(clock=self.clock, reserve=reserve, tell=self.told.append)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.clock.passed >= self.free_at:
            self.used, self.batches, self.free_at = 0, 15_000, 1e9
        if self.used >= self.allowed:
            return EXCEEDED
        self.used += 1
        head = {"sforce-limit-info": f"api-usage={self.used}/{self.allowed}"}
        path = request.url.path.removeprefix(BASE)
        if path == "/limits" and not self.may_see_limits:
            reply = refused(403, "INSUFFICIENT_ACCESS")
        elif path == "/limits":
            left = {"Max": self.allowed, "Remaining": self.allowed - self.used}
            batches = {"Max": 15_000, "Remaining": self.batches}
            reply = httpx.Response(
                200, json={"DailyApiRequests": left, "DailyBulkApiBatches": batches}
            )
        elif path.startswith("/jobs"):
            reply = job("Open")
        else:
            reply = httpx.Response(200, json={"totalSize": 1, "done": True, "records": []})
        reply.headers.update(head)
        return reply

    @property
    def real_calls(self) -> int:
        return sum(not each.endswith("/limits") for each in self.calls)


async def test_a_used_up_limit_pauses_with_a_reason_until_the_day_frees_up() -> None:
    day = Day(reserve=0, used=1000, free_at=9 * HOUR)
    async with day.open() as client:
        assert await client.count("SELECT COUNT() FROM Case") == 1
        assert client.waiting_for is None
    assert 9 * HOUR <= day.clock.passed <= 9 * HOUR + 800
    assert day.told[0] is not None
    assert "REQUEST_LIMIT_EXCEEDED" in day.told[0]
    assert day.told[-1] is None
    assert len(day.calls) < 90, "the questions become rare"
    assert day.real_calls == 2, "the call itself waits, only the limits are asked for"


async def test_the_reserve_is_never_eaten() -> None:
    day = Day(reserve=100, used=880, free_at=5 * HOUR)
    seen: list[str | None] = []
    async with day.open() as client:
        for _ in range(40):
            used = day.used
            await client.count("SELECT COUNT() FROM Case")
            if day.free_at < 1e9:
                assert used <= 900
        seen = day.told
    assert day.clock.passed >= 5 * HOUR
    assert seen[0] is not None
    assert "100 are kept for others" in seen[0]
    assert day.real_calls == 40


async def test_a_reserve_may_be_a_share_and_is_off_at_zero() -> None:
    day = Day(reserve=0.5, used=499, free_at=HOUR)
    async with day.open() as client:
        await client.count("SELECT COUNT() FROM Case")
        assert client.waiting_for
        await client.count("SELECT COUNT() FROM Case")
    assert day.clock.passed >= HOUR
    free = Day(reserve=0, used=998)
    async with free.open() as client:
        await client.count("SELECT COUNT() FROM Case")
    assert free.clock.passed == 0


async def test_all_callers_wait_behind_one_question() -> None:
    day = Day(reserve=0, used=1000, free_at=2 * HOUR)
    async with day.open() as client, anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(client.count, "SELECT COUNT() FROM Case")
    assert day.real_calls <= 20
    assert sum(each.endswith("/limits") for each in day.calls) < 40


async def test_without_the_right_to_see_limits_the_headers_decide() -> None:
    day = Day(reserve=100, used=899, free_at=HOUR)
    day.may_see_limits = False
    async with day.open() as client:
        await client.count("SELECT COUNT() FROM Case")
        await client.count("SELECT COUNT() FROM Case")
    assert HOUR <= day.clock.passed <= HOUR + 800


async def test_an_upload_that_meets_the_limit_leads_to_a_new_job_that_waits() -> None:
    async def rows() -> object:
        yield b'"Id"\n"1"\n'

    day = Day(reserve=0, used=1000, free_at=HOUR)
    async with day.open() as client:
        jobs = IngestJobs(client, day.clock)
        with pytest.raises(RequestLimitExceeded) as caught:
            await jobs.upload(JOB, rows())  # type: ignore[arg-type]
        assert caught.value.recovery == "retry"
        assert (await jobs.create("Case", "insert")).id == JOB
    assert day.clock.passed >= HOUR


async def test_no_job_is_made_that_the_days_batches_have_no_room_for() -> None:
    day = Day(reserve=0.1, free_at=4 * HOUR)
    day.batches = 1_500 + 14
    async with day.open() as client:
        jobs = IngestJobs(client, day.clock)
        for _ in range(2):
            await jobs.create("Case", "insert")
        assert day.clock.passed == 0
        day.batches = 1_500
        await jobs.create("Case", "insert")
    assert day.clock.passed >= 4 * HOUR
    assert day.told[0] is not None
    assert "bulk batches" in day.told[0]
    assert day.real_calls == 3


async def test_a_pause_of_the_day_can_be_cancelled_at_once() -> None:
    day = Day(reserve=0, used=1000)
    async with day.open() as client, anyio.create_task_group() as group:
        group.start_soon(client.count, "SELECT COUNT() FROM Case")
        while client.waiting_for is None:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()


async def test_without_a_daily_limit_the_refusal_is_told_at_once() -> None:
    day = Day(reserve=0, used=1000)
    day.daily = None
    async with day.open() as client:
        with pytest.raises(RequestLimitExceeded):
            await client.count("SELECT COUNT() FROM Case")
    assert day.clock.passed == 0
