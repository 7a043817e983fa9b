"""Profiles in the ledger: added to in one transaction, tokens by a key of the workspace."""

from pathlib import Path

import pytest

from state.ledger import Ledger
from state.profiles import TOKEN_CHARS, StoredProfile
from state.purge import purge
from tests.unit.state.conftest import Clock

A = StoredProfile({"filled": 3, "chars": 9}, open=False, tokens={"00" * 8: 2, "ff" * 8: 1})
B = StoredProfile({"filled": 700}, open=True)


async def test_profiles_come_back_as_they_were_put(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.profiles.put(tx, "message", {"a": A, "b": B})
        await ledger.profiles.put(tx, "note", {"a": B})
        assert await ledger.profiles.of("message", tx) == {"a": A, "b": B}
        assert await ledger.profiles.of("message") == {}  # not committed
        await ledger.profiles.put(tx, "message", {"a": B})
    assert await ledger.profiles.of("message") == {"a": B, "b": B}
    assert await ledger.profiles.of("company") == {}


async def test_profiles_of_a_transaction_that_failed_are_as_before(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.profiles.put(tx, "message", {"a": A})
    with pytest.raises(RuntimeError):
        async with ledger.write() as tx:
            await ledger.profiles.put(tx, "message", {"a": B})
            raise RuntimeError
    assert await ledger.profiles.of("message") == {"a": A}


async def test_a_workspace_has_one_token_key_and_no_other_has_the_same(
    tmp_path: Path, clock: Clock
) -> None:
    made = []
    for folder, key in (("one", None), ("one", None), ("two", None), ("sealed", b"k" * 32)):
        async with Ledger.open(tmp_path / folder, clock=clock, key=key) as ledger:
            token = await ledger.profiles.begin()
            again = await ledger.profiles.token()
            assert again is not None
            assert again("x") == token("x") != token("y")
            assert len(token("x")) == TOKEN_CHARS
            made.append(token("x"))
            kept = await ledger.facts.get("profile_key")
            assert kept is not None
    assert made[0] == made[1]
    assert len(set(made)) == 3


async def test_with_a_spool_key_the_kept_key_alone_makes_no_token(
    tmp_path: Path, clock: Clock
) -> None:
    async with Ledger.open(tmp_path / "sealed", clock=clock, key=b"k" * 32) as ledger:
        sealed = (await ledger.profiles.begin())("x")
        kept = await ledger.facts.get("profile_key")
    async with Ledger.open(tmp_path / "open", clock=clock) as ledger:
        async with ledger.write() as tx:
            await ledger.facts.set(tx, "profile_key", str(kept))
        assert (await ledger.profiles.begin())("x") != sealed


async def test_a_purge_drops_tokens_and_key_and_keeps_counts(
    ledger: Ledger, workspace: Path
) -> None:
    await ledger.profiles.begin()
    async with ledger.write() as tx:
        await ledger.profiles.put(tx, "message", {"a": A})
    await purge(ledger, workspace, now=1.0)
    assert await ledger.profiles.of("message") == {"a": StoredProfile(A.counts)}
    assert await ledger.profiles.token() is None
