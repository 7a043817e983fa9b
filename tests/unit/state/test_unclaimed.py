"""Crosswalk entries that a rebuild learned: known to all, counted when a job meets their source."""

import pytest

from state.crosswalk import UNCLAIMED
from state.ledger import Ledger

A, B = "66f0a1b2c3d4e5f601020301", "66f0a1b2c3d4e5f601020302"


@pytest.fixture(autouse=True)
async def found(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        entries = [(A, 0, "00Q1", 0, b""), (A, 1, "00Q2", 0, b"")]
        new = await ledger.crosswalk.learn(
            tx, "customer", "Lead", entries, origin="found", job=UNCLAIMED
        )
        assert new == 2


async def learn(ledger: Ledger, target: str, *, job: int, object_: str = "Contact") -> int:
    async with ledger.write() as tx:
        entry = (A, 0, target, 7, b"d")
        return await ledger.crosswalk.learn(
            tx, "customer", object_, [entry], origin="found", job=job
        )


async def test_an_unclaimed_entry_is_a_parent_for_others_but_counts_nowhere(
    ledger: Ledger,
) -> None:
    assert await ledger.crosswalk.resolve("customer", [A, B]) == {A: ("Lead", "00Q1")}
    assert await ledger.crosswalk.count("customer") == 0
    assert await ledger.crosswalk.count("customer", "Lead", "found") == 0
    assert await ledger.crosswalk.count_unclaimed("customer") == 1
    assert await ledger.crosswalk.unclaimed("customer", [A, B]) == {
        (A, 0): "00Q1",
        (A, 1): "00Q2",
    }


async def test_a_row_not_sent_yet_finds_it_known_and_a_job_under_way_does_not(
    ledger: Ledger,
) -> None:
    """What a job made while its state was lost may be what the rebuild found."""
    known = ledger.crosswalk.known_parts
    assert await known("customer", [A], except_job=None) == {(A, 0), (A, 1)}
    assert await known("customer", [A], except_job=4) == set()


async def test_a_job_that_meets_it_takes_it_over_once(ledger: Ledger) -> None:
    assert await learn(ledger, "00Q1", job=4) == 1
    assert await learn(ledger, "00Q1", job=4) == 0
    assert await learn(ledger, "00Q9", job=5) == 0
    (first, second) = await ledger.crosswalk.get("customer", A)
    # What is there is a Lead, whatever the source's record would become today.
    assert (first.object, first.target_id, first.job) == ("Lead", "00Q1", 4)
    assert second.job == UNCLAIMED
    assert await ledger.crosswalk.count("customer") == 1
    assert await ledger.crosswalk.count_unclaimed("customer") == 0


async def test_a_result_that_names_another_record_stands_for_the_source(ledger: Ledger) -> None:
    assert await learn(ledger, "003x", job=4) == 1
    entry = (await ledger.crosswalk.get("customer", A))[0]
    assert (entry.object, entry.target_id, entry.version_ms) == ("Contact", "003x", 7)


async def test_a_second_rebuild_changes_no_entry(ledger: Ledger) -> None:
    await learn(ledger, "00Q1", job=4)
    assert await learn(ledger, "00Q1", job=UNCLAIMED) == 0
    assert (await ledger.crosswalk.get("customer", A))[0].job == 4


async def test_the_crosswalk_says_whether_it_holds_anything(ledger: Ledger) -> None:
    assert await ledger.crosswalk.any()
