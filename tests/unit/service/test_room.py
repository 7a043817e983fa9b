"""Free space against what a run will need, before it begins."""

from pathlib import Path

import pytest

from service import room
from service.room import KEPT_BYTES, LEAST_BYTES, Room, room_for, spool_room
from state.errors import DiskFull
from state.ledger import Ledger
from tests.unit.service.service_files import clock

LIMIT = 4_096_000_000


async def test_records_still_to_come_and_the_spool_are_counted(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "ferry", clock=clock) as ledger:
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "source_total.messages", "1000")
            await ledger.books.add(tx, "messages", extracted=400)
        found = await room_for(ledger, tmp_path / "ferry", LIMIT)
    assert found.kept == 600 * KEPT_BYTES
    assert found.wanted == LEAST_BYTES + 600 * KEPT_BYTES + LIMIT


def test_the_spool_stays_below_what_is_free() -> None:
    assert Room(free=10**12, kept=0, spool_limit=LIMIT).spool_bytes == LIMIT
    assert Room(free=LEAST_BYTES + 99, kept=0, spool_limit=LIMIT).spool_bytes == 99
    assert Room(free=5, kept=0, spool_limit=LIMIT).spool_bytes == 0


async def test_a_run_that_could_only_fill_the_disk_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Ledger.open(tmp_path, clock=clock) as ledger:
        monkeypatch.setattr(room, "free_bytes", lambda _: LEAST_BYTES)
        assert await spool_room(ledger, tmp_path, LIMIT) == 0
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "source_total.messages", "1000000")
        with pytest.raises(DiskFull, match=r"32 MB are free .* at least 282 MB"):
            await spool_room(ledger, tmp_path, LIMIT)


def test_room_is_asked_of_the_folder_that_will_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path, tmp_path / "a" / "b", tmp_path / "file" / "c"):
        assert room.free_bytes(path) > 0
