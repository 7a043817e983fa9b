"""What becomes of the jobs that an earlier run left, and of open jobs that nobody names."""

from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, cast, get_args

import pytest
from structlog.testing import capture_logs

from connectors.errors import NotFound
from connectors.salesforce.ingest import IngestJob, IngestJobs, Operation
from connectors.salesforce.job import read_job
from service.job import JobRunner
from service.phases import Operation as PhaseOperation
from state.jobs import Job
from state.ledger import Ledger
from tests.unit.service.remote import ME, NOW


class Ingest:
    """Jobs of a Salesforce in memory. `closing`: a close is on its way and comes before any abort."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.aborted: list[str] = []
        self.closing = False
        self.ahead_s = 0.0

    def add(self, name: str, *, ago_s: float = 0, **more: Any) -> None:
        made = datetime.fromtimestamp(NOW - ago_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        self.jobs[name] = {
            "id": name,
            "state": "Open",
            "object": "Contact",
            "operation": "insert",
            "createdById": ME,
            "createdDate": made,
            **more,
        }

    async def running_user(self) -> str:
        return ME

    async def clock_ahead_s(self) -> float:
        return self.ahead_s

    async def info(self, name: str) -> IngestJob:
        if name not in self.jobs:
            raise NotFound("The job is gone.", status=404)
        return read_job(self.jobs[name])

    async def abort(self, name: str) -> None:
        self.aborted.append(name)
        if self.closing:
            self.jobs[name]["state"] = "InProgress"
        elif self.jobs[name]["state"] == "Open":
            self.jobs[name]["state"] = "Aborted"

    async def listed(self, **wanted: Any) -> AsyncIterator[IngestJob]:
        wanted.pop("created_by_id")
        for job in map(read_job, self.jobs.values()):
            fits = all(getattr(job, name) == value for name, value in wanted.items())
            if fits and job.created_by_id == ME:
                yield job


@pytest.fixture
def ingest() -> Ingest:
    return Ingest()


async def left(ledger: Ledger, state: str, sf_id: str = "750") -> Job:
    """A job that a run left in `state`."""
    jobs = ledger.jobs
    async with ledger.write() as tx:
        job = await jobs.intend(
            tx, phase="customers", object="Contact", operation="insert", lane=0, rows_sent=1,
            aside=b"",
        )  # fmt: skip
        steps = ["intent", "created", "uploaded", "closed", "finished"].index(state)
        if steps > 0:
            await jobs.created(tx, job, sf_id)
        if steps > 1:
            await jobs.uploaded(tx, job)
        if steps > 2:
            await jobs.closed(tx, job)
        if steps > 3:
            await jobs.finished(tx, job, processed=None, failed=None, error=None)
    (found,) = [each for each in await jobs.unsettled() if each.id == job]
    return found


def runner(ledger: Ledger, ingest: Ingest) -> JobRunner:
    return JobRunner(ledger, cast("IngestJobs", ingest))


@pytest.mark.parametrize(
    ("state", "there", "fate"),
    [
        ("created", None, "never-ran"),  # expired after a day; we close nothing before "uploaded"
        ("created", "Open", "never-ran"),
        ("created", "Aborted", "never-ran"),
        ("uploaded", None, "gone"),  # the close may have gone out without our noting it
        ("uploaded", "Open", "ran"),  # aborted; what a late close did shows in its results
        ("uploaded", "Aborted", "ran"),
        ("uploaded", "InProgress", "ran"),
        ("closed", None, "gone"),
        ("closed", "Aborted", "ran"),
        ("closed", "Failed", "ran"),
        ("finished", None, "gone"),
        ("finished", "JobComplete", "ran"),
    ],
)
async def test_a_job_that_may_have_run_is_never_sent_again_unasked(
    ledger: Ledger, ingest: Ingest, state: str, there: str | None, fate: str
) -> None:
    if there:
        ingest.add("750", state=there)
    job = await left(ledger, state)
    assert await runner(ledger, ingest).adopt(job) == fate
    assert ingest.aborted == (["750"] if there == "Open" else [])
    now = await ledger.jobs.get(job.id)
    assert now
    assert now.state == (state if fate == "never-ran" or state == "finished" else "closed")


async def test_a_close_that_overtakes_the_abort_makes_the_job_count(
    ledger: Ledger, ingest: Ingest
) -> None:
    ingest.add("750")
    ingest.closing = True
    assert await runner(ledger, ingest).adopt(await left(ledger, "uploaded")) == "ran"


async def test_the_orphan_of_a_lost_create_is_aborted(ledger: Ledger, ingest: Ingest) -> None:
    ingest.add("750A", ago_s=-2)
    assert await runner(ledger, ingest).adopt(await left(ledger, "intent")) == "never-ran"
    assert ingest.aborted == ["750A"]


async def test_an_orphan_is_known_by_salesforces_clock_however_ours_goes(
    ledger: Ledger, ingest: Ingest
) -> None:
    ingest.ahead_s = 86_400
    ingest.add("750A", ago_s=-86_400)
    await runner(ledger, ingest).adopt(await left(ledger, "intent"))
    assert ingest.aborted == ["750A"]
    ingest.aborted = []
    ingest.add("750B")
    await runner(ledger, ingest).adopt(await left(ledger, "intent"))
    assert ingest.aborted == []


@pytest.mark.parametrize(
    "foreign",
    [
        {"ago_s": 3_600},
        {"ago_s": -3_600},
        {"object": "Lead"},
        {"operation": "update"},
        {"externalIdFieldName": "Kustomer_Id__c"},
        {"createdById": "005000000000009AAA"},
        {"state": "InProgress"},
        {"createdDate": "some day"},
    ],
)
async def test_a_job_that_may_be_anothers_is_left_alone(
    ledger: Ledger, ingest: Ingest, foreign: Mapping[str, Any]
) -> None:
    ingest.add("750B", **foreign)
    await runner(ledger, ingest).adopt(await left(ledger, "intent"))
    assert ingest.aborted == []


async def test_of_two_open_jobs_that_could_be_ours_none_is_aborted(
    ledger: Ledger, ingest: Ingest
) -> None:
    ingest.add("750A")
    ingest.add("750B", ago_s=5)
    await runner(ledger, ingest).adopt(await left(ledger, "intent"))
    assert ingest.aborted == []


async def test_a_job_of_another_row_of_the_ledger_is_no_orphan(
    ledger: Ledger, ingest: Ingest
) -> None:
    ingest.add("750000000000001AAA")
    await left(ledger, "created", "750000000000001AAA")
    await runner(ledger, ingest).adopt(await left(ledger, "intent"))
    assert ingest.aborted == []


async def test_a_job_that_vanishes_while_it_is_waited_for_is_settled_and_not_an_error(
    ledger: Ledger, ingest: Ingest
) -> None:
    class Vanishing(Ingest):
        async def wait(self, name: str, **more: Any) -> IngestJob:
            return await self.info(name)

    assert await runner(ledger, Vanishing()).wait("750") is None


async def test_a_job_that_hangs_is_waited_for_and_told_now_and_then(
    ledger: Ledger, ingest: Ingest
) -> None:
    class Hanging(Ingest):
        async def wait(self, name: str, *, on_poll: Any, **more: Any) -> IngestJob:
            for _ in range(130):
                on_poll(await self.info(name))
            self.jobs[name]["state"] = "JobComplete"
            return await self.info(name)

    hanging = Hanging()
    hanging.add("750", state="UploadComplete")
    with capture_logs() as logs:
        ended = await runner(ledger, hanging).wait("750")
    assert ended
    assert ended.state == "JobComplete"
    assert [(each["event"], each["polls"]) for each in logs] == [
        ("job-slow", 40),
        ("job-slow", 120),
    ]


def test_nothing_offers_an_upsert() -> None:
    assert "upsert" not in get_args(Operation)
    assert set(get_args(PhaseOperation)) == {"match", "insert", "update"}
