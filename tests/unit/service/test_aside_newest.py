"""Of two changes of one record, on their way to two objects, the newer one stays."""

from pathlib import Path

import pytest

from service.aside import Aside, AsideRow
from service.phases import Phase, SourceStream
from state.ledger import Ledger

pytestmark = pytest.mark.anyio
KEY = "a" * 24
PHASE = Phase("people", "customer", SourceStream("/v1/p"), "insert", ("Contact", "Lead"))


def changed(version: int, reason: str) -> Aside:
    payload = {"cells": f'"{KEY}"', "parents": [""], "version": version, "digest": "00"}
    return Aside(changed=[AsideRow(KEY, 0, reason, "", payload, change=True)])


@pytest.mark.parametrize(
    ("version", "left"), [(4, "Contact"), (5, "Lead"), (6, "Lead")], ids=["older", "same", "newer"]
)
async def test_a_change_does_not_take_the_place_of_a_newer_one_to_another_object(
    tmp_path: Path, version: int, left: str
) -> None:
    async with Ledger.open(tmp_path / "w", clock=lambda: 0.0) as ledger:
        async with ledger.write() as tx:
            await changed(5, "becomes-contact").apply(tx, ledger, PHASE, "Contact", 1)
        async with ledger.write() as tx:
            await changed(version, "changed").apply(tx, ledger, PHASE, "Lead", 2)
        (row,) = await ledger.rows.find(KEY)
        assert (row.object, row.change) == (left, True)


async def test_what_was_followed_comes_back_out_of_a_jobs_intent() -> None:
    aside = Aside(followed=[(KEY, "Lead", "00Q", "loaded", "003")])
    again = Aside.load(aside.dump())
    assert again.followed == aside.followed
    assert again.keys() == {(KEY, 0)}
