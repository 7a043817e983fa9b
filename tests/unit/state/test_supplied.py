"""What records give their children: the newest counts, and it is dropped when it must not stay."""

from state.ledger import Ledger

ONE, TWO = "a" * 24, "not-hex"


async def test_what_a_record_gives_is_replaced_by_what_it_gives_later_and_can_be_dropped(
    ledger: Ledger,
) -> None:
    for names in (("Zoe",), ("Zara", "Ada Lovelace")):
        async with ledger.write() as tx:
            told = [(ONE, {"name": name}) for name in names]
            await ledger.supplied.learn(tx, "customer", [*told, (TWO, {})])
    assert await ledger.supplied.of("customer", [ONE, TWO, "b" * 24]) == {
        ONE: {"name": "Ada Lovelace"},
        TWO: {},
    }
    assert await ledger.supplied.of("company", [ONE]) == {}
    async with ledger.write() as tx:
        await ledger.supplied.forget(tx, "customer", [ONE, "b" * 24])
    assert await ledger.supplied.of("customer", [ONE, TWO]) == {TWO: {}}
