"""A ledger that cannot be used goes out of the way as a whole."""

from pathlib import Path

import pytest

from state.errors import StateTooNew, WorkspaceLocked
from state.ledger import Ledger
from state.set_aside import condition, set_aside
from state.spool import SpoolIsNewer
from state.workspace import DATABASE
from tests.unit.state.columns import columns
from tests.unit.state.test_encrypted_ledger import clock


async def write(workspace: Path, what: str) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        if what == "rebuilding":
            await ledger.facts.set(tx, "rebuilt", "begun")
        elif what == "used":
            await ledger.slices.plan(tx, "notes", [{}])
        elif what == "newer":
            await tx.run("PRAGMA user_version = 999")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("what", ["empty", "rebuilding", "used"])
async def test_what_there_is_of_a_ledger_is_told(workspace: Path, what: str) -> None:
    assert condition(workspace) == "absent"
    await write(workspace, what)
    assert condition(workspace) == what


async def test_a_newer_state_is_refused_and_a_broken_one_is_told(workspace: Path) -> None:
    await write(workspace, "used")
    path = workspace / DATABASE
    whole = path.read_bytes()
    for broken in (b"no database at all" * 100, whole[:2_000], whole[:5_000] + bytes(9_000)):
        path.write_bytes(broken)
        assert condition(workspace) == "damaged"
    path.write_bytes(b"")
    assert condition(workspace) == "empty"
    path.unlink()
    await write(workspace, "newer")
    with pytest.raises(StateTooNew):
        condition(workspace)


async def test_database_and_batch_files_go_together_and_nothing_is_lost(workspace: Path) -> None:
    await write(workspace, "used")
    (workspace / "spool" / "a.batch").write_bytes(b"rows")
    (workspace / "mapping.yaml").write_text("a map")
    database = (workspace / DATABASE).read_bytes()
    to = set_aside(workspace, at=17)
    assert to == workspace / "set-aside-17"
    assert (to / DATABASE).read_bytes() == database
    assert (to / "spool" / "a.batch").read_bytes() == b"rows"
    assert names(workspace) == {"set-aside-17", "spool", "lock", "mapping.yaml"}
    assert set_aside(workspace, at=18) is None
    assert condition(workspace) == "absent"


async def test_a_workspace_at_work_is_not_touched(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock):
        with pytest.raises(WorkspaceLocked):
            set_aside(workspace, at=1)
    assert (workspace / DATABASE).exists()


async def test_a_spool_that_is_ahead_of_its_database_is_refused_and_kept(workspace: Path) -> None:
    await write(workspace, "used")
    async with Ledger.open(workspace, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3))
        ledger.spool.strip(file.name)
        other = ledger.spool.write("y", columns(3))
    for _ in range(2):
        with pytest.raises(SpoolIsNewer):
            async with Ledger.open(workspace, clock=clock):
                pass
    assert names(workspace / "spool") == {file.name, other.name}


async def test_a_crash_while_a_file_is_stripped_is_no_such_sign(workspace: Path) -> None:
    async with Ledger.open(workspace, clock=clock) as ledger:
        file = ledger.spool.write("x", columns(3))
        ledger.spool.strip(file.name)
        (workspace / "spool" / file.name).rename(workspace / "spool" / "half.part")
    async with Ledger.open(workspace, clock=clock) as ledger:
        assert ledger.spool.names() == []
