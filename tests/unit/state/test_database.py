"""Write transactions: all of it, or nothing, whatever happens inside."""

import sqlite3

import anyio
import pytest

from state.errors import DiskFull, IllegalStep
from state.ledger import Ledger, Tx


async def test_an_error_inside_a_transaction_leaves_nothing_behind(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "a")
            raise RuntimeError
    assert await ledger.facts.all() == {}
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "org", "b")
    assert await ledger.facts.all() == {"org": "b"}


async def test_a_cancelled_transaction_leaves_nothing_behind(ledger: Ledger) -> None:
    with anyio.CancelScope() as scope:
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "a")
            scope.cancel()
            await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert await ledger.facts.all() == {}
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "org", "b")


async def test_cancellation_after_the_last_statement_does_not_undo_the_commit(
    ledger: Ledger,
) -> None:
    with anyio.CancelScope() as scope:
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "a")
            scope.cancel()
        await anyio.lowlevel.checkpoint()
    assert scope.cancelled_caught
    assert await ledger.facts.get("org") == "a"


async def test_a_statement_cancelled_under_way_is_rolled_back_with_the_rest(
    ledger: Ledger,
) -> None:
    rows = [("p", number, "{}") for number in range(20_000)]
    under_way = anyio.Event()
    async with anyio.create_task_group() as group:

        async def write() -> None:
            async with ledger.write() as tx:
                under_way.set()
                await tx.run_many("INSERT INTO slice (phase, number, spec) VALUES (?, ?, ?)", rows)

        group.start_soon(write)
        await under_way.wait()
        group.cancel_scope.cancel()
    assert await ledger.slices.of("p") == []
    async with ledger.write() as tx:
        await ledger.slices.plan(tx, "p", [{}])
    assert len(await ledger.slices.of("p")) == 1


async def test_writers_take_turns(ledger: Ledger) -> None:
    async def add_one() -> None:
        async with ledger.write() as tx:
            rows = await tx.fetch("SELECT value FROM fact WHERE key = 'n'")
            await anyio.lowlevel.checkpoint()
            await ledger.facts.set(tx, "n", str(int(rows[0][0]) + 1 if rows else 1))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(add_one)
    assert await ledger.facts.get("n") == "20"


async def test_a_write_after_the_end_of_its_transaction_is_refused(ledger: Ledger) -> None:
    kept: list[Tx] = []
    async with ledger.write() as tx:
        kept.append(tx)
    with pytest.raises(IllegalStep):
        await ledger.facts.set(kept[0], "org", "a")
    assert await ledger.facts.all() == {}


async def test_a_full_disk_stops_the_transaction_and_leaves_the_ledger_usable(
    ledger: Ledger,
) -> None:
    async with ledger.write() as tx:
        await tx.fetch("PRAGMA max_page_count = 1")  # SQLite raises it to what is there
    with pytest.raises(DiskFull):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "big", "x" * 1_000_000)
    assert await ledger.facts.all() == {}
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "small", "x")
    assert await ledger.facts.all() == {"small": "x"}


async def test_a_commit_that_fails_leaves_the_ledger_usable(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await tx.run("CREATE TABLE parent (id INTEGER PRIMARY KEY)")
        await tx.run("CREATE TABLE child (id REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED)")
    await ledger._database._writer.execute("PRAGMA foreign_keys = ON")  # type: ignore[union-attr]
    with pytest.raises(sqlite3.IntegrityError):
        async with ledger.write() as tx:
            await tx.run("INSERT INTO child VALUES (1)")
    async with ledger.write() as tx:
        assert await tx.fetch("SELECT * FROM child") == []
