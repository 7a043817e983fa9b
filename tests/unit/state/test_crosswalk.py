"""The crosswalk learns once, and finds by kind, id and part."""

import itertools
from pathlib import Path

import pytest

from state.crosswalk import Entry
from state.ledger import Ledger
from tests.unit.state.columns import ID
from tests.unit.state.conftest import Clock

Row = tuple[str, int, str, int, bytes]


def rows(count: int, *, part: int = 0) -> list[Row]:
    return [(f"{n:024x}", part, f"500{part}{n}", 1_000 + n, b"digest") for n in range(count)]


async def learn(
    ledger: Ledger,
    entries: list[Row],
    *,
    object: str = "Case",
    origin: str = "loaded",
    job: int = 1,
) -> int:
    async with ledger.write() as tx:
        return await ledger.crosswalk.learn(
            tx, "conversation", object, entries, origin=origin, job=job
        )


async def test_learning_the_same_twice_counts_it_once(ledger: Ledger) -> None:
    assert await learn(ledger, rows(5)) == 5
    again = [(key, part, "other", 0, b"") for key, part, *_ in rows(6)]
    assert await learn(ledger, again, origin="found", job=2) == 1
    assert await ledger.crosswalk.get("conversation", rows(5)[4][0]) == [
        Entry("conversation", rows(5)[4][0], 0, "Case", "50004", "loaded", 1, 1_004, b"digest")
    ]


async def test_ids_are_resolved_by_kind_and_others_are_absent(ledger: Ledger) -> None:
    await learn(ledger, rows(1_203))
    await learn(ledger, [("not-hex", 0, "00Q1", 0, b"")], object="Lead")
    ids = [row[0] for row in rows(1_203)]
    found = await ledger.crosswalk.resolve("conversation", [*ids, "not-hex", "f" * 24])
    expected = {row[0]: ("Case", row[2]) for row in rows(1_203)}
    assert found == expected | {"not-hex": ("Lead", "00Q1")}
    assert await ledger.crosswalk.resolve("message", ids) == {}
    assert await ledger.crosswalk.resolve("conversation", []) == {}


async def test_a_part_is_known_apart_from_its_neighbours(ledger: Ledger) -> None:
    one, two = ID.format(1), ID.format(2)
    await learn(ledger, [(one, 0, "a", 0, b""), (two, 1, "b", 0, b"")], job=1)
    await learn(ledger, [(one, 2, "c", 0, b"")], job=2)
    known = ledger.crosswalk.known_parts
    ids = [one, two, ID.format(3)]
    assert await known("conversation", ids, except_job=None) == {(one, 0), (one, 2), (two, 1)}
    assert await known("conversation", ids, except_job=1) == {(one, 2)}
    assert await ledger.crosswalk.known("conversation", ids, except_job=1) == {one}
    assert await ledger.crosswalk.known("message", ids, except_job=None) == set()


async def test_records_are_counted_once_whatever_their_parts(ledger: Ledger) -> None:
    await learn(ledger, rows(3))
    await learn(ledger, rows(3, part=1))
    await learn(ledger, [(ID.format(9), 0, "x", 0, b"")], object="Lead", origin="matched")
    count = ledger.crosswalk.count
    assert await count("conversation") == 4
    assert await count("conversation", "Case") == 3
    assert await count("conversation", None, "matched") == 1
    assert await count("conversation", "Case", "matched") == 0
    assert await count("conversation", "Account") == 0
    assert await count("message") == 0


async def test_an_id_is_found_whatever_its_kind(ledger: Ledger) -> None:
    await learn(ledger, [(ID.format(1), 1, "b", 0, b""), (ID.format(1), 0, "a", 0, b"")])
    async with ledger.write() as tx:
        await ledger.crosswalk.learn(
            tx, "message", "EmailMessage", [(ID.format(1), 0, "c", 0, b"")], origin="loaded", job=3
        )
    found = await ledger.crosswalk.find(ID.format(1))
    assert [(each.kind, each.part, each.target_id) for each in found] == [
        ("conversation", 0, "a"),
        ("conversation", 1, "b"),
        ("message", 0, "c"),
    ]


async def test_an_export_gives_everything_once_and_in_order(ledger: Ledger) -> None:
    await learn(ledger, rows(5_003))
    await learn(ledger, rows(2, part=1))
    blocks = [block async for block in ledger.crosswalk.export()]
    assert [len(block) for block in blocks] == [5_000, 5]
    places = [(entry.source_id, entry.part) for block in blocks for entry in block]
    assert places == sorted((row[0], row[1]) for row in rows(5_003) + rows(2, part=1))


async def test_a_name_given_in_a_rolled_back_transaction_is_given_anew(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError):
        async with ledger.write() as tx:
            await ledger.crosswalk.learn(tx, "note", "CaseComment", rows(1), origin="loaded", job=1)
            raise RuntimeError
    await learn(ledger, rows(2))
    async with ledger.write() as tx:
        await ledger.crosswalk.learn(tx, "note", "CaseComment", rows(1), origin="loaded", job=1)
    found = [entry async for block in ledger.crosswalk.export() for entry in block]
    assert sorted((entry.kind, entry.object) for entry in found) == [
        ("conversation", "Case"),
        ("conversation", "Case"),
        ("note", "CaseComment"),
    ]


async def test_a_looker_sees_kinds_that_came_after_it_opened(
    ledger: Ledger, workspace: Path, clock: Clock
) -> None:
    async with Ledger.open(workspace, clock=clock, read_only=True) as looker:
        assert await looker.crosswalk.resolve("conversation", [rows(1)[0][0]]) == {}
        await learn(ledger, rows(1))
        assert await looker.crosswalk.resolve("conversation", [rows(1)[0][0]]) == {
            rows(1)[0][0]: ("Case", "50000")
        }
        await learn(ledger, [(ID.format(5), 0, "x", 0, b"")], object="Lead", origin="found")
        assert [entry.object async for block in looker.crosswalk.export() for entry in block] == [
            "Case",
            "Lead",
        ]


async def test_picks_are_spread_over_the_range_and_the_same_for_the_same_points(
    ledger: Ledger,
) -> None:
    ids = [f"{number:08x}{'0' * 16}" for number in range(1_000)]
    entries = [(each, part, f"500{each[:15]}", 1, b"") for each in ids for part in (0, 1)]
    async with ledger.write() as tx:
        await ledger.crosswalk.learn(tx, "note", "CaseComment", entries, origin="loaded", job=1)
    points = [number / 20 for number in range(21)]
    picked = await ledger.crosswalk.spread("note", points)
    assert picked == await ledger.crosswalk.spread("note", points)
    places = [ids.index(each) for each in picked]
    assert max(b - a for a, b in itertools.pairwise(places)) <= 51
    assert (places[0], places[-1]) == (0, 999)
    assert await ledger.crosswalk.spread("note", [0.5] * 1_000) == ids, "all, where they are few"
    assert await ledger.crosswalk.spread("unknown", points) == []
