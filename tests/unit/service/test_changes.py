"""What goes out for records that are in Salesforce already: only what differs, and nothing of others'."""

import csv
import io
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest

from connectors.reply import Reply
from service.assemble import Assembler
from service.changes import ChangeAssembler
from service.difference import ConflictRules
from service.job_rows import JobRows
from service.phases import Phase, SourceStream
from state.ledger import Ledger
from state.rows import RowEntry
from tests.unit.service.remote import ID, ME
from transforms.compile import MapSettings, Table, compile_mapping
from transforms.lookups import Lookups
from transforms.mapping import parse_mapping
from transforms.shape import FieldShape, ObjectShape

OTHER = "005000000000002AAA"
MAP = """
version: 1
phases:
  things:
    kind: thing
    tables:
      Case:
        key: Kustomer_Id__c
        fields:
          Kustomer_Id__c: {source: id, convert: id}
          Subject: {source: attributes.name}
          Reason: {source: attributes.reason}
          Flag__c: {source: attributes.flag, convert: boolean}
          Kept: {source: attributes.kept}
          Needed: {source: attributes.needed}
          CreatedDate: {source: attributes.createdAt, convert: datetime}
        parents:
          customer:
            source: [attributes.customer]
            kinds: [customer]
            columns: {Contact: ContactId}
            required: true
"""
FIELDS = [
    FieldShape("Kustomer_Id__c", "string", 24, unique=True, external_id=True, custom=True),
    FieldShape("Subject", "string", 255),
    FieldShape("Reason", "string", 255),
    FieldShape("Flag__c", "boolean", custom=True),
    FieldShape("Kept", "string", 255, updateable=False),
    FieldShape("Needed", "string", 255, nillable=False, defaulted_on_create=True),
    FieldShape("CreatedDate", "datetime", updateable=False),
    FieldShape("ContactId", "reference", reference_to=("Contact",)),
]
PHASE = Phase("things", "thing", SourceStream("/v1/things"), "insert", ("Case",))


class Org:
    """Records by id, read by one call for many."""

    def __init__(self) -> None:
        self.records: dict[str, dict[str, Any]] = {}

    async def org(self) -> Any:
        return SimpleNamespace(user_id=ME)

    async def call(self, method: str, path: str, what: str, **options: Any) -> Reply:
        assert (method, path) == ("POST", "/composite/sobjects/Case")
        asked = options["json"]
        said = [self.records.get(each) for each in asked["ids"]]
        shown = [
            None if each is None else {name: each.get(name) for name in asked["fields"]}
            for each in said
        ]
        return Reply(200, {}, orjson.dumps(shown))


def table() -> Table:
    shape = {"Case": ObjectShape("Case", {each.name: each for each in FIELDS})}
    made = compile_mapping(parse_mapping(MAP, "map"), shape, MapSettings())
    return made.phases["things"].tables["Case"]


def target(number: int) -> str:
    return f"500000000000{number:03d}AAA"


class Desk:
    """One table's records in the ledger and in Salesforce."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.org = Org()
        self.table = table()
        self.rules = ConflictRules()

    def made(self, number: int, **attributes: Any) -> RowEntry:
        """The row that the map makes of a record now."""
        shape = {"Case": ObjectShape("Case", {each.name: each for each in FIELDS})}
        phase = compile_mapping(parse_mapping(MAP, "map"), shape, MapSettings()).phases["things"]
        customer = attributes.pop("customer", ID.format(90))
        record = {
            "id": ID.format(number),
            "type": "thing",
            "attributes": {"customer": customer, "updatedAt": "2025-01-02T03:04:05Z", **attributes},
        }
        rows = phase([record], Lookups()).tables["Case"]
        payload = {
            "cells": rows.payloads[0].decode(),
            "parents": [*(column[0] for column in rows.parents), ""],
            "version": rows.versions[0],
            "digest": rows.digests[0],
        }
        return RowEntry(
            "things",
            ID.format(number),
            0,
            "pending",
            "changed",
            "",
            "",
            orjson.dumps(payload),
            object="Case",
            change=True,
        )

    async def there(
        self, number: int, sent: RowEntry | None = None, origin: str = "loaded", **values: Any
    ) -> None:
        """A record that the ledger has made of the row `sent`, as it is in Salesforce now."""
        record = {"Id": target(number), "Kustomer_Id__c": ID.format(number), "Flag__c": False}
        record |= {"ContactId": "003000000000001AAA", "LastModifiedById": ME, **values}
        self.org.records[target(number)] = record
        async with self.ledger.write() as tx:
            kept = orjson.loads(sent.payload or b"")["digest"] if sent else "00" * 16
            entry = (ID.format(number), 0, target(number), 5, bytes.fromhex(kept))
            await self.ledger.crosswalk.learn(tx, "thing", "Case", [entry], origin=origin, job=1)

    async def assemble(self, rows: Sequence[RowEntry]) -> JobRows:
        async with self.ledger.write() as tx:
            entry = (ID.format(90), 0, "003000000000001AAA", 5, b"c")
            await self.ledger.crosswalk.learn(
                tx, "customer", "Contact", [entry], origin="loaded", job=1
            )
        client: Any = self.org
        assembler = Assembler(self.ledger, PHASE, self.table)
        made = ChangeAssembler(
            self.ledger, client, PHASE, self.table, assembler, self.rules, cast("Any", None)
        )
        return await made.assemble(rows)


@pytest.fixture
def desk(ledger: Ledger) -> Desk:
    return Desk(ledger)


def sent(rows: JobRows) -> list[dict[str, str]]:
    text = b"".join(rows.chunks()).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


async def test_only_columns_that_differ_go_out_and_empty_cells_leave_fields_as_they_are(
    desk: Desk,
) -> None:
    await desk.there(1, Subject="old", Reason="same", Needed="x")
    await desk.there(2, Subject="same", Reason="gone", Needed="x")
    rows = await desk.assemble(
        [desk.made(1, name='a "new" one', reason="same"), desk.made(2, name="same")]
    )
    assert sent(rows) == [
        {"Id": target(1), "Subject": 'a "new" one', "Reason": ""},
        {"Id": target(2), "Subject": "", "Reason": "#N/A"},
    ]
    assert rows.changes
    assert not rows.aside.held


async def test_a_row_of_which_salesforce_has_all_is_noted_and_not_sent(desk: Desk) -> None:
    await desk.there(1, Subject="same")
    row = desk.made(1, name=" same ")
    rows = await desk.assemble([row])
    assert len(rows) == 0
    ((key, part, found, _, digest),) = rows.aside.same
    assert (key, part, found) == (ID.format(1), 0, target(1))
    assert digest == orjson.loads(row.payload or b"")["digest"]


async def test_what_somebody_else_wrote_is_a_conflict_with_both_values_until_it_is_decided(
    desk: Desk,
) -> None:
    await desk.there(1, Subject="an agent's", LastModifiedById=OTHER)
    await desk.there(2, Subject="same", LastModifiedById=OTHER)
    rows = await desk.assemble([desk.made(1, name="ours"), desk.made(2, name="same")])
    assert len(rows) == 0
    (held,) = rows.aside.fixed
    assert (held.key, held.reason, held.field) == (ID.format(1), "conflict", "Subject")
    assert rows.aside.conflicts == [
        (ID.format(1), 0, "Subject", target(1), "ours", "an agent's", OTHER, "")
    ]
    await rows_end(desk, rows)
    async with desk.ledger.write() as tx:
        decided = await desk.ledger.conflicts.decide(tx, ID.format(1), None, "source", by="Ada")
    assert decided == [("things", 0)]
    again = await desk.assemble([desk.made(1, name="ours")])
    assert [each["Subject"] for each in sent(again)] == ["ours"]


async def test_a_rule_decides_conflicts_field_by_field(desk: Desk) -> None:
    desk.rules = ConflictRules("target", {"Case.Reason": "source"})
    await desk.there(1, Subject="theirs", Reason="theirs", LastModifiedById=OTHER)
    rows = await desk.assemble([desk.made(1, name="ours", reason="ours")])
    ((_, line),) = [(each["Id"], each) for each in sent(rows)]
    assert (line["Reason"], "Subject" in line) == ("ours", False)
    assert {each[2]: each[-1] for each in rows.aside.conflicts} == {
        "Subject": "target",
        "Reason": "source",
    }
    assert not rows.aside.fixed


async def test_a_field_that_the_source_has_not_changed_is_left_to_the_agents(desk: Desk) -> None:
    before = desk.made(1, name="old", reason="why")
    await desk.there(1, before, Subject="old", Reason="an agent's", LastModifiedById=OTHER)
    rows = await desk.assemble([desk.made(1, name="new", reason="why")])
    assert sent(rows) == [{"Id": target(1), "Subject": "new"}]
    assert not rows.aside.conflicts


async def test_a_record_that_others_touched_once_stays_touched_though_we_wrote_last(
    desk: Desk,
) -> None:
    first = desk.made(1, name="a", reason="a")
    await desk.there(1, first, Subject="an agent's", Reason="a", LastModifiedById=OTHER)
    second = desk.made(1, name="a", reason="b")
    rows = await desk.assemble([second])
    assert [each["Reason"] for each in sent(rows)] == ["b"]
    await rows_end(desk, rows)
    desk.org.records[target(1)] |= {"Reason": "b", "LastModifiedById": ME}
    async with desk.ledger.write() as tx:
        digest = bytes.fromhex(orjson.loads(second.payload or b"")["digest"])
        await desk.ledger.crosswalk.revise(tx, "thing", [(ID.format(1), 0, target(1), 6, digest)])
    rows = await desk.assemble([desk.made(1, name="c", reason="b")])
    assert [each[2] for each in rows.aside.conflicts] == ["Subject"]


async def test_a_record_that_was_there_before_is_filled_where_it_is_empty_and_that_is_kept(
    desk: Desk,
) -> None:
    await desk.there(1, origin="matched", Subject="theirs", Reason=None, Kustomer_Id__c=None)
    rows = await desk.assemble([desk.made(1, name="ours", reason="ours")])
    assert sent(rows) == [{"Id": target(1), "Kustomer_Id__c": ID.format(1), "Reason": "ours"}]
    await rows_end(desk, rows)
    images = await desk.ledger.conflicts.pre_images()
    assert {(each.field, each.value) for each in images} == {("Reason", ""), ("Kustomer_Id__c", "")}


async def rows_end(desk: Desk, rows: JobRows) -> None:
    async with desk.ledger.write() as tx:
        await rows.aside.apply(tx, desk.ledger, PHASE, "Case", 1)


async def test_what_cannot_be_changed_is_told_and_the_rest_goes_out(desk: Desk) -> None:
    await desk.there(1, Subject="old", Kept="first", CreatedDate="2020-01-01T00:00:00.000+0000")
    row = desk.made(1, name="new", kept="second", createdAt="2024-01-01T00:00:00Z")
    rows = await desk.assemble([row])
    assert [(each.reason, each.field) for each in rows.aside.fixed] == [("cannot-change", "Kept")]
    assert [each["Subject"] for each in sent(rows)] == ["new"]


async def test_a_field_that_cannot_be_empty_is_not_emptied_and_a_flag_becomes_false(
    desk: Desk,
) -> None:
    await desk.there(1, Needed="something", Flag__c=True)
    (line,) = sent(await desk.assemble([desk.made(1)]))
    assert line == {"Id": target(1), "Flag__c": "false"}


async def test_a_record_that_is_gone_in_salesforce_is_not_made_again(desk: Desk) -> None:
    await desk.there(1)
    del desk.org.records[target(1)]
    rows = await desk.assemble([desk.made(1, name="new")])
    assert [each.reason for each in rows.aside.held] == ["gone-in-salesforce"]


async def test_a_record_whose_parent_moved_is_pointed_to_the_new_one_when_that_is_there(
    desk: Desk,
) -> None:
    await desk.there(1, ContactId="003000000000009AAA")
    await desk.there(2)
    rows = await desk.assemble([desk.made(1), desk.made(2, customer=ID.format(91))])
    assert [each["ContactId"] for each in sent(rows)] == ["003000000000001AAA"]
    assert [(each.reason, each.detail) for each in rows.aside.held] == [
        ("parent-missing", f"customer:{ID.format(91)}")
    ]


async def test_rows_of_a_sent_job_are_known_again_without_those_set_aside(desk: Desk) -> None:
    await desk.there(1, Subject="old")
    await desk.there(2, Subject="new")
    rows = [desk.made(1, name="new"), desk.made(2, name="new")]
    assembled = await desk.assemble(rows)
    client: Any = desk.org
    assembler = Assembler(desk.ledger, PHASE, desk.table)
    again = ChangeAssembler(
        desk.ledger, client, PHASE, desk.table, assembler, desk.rules, cast("Any", None)
    )
    found = await again.reassemble(rows, assembled.aside)
    assert list(found.places()) == list(assembled.places()) == [(ID.format(1), 0)]


async def test_what_an_earlier_user_of_ours_touched_counts_as_ours(desk: Desk) -> None:
    async with desk.ledger.write() as tx:
        await desk.ledger.facts.set(tx, "runners", orjson.dumps([OTHER]).decode())
    await desk.there(1, Subject="old", LastModifiedById=OTHER)
    assert len(await desk.assemble([desk.made(1, name="new")])) == 1
