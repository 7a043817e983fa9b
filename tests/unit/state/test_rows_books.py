"""Rows set apart, and the books that count them."""

from dataclasses import replace

from state.ledger import Ledger
from state.rows import Asking, RowEntry, RowState
from tests.unit.state.columns import ID
from tests.unit.state.conftest import Clock


def row(number: int, state: RowState, *, part: int = 0, reason: str = "why") -> RowEntry:
    return RowEntry(
        "notes", ID.format(number), part, state, reason, "Name", "", b"{}", object="CaseComment"
    )


async def put(ledger: Ledger, *entries: RowEntry) -> int:
    async with ledger.write() as tx:
        return await ledger.rows.put(tx, entries)


async def test_only_records_that_were_not_there_are_new(ledger: Ledger) -> None:
    assert await put(ledger, row(1, "held"), row(2, "held"), row(1, "held")) == 2
    assert await put(ledger, row(1, "failed"), row(3, "held"), row(4, "held", part=1)) == 1
    assert await put(ledger) == 0
    assert await ledger.rows.counts("notes") == {
        ("failed", "why", False): 1,
        ("held", "why", False): 3,
    }


async def test_a_renewed_row_keeps_its_first_moment_and_its_payload(
    ledger: Ledger, clock: Clock
) -> None:
    await put(ledger, row(1, "held"))
    began, clock.now = clock.now, clock.now + 9
    await put(ledger, replace(row(1, "failed", reason="later"), payload=None))
    (found,) = await ledger.rows.find(ID.format(1))
    assert found == replace(
        row(1, "failed", reason="later"), first_seen=began, updated_at=clock.now
    )


async def test_rows_are_listed_by_phase_state_and_reason_a_page_at_a_time(ledger: Ledger) -> None:
    await put(ledger, row(2, "held"), row(1, "held"), row(3, "failed", reason="other"))
    await put(ledger, replace(row(1, "held"), phase="messages"))
    listed = ledger.rows.listed
    assert [(each.phase, each.source_id[-1]) for each in await listed()] == [
        ("messages", "1"),
        ("notes", "1"),
        ("notes", "2"),
        ("notes", "3"),
    ]
    assert [each.source_id for each in await listed(phase="notes", state="held", offset=1)] == [
        ID.format(2)
    ]
    assert [each.source_id for each in await listed(reason="other")] == [ID.format(3)]
    assert len(await listed(limit=3)) == 3


async def test_a_pending_row_is_in_one_job_at_a_time(ledger: Ledger) -> None:
    await put(ledger, row(1, "pending"), row(2, "pending", part=1), row(3, "held"))
    async with ledger.write() as tx:
        await ledger.rows.assign_job(tx, "notes", [(ID.format(2), 1)], 7)
    assert [each.source_id for each in await ledger.rows.pending("notes", "CaseComment")] == [
        ID.format(1)
    ]
    assert [(each.source_id, each.job) for each in await ledger.rows.of_job(7)] == [
        (ID.format(2), 7)
    ]
    async with ledger.write() as tx:
        await ledger.rows.release_job(tx, 7)
    assert len(await ledger.rows.pending("notes", "CaseComment")) == 2


async def test_rows_of_a_harvested_job_are_forgotten(ledger: Ledger) -> None:
    await put(ledger, row(1, "pending"), row(2, "pending"))
    async with ledger.write() as tx:
        await ledger.rows.assign_job(tx, "notes", [(ID.format(1), 0)], 7)
        await ledger.rows.clear_of_job(tx, "notes", 7)
    assert await ledger.rows.find(ID.format(1)) == []
    assert len(await ledger.rows.find(ID.format(2))) == 1


async def test_requeued_rows_are_sent_again_unless_a_job_has_them(ledger: Ledger) -> None:
    await put(ledger, row(1, "waiting"), row(2, "waiting"), row(3, "held"))
    async with ledger.write() as tx:
        await ledger.rows.assign_job(tx, "notes", [(ID.format(2), 0)], 7)
        await ledger.rows.requeue(tx, "notes", "waiting")
    assert [each.source_id for each in await ledger.rows.pending("notes", "CaseComment")] == [
        ID.format(1)
    ]


async def test_books_balance_only_when_every_record_is_accounted_for(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.books.add(tx, "notes", extracted=9, loaded=2, matched=1, duplicates=1)
        await ledger.books.add(tx, "notes", loaded=1)
        await ledger.books.add_reason(tx, "notes", "skipped", "deleted", 1)
        await ledger.books.add_reason(tx, "notes", "skipped", "deleted", 1)
    await put(ledger, row(1, "held"), row(2, "pending"))
    book = await ledger.books.read("notes")
    assert (book.extracted, book.duplicates, book.loaded, book.matched) == (9, 1, 3, 1)
    assert (book.skipped, book.held, book.failed) == ({"deleted": 2}, {"why": 1}, {})
    assert (book.difference, book.pending, book.balanced) == (1, 1, False)
    await put(ledger, row(2, "failed", reason="no"))
    book = await ledger.books.read("notes")
    assert (book.failed, book.difference, book.pending, book.balanced) == ({"no": 1}, 0, 0, True)


async def test_a_waiting_row_is_still_to_be_sent_though_the_counters_add_up(
    ledger: Ledger,
) -> None:
    async with ledger.write() as tx:
        await ledger.books.add(tx, "notes", extracted=1, loaded=1)
    await put(ledger, row(1, "waiting"))
    book = await ledger.books.read("notes")
    assert (book.difference, book.pending, book.balanced) == (0, 1, False)


async def test_nothing_is_written_for_counters_that_did_not_move(ledger: Ledger) -> None:
    async with ledger.write() as tx:
        await ledger.books.add(tx, "notes")
        assert await tx.fetch("SELECT * FROM book") == []
    book = await ledger.books.read("notes")
    assert (book.extracted, book.balanced) == (0, True)


async def test_a_record_in_trouble_with_a_later_part_only_is_counted_once_apart(
    ledger: Ledger,
) -> None:
    await put(ledger, row(1, "failed", part=1), row(1, "failed", part=2))
    await put(ledger, row(2, "failed"), row(2, "failed", part=1), row(3, "pending", part=1))
    await put(ledger, replace(row(4, "failed", part=1), phase="messages"))
    assert await ledger.books.in_part("notes") == {("failed", "why"): 1, ("pending", "why"): 1}
    assert (await ledger.books.read("notes")).failed == {"why": 1}


async def test_a_renewed_row_adds_its_attempts_and_remembers_the_jobs_it_came_out_of(
    ledger: Ledger,
) -> None:
    for job in (3, 4):
        async with ledger.write() as tx:
            again = replace(row(1, "failed"), tries=1, attempts=1)
            await ledger.rows.put(tx, [again], out_of=job)
    (found,) = await ledger.rows.find(ID.format(1))
    assert (found.attempts, found.tries) == (2, 2)
    assert [each.job for each in await ledger.rows.sendings(["notes"], ID.format(1))] == [3, 4]
    assert await ledger.rows.reasons() == {"why"}


async def ask(ledger: Ledger, run: int, asking: Asking) -> list[str]:
    async with ledger.write() as tx:
        return await ledger.rows.ask(tx, run, asking)


async def test_rows_are_asked_for_by_phase_state_reason_and_id(ledger: Ledger) -> None:
    await put(ledger, row(1, "held"), row(2, "failed", reason="other"), row(3, "waiting"))
    await put(ledger, replace(row(4, "held"), phase="messages"), row(5, "held", reason="other"))
    assert await ask(ledger, 1, Asking(["notes"], reasons=["nothing"])) == []
    assert await ask(ledger, 2, Asking(["notes"], ["failed"], ["other"])) == ["notes"]
    assert [(each.asked, each.records) for each in await ledger.rows.asked(2)] == [("other", 1)]
    assert await ask(ledger, 3, Asking(["messages", "notes"], ids=[ID.format(4)])) == [
        "messages",
        "notes",  # what run 2 asked for is still to be sent
    ]
    assert await ledger.rows.asked(2) == []
    still = {each.source_id[-1] for each in await ledger.rows.listed(state="held")}
    assert still == {"1", "5"}


async def test_a_record_is_asked_for_with_all_its_parts_and_counts_its_tries_anew(
    ledger: Ledger,
) -> None:
    async with ledger.write() as tx:
        failed = [replace(row(1, "failed", part=n), tries=8, attempts=8) for n in (0, 1)]
        await ledger.rows.put(tx, failed)
    await put(ledger, row(1, "failed", part=1, reason="other"))
    await ask(ledger, 1, Asking(["notes"], reasons=["other"]))
    pending = await ledger.rows.pending("notes", "CaseComment")
    assert [(each.part, each.tries, each.attempts) for each in pending] == [(0, 0, 8), (1, 0, 8)]


async def test_pending_rows_are_read_a_block_at_a_time_for_one_object(ledger: Ledger) -> None:
    await put(ledger, *(row(n, "pending") for n in range(5)))
    pending = ledger.rows.pending
    first = await pending("notes", "CaseComment", limit=3)
    rest = await pending("notes", "CaseComment", after=(first[-1].source_id, 0))
    assert [each.source_id[-1] for each in (*first, *rest)] == list("01234")
    assert await pending("notes", "Case") == []


async def test_rows_of_an_earlier_map_are_unmade_with_all_parts_of_their_record(
    ledger: Ledger,
) -> None:
    async def new_map() -> None:
        async with ledger.write() as tx:
            await ledger.maps.accept(tx, digest="d", form="f", by="migrate", text="")

    await new_map()
    await put(ledger, row(1, "pending"), row(1, "waiting", part=1), row(2, "held"))
    assert await ledger.rows.unmade("notes", 9) == []
    await new_map()
    await put(ledger, row(1, "pending"), row(3, "pending"))
    unmade = await ledger.rows.unmade("notes", 9)
    assert [(each.source_id, each.part, each.map) for each in unmade] == [
        (ID.format(1), 0, 2),
        (ID.format(1), 1, 1),
    ]
    await put(ledger, replace(row(4, "pending"), object=""))
    assert len(await ledger.rows.unmade("notes", 1)) == 2
    await put(ledger, row(1, "pending", part=1))
    assert [each.source_id for each in await ledger.rows.unmade("notes", 9)] == [ID.format(4)]
