"""What a plan leaves out is known by id, counted once, and forgotten when its stream is read anew."""

from pathlib import Path

from state.ledger import Ledger

IDS = [f"{number:024x}" for number in range(5)]


async def test_a_record_is_left_out_once_enters_and_is_settled(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "w", clock=lambda: 1.0) as ledger:
        scope = ledger.scope
        async with ledger.write() as tx:
            assert await scope.leave(tx, "conversation", [*IDS[:3], IDS[0]]) == 3
            assert await scope.leave(tx, "conversation", IDS[2:4]) == 1
        assert await scope.outside("conversation", IDS) == set(IDS[:4])
        assert await scope.outside("message", IDS) == set()
        async with ledger.write() as tx:
            assert await scope.enter(tx, "conversation", [IDS[1], IDS[4]]) == 1
            assert await scope.enter(tx, "conversation", [IDS[1]]) == 0
        assert await scope.outside("conversation", IDS) == {IDS[0], IDS[2], IDS[3]}
        assert await scope.entered("conversation", 10) == [IDS[1]]
        assert await scope.count("conversation") == 3
        async with ledger.write() as tx:
            await scope.settle(tx, "conversation", [IDS[0], IDS[1]])
        assert await scope.entered("conversation", 10) == []
        assert await scope.count("conversation") == 3
        async with ledger.write() as tx:
            await scope.clear(tx, "conversation")
        assert await scope.count("conversation") == 0


async def test_what_is_wanted_stays_so_and_is_known_by_kind(tmp_path: Path) -> None:
    async with Ledger.open(tmp_path / "w", clock=lambda: 1.0) as ledger:
        async with ledger.write() as tx:
            await ledger.scope.want(tx, "customer", IDS[:2])
            await ledger.scope.want(tx, "customer", IDS[1:3])
        assert await ledger.scope.wanted("customer", IDS) == set(IDS[:3])
        assert await ledger.scope.wanted("company", IDS) == set()
