"""Purge: no byte of what records hold stays in the workspace; ids, books and history do."""

from pathlib import Path

import pytest

from state.errors import WorkspaceLocked
from state.ledger import Ledger
from state.purge import purge
from state.rows import RowEntry
from tests.unit.state.test_encrypted_ledger import CANARY, ID, clock, everything, fill, lasting


async def fill_all(workspace: Path) -> None:
    """Leave the canary in every place, also in pages of the database that are free again."""
    async with Ledger.open(workspace, clock=clock) as ledger:
        await fill(ledger)
        async with ledger.write() as tx:
            long = (CANARY * 2_000).encode()
            rows = [RowEntry("notes", f"{n}", 0, "failed", "r", "f", "", long) for n in range(20)]
            await ledger.rows.put(tx, rows)
            await ledger.crosswalk.learn(
                tx, "note", "CaseComment", [(ID, 0, "00a", 5, b"d")], origin="loaded", job=1
            )
            await ledger.books.add(tx, "notes", extracted=21, loaded=1)
            run = await ledger.runs.start(tx, "migrate", 1)
            await ledger.runs.finish(tx, run, 5)
        async with ledger.write() as tx:
            await tx.run("DELETE FROM row WHERE source_id = (SELECT MIN(source_id) FROM row)")
    for name in (
        "deskferry-crash-1.txt",
        "reports/samples.html",
        "set-aside-1/state.sqlite",
        "state.sqlite.before-2",
    ):
        (workspace / name).parent.mkdir(exist_ok=True)
        (workspace / name).write_text(CANARY)
    (workspace / "reports" / "report.html").write_text("counts")
    (workspace / "mapping.yaml").write_text("a map")


async def test_no_byte_of_what_records_held_stays_and_the_rest_does(workspace: Path) -> None:
    await fill_all(workspace)
    assert CANARY.encode() in everything(workspace)
    for again in (False, True):
        async with Ledger.open(workspace, clock=clock) as ledger:
            gone = await purge(ledger, workspace, now=clock())
            assert CANARY.encode() not in everything(workspace)
            assert (gone.rows > 0, gone.other_files) == (not again, 0 if again else 4)
    assert CANARY.encode() not in everything(workspace)
    assert {"report.html", "mapping.yaml"} <= lasting(workspace).keys()
    async with Ledger.open(workspace, clock=clock, read_only=True) as ledger:
        assert [each.target_id for each in await ledger.crosswalk.get("note", ID)] == ["00a"]
        assert (await ledger.books.read("notes")).extracted == 21
        assert [run.command for run in await ledger.runs.history()] == ["migrate"]
        rows = await ledger.rows.listed(phase="notes")
        assert len(rows) == 20
        assert {row.payload for row in rows} == {None}
        (conflict,) = await ledger.conflicts.listed()
        assert (conflict.field, conflict.ours, conflict.theirs) == ("CommentBody", "", "")
        assert await ledger.facts.get("purged") == str(clock())
        (name,) = ledger.spool.names()
        with ledger.spool.open(name) as reader:
            assert len(reader.keys) == 3
            assert reader.parents[-1] == ["", "", ""]


async def test_a_reader_that_keeps_the_log_open_is_told_of_and_a_second_purge_ends_the_work(
    workspace: Path,
) -> None:
    await fill_all(workspace)
    async with Ledger.open(workspace, clock=clock) as ledger:
        async with Ledger.open(workspace, clock=clock, read_only=True) as looker:
            writer, reader = ledger._database._writer, looker._database._reader
            assert writer is not None
            await writer.execute_fetchall("PRAGMA busy_timeout = 50")
            await reader.execute("BEGIN")
            await reader.execute_fetchall("SELECT * FROM fact")
            with pytest.raises(WorkspaceLocked):
                await purge(ledger, workspace, now=clock())
            await reader.rollback()
        await purge(ledger, workspace, now=clock())
        assert CANARY.encode() not in everything(workspace)


async def test_a_damaged_batch_file_goes_whole(workspace: Path) -> None:
    await fill_all(workspace)
    async with Ledger.open(workspace, clock=clock) as ledger:
        (name,) = ledger.spool.names()
        path = workspace / "spool" / name
        path.write_bytes(path.read_bytes()[:-1])
        await purge(ledger, workspace, now=clock())
        assert ledger.spool.names() == []
        await purge(ledger, workspace, now=clock())
    assert CANARY.encode() not in everything(workspace)
