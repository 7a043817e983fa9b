"""Conflicts that were found since a time: only those that nobody has decided about."""

from state.conflicts import RULE, Conflict
from state.ledger import Ledger
from tests.unit.state.conftest import Clock

IDS = [f"66f0a1b2c3d4e5f60102030{number}" for number in range(4)]


def conflict(source_id: str, field: str = "Subject", **decided: str) -> Conflict:
    place = ("conversations", source_id, 0, field, "Case", "500")
    return Conflict(*place, "ours", "theirs", "005", **decided)  # type: ignore[arg-type]


async def test_open_conflicts_are_counted_from_a_time_on(ledger: Ledger, clock: Clock) -> None:
    assert await ledger.conflicts.found_since(0) == (0, 0.0)
    async with ledger.write() as tx:
        await ledger.conflicts.open(tx, [conflict(IDS[0]), conflict(IDS[0], "Status")])
        await ledger.conflicts.open(tx, [conflict(IDS[1], decision="source", decided_by=RULE)])
    first = clock.now
    assert await ledger.conflicts.found_since(0) == (2, first)
    clock.now += 60
    assert await ledger.conflicts.found_since(first) == (0, 0.0)
    async with ledger.write() as tx:
        await ledger.conflicts.open(tx, [conflict(IDS[2]), conflict(IDS[0])])
        await ledger.conflicts.decide(tx, IDS[2], None, "target", by="a test")
    assert await ledger.conflicts.found_since(first) == (1, clock.now), "one was renewed"
