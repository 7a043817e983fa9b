"""The ledger's promises, table group by table group."""

import os
import stat
from pathlib import Path

import pytest

from state import queries
from state.errors import IllegalStep, NoWorkspace, StateDamaged, StateTooNew, WorkspaceLocked
from state.keys import decode_id, encode_id
from state.ledger import Ledger
from state.rows import RowEntry
from state.spool import BatchColumns

ID = "66f0a1b2c3d4e5f60102030{}"


def clock() -> float:
    return 1_700_000_000.0


def columns(rows: int) -> BatchColumns:
    made = BatchColumns.empty(2)
    for number in range(rows):
        made.keys.append(ID.format(number))
        made.parts.append(0)
        made.versions.append(number)
        made.parents[0].append("p")
        made.parents[1].append("")
        made.digests.append("00" * 16)
        made.pages.append(1)
        made.slices.append(0)
        made.payloads.append(f'"row {number} ü"'.encode())
    return made


async def test_a_fact_survives_reopening(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    async with Ledger.open(tmp_path, clock=clock, read_only=True) as ledger:
        assert await ledger.facts.get("org") == "a"


async def test_an_error_inside_a_transaction_leaves_nothing_behind(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        with pytest.raises(RuntimeError):
            async with ledger.write() as tx:
                await ledger.facts.set(tx, "org", "a")
                raise RuntimeError
        assert await ledger.facts.get("org") is None


async def test_a_second_process_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock):
        with pytest.raises(WorkspaceLocked, match=str(os.getpid())):
            async with Ledger.open(tmp_path, clock=clock):
                pass


async def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "ferry"
    async with Ledger.open(folder, clock=clock) as ledger:
        ledger.spool.write("x", columns(1))
        for path in [folder, *folder.rglob("*")]:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


async def test_a_newer_state_is_refused(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger, ledger.write() as tx:
        await tx.run(f"PRAGMA user_version = {len(queries.migrations()) + 1}")
    with pytest.raises(StateTooNew):
        async with Ledger.open(tmp_path, clock=clock):
            pass


async def test_looking_at_an_empty_workspace_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoWorkspace):
        async with Ledger.open(tmp_path, clock=clock, read_only=True):
            pass


async def test_learning_the_same_twice_counts_it_once(tmp_path: Path) -> None:
    entries = [(ID.format(n), 0, f"500{n}", 1, b"d") for n in range(5)]
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        for expected in (5, 0):
            async with ledger.write() as tx:
                new = await ledger.crosswalk.learn(
                    tx, "conversation", "Case", entries, origin="loaded", job=1
                )
            assert new == expected
        assert await ledger.crosswalk.count("conversation", "Case", "loaded") == 5
        found = await ledger.crosswalk.resolve("conversation", [ID.format(3), "f" * 24])
        assert found == {ID.format(3): ("Case", "5003")}
        ids = [entry[0] for entry in entries]
        assert await ledger.crosswalk.known("conversation", ids, except_job=1) == set()
        assert len(await ledger.crosswalk.known("conversation", ids, except_job=None)) == 5


async def test_a_job_cannot_skip_a_step(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        async with ledger.write() as tx:
            job = await ledger.jobs.intend(
                tx, phase="p", object="Case", operation="insert", lane=0, rows_sent=1, aside=b""
            )
        with pytest.raises(IllegalStep):
            async with ledger.write() as tx:
                await ledger.jobs.closed(tx, job)


async def test_released_batches_are_ready_again(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(2))
        async with ledger.write() as tx:
            batch = await ledger.batches.seal(
                tx,
                phase="p",
                kind="k",
                object="Case",
                lane=1,
                rows=2,
                size_bytes=file.size_bytes,
                file=file.name,
                crc=file.crc,
            )
            await ledger.batches.take(tx, [batch], 7)
        assert await ledger.batches.ready("p", "Case") == []
        async with ledger.write() as tx:
            await ledger.batches.release(tx, 7)
        assert [each.id for each in await ledger.batches.ready("p", "Case")] == [batch]


async def test_books_balance_only_when_every_record_is_accounted_for(tmp_path: Path) -> None:
    def row(number: int, state: str) -> RowEntry:
        return RowEntry("p", ID.format(number), 0, state, "why", "", "", b"{}")  # type: ignore[arg-type]

    async with Ledger.open(tmp_path, clock=clock) as ledger:
        async with ledger.write() as tx:
            await ledger.books.add(tx, "p", extracted=6, loaded=2, duplicates=1)
            await ledger.books.add_reason(tx, "p", "skipped", "deleted", 1)
            assert await ledger.rows.put(tx, [row(1, "held"), row(2, "pending")]) == 2
            assert await ledger.rows.put(tx, [row(1, "held")]) == 0
        book = await ledger.books.read("p")
        assert (book.difference, book.pending, book.balanced) == (1, 1, False)
        async with ledger.write() as tx:
            await ledger.rows.put(tx, [row(2, "failed")])
        assert (await ledger.books.read("p")).balanced


async def test_orphaned_batch_files_are_removed_at_opening(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        ledger.spool.write("x", columns(1))
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        assert ledger.spool.names() == []


async def test_a_batch_file_gives_back_what_was_written(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3))
        with ledger.spool.open(file.name, file.crc) as reader:
            assert reader.keys == columns(3).keys
            assert [reader.payload(n) for n in range(3)] == columns(3).payloads
        ledger.spool.strip(file.name)
        with ledger.spool.open(file.name) as reader:
            assert reader.keys == columns(3).keys
            with pytest.raises(StateDamaged):
                reader.payload(0)


async def test_a_damaged_batch_file_is_recognised(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3))
        path = tmp_path / "spool" / file.name
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(StateDamaged), ledger.spool.open(file.name, file.crc):
            pass
        path.write_bytes(data[:-4])
        with pytest.raises(StateDamaged), ledger.spool.open(file.name):
            pass


@pytest.mark.parametrize("source_id", [ID.format(1), "x", "", "F" * 24, "noid-00ff", "ü" * 11])
def test_every_id_survives_its_key(source_id: str) -> None:
    assert decode_id(encode_id(source_id)) == source_id
