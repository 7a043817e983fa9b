"""What a person decided about users, and memberships that wait."""

from state.ledger import Ledger


async def test_the_newest_decision_about_a_user_counts_and_tells_who_and_when(
    ledger: Ledger,
) -> None:
    user, other = "66f0a1b2c3d4e5f601020304", "other-id"
    for target, by in (("005A", "Ada"), ("005B", "Ben")):
        async with ledger.write() as tx:
            await ledger.decisions.decide(tx, {user: target}, how="assign", by=by)
    async with ledger.write() as tx:
        await ledger.decisions.decide(tx, {other: "005C"}, how="import", by="Ada")
    latest = await ledger.decisions.latest()
    assert {key: each.target_id for key, each in latest.items()} == {user: "005B", other: "005C"}
    assert (latest[user].decided_by, latest[user].how) == ("Ben", "assign")


async def test_a_membership_waits_until_it_is_done(ledger: Ledger) -> None:
    pairs = [("team-a", "user-a"), ("team-a", "user-b")]
    async with ledger.write() as tx:
        await ledger.memberships.add(tx, pairs)
        await ledger.memberships.add(tx, pairs)
    assert await ledger.memberships.open() == pairs
    async with ledger.write() as tx:
        await ledger.memberships.done(tx, pairs[:1])
    assert await ledger.memberships.open() == pairs[1:]
