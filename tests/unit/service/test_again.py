"""Rows that Salesforce was too busy for go out again among fewer, after a pause."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.again import FEWEST_ROWS, FIRST_AGAIN_ROWS, LONGEST_PAUSE_S, Again
from service.lanes import JOB_ROWS
from state.ledger import Ledger
from state.rows import RowEntry
from tests.unit.connectors.virtual_clock import VirtualClock
from tests.unit.service.remote import ID


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(chance=0.5)


@pytest.fixture
async def ledger(tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "ferry", clock=clock.now) as opened:
        yield opened


async def wait_again(ledger: Ledger, *numbers: int, table: str = "Contact") -> None:
    locked = "UNABLE_TO_LOCK_ROW"
    rows = [
        RowEntry("customers", ID.format(n), 0, "pending", locked, "", "", b"{}", object=table)
        for n in numbers
    ]
    async with ledger.write() as tx:
        await ledger.rows.put(tx, rows)


async def test_all_rows_of_the_table_are_chosen_and_no_others(
    ledger: Ledger, clock: VirtualClock
) -> None:
    await wait_again(ledger, *range(0, 1_200, 2), table="Lead")
    await wait_again(ledger, *range(1, 1_200, 2))
    chosen = await Again(ledger, clock, "customers", "Contact").choose()
    assert [row.source_id for row in chosen] == [ID.format(n) for n in range(1, 1_200, 2)]


async def test_locked_rows_go_out_in_ever_smaller_jobs_down_to_one_transaction(
    ledger: Ledger, clock: VirtualClock
) -> None:
    await wait_again(ledger, *range(300))
    again = Again(ledger, clock, "customers", "Contact")
    sizes = [again.most]
    for _ in range(4):
        again.learn(refused=5)
        sizes.append(again.most)
    assert sizes == [JOB_ROWS, FIRST_AGAIN_ROWS, 1_000, FEWEST_ROWS, FEWEST_ROWS]
    assert len(await again.choose()) == FEWEST_ROWS
    again.learn(refused=0)
    assert again.most == 2 * FEWEST_ROWS


async def test_the_pause_grows_has_chance_in_it_and_ends_with_the_trouble(
    ledger: Ledger, clock: VirtualClock
) -> None:
    again = Again(ledger, clock, "customers", "Contact")
    await again.pause()
    assert clock.sleeps == []
    for _ in range(10):
        again.learn(refused=1)
        await again.pause()
    assert clock.sleeps[:3] == [0.375, 0.75, 1.5]
    assert clock.sleeps[-1] == LONGEST_PAUSE_S * 0.75
    clock.chance = 0.0
    await again.pause()
    assert clock.sleeps[-1] == LONGEST_PAUSE_S / 2
    again.learn(refused=0)
    before = len(clock.sleeps)
    await again.pause()
    assert len(clock.sleeps) == before
