"""Facts, runs, slices, gates and match keys."""

from state.gates import Gate
from state.ledger import Ledger
from state.runs import Run
from tests.unit.state.conftest import Clock


async def test_a_fact_set_again_is_replaced(ledger: Ledger) -> None:
    assert await ledger.facts.get("org") is None
    for value in ("a", "b"):
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "org", value)
    assert await ledger.facts.all() == {"org": "b"}


async def test_a_run_that_was_killed_has_no_end(ledger: Ledger, clock: Clock) -> None:
    async with ledger.write() as tx:
        await ledger.runs.start(tx, "migrate", 11)
        second = await ledger.runs.start(tx, "migrate", 12)
    began, clock.now = clock.now, clock.now + 5
    async with ledger.write() as tx:
        await ledger.runs.finish(tx, second, 5, "some rows need attention")
    assert await ledger.runs.history() == [
        Run(1, "migrate", 11, began, None, None, None),
        Run(2, "migrate", 12, began, began + 5, 5, "some rows need attention"),
    ]


async def test_an_open_slice_knows_its_sealed_pages_one_by_one(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.slices.plan(tx, "notes", [{"path": "/n", "last_page": 4}, {"path": "/m"}])
        await ledger.slices.pages_done(tx, "notes", 0, [3, 1])
        await ledger.slices.pages_done(tx, "notes", 0, [1, 2])
        await ledger.slices.pages_done(tx, "notes", 1, [9])
    assert await ledger.slices.done_pages("notes", 0) == {1, 2, 3}
    first, second = await ledger.slices.of("notes")
    assert (first.spec, first.number, first.done) == ({"path": "/n", "last_page": 4}, 0, False)
    assert second.spec == {"path": "/m"}
    assert await ledger.slices.of("messages") == []


async def test_a_finished_slice_forgets_its_single_pages_and_no_others(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.slices.plan(tx, "notes", [{}, {}])
        await ledger.slices.pages_done(tx, "notes", 0, [1, 2])
        await ledger.slices.pages_done(tx, "notes", 1, [1])
        await ledger.slices.finish(tx, "notes", 0)
    assert [piece.done for piece in await ledger.slices.of("notes")] == [True, False]
    assert await ledger.slices.done_pages("notes", 0) == set()
    assert await ledger.slices.done_pages("notes", 1) == {1}


async def test_a_gate_is_open_until_it_is_closed(ledger: Ledger) -> None:
    assert not await ledger.gates.closed("notes")
    async with ledger.write() as tx:
        await ledger.gates.close(tx, "notes", at=7.0, source_count=3, target_count=None)
    assert await ledger.gates.closed("notes")
    assert await ledger.gates.get("notes") == Gate(7.0, 3, None)
    assert await ledger.gates.get("users") is None


async def test_the_first_to_claim_a_match_key_keeps_it(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.matches.learn(
            tx, "Account", [("acme.com", "001A", None), ("b.com", "001B", "c")]
        )
        await ledger.matches.learn(tx, "Account", [("acme.com", "001C", "x")])
        await ledger.matches.learn(tx, "Contact", [("acme.com", "003A", "x")])
    keys = ["acme.com", "none.com", "b.com"]
    assert await ledger.matches.lookup("Account", keys) == {
        "acme.com": ("001A",),
        "b.com": ("001B",),
    }


async def test_more_match_keys_than_one_statement_takes_are_looked_up(ledger: Ledger) -> None:
    entries = [(f"{number}.com", f"001{number}", None) for number in range(1_201)]
    async with ledger.write() as tx:
        await ledger.matches.learn(tx, "Account", entries)
    found = await ledger.matches.lookup("Account", [key for key, _, _ in entries])
    assert found == {key: (target,) for key, target, _ in entries}
