"""Opening a workspace: rights, the lock, versions, and what a crash left behind."""

import os
import sqlite3
import stat
import time
from pathlib import Path

import pytest

from state import queries
from state.errors import (
    DiskFailed,
    DiskFull,
    NoWorkspace,
    StateDamaged,
    StateError,
    StateTooNew,
    StateTooOld,
    WorkspaceCannotLock,
    WorkspaceGone,
    WorkspaceLocked,
    WorkspaceUnusable,
)
from state.ledger import Ledger
from state.spool import SpoolFile
from state.workspace import DATABASE
from tests.unit.state.columns import columns
from tests.unit.state.steps import seal_batch

clock = time.time


def place(folder: Path, name: str, data: bytes) -> None:
    folder.mkdir()
    (folder / name).write_bytes(data)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def rights(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in [folder, *folder.rglob("*")]}


async def sealed(ledger: Ledger, file: SpoolFile) -> int:
    async with ledger.write() as tx:
        return await seal_batch(ledger, tx, file)


async def test_a_fact_survives_reopening(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    async with Ledger.open(workspace, clock=clock, read_only=True) as ledger:
        assert await ledger.facts.get("org") == "a"


async def test_a_second_process_is_refused_with_the_first_ones_pid(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock):
        with pytest.raises(WorkspaceLocked, match=str(os.getpid())):
            async with Ledger.open(workspace, clock=clock):
                pass


async def test_a_lock_file_left_by_a_killed_process_does_not_lock(workspace: Path) -> None:
    place(workspace, "lock", b"1")
    async with Ledger.open(workspace, clock=clock):
        with pytest.raises(WorkspaceLocked, match=str(os.getpid())):
            async with Ledger.open(workspace, clock=clock):
                pass


async def test_a_reader_looks_on_while_another_writes(workspace: Path) -> None:
    async with (
        Ledger.open(workspace, clock=clock) as ledger,
        Ledger.open(workspace, clock=clock, read_only=True) as looker,
    ):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "a")
            assert await looker.facts.get("org") is None
        assert await looker.facts.get("org") == "a"
        with pytest.raises(WorkspaceUnusable):
            async with looker.write():
                pass


async def test_files_are_readable_by_their_owner_only(workspace: Path) -> None:
    before = os.umask(0)
    try:
        async with Ledger.open(workspace, clock=clock) as ledger:
            ledger.spool.write("x", columns(1))
            found = rights(workspace)
            assert found.keys() >= {DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", "lock"}
            folders = {"ferry", "spool"}
            assert {name for name, mode in found.items() if mode == 0o700} == folders
            assert {mode for name, mode in found.items() if name not in folders} == {0o600}
    finally:
        os.umask(before)


async def test_a_workspace_path_may_hold_any_character(tmp_path: Path) -> None:
    folder = tmp_path / "a b?c#d%41 é"
    async with Ledger.open(folder, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    async with Ledger.open(folder, clock=clock, read_only=True) as ledger:
        assert await ledger.facts.get("org") == "a"
    assert names(tmp_path) == {folder.name}


async def test_a_newer_state_is_refused(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        await tx.run(f"PRAGMA user_version = {len(queries.migrations()) + 1}")
    for read_only in (True, False):
        with pytest.raises(StateTooNew):
            async with Ledger.open(workspace, clock=clock, read_only=read_only):
                pass


async def test_looking_at_an_empty_workspace_says_so_and_makes_nothing(
    workspace: Path, tmp_path: Path
) -> None:
    with pytest.raises(NoWorkspace):
        async with Ledger.open(workspace, clock=clock, read_only=True):
            pass
    assert names(tmp_path) == set()


async def test_looking_at_a_state_that_was_never_brought_up_says_so(workspace: Path) -> None:
    place(workspace, DATABASE, b"")
    with pytest.raises(NoWorkspace):
        async with Ledger.open(workspace, clock=clock, read_only=True):
            pass


async def test_a_file_that_is_no_database_is_damaged(workspace: Path) -> None:
    place(workspace, DATABASE, b"not a database at all" * 100)
    for read_only in (True, False):
        with pytest.raises(StateDamaged):
            async with Ledger.open(workspace, clock=clock, read_only=read_only):
                pass


async def test_a_workspace_that_is_a_file_is_refused(workspace: Path) -> None:
    place(workspace, "x", b"")
    workspace = workspace / "x"
    with pytest.raises(WorkspaceUnusable):
        async with Ledger.open(workspace, clock=clock):
            pass


async def test_errors_of_the_run_are_not_taken_for_errors_of_the_workspace(
    workspace: Path,
) -> None:
    with pytest.raises(PermissionError):
        async with Ledger.open(workspace, clock=clock):
            raise PermissionError(13, "some other file")


async def test_batch_files_that_no_batch_names_are_removed_at_opening(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3))
        await sealed(ledger, file)
        ledger.spool.write("y", columns(1))
        (workspace / "spool" / "z.part").write_bytes(b"half")
    async with Ledger.open(workspace, clock=clock, read_only=True) as ledger:
        assert len(ledger.spool.names()) == 3
    async with Ledger.open(workspace, clock=clock) as ledger:
        assert ledger.spool.names() == [file.name]
        with ledger.spool.open(file.name, file.crc) as reader:
            assert reader.payload(2) == columns(3).payloads[2]


async def test_payloads_of_a_batch_that_is_done_are_dropped_at_opening(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3, bytes_each=1000))
        batch = await sealed(ledger, file)
        async with ledger.write() as tx:
            await ledger.batches.take(tx, [batch], 1)
            await ledger.batches.done(tx, 1)
    for _ in range(2):
        async with Ledger.open(workspace, clock=clock) as ledger:
            with ledger.spool.open(file.name, file.crc) as reader:
                assert reader.keys == columns(3).keys
                with pytest.raises(StateDamaged):
                    reader.payload(0)


async def test_a_migration_brings_an_older_state_up_and_keeps_what_it_holds(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = queries.migrations()[0]
    monkeypatch.setattr(queries, "migrations", lambda: [first])
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    second = "ALTER TABLE fact ADD COLUMN note TEXT; UPDATE fact SET note = 'old';"
    monkeypatch.setattr(queries, "migrations", lambda: [first, second])
    with pytest.raises(StateTooOld):
        async with Ledger.open(workspace, clock=clock, read_only=True):
            pass
    for _ in range(2):
        async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
            assert await tx.fetch("SELECT key, value, note FROM fact") == [("org", "a", "old")]
            assert await tx.fetch("PRAGMA user_version") == [(2,)]


async def test_a_migration_that_fails_changes_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Ledger.open(workspace, clock=clock):
        pass
    good = queries.migrations()
    broken = "CREATE TABLE half (x); INSERT INTO nowhere VALUES (1);"
    monkeypatch.setattr(queries, "migrations", lambda: [*good, broken])
    with pytest.raises(sqlite3.OperationalError):
        async with Ledger.open(workspace, clock=clock):
            pass
    monkeypatch.setattr(queries, "migrations", lambda: good)
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        assert await tx.fetch("SELECT name FROM sqlite_master WHERE name = 'half'") == []


@pytest.mark.parametrize(
    "kind",
    [
        DiskFailed,
        DiskFull,
        NoWorkspace,
        StateDamaged,
        StateTooNew,
        StateTooOld,
        WorkspaceCannotLock,
        WorkspaceGone,
        WorkspaceLocked,
        WorkspaceUnusable,
    ],
)
def test_every_error_says_what_to_do(kind: type[StateError]) -> None:
    assert kind.code != StateError.code
    assert kind.next_step.endswith(".")
    assert kind.recovery in ("stop", "refuse")
