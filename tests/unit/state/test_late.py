"""Rows that lack their user: found by user, block by block, and forgotten when they name that one."""

from state.ledger import Ledger

ADA, BEN = "a" * 24, "b" * 24
ROWS = [(f"{n:024x}", part) for n in range(3) for part in range(2)]


async def test_rows_are_found_by_the_user_they_lack_in_blocks_and_forgotten_one_by_one(
    ledger: Ledger,
) -> None:
    for _ in range(2):  # what is known already stays
        async with ledger.write() as tx:
            await ledger.late.note(tx, "p", [*((ADA, *row) for row in ROWS), (BEN, *ROWS[0])])
            await ledger.late.note(tx, "q", [(BEN, *ROWS[1])])
    found = await ledger.late.users()
    assert {phase: sorted(users) for phase, users in found.items()} == {"p": [ADA, BEN], "q": [BEN]}
    first = await ledger.late.of("p", ADA, limit=4)
    rest = await ledger.late.of("p", ADA, after=first[-1], limit=4)
    assert first + rest == ROWS
    async with ledger.write() as tx:
        await ledger.late.drop(tx, "p", ADA, first)
        await ledger.late.drop(tx, "p", BEN, ROWS)
    assert await ledger.late.of("p", ADA, limit=9) == rest
    assert await ledger.late.users() == {"p": [ADA], "q": [BEN]}
