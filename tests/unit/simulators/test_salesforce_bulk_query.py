"""Bulk 2.0 query jobs of the stand-in."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.salesforce.store import WriteContext

BASE = "/services/data/v62.0/jobs/query"
NOW = 1_790_000_000.0
SOQL = "SELECT Id, Name, Phone, CreatedDate, IsDeleted FROM Account"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def org(clock: Clock) -> Org:
    made = Org(SalesforceSettings(accounts=(), token_ttl_s=1e9), clock=clock)
    for number in range(5):
        values = {"Name": f'A "{number}"\nx', "Kustomer_Id__c": f"k{number}"}
        assert made.store.insert("Account", values, WriteContext("rest")).success
    return made


@pytest.fixture
def client(org: Org, connect: Callable[..., Any]) -> Any:
    return connect(create_app(org), org.new_token())


def _job(client: Any, soql: str = SOQL, operation: str = "query", **more: str) -> str:
    reply = client.post(BASE, json={"operation": operation, "query": soql, **more})
    assert reply.status_code == 200, reply.text
    return str(reply.json()["id"])


def _rows(text: str, delimiter: str = ",") -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_a_query_job_is_taken_at_once_and_complete_when_asked_again(client: Any) -> None:
    said = client.post(BASE, json={"operation": "query", "query": SOQL}).json()
    assert (said["state"], said["jobType"], said["object"]) == (
        "UploadComplete",
        "V2Query",
        "Account",
    )
    assert "contentUrl" not in said
    seen = client.get(f"{BASE}/{said['id']}").json()
    assert (seen["state"], seen["numberRecordsProcessed"]) == ("JobComplete", 5)


def test_pages_are_walked_by_locator_and_each_repeats_the_header(client: Any) -> None:
    job, told, locator = _job(client), [], ""
    sizes = []
    while locator != "null":
        params = {"maxRecords": "2", **({"locator": locator} if locator else {})}
        reply = client.get(f"{BASE}/{job}/results", params=params)
        assert reply.text.startswith('"Id","Name","Phone","CreatedDate","IsDeleted"\n')
        told += _rows(reply.text)
        sizes.append(reply.headers["Sforce-NumberOfRecords"])
        locator = reply.headers["Sforce-Locator"]
    assert sizes == ["2", "2", "1"]
    assert [row["Name"] for row in told] == [f'A "{number}"\nx' for number in range(5)]
    assert len({row["Id"] for row in told}) == 5


def test_cells_are_quoted_empty_for_null_and_zulu_for_moments(client: Any) -> None:
    row = _rows(client.get(f"{BASE}/{_job(client)}/results").text)[0]
    assert row["Phone"] == ""
    assert row["IsDeleted"] == "false"
    assert row["CreatedDate"] == "2026-09-21T14:13:20.000Z"


def test_the_delimiter_and_line_ending_of_the_job_are_used(client: Any) -> None:
    soql = "SELECT Kustomer_Id__c, Phone FROM Account"
    job = _job(client, soql, columnDelimiter="TAB", lineEnding="CRLF")
    text = client.get(f"{BASE}/{job}/results").text
    assert text.startswith('"Kustomer_Id__c"\t"Phone"\r\n"k0"\t""\r\n')


def test_query_all_gives_what_is_in_the_bin_too(client: Any, org: Org) -> None:
    first = next(org.store.dump("Account"))["Id"]
    org.store.delete("Account", first, WriteContext("rest"))
    live = _rows(client.get(f"{BASE}/{_job(client)}/results").text)
    every = _rows(client.get(f"{BASE}/{_job(client, operation='queryAll')}/results").text)
    assert (len(live), len(every)) == (4, 5)
    assert [row["Id"] for row in every if row["IsDeleted"] == "true"] == [first]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT() FROM Account", "INVALIDJOB"),
        ("SELECT Name, COUNT(Id) FROM Account GROUP BY Name", "INVALIDJOB"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 1", "INVALIDJOB"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "INVALIDJOB"),
        ("SELECT Id FROM Nothing", "INVALID_TYPE"),
        ("SELECT Nothing FROM Account", "INVALID_FIELD"),
        ("", "INVALIDJOB"),
    ],
)
def test_a_query_that_bulk_cannot_run_is_refused(client: Any, soql: str, code: str) -> None:
    said = client.post(BASE, json={"operation": "query", "query": soql})
    assert (said.status_code, said.json()[0]["errorCode"]) == (400, code)


def test_words_inside_a_literal_are_not_taken_for_clauses(client: Any) -> None:
    job = _job(client, "SELECT Id FROM Account WHERE Name = 'OFFSET COUNT() \\' GROUP BY'")
    assert client.get(f"{BASE}/{job}/results").headers["Sforce-Locator"] == "null"


def test_an_operation_that_is_no_query_is_refused(client: Any) -> None:
    said = client.post(BASE, json={"operation": "insert", "query": SOQL})
    assert said.json()[0]["errorCode"] == "API_ERROR"
    assert client.post(BASE, content=b"[").json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_another_api_version_may_not_read_the_results(client: Any) -> None:
    path = f"{BASE}/{_job(client)}/results".replace("v62.0", "v61.0")
    assert client.get(path).status_code == 409


@pytest.mark.parametrize("params", [{"locator": "abc"}, {"maxRecords": "0"}, {"maxRecords": "x"}])
def test_a_page_that_cannot_be_is_refused(client: Any, params: dict[str, str]) -> None:
    assert client.get(f"{BASE}/{_job(client)}/results", params=params).status_code == 400


def test_a_waiting_job_can_be_aborted_and_a_complete_one_cannot(
    org: Org, connect: Callable[..., Any]
) -> None:
    org.settings.job_delay_s = 3600.0
    client = connect(create_app(org), org.new_token())
    job = _job(client)
    assert client.get(f"{BASE}/{job}/results").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert client.delete(f"{BASE}/{job}").status_code == 400
    assert client.patch(f"{BASE}/{job}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert client.patch(f"{BASE}/{job}", json={"state": "Aborted"}).status_code == 400
    assert client.patch(f"{BASE}/{job}", json={"state": "x"}).status_code == 400


def test_jobs_are_listed_deleted_and_gone_after_seven_days(client: Any, clock: Clock) -> None:
    first, second = _job(client), _job(client)
    assert [each["id"] for each in client.get(BASE).json()["records"]] == [first, second]
    assert client.delete(f"{BASE}/{first}").status_code == 204
    clock.now += 7 * 86_400 + 1
    assert client.get(f"{BASE}/{second}").status_code == 404
    assert client.get(BASE).json()["records"] == []
