"""Rows of unknown outcome are asked for in Salesforce, and counted right among twins."""

from typing import Any, cast

import pytest

from connectors.salesforce.client import SalesforceClient
from service.assemble import JobRows
from service.phases import PHASES, phase_named
from service.settle import NEVER, Found, Settler
from state.ledger import Ledger
from tests.unit.service.remote import CASE, ID, NOW, Remote, contact, note, sent


async def find(ledger: Ledger, remote: Remote, rows: JobRows, **changed: Any) -> Found:
    phase = phase_named("notes" if b"CommentBody" in rows.header else "customers")
    table = phase.objects[0]
    settler = Settler(ledger, cast("SalesforceClient", remote), phase, table)
    return await settler.find(rows, rows.rows, **{"since": NOW, **changed})


def test_every_phase_without_a_key_says_how_its_rows_are_known_again() -> None:
    keyless = [phase.name for phase in PHASES if not phase.keyed]
    assert keyless == ["notes"]
    assert all(phase.content for phase in PHASES if phase.name in keyless)


@pytest.mark.parametrize("there", range(4))
async def test_of_three_twins_sent_as_many_are_found_as_are_there(
    ledger: Ledger, remote: Remote, there: int
) -> None:
    made = [remote.comment("Same words") for _ in range(there)]
    found = await find(ledger, remote, sent([note("Same words")] * 3))
    assert sorted(found.there.values()) == made


async def test_more_twins_in_salesforce_than_were_sent_are_left_alone(
    ledger: Ledger, remote: Remote
) -> None:
    made = [remote.comment("Same words") for _ in range(3)]
    found = await find(ledger, remote, sent([note("Same words")]))
    assert list(found.there.values()) == made[:1]


async def test_twins_of_two_jobs_never_share_a_record(ledger: Ledger, remote: Remote) -> None:
    first, second = remote.comment("Same words"), remote.comment("Same words")
    async with ledger.write() as tx:  # the other job's results are known: it made the first
        await ledger.crosswalk.learn(
            tx, "note", "CaseComment", [(ID.format(9), 0, first, 5, b"")], origin="loaded", job=1
        )
    found = await find(ledger, remote, sent([note("Same words")] * 2))
    assert list(found.there.values()) == [second]


async def test_records_claimed_by_rows_set_aside_are_not_taken(
    ledger: Ledger, remote: Remote
) -> None:
    first = remote.comment("Same words")
    rows = sent([note("Same words")])
    assert not (await find(ledger, remote, rows, claimed={first})).there


async def test_other_parents_moments_authors_and_texts_are_other_notes(
    ledger: Ledger, remote: Remote
) -> None:
    remote.comment("Words", ParentId="500000000000002AAA")
    remote.comment("Words", CreatedDate="2024-05-06T07:09:09.000+0000")
    remote.comment("Words", CreatedById="005000000000009AAA")
    remote.comment("Other words")
    rows = sent([note("Words")])
    assert not (await find(ledger, remote, rows)).there
    assert all("CommentBody IN" not in each for each in remote.queries)


async def test_the_author_that_was_sent_counts_and_ids_of_either_length_fit(
    ledger: Ledger, remote: Remote
) -> None:
    made = remote.comment("Words", CreatedById="005000000000009AAA")
    rows = sent([note("Words", author="005000000000009")])
    assert list((await find(ledger, remote, rows)).there.values()) == [made]


async def test_what_salesforce_does_to_texts_and_moments_hides_no_note(
    ledger: Ledger, remote: Remote
) -> None:
    trimmed = remote.comment("a\nb")
    returned = remote.comment("c\r\nd")
    rounded = remote.comment("e", CreatedDate="2024-05-06T07:08:10.000+0000")
    rows = sent([note("  a\nb \n"), note("c\nd"), note("e", date="2024-05-06T07:08:09.700Z")])
    found = await find(ledger, remote, rows)
    assert list(found.there.values()) == [trimmed, returned, rounded]


async def test_notes_that_differ_in_blanks_alone_each_take_their_own(
    ledger: Ledger, remote: Remote
) -> None:
    second = remote.comment("a  b")
    rows = sent([note("a b"), note("a  b")])
    assert (await find(ledger, remote, rows)).there == {(ID.format(1), 0): second}


async def test_without_audit_fields_the_running_users_notes_are_found(
    ledger: Ledger, remote: Remote
) -> None:
    remote.comment("Words", CreatedById="005000000000009AAA")
    made = remote.comment("Words", CreatedDate="2026-01-01T00:00:00.000+0000")
    bare = {"CommentBody": "Words", "IsPublished": "false", "ParentId": CASE}
    assert list((await find(ledger, remote, sent([bare]))).there.values()) == [made]


async def test_a_note_in_the_bin_counts_only_if_it_was_binned_after_the_job_began(
    ledger: Ledger, remote: Remote
) -> None:
    remote.comment("Words", IsDeleted=True, SystemModstamp="2025-01-01T00:00:00.000+0000")
    rows = sent([note("Words")])
    assert not (await find(ledger, remote, rows)).there
    later = remote.comment("Words", IsDeleted=True)
    assert list((await find(ledger, remote, rows)).there.values()) == [later]
    assert not (await find(ledger, remote, rows, since=NEVER)).there
    living = remote.comment("Words")
    assert list((await find(ledger, remote, rows)).there.values()) == [living]


async def test_long_lists_are_asked_in_addresses_that_fit(ledger: Ledger, remote: Remote) -> None:
    remote.records = [
        {"Id": f"00Q000000000{n:03d}", "Kustomer_Id__c": ID.format(n), "IsDeleted": False}
        for n in range(0, 900, 2)
    ]
    found = await find(ledger, remote, sent([contact(n) for n in range(900)]))
    assert len(found.there) == 450
    assert {len(each) for each in found.there.values()} == {18}
    assert len(remote.queries) > 1
    assert all(len(each) < 12_000 for each in remote.queries)


async def test_a_key_is_compared_exactly_and_the_bin_stands_for_no_one(
    ledger: Ledger, remote: Remote
) -> None:
    remote.records = [
        {"Id": "003000000000001AAA", "Kustomer_Id__c": ID.format(0).upper(), "IsDeleted": False},
        {"Id": "003000000000002AAA", "Kustomer_Id__c": ID.format(1), "IsDeleted": True},
    ]
    found = await find(ledger, remote, sent([contact(0), contact(1)]))
    assert not found.there
    assert found.binned == {(ID.format(1), 0)}
