"""Looking a workspace over: what is well passes, what is not is named with what to do."""

import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from state.errors import NoWorkspace
from state.inspect import Inspection, inspect
from state.ledger import Ledger
from state.spool import SpoolFile
from state.workspace import DATABASE, holder
from tests.unit.state.columns import columns
from tests.unit.state.steps import intend_insert, seal_batch
from tests.unit.state.test_encrypted_ledger import clock

KINDS = {"notes": "note", "messages": "message"}
KEY = "66f0a1b2c3d4e5f6010203{:02d}"


async def seal(ledger: Ledger) -> tuple[int, SpoolFile]:
    """Seal a batch of three records."""
    file = ledger.spool.write("notes", columns(3, bytes_each=100))
    async with ledger.write() as tx:
        batch = await seal_batch(ledger, tx, file)
        await ledger.books.add(tx, "notes", extracted=3)
    return batch, file


async def fill(workspace: Path) -> tuple[str, str]:
    """Leave a phase in the middle: one batch done, one waiting; returns their files."""
    async with Ledger.open(workspace, clock=clock) as ledger:
        batch, done = await seal(ledger)
        async with ledger.write() as tx:
            job = await intend_insert(ledger, tx)
            await ledger.batches.take(tx, [batch], job)
            entries = [(KEY.format(n), 0, f"00a{n}", 1, b"") for n in range(3)]
            new = await ledger.crosswalk.learn(
                tx, "note", "CaseComment", entries, origin="loaded", job=job
            )
            await ledger.books.add(tx, "notes", loaded=new)
            await ledger.batches.done(tx, job)
            await ledger.jobs.harvested(tx, job)
        ledger.spool.strip(done.name)
        _, waiting = await seal(ledger)
    return done.name, waiting.name


def codes(told: Inspection) -> set[str]:
    for finding in told.findings:
        assert finding.next_step.endswith(".")
        assert finding.detail.endswith(".")
    return {finding.code for finding in told.findings}


async def test_a_workspace_that_is_well_passes(workspace: Path) -> None:
    await fill(workspace)
    told = inspect(workspace, KINDS)
    assert (told.findings, told.serious(), told.batch_files, told.phases) == ([], False, 2, 2)
    assert told.busy is None


async def test_it_works_while_another_process_does_and_says_so(workspace: Path) -> None:
    await fill(workspace)
    async with Ledger.open(workspace, clock=clock) as ledger:
        ledger.spool.write("just-being-sealed", columns(1))
        told = inspect(workspace, KINDS)
        assert (told.busy, told.findings) == (os.getpid(), [])
    assert holder(workspace) is None


async def test_it_changes_nothing(workspace: Path) -> None:
    await fill(workspace)
    (workspace / "spool" / "strange.part").write_bytes(b"half")
    before = {path.name: path.read_bytes() for path in (workspace / "spool").iterdir()}
    database = (workspace / DATABASE).read_bytes()
    told = inspect(workspace, KINDS)
    assert codes(told) == {"unknown-file"}
    assert not told.serious()
    assert {path.name: path.read_bytes() for path in (workspace / "spool").iterdir()} == before
    assert (workspace / DATABASE).read_bytes() == database


def test_a_workspace_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace):
        inspect(tmp_path / "ferry", KINDS)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-5])


def alter(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-3] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("spoil", [cut, alter, Path.unlink])
async def test_a_batch_file_that_waits_and_is_damaged_is_serious(
    workspace: Path, spoil: Callable[[Path], None]
) -> None:
    _, waiting = await fill(workspace)
    spoil(workspace / "spool" / waiting)
    told = inspect(workspace, KINDS)
    assert codes(told) == {"batch-file-damaged"}
    assert told.serious()
    assert told.findings[0].place == f"spool/{waiting}"


@pytest.mark.parametrize("spoil", [cut, alter, Path.unlink])
async def test_a_batch_file_that_is_done_with_is_only_noted(
    workspace: Path, spoil: Callable[[Path], None]
) -> None:
    done, _ = await fill(workspace)
    spoil(workspace / "spool" / done)
    told = inspect(workspace, KINDS)
    assert codes(told) == {"batch-index-gone"}
    assert not told.serious()


async def test_a_batch_that_waits_without_its_payloads_is_serious(workspace: Path) -> None:
    _, waiting = await fill(workspace)
    async with Ledger.open(workspace, clock=clock) as ledger:
        ledger.spool.strip(waiting)
    assert codes(inspect(workspace, KINDS)) == {"batch-file-damaged"}


async def test_an_older_database_beside_a_newer_spool_is_recognised(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock):
        pass
    older = workspace.with_name("older.sqlite")
    shutil.copy(workspace / DATABASE, older)
    done, _ = await fill(workspace)
    shutil.copy(older, workspace / DATABASE)
    told = inspect(workspace, KINDS)
    assert codes(told) == {"state-lost", "unknown-file"}
    assert [each.place for each in told.findings if each.serious] == [f"spool/{done}"]


COLUMNS = (
    "(phase, source_id, part, state, reason, field, detail, job, payload, first_seen, updated_at)"
)
SPOILED_BOOKS = {
    "one extracted more": "UPDATE book SET records = records + 1 WHERE account = 'extracted'",
    "one loaded less": "UPDATE book SET records = records - 1 WHERE account = 'loaded'",
    "a duplicate that was none": "INSERT INTO book VALUES ('notes', 'duplicates', '', 1)",
    "a matched record nobody knows": "INSERT INTO book VALUES ('notes', 'matched', '', 1)",
    "a crosswalk entry gone": "DELETE FROM crosswalk WHERE target_id = '00a1'",
    "a book of a phase without records": "INSERT INTO book VALUES ('messages', 'loaded', '', 1)",
    "a held row that appeared": f"INSERT INTO row {COLUMNS} VALUES "
    "('notes', x'00', 0, 'held', 'r', '', '', NULL, NULL, 0, 0)",
    "a gate at another count": "INSERT INTO gate VALUES ('messages', 1, 7, NULL)",
}


@pytest.mark.parametrize("spoil", SPOILED_BOOKS)
async def test_a_book_that_is_off_by_one_is_recognised(workspace: Path, spoil: str) -> None:
    await fill(workspace)
    await change(workspace, SPOILED_BOOKS[spoil])
    told = inspect(workspace, KINDS)
    assert codes(told) == {"books-off"}
    assert told.serious()


SPOILED_TABLES = {
    "a crosswalk entry of no job": "UPDATE crosswalk SET job = 99 WHERE target_id = '00a1'",
    "a crosswalk entry of no kind": "UPDATE crosswalk SET object = 99 WHERE target_id = '00a1'",
    "a batch of no job": "UPDATE batch SET job = 99 WHERE state = 'done'",
    "a batch that waits in a job": "UPDATE batch SET job = 1 WHERE state = 'sealed'",
    "a batch taken by a job that ended": "UPDATE batch SET state = 'taken' WHERE job = 1",
    "a batch done before its job": "UPDATE job SET state = 'closed'",
    "a gate closed over a waiting batch": "INSERT INTO gate VALUES ('notes', 1, 6, NULL)",
    "a loose row in a job that ended": f"INSERT INTO row {COLUMNS} VALUES "
    "('notes', x'00', 1, 'pending', 'r', '', '', 1, NULL, 0, 0)",
}


@pytest.mark.parametrize("spoil", SPOILED_TABLES)
async def test_tables_that_disagree_are_recognised(workspace: Path, spoil: str) -> None:
    await fill(workspace)
    await change(workspace, SPOILED_TABLES[spoil])
    told = inspect(workspace, KINDS)
    assert "tables-disagree" in codes(told)
    assert told.serious()


async def change(workspace: Path, sql: str) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        await tx.run(sql)


async def test_work_in_the_middle_of_a_harvest_is_no_fault(workspace: Path) -> None:
    await fill(workspace)
    async with Ledger.open(workspace, clock=clock) as ledger:
        (batch,) = await ledger.batches.ready("notes", "CaseComment")
        async with ledger.write() as tx:
            job = await intend_insert(ledger, tx)
            await ledger.batches.take(tx, [batch.id], job)
            entries = [(KEY.format(50), 0, "00a9", 1, b"")]
            new = await ledger.crosswalk.learn(
                tx, "note", "CaseComment", entries, origin="loaded", job=job
            )
            await ledger.books.add(tx, "notes", loaded=new)
    assert inspect(workspace, KINDS).findings == []


@pytest.mark.parametrize("at", [0.0, 0.001, 0.02, 0.3, 0.5, 0.7, 0.9])
async def test_bytes_flipped_in_the_database_are_said_and_never_crash(
    workspace: Path, at: float
) -> None:
    """A page's head is always noticed; a flip inside a value need not be, but is never a crash."""
    await fill(workspace)
    path = workspace / DATABASE
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        size = database.execute("PRAGMA page_size").fetchone()[0]
    database.close()
    data = bytearray(path.read_bytes())
    start = int(at * len(data)) // size * size if at not in (0.001,) else 20
    for offset in range(start, start + 12):
        data[offset] ^= 0xFF
    path.write_bytes(data)
    assert codes(inspect(workspace, KINDS)) == {"database-damaged"}


async def test_a_truncated_log_loses_what_was_last_and_the_spool_tells(workspace: Path) -> None:
    """SQLite drops what it cannot read of its log without a word; the spool remembers."""
    async with Ledger.open(workspace, clock=clock) as ledger:
        await ledger._database._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        batch, file = await seal(ledger)
        async with ledger.write() as tx:
            job = await intend_insert(ledger, tx, rows_sent=0)
            await ledger.batches.take(tx, [batch], job)
            await ledger.batches.done(tx, job)
            await ledger.jobs.harvested(tx, job)
        ledger.spool.strip(file.name)
        copy = workspace.with_name("copy")
        shutil.copytree(workspace, copy)  # as a crash of the machine would leave it
    log = copy / f"{DATABASE}-wal"
    log.write_bytes(log.read_bytes()[:100])
    (copy / f"{DATABASE}-shm").unlink()
    told = inspect(copy, KINDS)
    assert codes(told) == {"state-lost"}
    assert told.serious()
