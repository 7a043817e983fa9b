"""Rows that are sent again are made by the map in force: from the kept record, or read by id."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from service.anew import GONE, SPLIT, Anew
from service.mapped import default_mapping
from service.phases import Phase, phase_named
from service.progress import PhaseProgress
from state.ledger import Ledger
from state.rows import RowEntry
from tests.unit.transforms import samples
from tests.unit.transforms.target_shape import default_shape
from transforms.compile import CompiledMapping, MapSettings, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping

Row = dict[str, Any]


class Source:
    """Kustomer, as far as single records go; remembers what was asked."""

    def __init__(self, *records: Row) -> None:
        self.records = {record["id"]: record for record in records}
        self.asked: list[str] = []

    async def read(self, phase: Phase, ids: Sequence[str]) -> dict[str, Row]:
        self.asked += ids
        return {key: self.records[key] for key in ids if key in self.records}


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=lambda: 5.0) as opened:
        async with opened.write() as tx:
            await opened.maps.accept(tx, digest="old", form="f", by="migrate", text="")
        yield opened


@pytest.fixture(scope="module")
def mapping() -> CompiledMapping:
    parsed = parse_mapping(default_mapping(), "mapping.yaml")
    return compile_mapping(parsed, default_shape(), MapSettings("005000000000001AAA"))


async def new_map(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.maps.accept(tx, digest="new", form="f", by="retry", text="")


async def store(ledger: Ledger, *rows: RowEntry) -> None:
    async with ledger.write() as tx:
        await ledger.rows.put(tx, rows)


def held(record: Row, *, phase: str = "conversations") -> RowEntry:
    raw = orjson.dumps({"record": record})
    return RowEntry(phase, record["id"], 0, "pending", "unknown-value", "Status", "", raw)


def refused(record: Row, part: int, *, phase: str = "notes") -> RowEntry:
    cells = orjson.dumps({"cells": "", "parents": [], "version": 0, "digest": ""})
    return RowEntry(
        phase, record["id"], part, "pending", "NO", "", "", cells, object="CaseComment", attempts=1
    )


async def make(
    ledger: Ledger, mapping: CompiledMapping, source: Source, name: str = "conversations"
) -> list[RowEntry]:
    await Anew(
        phase_named(name),
        mapping.phases[name],
        ledger=ledger,
        source=source,  # type: ignore[arg-type]
        lookups=Lookups(),
        progress=PhaseProgress(name),
    ).run()
    assert await ledger.rows.unmade(name, 9) == []
    return await ledger.rows.listed(phase=name)


async def test_a_held_record_is_made_from_what_was_kept_and_kustomer_is_not_asked(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    await store(ledger, held(samples.conversation()))
    source = Source()
    (row,) = await make(ledger, mapping, source)
    assert (row.state, row.object, row.reason, row.map) == ("pending", "Case", "unknown-value", 1)
    payload = orjson.loads(row.payload or b"")
    assert samples.CONVERSATION in payload["cells"]
    assert payload["parents"][0] == samples.CUSTOMER
    assert source.asked == []


async def test_a_record_that_is_held_again_is_read_again_for_it_may_have_been_corrected(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    odd = samples.conversation(status="paused")
    other = {**odd, "id": samples.NOTE}
    await store(ledger, held(odd), held(other))
    source = Source(samples.conversation(), other)
    rows = {row.source_id: row for row in await make(ledger, mapping, source)}
    assert rows[odd["id"]].state == "pending"
    again = rows[other["id"]]
    assert (again.state, again.reason, again.field) == ("held", "unknown-value", "Status")
    assert orjson.loads(again.payload or b"")["record"]["id"] == other["id"]
    assert sorted(source.asked) == sorted(rows)


async def test_a_record_that_is_gone_stays_failed_and_one_without_an_id_is_never_asked_for(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    odd = samples.conversation(status="paused")
    nameless = {key: value for key, value in odd.items() if key != "id"}
    block = mapping.phases["conversations"]([nameless], Lookups())
    name = block.held[0].source_id
    await store(
        ledger,
        held(odd),
        replace(held({**nameless, "id": name}), payload=orjson.dumps({"record": nameless})),
    )
    source = Source()
    rows = {row.source_id: row for row in await make(ledger, mapping, source)}
    assert (rows[odd["id"]].state, rows[odd["id"]].reason) == ("failed", GONE)
    assert orjson.loads(rows[odd["id"]].payload or b"")["record"] == odd
    assert (rows[name].state, rows[name].reason) == ("held", "no-id")
    assert source.asked == [odd["id"]]


async def test_a_row_of_an_earlier_map_is_read_again_and_one_of_this_map_is_sent_as_it_is(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    note = samples.note()
    await store(ledger, refused(note, 0))
    source = Source(note)
    before = await make(ledger, mapping, source, "notes")
    assert source.asked == []
    await new_map(ledger)
    (after,) = await make(ledger, mapping, source, "notes")
    assert source.asked == [note["id"]]
    assert (after.map, after.attempts, after.payload == before[0].payload) == (2, 1, False)
    assert (after.first_seen, after.reason) == (before[0].first_seen, "NO")


async def test_a_record_that_is_deleted_by_now_is_skipped_in_the_books(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    await store(ledger, held(samples.conversation(deleted=True, status="paused")))
    assert await make(ledger, mapping, Source()) == []
    assert (await ledger.books.read("conversations")).skipped == {"deleted": 1}


LONG = "word " * 2_000


async def in_salesforce(ledger: Ledger, note: Row, part: int) -> None:
    async with ledger.write() as tx:
        entry = (note["id"], part, f"00a{part}", 1, b"")
        await ledger.crosswalk.learn(tx, "note", "CaseComment", [entry], origin="loaded", job=1)


async def test_only_the_missing_parts_of_a_split_note_are_made_again(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    note = samples.note(body=LONG)
    await in_salesforce(ledger, note, 1)
    await store(ledger, refused(note, 0), refused(note, 2))
    await new_map(ledger)
    rows = await make(ledger, mapping, Source(note), "notes")
    assert [(row.part, row.state, row.map) for row in rows] == [
        (0, "pending", 2),
        (2, "pending", 2),
    ]


async def test_a_note_that_splits_otherwise_than_its_parts_in_salesforce_is_not_sent(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    note = samples.note(body=LONG)
    await in_salesforce(ledger, note, 0)
    await store(ledger, refused(note, 1))
    await new_map(ledger)
    (row,) = await make(ledger, mapping, Source(note), "notes")
    assert (row.part, row.state, row.reason) == (1, "failed", SPLIT)


async def test_a_note_that_is_shorter_now_loses_the_rows_of_parts_that_are_no_more(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    note = samples.note(body="short")
    await store(ledger, refused(note, 0), refused(note, 1), refused(note, 2))
    await new_map(ledger)
    rows = await make(ledger, mapping, Source(note), "notes")
    assert [row.part for row in rows] == [0]


async def test_a_split_note_that_is_held_now_counts_once(
    ledger: Ledger, mapping: CompiledMapping
) -> None:
    note = samples.note(body=["no text"])
    await in_salesforce(ledger, note, 0)
    await store(ledger, refused(note, 1), refused(note, 2))
    await new_map(ledger)
    (row,) = await make(ledger, mapping, Source(note), "notes")
    assert (row.part, row.state) == (1, "held")
    assert (await ledger.books.read("notes")).held == {}
