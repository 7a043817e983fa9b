"""What a retry takes up, and how what it asked for is balanced with what is left."""

from pathlib import Path

import pytest

from service.errors import DeskferryError, UsageInvalid
from service.mapped import LoadedMap, accept, refuse_if_on_their_way
from service.phases import PHASES
from service.retry import Selection, lines_of
from state.ledger import Ledger
from state.rows import AskedCount
from transforms.compile import CompiledMapping


def test_what_was_asked_for_is_settled_or_still_told_with_its_present_reason() -> None:
    asked = [
        AskedCount("notes", "STRING_TOO_LONG", "pending", "STRING_TOO_LONG", 5),
        AskedCount("companies", "too-long", "pending", "too-long", 2),
    ]
    left = [
        AskedCount("notes", "STRING_TOO_LONG", "failed", "STRING_TOO_LONG", 1),
        AskedCount("notes", "STRING_TOO_LONG", "failed", "gone-in-kustomer", 1),
        AskedCount("notes", "STRING_TOO_LONG", "held", "parent-missing", 1),
        AskedCount("notes", "STRING_TOO_LONG", "waiting", "same-match-key", 1),
    ]
    company, note = lines_of(asked, left, ["companies", "notes"])
    assert (company.phase, company.asked, company.settled, company.now) == ("companies", 2, 2, {})
    assert (note.asked, note.settled, note.held, note.failed, note.pending) == (5, 1, 1, 2, 1)
    assert note.now == {"STRING_TOO_LONG": 1, "gone-in-kustomer": 1, "parent-missing": 1}


def test_a_state_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(UsageInvalid) as refused:
        Selection(states=["pending"])
    assert refused.value.next_step.startswith("Choose from: ")


async def put_in_force(ledger: Ledger, digest: str, form: str, by: str) -> None:
    loaded = LoadedMap(CompiledMapping({}), PHASES, "", digest, form, changed=False, news=True)
    async with ledger.write() as tx:
        await accept(tx, ledger, loaded, by=by)


async def test_a_map_of_an_earlier_version_is_completed_and_a_changed_one_is_added(
    tmp_path: Path,
) -> None:
    async with Ledger.open(tmp_path, clock=lambda: 9.0) as ledger:
        await put_in_force(ledger, "a", "", "migrate")
        for digest, form, by in (("a", "f", "migrate"), ("b", "f", "retry"), ("b", "g", "migrate")):
            await put_in_force(ledger, digest, form, by)
        history = await ledger.maps.history()
    assert [(each.digest, each.form, each.accepted_by) for each in history] == [
        ("a", "f", "migrate"),
        ("b", "f", "retry"),
        ("b", "g", "migrate"),
    ]


async def test_a_change_is_refused_while_rows_made_before_it_are_on_their_way(
    tmp_path: Path,
) -> None:
    async with Ledger.open(tmp_path, clock=lambda: 9.0) as ledger:
        await refuse_if_on_their_way(ledger, "the map")
        async with ledger.write() as tx:
            job = await ledger.jobs.intend(
                tx, phase="notes", object="x", operation="insert", lane=0, rows_sent=1, aside=b""
            )
        with pytest.raises(DeskferryError):
            await refuse_if_on_their_way(ledger, "the map")
        async with ledger.write() as tx:
            await ledger.jobs.abandon(tx, job, "")
        await refuse_if_on_their_way(ledger, "the map")
