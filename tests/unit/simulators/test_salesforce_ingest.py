"""Bulk 2.0 ingest jobs of the stand-in: their life, their CSV, their results."""

import csv
import io
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from anyio.from_thread import BlockingPortal

from simulators.salesforce import ingest as ingest_module
from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

BASE = "/services/data/v62.0/jobs/ingest"
NOW = 1_790_000_000.0
TYPES = {"Content-Type": "text/csv"}


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


class Bench:
    """A client, its org and shortcuts through a job's life."""

    def __init__(self, client: Any, org: Org) -> None:
        self.client = client
        self.org = org

    def create(self, **changed: Any) -> Any:
        return self.client.post(BASE, json={"object": "Account", "operation": "insert", **changed})

    def opened(self, **changed: Any) -> str:
        reply = self.create(**changed)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["id"])

    def put(self, job: str, body: str | bytes) -> Any:
        return self.client.put(f"{BASE}/{job}/batches", content=body, headers=TYPES)

    def patch(self, job: str, state: str) -> Any:
        return self.client.patch(f"{BASE}/{job}", json={"state": state})

    def info(self, job: str) -> dict[str, Any]:
        return dict(self.client.get(f"{BASE}/{job}").json())

    def ended(self, job: str) -> dict[str, Any]:
        for _ in range(2000):
            seen = self.info(job)
            if seen["state"] in ("JobComplete", "Failed", "Aborted"):
                return seen
        raise AssertionError("the job did not end")

    def run(self, body: str | bytes, **changed: Any) -> tuple[dict[str, Any], str]:
        job = self.opened(**changed)
        assert self.put(job, body).status_code == 201
        assert self.patch(job, "UploadComplete").status_code == 200
        return self.ended(job), job

    def rows(self, job: str, which: str, delimiter: str = ",") -> list[dict[str, str]]:
        reply = self.client.get(f"{BASE}/{job}/{which}")
        assert reply.status_code == 200, reply.text
        assert reply.headers["content-type"] == "text/csv; charset=UTF-8"
        return list(csv.DictReader(io.StringIO(reply.text, newline=""), delimiter=delimiter))

    def seed(self, name: str, **values: Any) -> str:
        reply = self.client.post(f"/__admin/records/{name}", json=values)
        assert reply.status_code == 201, reply.text
        return str(reply.json()[0]["id"])


Maker = Callable[..., Bench]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock, connect: Callable[..., Any]) -> Maker:
    def made(**settings: Any) -> Bench:
        org = Org(SalesforceSettings(accounts=(), token_ttl_s=1e9, **settings), clock=clock)
        return Bench(connect(create_app(org), org.new_token()), org)

    return made


@pytest.fixture
def bench(make: Maker) -> Bench:
    return make()


def test_a_new_job_is_told_in_salesforces_words_and_order(bench: Bench) -> None:
    said = bench.create(externalIdFieldName="").json()
    assert list(said) == [
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
        "concurrencyMode", "contentType", "apiVersion", "contentUrl", "lineEnding",
        "columnDelimiter",
    ]  # fmt: skip
    assert said["id"].startswith("750")
    assert len(said["id"]) == 18
    assert said["apiVersion"] == 62.0
    assert said["contentUrl"] == f"services/data/v62.0/jobs/ingest/{said['id']}/batches"
    assert said["createdById"] == bench.org.user_id


@pytest.mark.parametrize(
    ("changed", "code", "text"),
    [
        ({"object": "Foo"}, "INVALIDJOB", "InvalidJob : Unable to find object: Foo"),
        ({"object": None}, "INVALIDJOB", "InvalidJob : Object name was not specified"),
        ({"operation": "x"}, "API_ERROR", "Invalid value: 'x' supplied for property: 'operation'"),
        ({"operation": None}, "API_ERROR", "Invalid value: 'None' supplied"),
        ({"lineEnding": "CR"}, "API_ERROR", "Invalid value: 'CR' supplied"),
        ({"columnDelimiter": ","}, "API_ERROR", "Invalid value: ',' supplied"),
        ({"contentType": "XML"}, "API_ERROR", "Invalid value: 'XML' supplied"),
        ({"operation": "upsert"}, "INVALIDJOB", "InvalidJob : External ID was blank for Account."),
        (
            {"operation": "upsert", "externalIdFieldName": "Foo__c"},
            "INVALIDJOB",
            "InvalidJob : Field name provided, Foo__c does not match an External ID for Account",
        ),
        ({"assignmentRuleId": "01Q"}, "INVALIDJOB", "InvalidJob : assignmentRuleId"),
    ],
)
def test_a_job_that_cannot_be_made_is_refused_with_its_reason(
    bench: Bench, changed: dict[str, Any], code: str, text: str
) -> None:
    said = bench.create(**changed)
    assert (said.status_code, said.json()[0]["errorCode"]) == (400, code)
    assert said.json()[0]["message"].startswith(text)


def test_a_request_that_is_no_json_is_refused(bench: Bench) -> None:
    assert bench.client.post(BASE, content=b"{").json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    job = bench.opened()
    said = bench.client.patch(f"{BASE}/{job}", content=b"[]")
    assert said.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_rows_go_in_and_the_three_results_add_up(bench: Bench) -> None:
    long = "x" * 256
    seen, job = bench.run(f"Name,Kustomer_Id__c\nA,k1\n{long},k2\nC,k3\n")
    assert (seen["state"], seen["numberRecordsProcessed"], seen["numberRecordsFailed"]) == (
        "JobComplete",
        3,
        1,
    )
    assert seen["jobType"] == "V2Ingest"
    assert "contentUrl" not in seen
    good = bench.rows(job, "successfulResults/")
    bad = bench.rows(job, "failedResults")
    assert {row["Kustomer_Id__c"] for row in good} == {"k1", "k3"}
    assert all(row["sf__Created"] == "true" and len(row["sf__Id"]) == 18 for row in good)
    assert bad[0]["sf__Id"] == ""
    assert bad[0]["sf__Error"].startswith("STRING_TOO_LONG:Name: data value too large")
    assert bad[0]["sf__Error"].endswith("(max length=255):Name --")
    for spelling in ("unprocessedrecords", "unprocessedRecords"):
        assert bench.rows(job, spelling) == []


def test_all_cells_of_a_result_are_quoted_in_the_jobs_delimiter(bench: Bench) -> None:
    _, job = bench.run('name|kustomer_id__c\n"a ""b"" | c\nd"|k1\n', columnDelimiter="PIPE")
    text = bench.client.get(f"{BASE}/{job}/successfulResults").text
    record = next(bench.org.store.dump("Account"))
    assert record["Name"] == 'a "b" | c\nd'
    assert text == (
        '"sf__Id"|"sf__Created"|"name"|"kustomer_id__c"\n'
        f'"{record["Id"]}"|"true"|"a ""b"" | c\nd"|"k1"\n'
    )


def test_a_door_ages_jobs_so_that_results_and_open_jobs_expire(bench: Bench) -> None:
    _, ended = bench.run("Name,Kustomer_Id__c\nA,k1\n")
    opened = bench.opened()
    bench.client.post("/__admin/jobs/age?seconds=86390")
    assert {each["id"] for each in bench.client.get("/__admin/jobs").json()} == {ended, opened}
    bench.client.post("/__admin/jobs/age?seconds=20")
    assert bench.client.get(f"{BASE}/{opened}").status_code == 404
    assert bench.info(ended)["createdDate"][:10] < bench.create().json()["createdDate"][:10]
    bench.client.post("/__admin/jobs/age?object=Account&seconds=604800")
    assert bench.client.get(f"{BASE}/{ended}/successfulResults").status_code == 404


def test_a_door_loses_results_and_makes_them_unsure_though_the_rows_are_there(bench: Bench) -> None:
    bench.client.post("/__admin/jobs/unsure?object=Account&rows=1")
    bench.client.post("/__admin/jobs/lose?object=Account&which=successful&rows=1")
    _, job = bench.run("Name,Kustomer_Id__c\nA,k1\nB,k2\nC,k3\n")
    assert len(bench.rows(job, "successfulResults")) == 1
    (bad,) = bench.rows(job, "failedResults")
    assert bad["sf__Error"].startswith("UNKNOWN_EXCEPTION:")
    assert len(list(bench.org.store.dump("Account"))) == 3


def test_a_door_opens_and_aborts_jobs_as_others_do(bench: Bench) -> None:
    job = bench.client.post("/__admin/jobs/open?object=Case").json()["id"]
    assert bench.info(job)["state"] == "Open"
    bench.client.post("/__admin/jobs/abort?object=Case")
    assert bench.info(job)["state"] == "Aborted"


def test_results_are_not_in_the_order_of_the_upload(bench: Bench) -> None:
    keys = [f"k{number}" for number in range(50)]
    _, job = bench.run("Name,Kustomer_Id__c\n" + "".join(f"A,{key}\n" for key in keys))
    told = [row["Kustomer_Id__c"] for row in bench.rows(job, "successfulResults")]
    assert sorted(told) == sorted(keys)
    assert told != keys


def test_paths_are_taken_in_any_case_and_with_slashes_doubled(bench: Bench) -> None:
    job = bench.opened()
    doubled = f"/services//data/v62.0/jobs//INGEST/{job}/"
    for path in (doubled, f"/Services/Data/V62.0/jobs/ingest/{job[:15]}"):
        assert bench.client.get(path).json()["id"] == job


def test_a_second_put_is_refused_even_when_identical(bench: Bench) -> None:
    job = bench.opened()
    assert bench.put(job, "Name\nA\n").status_code == 201
    said = bench.put(job, "Name\nA\n")
    assert (said.status_code, said.json()[0]["errorCode"]) == (400, "BULK_API_ERROR")
    assert said.json()[0]["message"].startswith(f"Found multipe contents for job: <{job}>")


def test_an_upload_over_the_base64_limit_is_refused(make: Maker) -> None:
    bench = make(max_job_bytes=400)
    job = bench.opened()
    said = bench.put(job, "Name\n" + "A" * 300)
    assert (said.status_code, said.json()[0]["errorCode"]) == (400, "EXCEEDED_MAX_SIZE_REQUEST")
    assert bench.put(bench.opened(), "Name\n" + "A" * 295).status_code == 201


def test_an_upload_must_be_csv(bench: Bench) -> None:
    job = bench.opened()
    assert bench.client.put(f"{BASE}/{job}/batches", json=[]).status_code == 415


@pytest.mark.parametrize("body", [None, b"", b"Name\n"])
def test_a_job_without_rows_completes_with_empty_results(bench: Bench, body: bytes | None) -> None:
    job = bench.opened()
    if body is not None:
        assert bench.put(job, body).status_code == 201
    bench.patch(job, "UploadComplete")
    seen = bench.ended(job)
    assert (seen["state"], seen["numberRecordsProcessed"]) == ("JobComplete", 0)
    assert bench.rows(job, "successfulResults") == []


def test_nothing_runs_before_the_close(bench: Bench) -> None:
    job = bench.opened()
    bench.put(job, "Name\nA\n")
    assert bench.info(job)["state"] == "Open"
    assert "numberRecordsProcessed" not in bench.info(job)
    assert list(bench.org.store.dump("Account")) == []


def test_closing_twice_is_refused(bench: Bench) -> None:
    _, job = bench.run("Name\nA\n")
    said = bench.patch(job, "UploadComplete")
    assert said.status_code == 400
    assert said.json() == [
        {
            "message": "InvalidJobState : Closing already closed Job not allowed",
            "errorCode": "INVALIDJOBSTATE",
        }
    ]


@pytest.mark.parametrize("state", ["JobComplete", "Open", "x", None])
def test_only_two_states_can_be_asked_for(bench: Bench, state: Any) -> None:
    assert bench.patch(bench.opened(), state).json()[0]["errorCode"] == "API_ERROR"


def test_an_open_job_cannot_be_deleted_an_ended_one_can(bench: Bench) -> None:
    job = bench.opened()
    assert bench.client.delete(f"{BASE}/{job}").status_code == 400
    assert bench.patch(job, "Aborted").json()["state"] == "Aborted"
    assert bench.client.delete(f"{BASE}/{job}").status_code == 204
    assert bench.client.get(f"{BASE}/{job}").status_code == 404


def test_an_aborted_upload_leaves_all_its_rows_unprocessed(bench: Bench) -> None:
    job = bench.opened()
    bench.put(job, "Name,Kustomer_Id__c\nA,k1\nB,k2\n")
    bench.patch(job, "Aborted")
    left = bench.rows(job, "unprocessedrecords")
    assert {row["Kustomer_Id__c"] for row in left} == {"k1", "k2"}
    assert bench.patch(job, "Aborted").json()[0]["errorCode"] == "INVALIDJOBSTATE"


def test_an_abort_keeps_what_was_committed_and_the_rest_is_unprocessed(bench: Bench) -> None:
    keys = {f"k{number}" for number in range(40_000)}
    job = bench.opened()
    bench.put(job, "Name,Kustomer_Id__c\n" + "".join(f"A,{key}\n" for key in keys))
    bench.patch(job, "UploadComplete")
    while not bench.info(job).get("numberRecordsProcessed"):
        pass
    assert bench.patch(job, "Aborted").json()["state"] == "Aborted"
    good = {row["Kustomer_Id__c"] for row in bench.rows(job, "successfulResults")}
    left = {row["Kustomer_Id__c"] for row in bench.rows(job, "unprocessedrecords")}
    assert good
    assert left
    assert good | left == keys
    assert not good & left
    stored = {each["Kustomer_Id__c"] for each in bench.org.store.dump("Account")}
    assert stored == good
    assert bench.info(job)["numberRecordsProcessed"] == len(good)


def test_an_upload_that_was_cut_cannot_be_sent_again(
    portal: BlockingPortal, connect: Callable[..., Any]
) -> None:
    org = Org(SalesforceSettings(accounts=()))
    app = create_app(org)
    connect(app)
    http = httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://stand-in",
        headers={"Authorization": f"Bearer {org.new_token()}"},
    )

    async def cut() -> tuple[httpx.Response, httpx.Response, httpx.Response]:
        made = await http.post(BASE, json={"object": "Account", "operation": "insert"})
        path = f"{BASE}/{made.json()['id']}"
        pieces = iter(
            [
                {"type": "http.request", "body": b"Name\nA", "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive() -> dict[str, Any]:
            return next(pieces)

        async def send(message: Any) -> None:
            pass

        headers = [
            (b"authorization", http.headers["authorization"].encode()),
            (b"content-type", b"text/csv"),
        ]
        scope = {"type": "http", "method": "PUT", "path": f"{path}/batches", "headers": headers, "query_string": b""}  # fmt: skip  # noqa: E501
        await app(scope, receive, send)
        again = await http.put(f"{path}/batches", content=b"Name\nA\n", headers=TYPES)
        seen = await http.get(path)
        return again, seen, await http.delete(path)

    again, seen, deleted = portal.call(cut)
    assert again.json()[0]["errorCode"] == "BULK_API_ERROR"
    assert seen.json()["state"] == "Open"
    assert deleted.status_code == 400
    portal.call(http.aclose)


def test_a_waiting_job_can_be_aborted_before_it_starts(make: Maker) -> None:
    bench = make(job_delay_s=3600.0)
    job = bench.opened()
    bench.put(job, "Name\nA\n")
    assert bench.patch(job, "UploadComplete").json()["state"] == "UploadComplete"
    said = bench.client.get(f"{BASE}/{job}/successfulResults")
    assert said.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    bench.patch(job, "Aborted")
    assert len(bench.rows(job, "unprocessedrecords")) == 1
    assert list(bench.org.store.dump("Account")) == []


def test_a_waiting_job_can_be_deleted_and_never_runs(make: Maker) -> None:
    bench = make(job_delay_s=3600.0)
    job = bench.opened()
    bench.put(job, "Name\nA\n")
    bench.patch(job, "UploadComplete")
    assert bench.client.delete(f"{BASE}/{job}").status_code == 204
    assert list(bench.org.store.dump("Account")) == []


def test_rows_committed_before_a_failure_stay_and_the_rest_is_unprocessed(bench: Bench) -> None:
    bench.client.post("/__admin/fail-next-job?after=400")
    keys = [f"k{number}" for number in range(1000)]
    body = "Name,Kustomer_Id__c\n" + "".join(f"A,{key}\n" for key in keys)
    seen, job = bench.run(body)
    assert seen["state"] == "Failed"
    assert seen["errorMessage"].startswith("InternalServerError : ")
    good = {row["Kustomer_Id__c"] for row in bench.rows(job, "successfulResults")}
    left = {row["Kustomer_Id__c"] for row in bench.rows(job, "unprocessedrecords")}
    assert good == set(keys[:400])
    assert left == set(keys[400:])
    assert seen["numberRecordsProcessed"] == 400
    again, _ = bench.run("Name\nA\n")
    assert again["state"] == "JobComplete"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"\xef\xbb\xbfName\nA\n", "InvalidBatch : Failed to parse CSV. Found unescaped quote."),
        (b"Name\r\nA\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),  # noqa: E501
        (b'Name\n"a\r\nb"\n', "ClientInputError : LineEnding is invalid on user data."),
        (b'Name,Phone\nA, "1"\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote."),
        (b'Name\nA"B\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote."),
        (b'Name\n"A" B\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote."),
        (b'Name\n"A\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote."),
        (b"Name\n\xff\n", "InvalidBatch : Failed to parse CSV. Not UTF-8"),
        (b"Name\na\x00b\n", "InvalidBatch : Failed to parse CSV."),
        (b"Name,Phone\nA\n", "InvalidBatch : A row has not as many cells as the header"),
        (b"Name\n" + b"x" * 131_073 + b"\n", "InvalidBatch : Failed to parse CSV. A field"),
    ],
)  # fmt: skip
def test_a_malformed_upload_fails_the_whole_job_before_any_row(
    bench: Bench, body: bytes, text: str
) -> None:
    seen, job = bench.run(b"%s" % body)
    assert seen["state"] == "Failed"
    assert seen["errorMessage"].startswith(text)
    assert seen["numberRecordsProcessed"] == 0
    assert list(bench.org.store.dump("Account")) == []
    assert bench.rows(job, "successfulResults") == []


def test_a_line_feed_alone_fails_a_crlf_job_and_crlf_does_not(bench: Bench) -> None:
    seen, _ = bench.run("Name\nA\n", lineEnding="CRLF")
    assert seen["errorMessage"].endswith("Current LineEnding setting is CRLF")
    seen, _ = bench.run('Name\r\n"a\nb"\r\n', lineEnding="CRLF")
    assert (seen["state"], seen["numberRecordsFailed"]) == ("JobComplete", 0)


@pytest.mark.parametrize(
    "column",
    ["Foo__c", "Kustomer_Tags__c", "Parent.Name", "Account:Parent.Kustomer_Id__c", "Nope.Id"],
)
def test_an_unknown_or_hidden_column_fails_the_job_and_leaves_its_rows(
    make: Maker, column: str
) -> None:
    bench = make(hidden_fields=frozenset({"Account.Kustomer_Tags__c"}))
    seen, job = bench.run(f"Name,{column}\nA,x\nB,y\n")
    assert seen["state"] == "Failed"
    assert seen["errorMessage"] == f"InvalidBatch : Field name not found : {column}"
    assert len(bench.rows(job, "unprocessedrecords")) == 2


def test_a_column_given_twice_fails_the_job(bench: Bench) -> None:
    seen, _ = bench.run("Name,Phone,phone\nA,,\n")
    assert seen["errorMessage"] == "InvalidBatch : Field name is given more than once"


def test_a_parent_given_by_id_and_by_key_fails_the_row(bench: Bench) -> None:
    account = bench.seed("Account", Name="A", Kustomer_Id__c="a1")
    body = f"Name,ParentId,Parent.Kustomer_Id__c\nA,{account},a1\nB,{account},\nC,,a1\n"
    seen, job = bench.run(body)
    assert seen["numberRecordsFailed"] == 1
    assert bench.rows(job, "failedResults")[0]["sf__Error"].startswith("INVALID_FIELD:")


def test_an_empty_cell_changes_nothing_and_na_clears(bench: Bench) -> None:
    record = bench.seed("Account", Name="A", Phone="1", Fax="2")
    seen, job = bench.run(f"Id,Phone,Fax\n{record},,#N/A\n", operation="update")
    assert seen["numberRecordsFailed"] == 0
    stored = bench.org.store.get("Account", record)
    assert stored is not None
    assert (stored["Phone"], stored["Fax"]) == ("1", None)
    told = bench.rows(job, "successfulResults")[0]
    assert (told["sf__Created"], told["Fax"]) == ("false", "#N/A")


def test_a_parent_is_found_by_its_key(bench: Bench) -> None:
    account = bench.seed("Account", Name="A", Kustomer_Id__c="a1")
    body = "LastName,Account.Kustomer_Id__c\nX,A1\nY,nope\nZ,\n"
    seen, job = bench.run(body, object="Contact")
    assert seen["numberRecordsFailed"] == 1
    assert bench.rows(job, "failedResults")[0]["sf__Error"] == (
        "INVALID_FIELD:Foreign key external ID: nope not found for field Kustomer_Id__c in "
        "entity Account:--"
    )
    found = {each["LastName"]: each.get("AccountId") for each in bench.org.store.dump("Contact")}
    assert (found["X"], found.get("Z")) == (account, None)
    assert "Account.Kustomer_Id__c" in bench.rows(job, "successfulResults")[0]


def test_a_parent_of_several_kinds_needs_its_kind_named(bench: Bench) -> None:
    seen, _ = bench.run("Subject,User:Owner.Email\nS,agent1@acme.example\n", object="Case")
    assert (seen["state"], seen["numberRecordsFailed"]) == ("JobComplete", 0)
    owner = bench.org.store.get("User", next(bench.org.store.dump("Case"))["OwnerId"])
    assert owner is not None
    assert owner["Email"] == "agent1@acme.example"
    seen, _ = bench.run("Subject,Owner.Email\nS,agent1@acme.example\n", object="Case")
    assert seen["errorMessage"] == "InvalidBatch : Field name not found : Owner.Email"


def test_a_key_that_two_parents_carry_is_refused(bench: Bench) -> None:
    for name in ("A", "B"):
        bench.seed("Contact", LastName=name, Email="same@acme.example")
    seen, job = bench.run("LastName,ReportsTo.Email\nX,same@acme.example\n", object="Contact")
    assert seen["numberRecordsFailed"] == 1
    error = bench.rows(job, "failedResults")[0]["sf__Error"]
    assert "more than one record found for external id field" in error


def test_an_upsert_makes_what_is_new_and_changes_what_is_there(bench: Bench) -> None:
    there = bench.seed("Account", Name="Old", Kustomer_Id__c="k1")
    body = "Kustomer_Id__c,Name\nk1,New\nk2,Made\nk3,a\nk3,b\n,c\n"
    seen, job = bench.run(body, operation="upsert", externalIdFieldName="Kustomer_Id__c")
    assert (seen["numberRecordsProcessed"], seen["numberRecordsFailed"]) == (5, 3)
    good = {row["Kustomer_Id__c"]: row for row in bench.rows(job, "successfulResults")}
    assert (good["k1"]["sf__Id"], good["k1"]["sf__Created"]) == (there, "false")
    assert good["k2"]["sf__Created"] == "true"
    errors = sorted(row["sf__Error"] for row in bench.rows(job, "failedResults"))
    doubled = "DUPLICATE_VALUE:Duplicate external id specified: k3:Kustomer_Id__c --"
    assert errors == [doubled, doubled, "MISSING_ARGUMENT:Kustomer_Id__c not specified:--"]


def test_audit_fields_go_with_insert_and_not_with_upsert(bench: Bench) -> None:
    body = "Kustomer_Id__c,Name,CreatedDate\nk1,A,2020-01-02T03:04:05Z\n"
    seen, _ = bench.run(body, operation="upsert", externalIdFieldName="Kustomer_Id__c")
    assert seen["numberRecordsFailed"] == 1
    seen, _ = bench.run(body)
    assert seen["numberRecordsFailed"] == 0
    assert next(bench.org.store.dump("Account"))["CreatedDate"] == "2020-01-02T03:04:05.000+0000"


def test_an_update_and_a_delete_need_the_id(bench: Bench) -> None:
    seen, job = bench.run("Id,Name\n,A\n", operation="update")
    error = bench.rows(job, "failedResults")[0]["sf__Error"]
    assert error == "MISSING_ARGUMENT:Id not specified in an update call:--"
    seen, _ = bench.run("Id,Name\nx,A\n", operation="delete")
    assert seen["errorMessage"] == "InvalidBatch : The 'delete' batch must contain only ids"


def test_a_delete_job_moves_records_to_the_bin(bench: Bench) -> None:
    record = bench.seed("Account", Name="A")
    seen, job = bench.run(f"Id\n{record}\n{record}\n", operation="delete")
    assert seen["numberRecordsFailed"] == 1
    assert bench.org.store.get("Account", record) is None
    assert bench.rows(job, "failedResults")[0]["sf__Error"].startswith("ENTITY_IS_DELETED:")


def test_batches_are_counted_by_ten_thousand_rows(bench: Bench) -> None:
    body = "Name\n" + "A\n" * 10_001
    seen, _ = bench.run(body)
    assert seen["numberRecordsProcessed"] == 10_001
    stats = bench.client.get("/__admin/stats").json()
    assert (stats["bulk_batches"], stats["rows_per_batch"]) == (2, [10_000, 1])
    assert stats["jobs_by_state"] == {"JobComplete": 1}
    limits = bench.client.get("/services/data/v62.0/limits").json()
    assert limits["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_998}


def test_rows_beyond_the_allowance_of_batches_get_no_result(make: Maker) -> None:
    bench = make(bulk_batches_max=1)
    seen, job = bench.run("Name\n" + "A\n" * 10_200)
    assert seen["state"] == "Failed"
    assert seen["errorMessage"].startswith("ExceededQuota : ")
    told = [len(bench.rows(job, which)) for which in ("successfulResults", "unprocessedrecords")]
    assert told == [10_000, 0]


def test_two_parts_make_a_job_that_runs_at_once(bench: Bench) -> None:
    job_part = '{"object":"Account","operation":"insert"}'
    parts = {
        "job": (None, job_part, "application/json"),
        "content": ("content", "Name\nA\n", "text/csv"),
    }
    said = bench.client.post(BASE, files=parts)
    assert (said.status_code, said.json()["state"]) == (200, "UploadComplete")
    assert bench.ended(said.json()["id"])["numberRecordsProcessed"] == 1
    parts["content"] = ("content", "Name\n" + "A" * 100_000, "text/csv")
    assert bench.client.post(BASE, files=parts).json()[0]["errorCode"] == "INVALIDJOB"
    del parts["content"]
    assert bench.client.post(BASE, files=parts).json()[0]["errorCode"] == "INVALIDJOB"


def test_the_list_gives_every_job_once_in_an_order_that_means_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ingest_module, "PAGE_JOBS", 4)
    made = [bench.opened() for _ in range(9)]
    path, told, pages = f"{BASE}?jobType=V2Ingest&isPkChunkingEnabled=false", [], 0
    while path:
        said = bench.client.get(path).json()
        told += [each["id"] for each in said["records"]]
        path, pages = said["nextRecordsUrl"], pages + 1
        assert said["done"] is (path is None)
        assert "numberRecordsProcessed" not in said["records"][0]
    assert pages == 3
    assert sorted(told) == sorted(made)
    assert told != made
    assert bench.client.get(f"{BASE}?jobType=Classic").json()["records"] == []


def test_results_go_after_seven_days_and_an_open_job_after_one(bench: Bench, clock: Clock) -> None:
    _, ended = bench.run("Name\nA\n")
    opened = bench.opened()
    clock.now += 86_401
    assert bench.client.get(f"{BASE}/{opened}").status_code == 404
    assert len(bench.rows(ended, "successfulResults")) == 1
    clock.now += 6 * 86_400
    said = bench.client.get(f"{BASE}/{ended}/successfulResults")
    assert (said.status_code, said.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_two_running_jobs_that_touch_one_parent_lock_each_other_out(make: Maker) -> None:
    bench = make(lock_model=True)
    account = bench.seed("Account", Name="A", Kustomer_Id__c="a1")
    body = "LastName,AccountId\n" + f"X,{account}\n" * 4000
    by_key = "LastName,Account.Kustomer_Id__c\n" + "X,a1\n" * 4000
    jobs = [bench.opened(object="Contact") for _ in range(2)]
    for job in jobs:
        bench.put(job, body if job == jobs[0] else by_key)
    for job in jobs:
        bench.patch(job, "UploadComplete")
    (lucky, none), (late, some) = sorted(
        ((job, bench.ended(job)["numberRecordsFailed"]) for job in jobs), key=lambda each: each[1]
    )
    assert (none, bench.rows(lucky, "failedResults")) == (0, [])
    assert some > 0
    assert bench.rows(late, "failedResults")[0]["sf__Error"] == (
        "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: "
        f"{account[:15]}:--"
    )
    again, _ = bench.run(body, object="Contact")
    assert again["numberRecordsFailed"] == 0
