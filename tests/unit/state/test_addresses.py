"""Whose address it is: by token, all owners, and nothing of the address itself."""

from pathlib import Path

from state.ledger import Ledger
from state.purge import purge

ONE, TWO = "a" * 24, "not-hex"


def readable(folder: Path, text: bytes) -> bool:
    """Whether the state in a folder holds a text; there is a state."""
    files = list(folder.rglob("state.sqlite*"))
    assert files
    return any(text in each.read_bytes() for each in files)


async def test_all_owners_of_an_address_are_known_and_others_are_absent(ledger: Ledger) -> None:
    token = await ledger.profiles.begin()
    entries = [(token("x@a.test"), ONE), (token("x@a.test"), TWO), (token("y@a.test"), ONE)]
    for _ in range(2):  # what is known already stays
        async with ledger.write() as tx:
            await ledger.addresses.learn(tx, entries)
    asked = [token(each) for each in ("x@a.test", "y@a.test", "z@a.test")]
    assert await ledger.addresses.owners(asked) == {asked[0]: [ONE, TWO], asked[1]: [ONE]}
    assert await ledger.addresses.owners([]) == {}


async def test_no_address_is_stored_and_a_purge_takes_the_tokens(
    ledger: Ledger, tmp_path: Path
) -> None:
    token = await ledger.profiles.begin()
    async with ledger.write() as tx:
        await ledger.addresses.learn(tx, [(token("secret@a.test"), ONE)])
    assert not readable(tmp_path, b"secret@a.test")
    await purge(ledger, tmp_path, now=1.0)
    assert await ledger.addresses.owners([token("secret@a.test")]) == {}
