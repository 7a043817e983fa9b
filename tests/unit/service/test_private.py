"""Rights: everything in a workspace is for its owner only, whatever the umask."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from service.cli.frame import GlobalOptions, guarded
from service.mapped import MAPPING_FILE, default_mapping
from service.report.facts import collect
from service.report.write import write_report
from state.ledger import Ledger
from state.private import write_private
from tests.unit.service.service_files import clock, fill, write_config
from tests.unit.state.columns import columns


@pytest.fixture(params=[0o000, 0o022, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def rights(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in folder.rglob("*")
    }


async def work(folder: Path) -> None:
    """Leave every kind of file, side files of the open database included; then look."""
    workspace = folder / "ferry"
    await fill(folder)
    async with Ledger.open(workspace, clock=clock) as ledger, ledger.write() as tx:
        ledger.spool.write("x", columns(3))
        write_private(workspace / MAPPING_FILE, default_mapping().encode())
        write_report(await collect(ledger, now=0.0), workspace / "reports")
        await ledger.facts.set(tx, "a", "b")
        found = rights(workspace)
    assert {"state.sqlite-wal", "state.sqlite-shm", "lock", "reports/report.html"} <= found.keys()
    folders = {"spool", "reports"}
    assert {name: mode for name, mode in found.items() if name in folders} == dict.fromkeys(
        folders, "0o700"
    )
    others = found.keys() - folders
    assert {name: found[name] for name in others} == dict.fromkeys(others, "0o600")
    assert oct(stat.S_IMODE(workspace.stat().st_mode)) == "0o700"


def test_files_are_their_owners_only_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    config = write_config(tmp_path)
    config.chmod(0o600)
    anyio.run(work, tmp_path)

    def fails() -> int:
        raise RuntimeError

    with pytest.raises(SystemExit):
        guarded(GlobalOptions(config, json=False), fails)
    crash = next((tmp_path / "ferry").glob("deskferry-crash-*"))
    assert oct(stat.S_IMODE(crash.stat().st_mode)) == "0o600"


def test_a_file_that_was_open_to_others_is_tightened(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o666)
    write_private(path, b"new")
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)


def test_a_symbolic_link_in_a_files_place_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "file").symlink_to(victim)
    with pytest.raises(OSError, match="symbolic links"):
        write_private(tmp_path / "file", b"new")
    assert victim.read_text() == "precious"
