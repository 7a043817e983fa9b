"""Churn by itself: the same writes by the same seed, at a rate, with a log that tells them all."""

import json
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest

from simulators.kustomer.app import create_app
from simulators.kustomer.churn import Churn
from simulators.kustomer.churn_writes import WEIGHTS
from simulators.kustomer.desk import Desk
from simulators.kustomer.serve import build_org
from simulators.kustomer.settings import KustomerSettings
from tests.lifespan import living
from tests.unit.simulators.kustomer_desk import SMALL, Client, Clock, desk

TALK = ("conversation", "message", "note", "attachment")
KINDS = ("customer", "company", *TALK, "kobject", "customer_merge")


def timeless(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "at"} for line in lines]


async def everything(client: Client) -> str:
    return (await client.get("/__admin/dump?fates=true")).text


async def test_the_same_seed_and_number_of_writes_change_the_same_whatever_the_clock() -> None:
    async with desk() as first, desk() as second:
        await first.churn(burst=400)
        second.clock.now += 86_400
        for count in (1, 99, 300):
            await second.churn(burst=count)
            second.clock.now += 77.7
        told = await first.truth()
        assert timeless(told) == timeless(await second.truth())
        assert [line["seq"] for line in told] == list(range(1, 401))
        for kind in KINDS:
            ids = [row["id"] for row in await first.dump(kind)]
            assert ids == [row["id"] for row in await second.dump(kind)]


async def test_with_the_same_clock_every_byte_is_the_same_and_another_seed_makes_others() -> None:
    async with desk() as first, desk() as second, desk(churn_seed=2) as third:
        for client in (first, second, third):
            await client.churn(burst=300)
        assert await everything(first) == await everything(second)
        assert await everything(first) != await everything(third)


async def test_pauses_change_nothing_of_what_is_written() -> None:
    async with desk() as whole, desk() as halves:
        await whole.churn(burst=200)
        await halves.churn(burst=80)
        assert (await halves.churn(rate=0))["writes"] == 80
        await halves.churn(burst=120)
        assert timeless(await whole.truth()) == timeless(await halves.truth())


async def test_every_kind_of_write_is_made_and_counted() -> None:
    async with desk() as client:
        told = await client.churn(burst=2500)
        assert set(told["by_kind"]) == set(WEIGHTS)
        assert Counter(line["write"] for line in await client.truth()) == told["by_kind"]
        most = max(told["by_kind"], key=told["by_kind"].get)
        assert most == "message.create"


async def test_a_burst_in_one_millisecond_gives_ties_and_stamps_have_milliseconds() -> None:
    async with desk() as client:
        client.clock.now += 0.123
        await client.churn(burst=60, weights={"conversation.priority": 1})
        stamps = Counter(
            row["attributes"]["updatedAt"] for row in await client.dump("conversation")
        )
        assert stamps["2026-11-21T12:00:00.123Z"] > 30


class Replay:
    """Who lives, who is gone and how, and whose child each one is, by the log alone."""

    def __init__(self) -> None:
        self.parents: dict[tuple[str, str], dict[str, str | None]] = {}
        self.fates: dict[tuple[str, str], dict[str, str] | None] = {}

    def begin(self, kind: str, row: dict[str, Any]) -> None:
        self.fates[kind, row["id"]] = row.get("gone")
        self.parents[kind, row["id"]] = linked(row)

    def follow(self, line: dict[str, Any]) -> None:
        for each in line["moved"]:
            held = self.parents.setdefault((each["kind"], each["id"]), {})
            assert held.get(each["parent"]) == each["from"]
            held[each["parent"]] = each["to"]
        for each in line["changed"]:
            key = each["kind"], each["id"]
            if each["change"] in ("delete", "hard_delete"):
                self.fates[key] = {"fate": f"{each['change']}d"}
            elif each["change"] == "create":
                self.fates[key] = None
        if "into" in line:
            self.fates[line["kind"], line["id"]] = {"fate": "merged", "into": line["into"]}


async def test_the_log_replayed_gives_the_final_state() -> None:
    async with desk() as client:
        replay = Replay()
        for kind in KINDS:
            for row in await client.dump(kind, "&fates=true"):
                replay.begin(kind, row)
        await client.churn(burst=3000)
        for line in await client.truth():
            replay.follow(line)
        for kind in KINDS:
            rows = await client.dump(kind, "&fates=true")
            fates = {key[1]: fate for key, fate in replay.fates.items() if key[0] == kind}
            assert {row["id"]: row.get("gone") for row in rows} == fates
            held = {row["id"]: linked(row) for row in rows if "attributes" in row}
            told = {each: replay.parents.get((kind, each), {}).items() for each in held}
            assert held == {each: {k: v for k, v in pairs if v} for each, pairs in told.items()}


def linked(row: dict[str, Any]) -> dict[str, str | None]:
    names = ("conversation", "customer", "company", "message", "source", "target")
    relations = {name: row["relationships"].get(name) for name in names}
    return {name: each["data"]["id"] for name, each in relations.items() if each}


async def test_the_truth_is_in_a_file_too_and_holds_no_content(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    settings = KustomerSettings(**SMALL, truth_log=path)
    org = build_org(settings)
    told = Desk(org, settings, Clock())
    Churn(told).burst(300)
    told.truth.close()
    assert path.read_bytes() == b"".join(told.truth.since(0))
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        names = {"seq", "at", "write", "by", "kind", "id", "attributes", "changed", "moved"}
        assert entry.keys() - {"into"} == names
    assert "example" not in path.read_text(encoding="utf-8")


async def test_writes_fall_due_at_the_rate_and_end_after_a_time_or_a_number() -> None:
    clock = Clock()
    settings = KustomerSettings(**SMALL)
    told = Desk(build_org(settings), settings, clock)
    seen: list[int] = []

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        seen.append(told.truth.count)
        await anyio.lowlevel.checkpoint()

    async def until_it_rests() -> None:
        with anyio.fail_after(30):
            while churn.rate:
                await anyio.lowlevel.checkpoint()

    churn = Churn(told, sleep)
    async with anyio.create_task_group() as group:
        group.start_soon(churn.run)
        churn.apply({"rate": 20, "for_s": 10})
        begun = clock.now
        await until_it_rests()
        assert 195 <= told.truth.count <= 200
        assert 10 <= clock.now - begun < 10.2
        assert max(after - before for before, after in pairwise(seen)) <= 2
        before = told.truth.count
        churn.apply({"rate": 500, "writes": 77})
        await until_it_rests()
        assert told.truth.count == before + 77
        group.cancel_scope.cancel()


async def test_a_stall_is_not_made_up_for_by_a_flood() -> None:
    clock = Clock()
    settings = KustomerSettings(**SMALL)
    told = Desk(build_org(settings), settings, clock)
    churn = Churn(told)
    churn.apply({"rate": 20})
    clock.now += 3600
    for _ in range(20):
        churn.due()
    assert told.truth.count <= 125


async def test_an_org_told_to_churn_does_so_while_it_is_served_and_freezes_when_asked() -> None:
    settings = KustomerSettings(**SMALL, churn_rate=50, churn_writes=30)
    clock = Clock()

    async def sleep(seconds: float) -> None:
        clock.now += seconds
        await anyio.lowlevel.checkpoint()

    app = create_app(build_org(settings), settings, clock, sleep)
    transport = httpx.ASGITransport(app=app)
    async with living(app), httpx.AsyncClient(transport=transport, base_url="http://x") as http:
        client = Client(http, clock)
        with anyio.fail_after(30):
            while (await client.churn())["rate"]:
                await anyio.lowlevel.checkpoint()
        assert (await client.churn())["writes"] == 30
        await client.churn(rate=50)
        frozen = await client.churn(rate=0)
        for _ in range(50):
            await anyio.lowlevel.checkpoint()
        assert (await client.churn())["seq"] == frozen["seq"]


async def test_a_stop_begins_the_seed_anew() -> None:
    async with desk() as client:
        await client.churn(burst=10, weights={"company.create": 1})
        reply = await client.admin("DELETE", "churn")
        assert reply.json()["rate"] == 0
        assert (await client.churn(burst=1))["writes"] == 11


@pytest.mark.parametrize(
    "given",
    [
        {"rate": -1},
        {"rate": "fast"},
        {"rate": True},
        {"seed": 1.5},
        {"writes": -1},
        {"burst": -1},
        {"burst": "x"},
        {"speed": 9},
        {"weights": {"message.create": 0}},
        {"weights": {"planet.create": 1}},
        {"weights": [1]},
        [],
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(given: Any) -> None:
    async with desk() as client:
        before = (await client.admin("GET", "churn")).json()
        assert (await client.admin("POST", "churn", given)).status_code == 400
        assert (await client.admin("GET", "churn")).json() == before


async def test_weights_stay_until_others_are_given() -> None:
    async with desk() as client:
        await client.churn(burst=5, weights={"company.create": 1})
        assert (await client.churn(burst=5))["by_kind"] == {"company.create": 10}
        assert len((await client.churn(burst=50, weights=None))["by_kind"]) > 5


async def test_an_empty_org_has_nothing_to_edit_and_says_so() -> None:
    empty = {"customers": 0, "conversations": 0, "messages": 0, "notes": 0, "companies": 0}
    async with desk(**empty) as client:
        told = await client.churn(burst=5, weights={"message.edit": 1, "customer.merge": 1})
        assert told["writes"] == 0


def test_a_write_is_cheap_among_fifty_thousand_records() -> None:
    settings = KustomerSettings(
        customers=8_000, companies=500, conversations=12_000, messages=27_000, notes=2_500
    )
    churn = Churn(Desk(build_org(settings), settings, Clock()))
    churn.burst(50)
    begun = time.perf_counter()
    assert churn.burst(1_000) == 1_000
    assert time.perf_counter() - begun < 5
