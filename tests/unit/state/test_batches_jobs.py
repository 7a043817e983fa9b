"""Batches and the write-ahead ledger of jobs."""

from collections.abc import Awaitable, Callable

import pytest

from state.errors import IllegalStep
from state.ledger import Ledger, Tx
from state.spool import SpoolFile
from tests.unit.state.conftest import Clock
from tests.unit.state.steps import intend_insert, seal_batch

Step = Callable[[Ledger, Tx, int], Awaitable[None]]


async def seal(ledger: Ledger, *, lane: int = 0, file: str, object: str = "Case") -> int:
    async with ledger.write() as tx:
        return await seal_batch(
            ledger,
            tx,
            SpoolFile(file, 100, 2**32 - 1),
            phase="conversations",
            kind="conversation",
            object=object,
            lane=lane,
            rows=10,
        )


async def intend(ledger: Ledger) -> int:
    async with ledger.write() as tx:
        return await intend_insert(
            ledger, tx, phase="conversations", object="Case", rows_sent=10, aside=b"set aside"
        )


async def test_batches_are_ready_oldest_first_and_by_object(ledger: Ledger) -> None:
    first = await seal(ledger, file="a", lane=3)
    await seal(ledger, file="b", object="Lead")
    third = await seal(ledger, file="c")
    ready = await ledger.batches.ready("conversations", "Case")
    assert [(batch.id, batch.lane, batch.file) for batch in ready] == [
        (first, 3, "a"),
        (third, 0, "c"),
    ]
    assert ready[0].crc == 2**32 - 1
    assert await ledger.batches.files() == {"a", "b", "c"}


async def test_a_batch_is_in_one_job_at_most(ledger: Ledger) -> None:
    batch, other = await seal(ledger, file="a"), await seal(ledger, file="b")
    async with ledger.write() as tx:
        await ledger.batches.take(tx, [batch], 1)
    with pytest.raises(IllegalStep):
        async with ledger.write() as tx:
            await ledger.batches.take(tx, [other, batch], 2)
    assert [each.id for each in await ledger.batches.ready("conversations", "Case")] == [other]
    assert [each.id for each in await ledger.batches.of_job(1)] == [batch]
    assert await ledger.batches.of_job(2) == []


async def test_released_batches_are_ready_again_and_done_ones_are_not(ledger: Ledger) -> None:
    first, second = await seal(ledger, file="a"), await seal(ledger, file="b")
    async with ledger.write() as tx:
        await ledger.batches.take(tx, [first], 1)
        await ledger.batches.take(tx, [second], 2)
        await ledger.batches.done(tx, 2)
    assert await ledger.batches.open_bytes() == 100
    assert await ledger.batches.finished_files() == {"b": 100}
    assert await ledger.batches.totals("conversations") == {
        "taken": (1, 10, 100),
        "done": (1, 10, 100),
    }
    async with ledger.write() as tx:
        await ledger.batches.release(tx, 1)
        await ledger.batches.release(tx, 2)
    assert [each.id for each in await ledger.batches.ready("conversations", "Case")] == [first]


async def test_a_job_goes_its_way_step_by_step(ledger: Ledger, clock: Clock) -> None:
    job = await intend(ledger)
    began, clock.now = clock.now, clock.now + 60
    assert [each.aside for each in await ledger.jobs.unsettled()] == [b"set aside"]
    async with ledger.write() as tx:
        await ledger.jobs.created(tx, job, "750A")
        await ledger.jobs.uploaded(tx, job)
        await ledger.jobs.closed(tx, job)
    async with ledger.write() as tx:
        await ledger.jobs.finished(tx, job, processed=10, failed=1, error=None)
        await ledger.jobs.finished(tx, job, processed=10, failed=1, error=None)
        await ledger.jobs.harvested(tx, job)
    assert await ledger.jobs.unsettled() == []
    seen = await ledger.jobs.get(job)
    assert seen is not None
    assert (seen.state, seen.sf_id, seen.processed, seen.failed) == ("harvested", "750A", 10, 1)
    assert (seen.started_at, seen.ended_at) == (began, clock.now)
    assert await ledger.jobs.of_phase("conversations") == [seen]
    assert (await ledger.jobs.sf_ids(), await ledger.jobs.count()) == ({"750A"}, 1)
    assert await ledger.jobs.get(job + 1) is None


async def test_a_job_aborted_before_its_close_is_made_anew(ledger: Ledger) -> None:
    job = await intend(ledger)
    async with ledger.write() as tx:
        await ledger.jobs.created(tx, job, "750A")
        await ledger.jobs.recreate(tx, job)
        await ledger.jobs.created(tx, job, "750B")
    assert await ledger.jobs.sf_ids() == {"750B"}


@pytest.mark.parametrize("end", ["harvested", "abandon"])
async def test_an_ended_job_forgets_what_it_set_aside(ledger: Ledger, end: str) -> None:
    job = await intend(ledger)
    async with ledger.write() as tx:
        if end == "abandon":
            await ledger.jobs.abandon(tx, job, "never closed")
        else:
            await ledger.jobs.harvested(tx, job)
        assert await tx.fetch("SELECT aside FROM job") == [(None,)]
    seen = await ledger.jobs.get(job)
    assert seen is not None
    assert seen.error == ("never closed" if end == "abandon" else None)


async def advance(ledger: Ledger, tx: Tx, job: int, state: str) -> None:
    """Bring a new job to `state` by legal steps."""
    way = ["intent", "created", "uploaded", "closed", "finished", "harvested"]
    if state == "abandoned":
        return await ledger.jobs.abandon(tx, job, "")
    for step in way[1 : way.index(state) + 1]:
        await STEPS[step](ledger, tx, job)
    return None


STEPS: dict[str, Step] = {
    "intent": lambda ledger, tx, job: ledger.jobs.recreate(tx, job),
    "created": lambda ledger, tx, job: ledger.jobs.created(tx, job, f"750{job}"),
    "uploaded": lambda ledger, tx, job: ledger.jobs.uploaded(tx, job),
    "closed": lambda ledger, tx, job: ledger.jobs.closed(tx, job),
    "finished": lambda ledger, tx, job: ledger.jobs.finished(
        tx, job, processed=None, failed=None, error=None
    ),
    "harvested": lambda ledger, tx, job: ledger.jobs.harvested(tx, job),
    "abandoned": lambda ledger, tx, job: ledger.jobs.abandon(tx, job, ""),
}
LEGAL = {
    ("intent", "intent"),
    ("intent", "created"),
    ("intent", "harvested"),  # a job whose rows were all set aside sends nothing
    ("intent", "abandoned"),
    ("created", "intent"),
    ("created", "uploaded"),
    ("created", "abandoned"),
    ("uploaded", "closed"),
    ("uploaded", "abandoned"),
    ("closed", "finished"),
    ("closed", "abandoned"),
    ("finished", "finished"),
    ("finished", "harvested"),
}


@pytest.mark.parametrize("before", STEPS)
async def test_only_legal_steps_are_taken(ledger: Ledger, before: str) -> None:
    for after, step in STEPS.items():
        job = await intend(ledger)
        async with ledger.write() as tx:
            await advance(ledger, tx, job, before)
            if (before, after) in LEGAL:
                await step(ledger, tx, job)
            else:
                with pytest.raises(IllegalStep):
                    await step(ledger, tx, job)


async def test_a_job_that_was_never_intended_takes_no_step(ledger: Ledger) -> None:
    for name, step in STEPS.items():
        with pytest.raises(IllegalStep, match="unknown"):
            async with ledger.write() as tx:
                await step(ledger, tx, 99)
        assert name
