"""What a plan leaves out of pages, counted once, and what that means for what belongs to it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from service.move_plan import MovePlan
from service.narrowing import (
    LATER,
    OUTSIDE,
    LeftOut,
    Narrowing,
    count_anew,
    in_reading_order,
    narrowing_of,
)
from service.pages import SourcePage
from service.phases import PHASES, phase_named
from state.ledger import Ledger

IDS = [f"{number:024x}" for number in range(6)]
NOW_MS = 1_795_000_000_000
CONVERSATIONS, MESSAGES = phase_named("conversations"), phase_named("messages")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with Ledger.open(tmp_path / "w", clock=lambda: 1.0) as opened:
        yield opened


def page(rows: list[dict[str, Any]], phase: str = "conversations") -> SourcePage:
    return SourcePage(phase, 0, 1, rows, [], 10)


def conversation(number: int, *tags: str, **attributes: Any) -> dict[str, Any]:
    return {"id": IDS[number], "attributes": {"tags": list(tags), "status": "done", **attributes}}


def message(number: int, of: int | None) -> dict[str, Any]:
    data = {"data": {"id": IDS[of]}} if of is not None else {}
    return {"id": f"{number:x}" * 24, "attributes": {}, "relationships": {"conversation": data}}


async def seal(ledger: Ledger, narrowing: Narrowing, rows: list[dict[str, Any]]) -> list[str]:
    """Narrow a page of conversations and note it as sealing does; returns the ids that go."""
    out = LeftOut()
    kept = await narrowing.narrow(page(rows), "conversation", out)
    async with ledger.write() as tx:
        await narrowing.note(tx, CONVERSATIONS, out)
        await ledger.books.add(tx, "conversations", extracted=len(kept.rows))
    return [row["id"] for row in kept.rows]


def tagged(ledger: Ledger) -> Narrowing:
    made = narrowing_of(ledger, MovePlan(tags=("vip",)), None)
    assert made is not None
    return made


async def test_what_is_left_out_counts_once_and_takes_its_messages_along(ledger: Ledger) -> None:
    narrowing = tagged(ledger)
    rows = [conversation(0, "vip"), conversation(1), conversation(2, "other")]
    assert await seal(ledger, narrowing, rows) == [IDS[0]]
    assert await seal(ledger, narrowing, rows[1:]) == []
    book = await ledger.books.read("conversations")
    assert (book.extracted, book.duplicates, book.skipped) == (5, 2, {OUTSIDE: 2})
    out = LeftOut()
    given = [message(0, 0), message(1, 1), message(2, None), message(3, 5)]
    kept = await narrowing.narrow(page(given, "messages"), "message", out)
    assert kept.rows == [given[0], given[2], given[3]], "one of an unknown conversation stays in"
    async with ledger.write() as tx:
        assert await narrowing.note(tx, MESSAGES, out) == (1, 0)


async def test_what_enters_the_plan_is_skipped_no_longer(ledger: Ledger) -> None:
    narrowing = tagged(ledger)
    await seal(ledger, narrowing, [conversation(0), conversation(1)])
    assert await seal(ledger, narrowing, [conversation(1, "vip")]) == [IDS[1]]
    book = await ledger.books.read("conversations")
    assert (book.extracted, book.duplicates, book.skipped) == (3, 1, {OUTSIDE: 1})
    assert book.difference == 1, "the one that goes is still to be accounted for"
    assert await ledger.scope.entered("conversation", 9) == [IDS[1]]


async def test_what_is_in_salesforce_and_what_was_deleted_is_never_left_out(
    ledger: Ledger,
) -> None:
    async with ledger.write() as tx:
        entry = (IDS[0], 0, "500000000000001AAA", 1, b"d")
        await ledger.crosswalk.learn(tx, "conversation", "Case", [entry], origin="loaded", job=1)
    rows = [conversation(0), conversation(1, deleted=True), conversation(2)]
    assert await seal(ledger, tagged(ledger), rows) == [IDS[0], IDS[1]]


async def test_a_stream_that_is_read_anew_counts_what_is_left_out_anew(ledger: Ledger) -> None:
    await seal(ledger, tagged(ledger), [conversation(0), conversation(1)])
    async with ledger.write() as tx:
        assert await count_anew(tx, ledger, [CONVERSATIONS]) == {"conversations": 2}
    book = await ledger.books.read("conversations")
    assert (book.extracted, book.skipped) == (0, {})
    assert await ledger.scope.count("conversation") == 0


async def test_history_comes_later_and_that_is_its_reason(ledger: Ledger) -> None:
    narrowing = narrowing_of(ledger, MovePlan(recent_days=1), NOW_MS)
    assert narrowing is not None
    rows = [conversation(0, status="open"), conversation(1)]
    assert await seal(ledger, narrowing, rows) == [IDS[0]]
    assert (await ledger.books.read("conversations")).skipped == {LATER: 1}


async def test_a_plan_that_takes_all_narrows_nothing(ledger: Ledger) -> None:
    assert narrowing_of(ledger, MovePlan(recent_days=9), None) is None


async def test_with_chosen_people_what_takes_them_along_is_read_first(ledger: Ledger) -> None:
    narrowing = narrowing_of(ledger, MovePlan(people="chosen"), None)
    order = [phase.name for phase in in_reading_order(PHASES, narrowing)]
    assert order == [
        "users",
        "teams",
        "conversations",
        "customers",
        "companies",
        "messages",
        "notes",
    ]
    assert in_reading_order(PHASES, None) == list(PHASES)


async def test_what_is_no_whole_record_goes_on_to_be_held(ledger: Ledger) -> None:
    odd: list[Any] = [{"attributes": None}, "text", {"id": 7}, {"id": IDS[0], "attributes": []}]
    narrowing = Narrowing(ledger, lambda _: False, OUTSIDE, people=True)
    for kind in ("conversation", "customer", "message", "kobject.order"):
        out = LeftOut()
        kept = await narrowing.narrow(page(odd), kind, out)
        assert kept.rows[:3] == odd[:3]
