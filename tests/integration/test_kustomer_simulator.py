"""The stand-in on a real socket: what only a real connection shows."""

import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import httpx
import pytest

from simulators.kustomer.serve import serve_kustomer
from simulators.kustomer.settings import KustomerSettings
from simulators.serving import NotLoopback

SETTINGS = KustomerSettings(customers=20, conversations=20, messages=150, notes=5)


@asynccontextmanager
async def served(settings: KustomerSettings = SETTINGS) -> AsyncIterator[httpx.AsyncClient]:
    ready = anyio.Event()
    urls: list[str] = []

    def tell(url: str) -> None:
        urls.append(url)
        ready.set()

    async def run() -> None:
        await serve_kustomer(settings, on_ready=tell)

    async with anyio.create_task_group() as group:
        group.start_soon(run)
        with anyio.fail_after(20):
            await ready.wait()
        headers = {"authorization": f"Bearer {settings.api_key}"}
        async with httpx.AsyncClient(base_url=urls[0], headers=headers) as client:
            yield client
        group.cancel_scope.cancel()


async def fault(client: httpx.AsyncClient, kind: str, **more: Any) -> None:
    body = {"match": "/v1/", "kind": kind, "times": 1, **more}
    reply = await client.post("/__admin/faults", content=json.dumps(body))
    assert reply.status_code == 204, reply.text


async def test_each_fault_shows_on_the_wire_once_and_the_next_call_is_well() -> None:
    async with served() as client:
        for kind in ("reset_before", "reset_after", "truncated"):
            await fault(client, kind)
            with pytest.raises(httpx.TransportError):
                await client.get("/v1/messages")
            assert (await client.get("/v1/messages")).status_code == 200
        await fault(client, "status", status=503)
        assert (await client.get("/v1/messages")).status_code == 503
        await fault(client, "html")
        assert "<html>" in (await client.get("/v1/messages")).text
        await fault(client, "empty")
        assert (await client.get("/v1/messages")).content == b""
        await fault(client, "invalid_json")
        with pytest.raises(ValueError, match=r"."):
            (await client.get("/v1/messages")).json()
        await fault(client, "not_a_page")
        assert "data" not in (await client.get("/v1/messages")).json()
        await fault(client, "rate_limit", seconds=7)
        limited = await client.get("/v1/messages")
        assert (limited.status_code, limited.headers["x-ratelimit-remaining"]) == (429, "0")
        await fault(client, "slow", seconds=0.01)
        assert (await client.get("/v1/messages")).status_code == 200
        await fault(client, "timed_out", method="POST")
        body = {"queryContext": "message"}
        cut = (await client.post("/v1/customers/search", json=body)).json()
        whole = (await client.post("/v1/customers/search", json=body)).json()
        assert (cut["meta"]["timed_out"], whole["meta"]["timed_out"]) == (True, False)
        assert len(cut["data"]) < len(whole["data"])
        assert (await client.get("/__admin/stats")).json()["faults"] == 11


async def test_a_call_reset_after_it_was_answered_has_used_the_budget_and_one_before_has_not() -> (
    None
):
    async with served() as client:
        for kind, used in (("reset_before", 0), ("reset_after", 1)):
            await fault(client, kind)
            with pytest.raises(httpx.TransportError):
                await client.get("/v1/notes")
            stats = (await client.get("/__admin/stats")).json()
            assert stats["requests"]["windows"] == [used]


async def test_faults_can_wait_be_drawn_and_be_taken_away() -> None:
    async with served() as client:
        await fault(client, "status", after=2, times=None)
        statuses = [(await client.get("/v1/notes")).status_code for _ in range(4)]
        assert statuses == [200, 200, 503, 503]
        await client.delete("/__admin/faults")
        await fault(client, "status", rate=0.5, times=None, seed=3)
        drawn = [(await client.get("/v1/notes")).status_code for _ in range(40)]
        assert 8 < drawn.count(503) < 32
        bad = await client.post("/__admin/faults", content='{"match":"/","kind":"meteor"}')
        assert bad.status_code == 400


async def test_it_is_served_to_this_machine_only() -> None:
    with pytest.raises(NotLoopback):
        await serve_kustomer(SETTINGS, host="0.0.0.0", on_ready=lambda _: None)


async def test_the_module_serves_prints_its_address_and_stops_on_a_signal() -> None:
    command = [sys.executable, "-m", "simulators.kustomer", "--customers=5", "--messages=5"]
    async with await anyio.open_process([*command, "--conversations=5"], stderr=None) as process:
        assert process.stdout is not None
        with anyio.fail_after(20):
            line = json.loads(await process.stdout.receive())
            async with httpx.AsyncClient(base_url=line["url"]) as client:
                headers = {"authorization": f"Bearer {line['api_key']}"}
                assert (await client.get("/v1/messages", headers=headers)).status_code == 200
            os.kill(process.pid, signal.SIGTERM)
            await process.wait()
