"""Office hours against the stand-in, by its own count of the requests in each window."""

from datetime import datetime
from zoneinfo import ZoneInfo

import anyio
import anyio.lowlevel
import httpx
import pytest

from connectors.budget import RequestBudget, SearchBudget
from connectors.clock import Clock
from connectors.http import HttpClient
from connectors.kustomer.client import KustomerClient
from service.config import KustomerConfig
from service.pace import Pace
from simulators.kustomer.app import create_app
from simulators.kustomer.serve import build_org
from simulators.kustomer.settings import KustomerSettings
from tests.unit.connectors.virtual_clock import VirtualClock

LIMIT = 200
HOURS = {"from": "08:00", "to": "18:00", "timezone": "Europe/Berlin", "rate_share": 0.3}


class RemoteClock(VirtualClock):
    """Time passes only when everyone waits for it, calls to the stand-in among them."""

    calls = 0

    async def _move(self) -> None:
        while self._parked:
            while self.calls:
                await anyio.lowlevel.checkpoint()
            await super()._move()


class InProcess(httpx.ASGITransport):
    """Tells the clock which calls are under way."""

    clock: RemoteClock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.clock.calls += 1
        try:
            return await super().handle_async_request(request)
        finally:
            self.clock.calls -= 1


async def windows_from(start: str, minutes: int) -> tuple[list[int], int]:
    """Requests in each of the stand-in's windows, and how many were refused, from a time in Berlin on."""
    local = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    clock = RemoteClock(start=local.timestamp())
    settings = KustomerSettings(
        customers=20, conversations=20, messages=30, notes=5, rate_limit=LIMIT, search_limit=1000
    )
    transport = InProcess(app=create_app(build_org(settings), settings, clock=clock.now))
    transport.clock = clock
    config = KustomerConfig.model_validate(
        {"base_url": "http://127.0.0.1", "api_key": "env:NONE", "office_hours": HOURS}
    )
    pace = Pace(config)
    await _read(clock, transport, settings.api_key, pace, until=60.0 * minutes)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as admin:
        told = (await admin.get("/__admin/stats")).json()["requests"]
    return told["windows"], told["refused"]


async def _read(
    clock: Clock, transport: httpx.AsyncBaseTransport, key: str, pace: Pace, *, until: float
) -> None:
    http = HttpClient("http://127.0.0.1", name="kustomer", clock=clock, transport=transport)
    async with http:
        client = KustomerClient(
            http,
            api_key=key,
            budget=RequestBudget(share=pace.share, clock=clock),
            search_budget=SearchBudget(per_minute=pace.searches, clock=clock),
        )

        async def worker() -> None:
            while clock.monotonic() < until:
                await client.list_page("/v1/notes", 1, page_size=1)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(worker)


@pytest.mark.parametrize(
    ("start", "before", "after"),
    [
        ("2026-11-27T07:55:40", 0.7, 0.3),
        ("2026-11-27T17:55:40", 0.3, 0.7),
        ("2026-03-30T07:55:40", 0.7, 0.3),  # the first Monday of summer time
    ],
)
async def test_the_stand_in_counts_our_share_before_and_after_the_hour(
    start: str, before: float, after: float
) -> None:
    windows, refused = await windows_from(start, 9)
    assert refused == 0
    for share, seen in ((before, windows[1:4]), (after, windows[5:8])):
        assert min(seen) >= 0.93 * LIMIT * share, windows
        assert max(seen) <= LIMIT * share + 8, windows
    # 20 s of the window in which the hour strikes were left; what was used by then stays used.
    low, high = sorted((before, after))
    assert low * LIMIT <= windows[4] <= high * LIMIT + 8, windows
