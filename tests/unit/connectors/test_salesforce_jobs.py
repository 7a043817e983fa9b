"""Ingest and query jobs: what is sent, what is repeated, and what a doubt becomes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    RemoteUnavailable,
    Unreachable,
)
from connectors.salesforce.ingest import IngestJob, IngestJobs
from connectors.salesforce.query import QueryFailed, QueryJobs
from connectors.salesforce.refusals import SessionEnded
from tests.unit.connectors.salesforce_rig import (
    BASE,
    DEAD,
    JOB,
    USER,
    Broken,
    Rig,
    csv_page,
    job,
    refused,
    script,
    sent_json,
)

HERE = f"/jobs/ingest/{JOB}"
LOST = httpx.ReadError("peer closed connection")


async def body() -> AsyncIterator[bytes]:
    yield b'"Id"\n'
    yield b'"1"\n'


def broken(*pieces: bytes, **headers: str) -> httpx.Response:
    return httpx.Response(200, stream=Broken(*pieces), headers=headers)


async def test_a_job_is_made_for_csv_with_line_feeds() -> None:
    rig = Rig(script(job("Open")))
    async with rig.open() as client:
        made = await IngestJobs(client, rig.clock).create("Case", "insert")
    assert (made.id, made.state, made.created_by_id) == (JOB, "Open", USER)
    assert made.records_processed is None
    assert sent_json(rig.seen[0]) == {
        "object": "Case",
        "operation": "insert",
        "contentType": "CSV",
        "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    }


@pytest.mark.parametrize("answer", [LOST, httpx.Response(200, html="<h1>proxy</h1>")])
async def test_a_lost_create_is_a_doubt_and_is_sent_once(answer: Any) -> None:
    rig = Rig(script(answer, job("Open")))
    async with rig.open() as client:
        with pytest.raises(OutcomeUnknown):
            await IngestJobs(client, rig.clock).create("Case", "insert")
    assert len(rig.seen) == 1


async def test_a_create_waits_until_salesforce_can_again() -> None:
    rig = Rig(script(httpx.Response(503), httpx.Response(429), DEAD, job("Open")))
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).create("Case", "insert")).id == JOB
    assert rig.clock.sleeps == [0.5, 1.125]  # the second is the pause of the whole side


async def test_a_create_gives_up_after_six_tries() -> None:
    rig = Rig(script(httpx.Response(503)))
    async with rig.open() as client:
        with pytest.raises(RemoteUnavailable):
            await IngestJobs(client, rig.clock).create("Case", "insert")
    assert len(rig.seen) == 6


async def test_a_refused_create_tells_salesforces_reason() -> None:
    answer = refused(400, "INVALIDJOB", "InvalidJob : Unable to find object: Foo")
    rig = Rig(script(answer))
    async with rig.open() as client:
        with pytest.raises(BadRequest, match="Unable to find object: Foo"):
            await IngestJobs(client, rig.clock).create("Foo", "insert")
    assert len(rig.seen) == 1


@pytest.mark.parametrize("told", [[], {"id": JOB}, {"id": "../x", "state": "Open"}, {"id": 1}])
async def test_what_is_no_job_is_a_bad_reply(told: object) -> None:
    rig = Rig(script(httpx.Response(200, json=told)))
    async with rig.open() as client:
        with pytest.raises(BadReply):
            await IngestJobs(client, rig.clock).info(JOB)


async def test_rows_go_up_in_one_put_as_utf_8() -> None:
    rig = Rig(script(httpx.Response(201)))
    async with rig.open() as client:
        await IngestJobs(client, rig.clock).upload(JOB, body())
    (sent,) = rig.seen
    assert rig.calls == [f"PUT {HERE}/batches"]
    assert sent.headers["content-type"] == "text/csv; charset=UTF-8"
    assert sent.content == b'"Id"\n"1"\n'


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (LOST, OutcomeUnknown),
        (httpx.Response(200), OutcomeUnknown),
        (httpx.Response(503), RemoteUnavailable),
        (httpx.Response(429), RateLimited),
        (DEAD, SessionEnded),
        (refused(400, "BULK_API_ERROR", "Found multipe contents for job"), BadRequest),
    ],
)
async def test_an_upload_is_never_repeated_and_leads_to_a_new_job(
    answer: Any, kind: type[ConnectorError]
) -> None:
    rig = Rig(script(answer, httpx.Response(201)))
    async with rig.open() as client:
        with pytest.raises(kind) as caught:
            await IngestJobs(client, rig.clock).upload(JOB, body())
    assert len(rig.seen) == 1
    assert caught.value.recovery in ("retry", "stop")


async def test_a_close_that_is_answered_needs_no_second_look() -> None:
    rig = Rig(script(job("UploadComplete")))
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).close(JOB)).state == "UploadComplete"
    assert rig.calls == [f"PATCH {HERE}"]
    assert sent_json(rig.seen[0]) == {"state": "UploadComplete"}


@pytest.mark.parametrize(
    "doubt",
    [
        LOST,
        httpx.Response(503),
        httpx.Response(200, html="<h1>proxy</h1>"),
        refused(400, "INVALIDJOBSTATE", "InvalidJobState : Closing already closed Job not allowed"),
        refused(409, "INVALIDJOBSTATE"),
    ],
)
async def test_a_doubtful_close_is_settled_by_reading_the_job(doubt: Any) -> None:
    rig = Rig(script(doubt, job("InProgress")))
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).close(JOB)).state == "InProgress"
    assert rig.calls == [f"PATCH {HERE}", f"GET {HERE}"]


async def test_a_close_that_was_too_many_is_made_again_after_the_pause_it_names() -> None:
    rig = Rig(script(httpx.Response(429, headers={"retry-after": "7"}), job("InProgress")))
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).close(JOB)).state == "InProgress"
    assert rig.calls == [f"PATCH {HERE}", f"PATCH {HERE}"]
    assert rig.clock.passed >= 7


async def test_a_close_that_did_not_arrive_is_made_again() -> None:
    rig = Rig(script(LOST, job("Open"), job("UploadComplete")))
    async with rig.open() as client:
        assert (await IngestJobs(client, rig.clock).close(JOB)).state == "UploadComplete"
    assert rig.calls == [f"PATCH {HERE}", f"GET {HERE}", f"PATCH {HERE}"]


async def test_a_job_that_stays_open_is_a_doubt_in_the_end() -> None:
    rig = Rig(lambda request: LOST if request.method == "PATCH" else job("Open"))
    async with rig.open() as client:
        with pytest.raises(OutcomeUnknown):
            await IngestJobs(client, rig.clock).close(JOB)
    assert len(rig.seen) == 12


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(400, "API_ERROR"), BadRequest),
        (refused(404, "NOT_FOUND"), NotFound),
        (DEAD, AuthRefused),
    ],
)
async def test_a_close_that_is_refused_for_good_says_so(
    answer: httpx.Response, kind: type[ConnectorError]
) -> None:
    rig = Rig(lambda request: answer if request.method == "PATCH" else job("Open"))
    async with rig.open() as client:
        with pytest.raises(kind):
            await IngestJobs(client, rig.clock).close(JOB)


@pytest.mark.parametrize(
    "answer",
    [
        job("Aborted"),
        LOST,
        httpx.Response(503),
        refused(400, "INVALIDJOBSTATE"),
        refused(404, "NOT_FOUND"),
    ],
)
async def test_an_abort_leaves_alone_what_is_over_or_in_doubt(answer: Any) -> None:
    rig = Rig(script(answer))
    async with rig.open() as client:
        await IngestJobs(client, rig.clock).abort(JOB)
    assert sent_json(rig.seen[0]) == {"state": "Aborted"}


async def test_an_abort_that_the_user_may_not_do_is_said() -> None:
    rig = Rig(script(refused(403, "INSUFFICIENT_ACCESS")))
    async with rig.open() as client:
        with pytest.raises(ConnectorError, match="INSUFFICIENT_ACCESS"):
            await IngestJobs(client, rig.clock).abort(JOB)


async def test_waiting_asks_at_growing_intervals_until_the_end() -> None:
    states = ["UploadComplete"] + ["InProgress"] * 10
    ended = job("JobComplete", numberRecordsProcessed=10, numberRecordsFailed=2)
    rig = Rig(script(*(job(state) for state in states), ended))
    seen: list[IngestJob] = []
    async with rig.open() as client:
        last = await IngestJobs(client, rig.clock).wait(
            JOB, first_s=1, cap_s=5, on_poll=seen.append
        )
    assert (last.records_processed, last.records_failed) == (10, 2)
    assert len(seen) == 12
    assert rig.clock.sleeps[:3] == [1, 1.4, pytest.approx(1.96)]
    assert rig.clock.sleeps[-1] == 5


@pytest.mark.parametrize("state", ["JobComplete", "Failed", "Aborted"])
async def test_waiting_ends_in_each_final_state(state: str) -> None:
    rig = Rig(script(job(state, errorMessage="InvalidBatch : x")))
    async with rig.open() as client:
        last = await IngestJobs(client, rig.clock).wait(JOB)
    assert (last.state, last.ended, last.error_message) == (state, True, "InvalidBatch : x")
    assert rig.clock.sleeps == []


async def test_the_list_of_jobs_is_read_to_its_end_and_filtered() -> None:
    def listed(*jobs: dict[str, Any], following: str | None) -> httpx.Response:
        return httpx.Response(
            200, json={"done": following is None, "records": jobs, "nextRecordsUrl": following}
        )

    def one(number: int, **more: str) -> dict[str, Any]:
        told = {"object": "Case", "state": "Open", "createdById": USER[:15], "operation": "insert"}
        return {"id": f"75000000000000{number}", **told, **more}

    following = f"{BASE}/jobs/ingest?queryLocator=abc"
    rig = Rig(
        script(
            listed(one(1), one(2, object="Lead"), one(3, state="Failed"), following=following),
            listed(one(4, createdById="005X"), one(1), one(5), following=None),
        )
    )
    async with rig.open() as client:
        jobs = IngestJobs(client, rig.clock)
        found = [
            each.id async for each in jobs.listed(object="Case", state="Open", created_by_id=USER)
        ]
    assert found == ["750000000000001", "750000000000005"]
    assert rig.seen[0].url.params["jobType"] == "V2Ingest"
    assert rig.seen[1].url.params["queryLocator"] == "abc"


async def test_deleting_a_job_that_is_gone_is_no_error() -> None:
    rig = Rig(script(httpx.Response(204), refused(404, "NOT_FOUND")))
    async with rig.open() as client:
        jobs = IngestJobs(client, rig.clock)
        await jobs.delete(JOB)
        await jobs.delete(JOB)
    assert rig.calls == [f"DELETE {HERE}"] * 2


@pytest.mark.parametrize(
    ("which", "path"),
    [
        ("successful", "successfulResults"),
        ("failed", "failedResults"),
        ("unprocessed", "unprocessedrecords"),
    ],
)
async def test_results_are_streamed_as_csv(which: Any, path: str) -> None:
    rig = Rig(script(DEAD, csv_page(["a", "b"])))
    async with rig.open() as client, IngestJobs(client, rig.clock).results(JOB, which) as chunks:
        assert b"".join([chunk async for chunk in chunks]) == b"a\nb\n"
    assert rig.calls == [f"GET {HERE}/{path}"] * 2
    assert rig.seen[1].headers["accept"] == "text/csv"


async def read_results(rig: Rig) -> bytes:
    async with (
        rig.open() as client,
        IngestJobs(client, rig.clock).results(JOB, "successful") as chunks,
    ):
        return b"".join([chunk async for chunk in chunks])


async def test_a_result_goes_on_where_the_connection_broke() -> None:
    whole = b"0123456789"
    answers = [broken(whole[:4]), broken(whole[:2], whole[2:7]), httpx.Response(200, content=whole)]
    assert await read_results(Rig(script(*answers))) == whole


@pytest.mark.parametrize("second", [b"01X3456789", b"012"])
async def test_a_result_that_changed_after_a_break_is_refused(second: bytes) -> None:
    rig = Rig(script(broken(b"0123"), httpx.Response(200, content=second)))
    with pytest.raises(BadReply):
        await read_results(rig)


async def test_a_result_that_breaks_again_and_again_is_given_up() -> None:
    rig = Rig(lambda request: broken(b"0123"))
    with pytest.raises(Unreachable):
        await read_results(rig)
    assert len(rig.seen) == 5


async def test_a_missing_result_is_not_found() -> None:
    with pytest.raises(NotFound):
        await read_results(Rig(script(refused(404, "NOT_FOUND"))))


async def test_leaving_a_result_early_gives_the_connection_back() -> None:
    rig = Rig(lambda request: csv_page(["row"] * 50_000))
    async with rig.open() as client:
        jobs = IngestJobs(client, rig.clock)
        with anyio.fail_after(10):
            for _ in range(20):
                async with jobs.results(JOB, "failed") as chunks:
                    await anext(chunks)


QUERY = f"/jobs/query/{JOB}"
HEADER = '"Id","Kustomer_Id__c"'


def query_script(*pages: Any, **ended: Any) -> Rig:
    return Rig(
        script(job("UploadComplete"), job("JobComplete", **ended), *pages, httpx.Response(204))
    )


async def read_query(rig: Rig, **options: Any) -> tuple[tuple[str, ...], list[list[str]]]:
    columns: tuple[str, ...] = ()
    rows = []
    async with rig.open() as client:
        async for piece in QueryJobs(client, rig.clock).rows("SELECT Id FROM Case", **options):
            columns = piece.columns
            rows += piece.rows
    return columns, rows


async def test_a_bulk_query_follows_its_locators_and_cleans_up() -> None:
    rig = query_script(
        csv_page([HEADER, '"1","a"'], Sforce_Locator="next", Sforce_NumberOfRecords="1"),
        csv_page([HEADER, '"2",""'], Sforce_Locator="null", Sforce_NumberOfRecords="1"),
        numberRecordsProcessed=2,
    )
    columns, rows = await read_query(rig, all_rows=True, max_records=1)
    assert columns == ("Id", "Kustomer_Id__c")
    assert rows == [["1", "a"], ["2", ""]]
    assert sent_json(rig.seen[0])["operation"] == "queryAll"
    results = f"GET {QUERY}/results"
    assert rig.calls == ["POST /jobs/query", f"GET {QUERY}", results, results, f"DELETE {QUERY}"]
    assert dict(rig.seen[2].url.params) == {"maxRecords": "1"}
    assert dict(rig.seen[3].url.params) == {"maxRecords": "1", "locator": "next"}


async def test_a_bulk_query_without_rows_still_names_its_columns() -> None:
    assert await read_query(query_script(csv_page([HEADER]))) == (("Id", "Kustomer_Id__c"), [])


async def test_a_bulk_query_survives_lost_replies_and_broken_pages() -> None:
    page = f'{HEADER}\n"1","a"\n'.encode()
    rig = Rig(
        script(
            LOST,
            job("UploadComplete"),
            job("JobComplete"),
            broken(page[:30]),
            httpx.Response(200, content=page),
            httpx.Response(204),
        )
    )
    assert (await read_query(rig))[1] == [["1", "a"]]


@pytest.mark.parametrize(
    "pages",
    [
        [csv_page([HEADER, '"1","a"'], Sforce_NumberOfRecords="2")],
        [csv_page([HEADER, '"1"'])],
        [csv_page([HEADER, '"1","a"'], Sforce_Locator="same")] * 3,
        [csv_page([HEADER], Sforce_Locator="x"), csv_page(['"Id"', '"1"'])],
        [csv_page([HEADER, '"1","a"', '"2","b"'])],
    ],
)
async def test_a_bulk_query_that_does_not_add_up_is_refused(pages: list[Any]) -> None:
    with pytest.raises(BadReply):
        await read_query(query_script(*pages, numberRecordsProcessed=1))


async def test_a_failed_bulk_query_shows_the_code_alone() -> None:
    message = "INVALID_FIELD: No such column near 'Jane'"
    rig = Rig(script(job("UploadComplete"), job("Failed", errorMessage=message)))
    with pytest.raises(QueryFailed) as caught:
        await read_query(rig)
    assert caught.value.remote_code == "INVALID_FIELD"
    assert "Jane" not in str(caught.value)
