"""Transitions go forward step by step, are begun once, and are found by either id."""

from pathlib import Path

import pytest

from state.ledger import Ledger
from state.transitions import Transition

pytestmark = pytest.mark.anyio
LEAD, CONTACT = "00Q000000000001AAA", "003000000000001AAA"


def key(number: int) -> str:
    return f"{number:024x}"


def transition(number: int, to: str = CONTACT) -> Transition:
    return Transition("customers", key(number), "Lead", LEAD, "loaded", "Contact", to)


async def test_each_goes_its_steps_and_what_is_noted_twice_is_noted_once(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "w", clock=lambda: 7.0) as ledger:
        async with ledger.write() as tx:
            await ledger.transitions.begin(tx, [transition(n) for n in range(5)])
            await ledger.transitions.begin(tx, [transition(1, to="another")])
        made = await ledger.transitions.at("customers", "made", limit=3)
        assert [each.source_id for each in made] == [key(n) for n in range(3)]
        assert {each.to_id for each in made} == {CONTACT}
        rest = await ledger.transitions.at("customers", "made", after=key(2), limit=3)
        assert [each.source_id for each in rest] == [key(3), key(4)]
        async with ledger.write() as tx:
            await ledger.transitions.stick(tx, "customers", {key(0): "too-bad"})
            await ledger.transitions.advance(tx, "customers", "references", {key(1): ""})
            await ledger.transitions.advance(tx, "customers", "done", {key(2): "marked"})
        (stuck,) = await ledger.transitions.find(key(0))
        assert (stuck.step, stuck.stuck, stuck.updated_at) == ("made", "too-bad", 7.0)
        (done,) = await ledger.transitions.find(key(2))
        assert (done.step, done.fate, done.stuck) == ("done", "marked", "")
        there = await ledger.transitions.at("customers", "references", limit=9)
        assert [each.source_id for each in there] == [key(1)]
        assert await ledger.transitions.at("customers", "done", limit=9) == []
        assert await ledger.transitions.sources_of(LEAD) == [key(n) for n in range(5)]


async def test_a_record_that_becomes_another_is_counted_once_and_known_as_the_new_one(
    tmp_path: Path,
) -> None:
    async with Ledger.open(tmp_path / "w", clock=lambda: 0.0) as ledger:
        crosswalk = ledger.crosswalk
        async with ledger.write() as tx:
            entry = (key(1), 0, LEAD, 5, b"x" * 8)
            await crosswalk.learn(tx, "customer", "Lead", [entry], origin="loaded", job=1)
        entries = [(key(1), 0, CONTACT, 9, b"y" * 8), (key(2), 0, CONTACT, 9, b"y" * 8)]
        for expected in (1, 0):
            async with ledger.write() as tx:
                became = await crosswalk.become(
                    tx, "customer", "Contact", entries, origin="matched", job=2
                )
            assert became == expected
        assert await crosswalk.count("customer") == 1
        assert await crosswalk.resolve("customer", [key(1)]) == {key(1): ("Contact", CONTACT)}
        standing = (await crosswalk.standing("customer", [key(1)]))[key(1), 0]
        assert (standing.origin, standing.version_ms) == ("matched", 9)
        assert await crosswalk.brought_by("customer", [key(1)], 2) == {(key(1), 0): CONTACT}
