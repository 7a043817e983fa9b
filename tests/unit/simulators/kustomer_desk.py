"""A Kustomer stand-in without a socket."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from simulators.kustomer.app import create_app
from simulators.kustomer.org import Org
from simulators.kustomer.serve import build_org
from simulators.kustomer.settings import KustomerSettings

SMALL = {
    "customers": 150,
    "conversations": 130,
    "messages": 260,
    "notes": 20,
    "companies": 10,
    "rate_limit": 100_000,
    "search_limit": 100_000,
}


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_795_262_400.0  # 2026-11-21T12:00:00Z

    def __call__(self) -> float:
        return self.now


class Client:
    """Calls with the default key, and the side-door without one."""

    def __init__(self, http: httpx.AsyncClient, clock: Clock) -> None:
        self.http = http
        self.clock = clock

    async def get(self, path: str, **given: Any) -> httpx.Response:
        return await self.http.get(path, **given)

    async def data(self, path: str) -> Any:
        reply = await self.http.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()["data"]

    async def search(self, where: str = "", **body: Any) -> httpx.Response:
        return await self.http.post(f"/v1/customers/search{where}", json=body)

    async def admin(self, method: str, path: str, body: Any = None) -> httpx.Response:
        raw = None if body is None else json.dumps(body)
        return await self.http.request(method, f"/__admin/{path}", content=raw)

    async def churn(self, **given: Any) -> dict[str, Any]:
        """Change churn, or have a burst made; what it has done since then."""
        reply = await self.admin("POST", "churn", given)
        assert reply.status_code == 200, reply.text
        told: dict[str, Any] = reply.json()
        return told

    async def one(self, kind: str) -> dict[str, Any]:
        """Have one write of a kind made; its line in the log of the truth."""
        told = await self.churn(burst=1, weights={kind: 1})
        line = (await self.truth(told["seq"] - 1))[0]
        assert line["write"] == kind
        return line

    async def truth(self, since: int = 0) -> list[dict[str, Any]]:
        reply = await self.http.get(f"/__admin/truth?since={since}")
        return [json.loads(line) for line in reply.text.split("\n") if line]

    async def dump(self, kind: str, more: str = "") -> list[dict[str, Any]]:
        reply = await self.http.get(f"/__admin/dump?kind={kind}{more}")
        return [json.loads(line) for line in reply.text.split("\n") if line]


@asynccontextmanager
async def desk(org: Org | None = None, **changes: Any) -> AsyncIterator[Client]:
    settings = KustomerSettings(**{**SMALL, **changes})
    clock = Clock()
    app = create_app(org or build_org(settings), settings, clock)
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": f"Bearer {settings.api_key}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://127.0.0.1", headers=headers
    ) as http:
        yield Client(http, clock)
