"""The rebuild against the Salesforce stand-in: what it finds, what it refuses, what it leaves alone."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from connectors.clock import SystemClock
from service.compose import open_salesforce
from service.config import Config
from service.config_load import load_config
from service.ledger import open_ledger
from service.phases import PHASES
from service.rebuild import (
    BEGUN,
    KeyFieldMissing,
    LedgerInUse,
    Rebuild,
    RebuildUnfinished,
    check_whole,
)
from state.ledger import Ledger
from tests.unit.service.service_files import write_config

ID = "66f0a1b2c3d4e5f6010203{:02d}"
CLOCK = SystemClock()
SERVER = """
import sys, anyio
from simulators.salesforce.serve import serve_salesforce
from simulators.salesforce.settings import SalesforceSettings
from simulators.serving import announce
settings = SalesforceSettings(hidden_fields=frozenset(sys.argv[1:]))
ready = lambda url: announce(url=url, org_id=settings.org_id)
async def run(): await serve_salesforce(settings, on_ready=ready)
anyio.run(run)
"""


@contextmanager
def salesforce(*hidden: str) -> Iterator[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", SERVER, *hidden], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield json.loads(child.stdout.readline())["url"]
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@pytest.fixture(scope="module")
def org() -> Iterator[str]:
    with salesforce() as url:
        people = [
            {"LastName": f"Person {n}", "Kustomer_Id__c": ID.format(n), "Company": "C"}
            for n in range(6)
        ]
        accounts = [{"Name": "A", "Kustomer_Id__c": ID.format(n)} for n in (10, 11)]
        leads = httpx.post(f"{url}/__admin/records/Lead", json=people)
        firms = httpx.post(f"{url}/__admin/records/Account", json=[*accounts, {"Name": "theirs"}])
        assert (leads.status_code, firms.status_code) == (201, 201)
        yield url


@pytest.fixture
def config(org: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    return configured(org, tmp_path, monkeypatch)


def configured(url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("TEST_CLIENT", "deskferry-demo")
    monkeypatch.setenv("TEST_SECRET", "demo-secret")
    return load_config(write_config(folder, target=url))


def seed(url: str, *people: dict[str, str]) -> list[str]:
    reply = httpx.post(f"{url}/__admin/records/Lead", json=people)
    return [each["id"] for each in reply.raise_for_status().json()]


def rebuild(config: Config) -> Rebuild:
    return Rebuild(config, clock=CLOCK, tell=lambda _: None)


async def test_what_carries_our_key_is_learned_and_belongs_to_no_job_yet(config: Config) -> None:
    for learned in (6, 0):  # a second one finds the same and learns nothing new
        told = await rebuild(config).run()
        lead = next(each for each in told.objects if each.object == "Lead")
        assert (lead.found, lead.learned) == (6, learned)
        assert told.by_content == ["notes", "messages.relations"]
    async with open_ledger(config, CLOCK.now, read_only=True) as ledger:
        (entry,) = await ledger.crosswalk.get("customer", ID.format(3))
        assert (entry.object, entry.origin, entry.job, entry.version_ms) == ("Lead", "found", 0, 0)
        assert len(entry.target_id) == 18
        assert len(await ledger.crosswalk.unclaimed("company", [ID.format(10)])) == 1
        assert await ledger.crosswalk.count("customer") == 0
        assert await ledger.crosswalk.count_unclaimed("customer") == 6
        assert [run.command for run in await ledger.runs.history()] == ["state rebuild"] * 2
        assert [run.exit_code for run in await ledger.runs.history()] == [0, 0]


async def test_what_people_deleted_counts_as_there_and_a_record_made_again_goes_first(
    config: Config, org: str
) -> None:
    again = {"LastName": "Made again", "Kustomer_Id__c": ID.format(20), "Company": "C"}
    gone = {**again, "Kustomer_Id__c": ID.format(21)}
    made = seed(org, again, gone)
    async with open_salesforce(config, CLOCK) as client:
        for each in made:
            await client.delete_record("Lead", each)
    (living,) = seed(org, again)
    told = await rebuild(config).run()
    lead = next(each for each in told.objects if each.object == "Lead")
    assert (lead.found, lead.binned, lead.learned) == (7, 2, 8)
    async with open_ledger(config, CLOCK.now, read_only=True) as ledger:
        found = await ledger.crosswalk.unclaimed("customer", [ID.format(20), ID.format(21)])
    assert found == {(ID.format(20), 0): living, (ID.format(21), 0): made[1]}
    async with open_salesforce(config, CLOCK) as client:
        await client.delete_record("Lead", living)


async def test_an_object_that_hides_the_key_refuses_the_rebuild_before_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with salesforce("Case.Kustomer_Id__c", "Lead.Kustomer_Id__c") as url:
        config = configured(url, tmp_path, monkeypatch)
        with pytest.raises(KeyFieldMissing, match="Lead, Case") as refused:
            await rebuild(config).run()
    assert refused.value.next_step
    assert not (tmp_path / "ferry").exists()


async def test_a_ledger_in_use_is_left_alone_unless_told_otherwise(config: Config) -> None:
    await use(config)
    with pytest.raises(LedgerInUse):
        await rebuild(config).run()
    told = await rebuild(config).run(merge=True)
    assert told.set_aside is None
    assert sum(each.learned for each in told.objects) >= 7  # one of the records was known
    async with open_ledger(config, CLOCK.now) as ledger:
        assert await ledger.crosswalk.count("customer", origin="loaded") == 1
        assert len(await ledger.slices.of("customers")) == 1
    told = await rebuild(config).run(anew=True)
    assert told.set_aside is not None
    async with open_ledger(config, CLOCK.now) as ledger:
        assert await ledger.slices.of("customers") == []
    async with Ledger.open(told.set_aside, clock=CLOCK.now, read_only=True) as before:
        assert len(await before.slices.of("customers")) == 1


async def use(config: Config) -> None:
    """Leave a ledger that has read a page and loaded a record."""
    async with open_ledger(config, CLOCK.now) as ledger, ledger.write() as tx:
        await ledger.slices.plan(tx, "customers", [{}])
        entry = (ID.format(0), 0, "00Q000000000000AAA", 5, b"")
        await ledger.crosswalk.learn(tx, "customer", "Lead", [entry], origin="loaded", job=1)


async def test_records_that_the_ledger_should_know_are_told_and_a_half_rebuild_is_refused(
    config: Config,
) -> None:
    async with open_salesforce(config, CLOCK) as client:
        async with open_ledger(config, CLOCK.now) as ledger:
            with capture_logs() as told:
                await check_whole(ledger, client, PHASES)
            assert {each["event"] for each in told} == {"earlier-migration"}
            async with ledger.write() as tx:
                await ledger.facts.set(tx, "rebuilt", BEGUN)
            with pytest.raises(RebuildUnfinished):
                await check_whole(ledger, client, PHASES)
        await rebuild(config).run()
        async with open_ledger(config, CLOCK.now) as ledger:
            await check_whole(ledger, client, PHASES)
