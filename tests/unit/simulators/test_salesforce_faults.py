"""The faults that the stand-in can be told to make, and its admin side-door."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from simulators.faults import ConnectionDropped
from simulators.salesforce.app import create_app
from simulators.salesforce.faults import FaultInvalid, Rule
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

BASE = "/services/data/v62.0"
INGEST = f"{BASE}/jobs/ingest"


@pytest.fixture
def org() -> Org:
    return Org(SalesforceSettings(accounts=()))


@pytest.fixture
def client(org: Org, connect: Callable[..., Any]) -> Any:
    return connect(create_app(org), org.new_token())


def _fault(client: Any, kind: str, match: str = "", **more: Any) -> None:
    reply = client.post("/__admin/faults", json={"kind": kind, "match": match, **more})
    assert reply.status_code == 204, reply.text


def _run(client: Any, rows: int) -> tuple[dict[str, Any], str]:
    created = client.post(INGEST, json={"object": "Account", "operation": "insert"})
    job = str(created.json()["id"])
    client.put(f"{INGEST}/{job}/batches", content="Name\n" + "A\n" * rows, headers={"Content-Type": "text/csv"})  # fmt: skip  # noqa: E501
    client.patch(f"{INGEST}/{job}", json={"state": "UploadComplete"})
    for _ in range(2000):
        seen = client.get(f"{INGEST}/{job}").json()
        if seen["state"] in ("JobComplete", "Failed"):
            return seen, job
    raise AssertionError("the job did not end")


def _failed(client: Any, job: str) -> list[str]:
    text = client.get(f"{INGEST}/{job}/failedResults").text
    return [row["sf__Error"] for row in csv.DictReader(io.StringIO(text))]


def test_a_fault_strikes_so_often_and_after_so_many_calls(client: Any) -> None:
    _fault(client, "status", "/limits", status=503, times=2, after=1)
    codes = [client.get(f"{BASE}/limits").status_code for _ in range(5)]
    assert codes == [200, 503, 503, 200, 200]
    assert client.get("/__admin/stats").json()["faults"] == 2


def test_a_fault_is_narrowed_by_path_and_method(client: Any) -> None:
    _fault(client, "status", "/jobs/ingest", method="POST", status=500)
    assert client.get(INGEST).status_code == 200
    assert client.get(f"{BASE}/limits").status_code == 200
    assert client.post(INGEST, json={}).status_code == 500


def test_a_rate_draws_by_its_seed(client: Any) -> None:
    def codes() -> list[int]:
        _fault(client, "status", "/limits", rate=0.5, seed=3)
        told = [client.get(f"{BASE}/limits").status_code for _ in range(20)]
        client.delete("/__admin/faults")
        return told

    first = codes()
    assert first == codes()
    assert set(first) == {200, 503}


def test_a_status_fault_tells_its_error_as_an_array(client: Any) -> None:
    _fault(client, "status", "/limits", status=500, error="UNKNOWN_EXCEPTION", message="ErrorId: 1")
    said = client.get(f"{BASE}/limits")
    assert said.json() == [{"message": "ErrorId: 1", "errorCode": "UNKNOWN_EXCEPTION"}]


@pytest.mark.parametrize(
    ("kind", "status", "body"),
    [
        ("html", 502, b"<html>"),
        ("empty", 500, b""),
        ("invalid_json", 200, b'{"data"'),
        ("not_a_page", 200, b'{"hello"'),
        ("limit_exceeded", 403, b'[{"message":"TotalRequests Limit exceeded."'),
    ],
)
def test_a_bad_reply_is_the_one_asked_for(client: Any, kind: str, status: int, body: bytes) -> None:
    _fault(client, kind, "/limits")
    said = client.get(f"{BASE}/limits")
    assert said.status_code == status
    assert said.content.startswith(body)


def test_a_reset_before_has_no_effect_and_a_reset_after_has(client: Any, org: Org) -> None:
    for kind, there in (("reset_before", 0), ("reset_after", 1)):
        _fault(client, kind, "/sobjects/Account", times=1)
        with pytest.raises(ConnectionDropped):
            client.post(f"{BASE}/sobjects/Account", json={"Name": "A"})
        assert len(list(org.store.dump("Account"))) == there


def test_a_truncated_reply_breaks_off_in_its_middle(client: Any) -> None:
    _fault(client, "truncated", "/limits")
    with pytest.raises(ConnectionDropped):
        client.get(f"{BASE}/limits")


def test_slow_replies_come_and_stalled_ones_do_not(client: Any) -> None:
    _fault(client, "slow", "/limits", seconds=0.0, times=1)
    assert client.get(f"{BASE}/limits").status_code == 200
    _fault(client, "stall", "/limits", seconds=0.0)
    with pytest.raises(ConnectionDropped):
        client.get(f"{BASE}/limits")


def test_a_token_can_expire_under_a_call(client: Any) -> None:
    _fault(client, "expire_token", "/limits", times=1)
    said = client.get(f"{BASE}/limits")
    assert (said.status_code, said.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")


def test_all_sessions_can_be_ended(client: Any) -> None:
    assert client.post("/__admin/expire-tokens").status_code == 204
    assert client.get(f"{BASE}/limits").status_code == 401


def test_rows_fail_with_the_error_asked_for(client: Any) -> None:
    _fault(client, "row_error", object="Account", error="FIELD_CUSTOM_VALIDATION_EXCEPTION", message="No.", times=2, after=1)  # fmt: skip  # noqa: E501
    seen, job = _run(client, 10)
    assert (seen["numberRecordsProcessed"], seen["numberRecordsFailed"]) == (10, 2)
    assert _failed(client, job) == ["FIELD_CUSTOM_VALIDATION_EXCEPTION:No.:--"] * 2


def test_rows_of_other_objects_are_let_pass(client: Any) -> None:
    _fault(client, "row_error", object="Case")
    assert _run(client, 3)[0]["numberRecordsFailed"] == 0


def test_rows_meet_locks_at_a_rate(client: Any) -> None:
    _fault(client, "lock_rows", rate=0.2, seed=5)
    seen, job = _run(client, 300)
    assert 20 < seen["numberRecordsFailed"] < 120
    assert {error.split(":")[0] for error in _failed(client, job)} == {"UNABLE_TO_LOCK_ROW"}


def test_a_job_fails_in_its_middle_once_and_keeps_what_it_did(client: Any, org: Org) -> None:
    _fault(client, "job_failed_midway", object="Account", after=200)
    seen, _ = _run(client, 500)
    assert (seen["state"], seen["numberRecordsProcessed"]) == ("Failed", 200)
    assert len(list(org.store.dump("Account"))) == 200
    assert _run(client, 500)[0]["state"] == "JobComplete"


@pytest.mark.parametrize(
    "spec", [{"kind": "nonsense"}, {}, {"kind": "status", "statuss": 500}, {"kind": "html", "hits": 1}]
)  # fmt: skip
def test_a_rule_that_cannot_be_understood_is_refused(client: Any, spec: dict[str, Any]) -> None:
    with pytest.raises(FaultInvalid):
        Rule.read(spec)
    assert client.post("/__admin/faults", json=spec).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b"3"])
def test_a_rule_that_is_no_object_is_refused(client: Any, body: bytes) -> None:
    assert client.post("/__admin/faults", content=body).status_code == 400


def test_records_are_seeded_dumped_and_logged(client: Any) -> None:
    made = client.post("/__admin/records/account", json=[{"Name": "A", "Kustomer_Id__c": "k1"}])
    record = made.json()[0]["id"]
    refused = client.post("/__admin/records/Account", json={"Phone": "1"})
    dumped = client.get("/__admin/dump", params={"object": "Account"}).text.splitlines()
    effects = client.get("/__admin/effects").text.splitlines()
    assert (made.status_code, refused.status_code) == (201, 400)
    assert [json.loads(line)["Id"] for line in dumped] == [record]
    assert [json.loads(line)["source"] for line in effects] == ["admin"]


def test_an_object_that_is_not_there_is_refused(client: Any) -> None:
    assert client.post("/__admin/records/Foo", json={}).status_code == 400
    assert client.get("/__admin/dump", params={"object": "Foo"}).status_code == 400


def test_the_side_door_is_not_counted_and_never_broken(client: Any, org: Org) -> None:
    _fault(client, "reset_before", "")
    assert client.get("/__admin/stats").json()["api_calls"] == 0
    assert org.api_calls == 0
