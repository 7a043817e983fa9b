"""One record's life, told from a ledger of any state."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.cli.trace_documents import TraceDocument
from service.phases import PHASES
from service.trace import trace_record, way_of
from state.ledger import Ledger
from state.rows import RowEntry
from state.spool import BatchColumns
from tests.unit.state.steps import intend_insert, seal_batch

MESSAGE = "66f0a1b2c3d4e5f601020301"
CASE = "66f0a1b2c3d4e5f601020302"
TARGET = "02s5f00000AbCdEAAV"


def clock() -> float:
    return 1_700_000_000.0


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=clock) as opened:
        yield opened


async def seal(ledger: Ledger) -> tuple[int, str]:
    """One sealed batch of one message, read from page 4 of a list."""
    columns = BatchColumns.empty(3)
    columns.keys, columns.parts, columns.versions = [MESSAGE], [0], [1]
    columns.parents = [[CASE], [""], [""]]
    columns.digests, columns.pages, columns.slices = ["00" * 16], [4], [0]
    columns.payloads = [b'"cells"']
    file = ledger.spool.write("messages-EmailMessage-0", columns)
    async with ledger.write() as tx:
        spec = {"kind": "list", "path": "/v1/messages", "params": {}}
        await ledger.slices.plan(tx, "messages", [spec])
        batch = await seal_batch(
            ledger, tx, file, phase="messages", kind="message", object="EmailMessage", rows=1
        )
    return batch, file.name


async def take(ledger: Ledger, batch: int, sf_id: str) -> int:
    async with ledger.write() as tx:
        job = await intend_insert(
            ledger, tx, phase="messages", object="EmailMessage", rows_sent=1, aside=b""
        )
        await ledger.batches.take(tx, [batch], job)
        await ledger.jobs.created(tx, job, sf_id)
    return job


async def told(ledger: Ledger, asked: str = MESSAGE) -> dict[str, Any]:
    return TraceDocument.model_validate(await trace_record(ledger, asked)).model_dump()


async def test_a_record_on_its_way_tells_its_batch_and_what_it_waits_for(ledger: Ledger) -> None:
    batch, _ = await seal(ledger)
    document = await told(ledger)
    (place,) = document["places"]
    assert (place["page"], place["batch"], place["batch_state"]) == (4, batch, "sealed")
    assert (place["way"], place["sealed_at"]) == ("list /v1/messages", clock())
    assert document["waits_for"] == ["conversations", "users"]
    assert (document["became"], document["jobs"], document["meaning"]) == ([], [], "")


async def test_every_job_is_told_the_abandoned_too_when_the_payloads_are_gone(
    ledger: Ledger,
) -> None:
    batch, file = await seal(ledger)
    first = await take(ledger, batch, "7501")
    async with ledger.write() as tx:
        await ledger.batches.release(tx, first)
        await ledger.jobs.abandon(tx, first, "no room for ada@example.test")
    second = await take(ledger, batch, "7502")
    async with ledger.write() as tx:
        await ledger.jobs.uploaded(tx, second)
        await ledger.jobs.closed(tx, second)
        await ledger.jobs.finished(tx, second, processed=1, failed=0, error=None)
        await ledger.crosswalk.learn(
            tx,
            "message",
            "EmailMessage",
            [(MESSAGE, 0, TARGET, 1, b"")],
            origin="loaded",
            job=second,
        )
        await ledger.batches.done(tx, second)
        await ledger.jobs.harvested(tx, second)
        await ledger.facts.set(tx, "salesforce_url", "https://acme.example/")
    ledger.spool.strip(file)
    document = await told(ledger)
    assert [(each["salesforce_job"], each["state"]) for each in document["jobs"]] == [
        ("7501", "abandoned"),
        ("7502", "harvested"),
    ]
    assert document["jobs"][0]["error"] == "no room for [address]"
    assert document["jobs"][1]["results"] == [{"part": 0, "result": "loaded"}]
    assert document["became"][0]["link"] == f"https://acme.example/{TARGET}"
    assert document["places"][0]["batch_state"] == "done"
    assert await told(ledger, TARGET) == await told(ledger, TARGET[:15]) == document
    ledger.spool.remove(file)
    assert (await told(ledger))["places"] == []


async def test_a_row_that_waits_names_its_parent_and_how_that_is(ledger: Ledger) -> None:
    waiting = RowEntry(
        "messages",
        MESSAGE,
        0,
        "held",
        "parent-missing",
        "conversation",
        f"conversation:{CASE}",
        b"x",
    )
    refused = RowEntry("conversations", CASE, 0, "failed", "STRING_TOO_LONG", "Subject", "", b"x")
    for rows, state in (
        ([waiting], "not known here: deleted in Kustomer, or made after its list was read"),
        ([refused], "failed: STRING_TOO_LONG"),
    ):
        async with ledger.write() as tx:
            await ledger.rows.put(tx, rows)
        (row,) = (await told(ledger))["exceptions"]
        assert row["waits_for"] == [{"kind": "conversation", "kustomer_id": CASE, "state": state}]
    async with ledger.write() as tx:
        await ledger.crosswalk.learn(
            tx, "conversation", "Case", [(CASE, 0, "500", 1, b"")], origin="loaded", job=1
        )
    (row,) = (await told(ledger))["exceptions"]
    assert row["waits_for"][0]["state"] == "in Salesforce: run retry"
    assert row["fix"]


async def test_an_id_that_is_not_known_is_told_what_that_means(ledger: Ledger) -> None:
    assert "messages" in (await told(ledger))["meaning"]
    async with ledger.write() as tx:
        for phase in PHASES:
            await ledger.facts.set(tx, f"extracted.{phase.name}", "yes")
    meaning = (await told(ledger))["meaning"]
    assert "deleted" in meaning
    assert "Not read to the end yet" not in meaning


def test_a_search_window_is_told_by_its_bounds() -> None:
    spec = {
        "kind": "window",
        "context": "message",
        "archive": True,
        "criteria": [{"message_created_at": {"gte": "a"}}, {"message_created_at": {"lt": "b"}}],
    }
    assert way_of(spec) == (
        "archive search of message where message_created_at gte a and message_created_at lt b"
    )
