"""A sweep's difference is made in the ledger, block by block, and forgotten at its end."""

from state.ledger import Ledger
from state.rows import RowEntry
from state.sweeps import LoadedBy, SweptCounts
from tests.unit.state.test_crosswalk import learn, rows

ALL = LoadedBy("conversation", 10, b"gone")


async def test_missing_is_what_is_loaded_and_neither_shown_nor_asked_for(ledger: Ledger) -> None:
    await learn(ledger, rows(1_000))
    await learn(ledger, rows(3, part=1))
    ids = [row[0] for row in rows(1_000)]
    async with ledger.write() as tx:
        await ledger.sweeps.met(tx, "conversation", [*ids[:990], "never-loaded"])
        await ledger.sweeps.met(tx, "conversation", ids[:3])
        await ledger.sweeps.met(tx, "message", ids[990:])
        await ledger.sweeps.answered(tx, "conversation", {ids[991]: "there", ids[2]: "merged"})
    assert await ledger.sweeps.count_loaded(ALL) == 1_000
    assert await ledger.sweeps.count_missing(ALL, "conversations") == 9
    first = await ledger.sweeps.missing(ALL, after=None, limit=4)
    assert first == [ids[990], *ids[992:995]]
    assert await ledger.sweeps.missing(ALL, after=first[-1], limit=10) == ids[995:]
    assert await ledger.sweeps.counts("conversation") == SweptCounts(990, 1, 1, 0)
    assert set(await ledger.sweeps.shown(ALL, 5)) <= set(ids[:990])


async def test_later_jobs_removed_records_and_those_gone_already_are_left_out(
    ledger: Ledger,
) -> None:
    await learn(ledger, rows(3))
    await learn(ledger, [(f"{9:024x}", 0, "5009", 1, b"")], job=11)
    async with ledger.write() as tx:
        entry = (rows(3)[0][0], 0, "50000", 1_000, b"gone")
        await ledger.crosswalk.revise(tx, "conversation", [entry])
        await ledger.crosswalk.remove(tx, "conversation", [(rows(3)[1][0], 0)])
    assert await ledger.sweeps.missing(ALL, after=None, limit=10) == [rows(3)[2][0]]
    assert await ledger.sweeps.count_loaded(ALL) == 1


async def test_nothing_is_known_of_a_kind_that_was_never_loaded(ledger: Ledger) -> None:
    nothing = LoadedBy("kobject.x", 5, b"")
    assert await ledger.sweeps.missing(nothing, after=None, limit=5) == []
    assert await ledger.sweeps.count_missing(nothing, "x") == 0
    assert await ledger.sweeps.counts("kobject.x") == SweptCounts()


async def test_a_kinds_ids_are_forgotten_and_others_stay(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.sweeps.met(tx, "conversation", ["a", "b"])
        await ledger.sweeps.met(tx, "message", ["a"])
    async with ledger.write() as tx:
        assert not await ledger.sweeps.forget(tx, "conversation")
    assert (await ledger.sweeps.counts("conversation")).shown == 0
    assert (await ledger.sweeps.counts("message")).shown == 1


async def test_what_is_held_already_is_missing_and_not_counted(ledger: Ledger) -> None:
    await learn(ledger, rows(5))
    ids = [row[0] for row in rows(5)]
    held = RowEntry("conversations", ids[1], 0, "held", "conflict", "", "", b"{}", change=True)
    async with ledger.write() as tx:
        await ledger.rows.put(tx, [held])
    assert await ledger.sweeps.count_missing(ALL, "conversations") == 4
    assert await ledger.sweeps.missing(ALL, after=None, limit=10) == ids
