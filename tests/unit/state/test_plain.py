"""Refusals of the disk, injected: each gets its own plain word, and nothing is lost."""

import errno
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from state import forms, queries
from state.database import open_database
from state.errors import (
    DiskFailed,
    DiskFull,
    StateError,
    StateTooNew,
    WorkspaceCannotLock,
    WorkspaceGone,
    WorkspaceUnusable,
)
from state.ledger import Ledger
from state.plain import plain_errors
from state.workspace import DATABASE
from tests.unit.state.columns import columns


def clock() -> float:
    return 1_700_000_000.0


def failing(number: int) -> Callable[..., Any]:
    def call(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EFBIG, DiskFull),
        (errno.EIO, DiskFailed),
        (errno.EROFS, WorkspaceUnusable),
        (errno.EACCES, WorkspaceUnusable),
        (errno.ENOTDIR, WorkspaceUnusable),
        (errno.ENOENT, WorkspaceGone),
        (errno.ESTALE, WorkspaceGone),
    ],
)
@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_batch_file_that_cannot_be_written_leaves_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, kind: type[StateError]
) -> None:
    from state.spool import Spool

    spool = Spool(tmp_path)
    kept = spool.write("x", columns(1))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, failing(number))
        with pytest.raises(kind):
            spool.write("x", columns(2))
    assert spool.names() == [kept.name]
    assert spool.write("x", columns(2)).size_bytes > 0


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("as SQLite says it")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_FULL, DiskFull),
        (sqlite3.SQLITE_IOERR_SHMSIZE, DiskFull),
        (sqlite3.SQLITE_IOERR_WRITE, DiskFailed),
        (sqlite3.SQLITE_IOERR_READ, DiskFailed),
        (sqlite3.SQLITE_IOERR_SHMMAP, WorkspaceCannotLock),
        (sqlite3.SQLITE_IOERR_LOCK, WorkspaceCannotLock),
        (sqlite3.SQLITE_PROTOCOL, WorkspaceCannotLock),
        (sqlite3.SQLITE_READONLY_DBMOVED, WorkspaceGone),
        (sqlite3.SQLITE_READONLY, WorkspaceUnusable),
    ],
)
def test_each_refusal_of_sqlite_has_its_own_word(
    tmp_path: Path, code: int, kind: type[StateError]
) -> None:
    with pytest.raises(kind), plain_errors(tmp_path):
        raise sqlite_error(code)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EDQUOT, errno.EFBIG])
def test_a_write_that_sqlite_could_not_make_for_want_of_room_is_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(os, "write", failing(number))
    with pytest.raises(DiskFull), plain_errors(tmp_path):
        raise sqlite_error(sqlite3.SQLITE_IOERR_WRITE)
    assert list(tmp_path.iterdir()) == []


def move(folder: Path, to: Path) -> None:
    folder.rename(to)


def put_another_there(folder: Path) -> None:
    folder.mkdir()
    (folder / DATABASE).write_bytes(b"")


def copies(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if "before" in path.name]


async def test_a_ledger_whose_file_was_deleted_or_replaced_takes_no_more_writes(
    workspace: Path, ledger: Ledger
) -> None:
    async with ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    away = workspace.with_name("away")
    move(workspace, away)
    with pytest.raises(WorkspaceGone):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "b")
    with pytest.raises(WorkspaceGone):
        ledger.spool.write("x", columns(1))
    put_another_there(workspace)
    with pytest.raises(WorkspaceGone):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", "b")
    move(workspace, workspace.with_name("other"))
    move(away, workspace)
    async with ledger.write() as tx:
        assert await tx.fetch("SELECT value FROM fact") == [("a",)]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
async def test_a_file_system_without_locks_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr("fcntl.flock", failing(number))
    with pytest.raises(WorkspaceCannotLock) as refused:
        async with Ledger.open(workspace, clock=clock):
            pass
    assert "local disk" in refused.value.next_step


async def test_a_newer_state_names_its_form_and_the_version_that_wrote_it(workspace: Path) -> None:
    newest = len(queries.migrations())
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, forms.WRITTEN_BY, "9.9.1")
        await tx.run(f"PRAGMA user_version = {newest + 3}")
    said = f"form {newest + 3}, written by Deskferry 9.9.1; .* up to {newest}"
    for read_only in (True, False):
        with pytest.raises(StateTooNew, match=said):
            async with Ledger.open(workspace, clock=clock, read_only=read_only):
                pass


async def older(folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Leave a state of the first form; returns scripts of which the second fails."""
    first = queries.migrations()[0]
    monkeypatch.setattr(queries, "migrations", lambda: [first])
    async with Ledger.open(folder, clock=clock) as ledger, ledger.write() as tx:
        await ledger.facts.set(tx, "org", "a")
    return [first, "ALTER TABLE fact ADD COLUMN note TEXT;"]


async def test_a_copy_of_the_earlier_form_is_kept_for_its_owner_only(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = await older(workspace, monkeypatch)
    monkeypatch.setattr(queries, "migrations", lambda: scripts)
    async with Ledger.open(workspace, clock=clock):
        pass
    copy = workspace / f"{DATABASE}.before-2"
    assert copy.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr(queries, "migrations", lambda: scripts[:1])
    async with open_database(copy, read_only=True) as database:
        assert await database.fetch("SELECT * FROM fact") == [("org", "a")]


async def test_no_copy_no_change_when_the_disk_is_full(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = await older(workspace, monkeypatch)
    monkeypatch.setattr(queries, "migrations", lambda: scripts)
    with monkeypatch.context() as patch:
        patch.setattr(forms, "_put_in_place", failing(errno.ENOSPC))
        with pytest.raises(DiskFull):
            async with Ledger.open(workspace, clock=clock):
                pass
    assert copies(workspace) == []
    monkeypatch.setattr(queries, "migrations", lambda: scripts[:1])
    async with Ledger.open(workspace, clock=clock) as ledger:
        assert await ledger.facts.all() == {"org": "a"}


async def test_a_new_workspace_has_no_copy(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock):
        assert copies(workspace) == []
