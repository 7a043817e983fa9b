"""Results bring what they can; what they do not tell for certain is asked for, never guessed."""

from collections.abc import Sequence
from typing import Any, cast

import pytest

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.ingest import IngestJobs
from service.assemble import JobRows
from service.harvest import Harvester, NoProgress, StorageFull
from service.phases import phase_named
from service.progress import PhaseProgress
from service.reading import MAX_ATTEMPTS, End, Harvested
from service.settle import Settler
from state.ledger import Ledger
from tests.unit.service.remote import GARBLED, GONE, ID, Breaking, Remote, contact, note, sent

LOCKED = "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record:--"
UNKNOWN = "UNKNOWN_EXCEPTION:An unexpected error occurred: 1-2 (3):--"


class Bench:
    """One job of notes or contacts after its end."""

    def __init__(self, ledger: Ledger, remote: Remote, phase: str) -> None:
        self.ledger = ledger
        self.remote = remote
        self.phase = phase_named(phase)
        self.table = self.phase.objects[0]
        settler = Settler(ledger, cast("SalesforceClient", remote), self.phase, self.table)
        self.progress = PhaseProgress(phase)
        self.harvester = Harvester(
            ledger, cast("IngestJobs", remote), settler, self.phase, self.table, self.progress
        )

    async def finished(self, rows: JobRows) -> int:
        jobs = self.ledger.jobs
        async with self.ledger.write() as tx:
            job = await jobs.intend(
                tx, phase=self.phase.name, object=self.table, operation="insert", lane=0,
                rows_sent=len(rows.rows), aside=b"",
            )  # fmt: skip
            await jobs.created(tx, job, f"750{job}")
            await jobs.uploaded(tx, job)
            await jobs.closed(tx, job)
            await jobs.finished(tx, job, processed=None, failed=None, error=None)
        return job

    async def harvest(self, rows: JobRows, end: End = "complete") -> Harvested:
        return await self.harvester.harvest(await self.finished(rows), "750", rows, end)

    async def known(self) -> dict[str, str]:
        found = {}
        async for block in self.ledger.crosswalk.export():
            found |= {each.source_id: each.target_id for each in block}
        return found

    async def loose(self) -> list[tuple[str, str]]:
        return [(row.state, row.reason) for row in await self.ledger.rows.listed()]


@pytest.fixture
def notes(ledger: Ledger, remote: Remote) -> Bench:
    return Bench(ledger, remote, "notes")


@pytest.fixture
def people(ledger: Ledger, remote: Remote) -> Bench:
    return Bench(ledger, remote, "customers")


def told(ids: Sequence[str], row: dict[str, str]) -> list[dict[str, str]]:
    return [{"sf__Id": each, "sf__Created": "true", **row} for each in ids]


def refused(error: str, *rows: dict[str, str]) -> list[dict[str, str]]:
    return [{"sf__Id": "", "sf__Error": error, **row} for row in rows]


@pytest.mark.parametrize("end", ["gone", "complete"])
async def test_rows_whose_results_are_gone_are_found_or_sent_again(notes: Bench, end: End) -> None:
    made = [notes.remote.comment("Same"), notes.remote.comment("Own")]
    notes.remote.lists = dict.fromkeys(notes.remote.lists, GONE)
    await notes.harvest(sent([note("Same"), note("Same"), note("Own")]), end)
    assert sorted((await notes.known()).values()) == made
    assert await notes.loose() == [("pending", "outcome-unknown")]
    assert notes.progress.loaded == (await notes.ledger.books.read("notes")).loaded == 2


async def test_three_twins_of_three_fates_each_keep_their_own(notes: Bench) -> None:
    made = notes.remote.comment("Same")
    notes.remote.lists = {
        "successful": told([made], note("Same")),
        "failed": refused("STRING_TOO_LONG:x:CommentBody --", note("Same")),
        "unprocessed": [note("Same")],
    }
    await notes.harvest(sent([note("Same")] * 3))
    rows = await notes.ledger.rows.listed()
    places = {row.source_id for row in rows} | set(await notes.known())
    assert len(places) == 3
    assert sorted(await notes.loose()) == [
        ("failed", "STRING_TOO_LONG"),
        ("pending", "not-processed"),
    ]


async def test_a_row_of_unknown_exception_that_went_in_is_taken_and_not_sent_again(
    notes: Bench,
) -> None:
    first, second = notes.remote.comment("Same"), notes.remote.comment("Same")
    notes.remote.lists["successful"] = told([first], note("Same"))
    notes.remote.lists["failed"] = refused(UNKNOWN, note("Same"), note("Same"))
    done = await notes.harvest(sent([note("Same")] * 3))
    assert sorted((await notes.known()).values()) == [first, second]
    assert (done.successes, done.found, done.again) == (1, 1, 1)
    assert await notes.loose() == [("pending", "UNKNOWN_EXCEPTION")]


async def test_a_list_that_tells_of_too_few_rows_leaves_the_rest_to_be_asked_for(
    people: Bench,
) -> None:
    keys = [ID.format(n) for n in range(3)]
    people.remote.records = [
        {"Id": f"00300000000000{n}AAA", "Kustomer_Id__c": keys[n], "IsDeleted": False}
        for n in range(2)
    ]
    people.remote.lists["successful"] = told(["003000000000000AAA"], contact(0))
    await people.harvest(sent([contact(n) for n in range(3)]))
    assert list(await people.known()) == keys[:2]
    assert await people.loose() == [("pending", "outcome-unknown")]


async def test_rows_that_were_never_sent_and_rows_told_twice_are_passed_over(
    people: Bench,
) -> None:
    rows = told(["003000000000000AAA"], contact(0))
    people.remote.lists["successful"] = [*rows, *rows, *told(["003000000000009AAA"], contact(9))]
    people.remote.lists["failed"] = refused(LOCKED, contact(0))
    done = await people.harvest(sent([contact(0)]))
    assert await people.known() == {ID.format(0): "003000000000000AAA"}
    assert done.again == done.failed == 0


@pytest.mark.parametrize("end", ["broken", "complete"])
async def test_a_broken_jobs_unreached_notes_are_asked_for_before_they_go_again(
    notes: Bench, end: End
) -> None:
    made = notes.remote.comment("Late")
    notes.remote.lists["unprocessed"] = [note("Late"), note("Later")]
    notes.remote.lists["failed"] = refused("STRING_TOO_LONG:x:CommentBody --", note("Bad"))
    await notes.harvest(sent([note("Late"), note("Later"), note("Bad")]), end)
    assert list((await notes.known()).values()) == ([made] if end == "broken" else [])


async def test_unreadable_lists_are_read_again_and_then_asked_for(people: Bench) -> None:
    people.remote.records = [
        {"Id": "003000000000001AAA", "Kustomer_Id__c": ID.format(0), "IsDeleted": False}
    ]
    people.remote.lists["successful"] = GARBLED
    done = await people.harvest(sent([contact(0)]))
    assert (done.found, done.again) == (1, 0)


VALUE = "duplicates value on record with id:"
OURS = f"Kustomer_Id__c {VALUE} 003000000000001"
OTHER = f"Other__c {VALUE} 003000000000777"


@pytest.mark.parametrize("times", [1, 9])
async def test_a_list_that_breaks_off_in_its_middle_loses_no_row(people: Bench, times: int) -> None:
    ids = ["003000000000000AAA", "003000000000001AAA"]
    people.remote.records = [
        {"Id": ids[n], "Kustomer_Id__c": ID.format(n), "IsDeleted": False} for n in range(2)
    ]
    lines = [f'"{ids[n]}","true","{ID.format(n)}","Person {n}"\n'.encode() for n in range(2)]
    people.remote.lists["successful"] = Breaking(
        b'"sf__Id","sf__Created","Kustomer_Id__c","LastName"\n' + lines[0], lines[1], times
    )
    done = await people.harvest(sent([contact(0), contact(1)]))
    assert list((await people.known()).values()) == ids
    assert (done.successes, done.found) == ((2, 0) if times == 1 else (0, 2))


@pytest.mark.parametrize(
    "error",
    [
        f"DUPLICATE_VALUE:duplicate value found: {OURS}:--",
        f"DUPLICATE_VALUE:duplicate value found: {OURS}AAA:--",
        f"DUPLICATE_VALUE:duplicate value found: <unknown> {VALUE} <unknown>:--",
        f"DUPLICATE_VALUE:duplicate value found: {OTHER}, {OURS}:--",
        f"DUPLICATE_VALUE:duplicate value found: {OTHER}:--",
        "DUPLICATE_VALUE:Duplicate external id specified: K1:Kustomer_Id__c --",
        "DUPLICATES_DETECTED:Use one of these records?:--",
    ],
)
@pytest.mark.parametrize("ours", [True, False])
async def test_a_duplicate_is_taken_only_if_a_record_carries_our_key(
    people: Bench, error: str, ours: bool
) -> None:
    people.remote.records = [
        {"Id": "003000000000777AAA", "Kustomer_Id__c": None, "IsDeleted": False},
        {
            "Id": "003000000000001",
            "Kustomer_Id__c": ID.format(0 if ours else 8),
            "IsDeleted": False,
        },
    ]
    people.remote.lists["failed"] = refused(error, contact(0))
    await people.harvest(sent([contact(0)]))
    if ours:
        assert await people.known() == {ID.format(0): "003000000000001AAA"}
        assert await people.loose() == []
    else:
        assert await people.known() == {}
        assert await people.loose() == [("failed", error.partition(":")[0])]


async def test_a_duplicate_in_the_recycle_bin_is_told_and_not_taken(people: Bench) -> None:
    people.remote.records = [
        {"Id": "003000000000001AAA", "Kustomer_Id__c": ID.format(0), "IsDeleted": True}
    ]
    people.remote.lists["failed"] = refused("DUPLICATE_VALUE:<unknown>:--", contact(0))
    await people.harvest(sent([contact(0)]))
    assert await people.loose() == [("failed", "in-recycle-bin")]


class Stopped(Exception):
    pass


@pytest.mark.parametrize("passes", [1, 2, 3])
async def test_a_harvest_cut_short_anywhere_and_begun_anew_gives_the_same(
    notes: Bench, monkeypatch: pytest.MonkeyPatch, passes: int
) -> None:
    """Twins whose results come in another order the second time do not change places."""
    made = [notes.remote.comment("Same") for _ in range(3)]
    notes.remote.lists["successful"] = told(made[:2], note("Same"))
    notes.remote.lists["failed"] = refused(UNKNOWN, note("Same"))
    rows = sent([note("Same")] * 4)
    job = await notes.finished(rows)
    left = [passes]

    def stop(name: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr("service.harvest.reach", stop)
        patch.setattr("service.learning.reach", stop)
        with pytest.raises(Stopped):
            await notes.harvester.harvest(job, "750", rows, "complete")
    notes.remote.lists["successful"].reverse()
    await notes.harvester.harvest(job, "750", rows, "complete")
    known = await notes.known()
    assert sorted(known.values()) == made
    assert len(known) == (await notes.ledger.books.read("notes")).loaded == 3
    assert len(await notes.loose()) == 1


async def test_only_salesforces_own_tries_count_as_attempts(people: Bench) -> None:
    rows = sent([contact(0), contact(1)])
    people.remote.lists["failed"] = refused(LOCKED, contact(0))
    people.remote.lists["unprocessed"] = [contact(1)]
    reader = cast("Any", rows.readers[0])
    for attempts, state in ((0, "pending"), (MAX_ATTEMPTS - 1, "failed")):
        reader.tries = [attempts, attempts]
        await people.harvest(rows)
        assert await people.loose() == [
            (state, "UNABLE_TO_LOCK_ROW"),
            ("pending", "not-processed"),
        ]


async def test_a_job_that_tried_no_row_stops_the_run_with_its_rows_kept(people: Bench) -> None:
    people.remote.lists["unprocessed"] = [contact(0)]
    with pytest.raises(NoProgress):
        await people.harvest(sent([contact(0)]), "broken")
    assert await people.loose() == [("pending", "not-processed")]


async def test_full_storage_stops_the_run_with_its_rows_kept(people: Bench) -> None:
    people.remote.lists["failed"] = refused("STORAGE_LIMIT_EXCEEDED:storage limit:--", contact(0))
    with pytest.raises(StorageFull):
        await people.harvest(sent([contact(0)]))
    assert await people.loose() == [("pending", "STORAGE_LIMIT_EXCEEDED")]
