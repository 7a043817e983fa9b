"""Collections, upserts and nested parents over REST; what cannot be read is refused, never a 500."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

BASE = "/services/data/v62.0"
MANY = f"{BASE}/composite/sobjects"
KEY = "Kustomer_Id__c"


@pytest.fixture
def org() -> Org:
    return Org(SalesforceSettings(accounts=()))


@pytest.fixture
async def client(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(org)),
        base_url="http://stand-in",
        headers={"Authorization": f"Bearer {org.new_token()}"},
    ) as made:
        yield made


def _accounts(*names: str | None, **more: Any) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = [{"attributes": {"type": "Account"}} for _ in names]
    for record, name in zip(records, names, strict=True):
        record |= more | ({"Name": name} if name else {})
    return records


async def test_rows_of_one_kind_are_one_chunk(client: httpx.AsyncClient) -> None:
    records = _accounts("A", "B", "C", **{KEY: "k"})
    records[2][KEY] = "l"
    said = (await client.post(MANY, json={"records": records})).json()
    assert [each["success"] for each in said] == [False, False, True]
    assert said[0]["errors"][0]["message"] == "Duplicate external id specified: k"


async def test_kinds_that_alternate_are_chunks_of_their_own(client: httpx.AsyncClient) -> None:
    first, last = _accounts("A", "B", **{KEY: "k"})
    records = [first, {"attributes": {"type": "Case"}}, last]
    said = (await client.post(MANY, json={"records": records})).json()
    assert [each["success"] for each in said] == [True, True, False]
    assert said[0]["id"] in said[2]["errors"][0]["message"]


async def test_more_than_ten_chunks_are_refused(client: httpx.AsyncClient) -> None:
    records = [{"attributes": {"type": ("Case", "Account")[n % 2]}} for n in range(11)]
    said = await client.post(MANY, json={"records": records})
    assert said.status_code == 400


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_all_or_none_takes_every_row_back(
    org: Org, client: httpx.AsyncClient, method: str
) -> None:
    ids = [org.store.seed("Account", {"Name": name}) for name in "AB"]
    records = _accounts("C", None)
    if method == "PATCH":
        records = [{**record, "id": i} for record, i in zip(records, ids, strict=True)]
        records[1]["Name"] = None
    said = await client.request(method, MANY, json={"allOrNone": True, "records": records})
    assert said.status_code == 200
    first, second = said.json()
    assert first["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert [row["Name"] for row in org.store.dump("Account")] == ["A", "B"]
    assert org.effects.entries == []


async def test_all_or_none_holds_for_deletes(org: Org, client: httpx.AsyncClient) -> None:
    kept = org.store.seed("Account", {"Name": "A"})
    strict = f"{MANY}?ids={kept},001zzzzzzzzzzzzzzz&allOrNone=true"
    said = (await client.delete(strict)).json()
    assert [each["success"] for each in said] == [False, False]
    assert org.store.get("Account", kept) is not None
    said = (await client.delete(strict.replace("true", "false"))).json()
    assert [each["success"] for each in said] == [True, False]


async def test_a_collection_is_upserted_by_a_key_or_by_id(client: httpx.AsyncClient) -> None:
    path = f"{MANY}/Account/{KEY}"
    records = [
        {"attributes": {"type": "Account"}, "Name": "A", KEY: "k"},
        {"attributes": {"type": "Account"}, "Name": "B"},
    ]
    made, failed = (await client.patch(path, json={"records": records})).json()
    assert (made["created"], failed["success"]) == (True, False)
    assert failed["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    by_id = [{**records[1], "id": made["id"]}, records[1]]
    said = (await client.patch(f"{MANY}/Account/Id", json={"records": by_id})).json()
    assert [each["created"] for each in said] == [False, True]
    unknown = await client.patch(f"{MANY}/Account/Nope__c", json={"records": records})
    assert unknown.status_code == 404


async def test_a_collection_is_read_with_null_for_what_is_not_there(
    org: Org, client: httpx.AsyncClient
) -> None:
    there = org.store.seed("Account", {"Name": "A"})
    ids = [there, "001zzzzzzzzzzzzzzz"]
    by_path = await client.get(f"{MANY}/Account?ids={','.join(ids)}&fields=Name")
    by_body = await client.post(f"{MANY}/Account", json={"ids": ids, "fields": ["Name"]})
    assert by_path.json() == by_body.json()
    first, second = by_path.json()
    assert (first["Name"], second) == ("A", None)


async def test_a_nested_parent_is_found_by_its_key(org: Org, client: httpx.AsyncClient) -> None:
    account = org.store.seed("Account", {"Name": "A", KEY: "a1"})
    said = await client.post(
        f"{BASE}/sobjects/Contact", json={"LastName": "L", "Account": {KEY: "a1"}}
    )
    assert org.store.shelf("Contact").records[said.json()["id"]]["AccountId"] == account
    record = {
        "attributes": {"type": "EmailMessage"},
        "Status": "3",
        "RelatedTo": {"attributes": {"type": "Account"}, KEY: "a1"},
    }
    (made,) = (await client.post(MANY, json={"records": [record]})).json()
    assert org.store.shelf("EmailMessage").records[made["id"]]["RelatedToId"] == account


@pytest.mark.parametrize(
    "parent",
    [
        {},
        {"Nope__c": "x"},
        {KEY: "none"},
        {KEY: "a", "Name": "b"},
        {KEY: {"deep": 1}},
        {"attributes": "text", KEY: "none"},
        [],
        "text",
    ],
)
@pytest.mark.parametrize("name", ["Account", "Nope", "LastName"])
async def test_a_nested_parent_that_names_none_is_refused(
    client: httpx.AsyncClient, name: str, parent: Any
) -> None:
    values = {"LastName": "L", name: parent}
    if name == "LastName" and isinstance(parent, str):
        return
    single = await client.post(f"{BASE}/sobjects/Contact", json=values)
    assert single.status_code == 400
    assert single.json()[0]["errorCode"]
    record = {"attributes": {"type": "Contact"}, **values}
    (row,) = (await client.post(MANY, json={"records": [record]})).json()
    assert row["success"] is False


@pytest.mark.parametrize("field", [KEY, KEY.upper(), "Id"])
async def test_an_upsert_refuses_its_key_in_the_body(client: httpx.AsyncClient, field: str) -> None:
    path = f"{BASE}/sobjects/Account/{KEY}/k"
    said = await client.patch(path, json={"Name": "A", field: "k"})
    assert said.status_code == 400
    assert said.json()[0]["errorCode"] == "INVALID_FIELD"
    assert "should not be specified in the sobject data" in said.json()[0]["message"]


async def test_an_upsert_by_what_is_no_key_is_not_found(client: httpx.AsyncClient) -> None:
    for field in ("Phone", "Nope__c"):
        said = await client.patch(f"{BASE}/sobjects/Account/{field}/k", json={"Name": "A"})
        assert (said.status_code, said.json()[0]["errorCode"]) == (404, "NOT_FOUND")
        assert field in said.json()[0]["message"]


async def test_an_update_only_upsert_makes_nothing(org: Org, client: httpx.AsyncClient) -> None:
    path = f"{BASE}/sobjects/Account/{KEY}/k?updateOnly=true"
    assert (await client.patch(path, json={"Name": "A"})).status_code == 404
    org.store.seed("Account", {"Name": "A", KEY: "k"})
    assert (await client.patch(path, json={"Name": "B"})).status_code == 200


async def test_a_look_up_value_of_two_records_answers_with_both(
    org: Org, client: httpx.AsyncClient
) -> None:
    ids = [org.store.seed("Contact", {"LastName": "L", "Email": "a@b.example"}) for _ in "ab"]
    path = f"{BASE}/sobjects/Contact/Email/a@b.example"
    for said in (await client.get(path), await client.patch(path, json={"LastName": "M"})):
        assert said.status_code == 300
        assert [each.rpartition("/")[2] for each in said.json()] == ids


async def test_a_second_delete_says_that_the_record_is_deleted(client: httpx.AsyncClient) -> None:
    made = (await client.post(f"{BASE}/sobjects/Account", json={"Name": "A"})).json()["id"]
    path = f"{BASE}/sobjects/Account/{made}"
    assert (await client.delete(path)).status_code == 204
    again = await client.delete(path)
    assert (again.status_code, again.json()) == (
        404,
        [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED"}],
    )
    assert (await client.get(path)).json()[0]["errorCode"] == "NOT_FOUND"
    missing = await client.delete(f"{BASE}/sobjects/Account/001zzzzzzzzzzzzzzz")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")


async def test_some_fields_of_a_record_can_be_asked_for(
    org: Org, client: httpx.AsyncClient
) -> None:
    account = org.store.seed("Account", {"Name": "A"})
    path = f"{BASE}/sobjects/Account/{account}"
    found = (await client.get(f"{path}?fields=name,Phone")).json()
    assert found.keys() == {"attributes", "Name", "Phone"}
    assert (await client.get(f"{path}?fields=Nope")).json()[0]["errorCode"] == "INVALID_FIELD"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b"1", b'"x"', b"\xff", b'{"records": 1}']
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/sobjects/Account"),
        ("PATCH", f"/sobjects/Account/{KEY}/k"),
        ("POST", "/composite/sobjects"),
        ("PATCH", "/composite/sobjects"),
        ("PATCH", f"/composite/sobjects/Account/{KEY}"),
        ("POST", "/composite/sobjects/Account"),
        ("POST", "/composite"),
        ("POST", "/composite/batch"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, method: str, path: str, body: bytes
) -> None:
    said = await client.request(method, BASE + path, content=body)
    assert said.status_code == 400
    assert said.json()[0]["errorCode"]


@pytest.mark.parametrize(
    "record", [1, None, "x", [], {}, {"attributes": 1}, {"attributes": {"type": 1}}]
)
async def test_a_record_that_cannot_be_read_is_refused(
    client: httpx.AsyncClient, record: Any
) -> None:
    said = await client.post(MANY, json={"records": [record]})
    assert said.status_code == 400
    assert said.json()[0]["errorCode"]


@pytest.mark.parametrize("tail", ["LIMIT x", "LIMIT", "OFFSET -1", "WHERE", "WHERE (", "ORDER BY"])
async def test_a_query_that_cannot_be_read_is_refused(client: httpx.AsyncClient, tail: str) -> None:
    said = await client.get(f"{BASE}/query", params={"q": f"SELECT Id FROM Case {tail}"})
    assert (said.status_code, said.json()[0]["errorCode"]) == (400, "MALFORMED_QUERY")


async def test_a_path_or_method_that_is_not_there_answers_in_the_form_of_errors(
    client: httpx.AsyncClient,
) -> None:
    lost = await client.get(f"{BASE}/nothing/here")
    assert (lost.status_code, lost.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    for path in ("sobjects/Account", "limits", "composite/batch", "jobs/ingest"):
        wrong = await client.put(f"{BASE}/{path}")
        assert (wrong.status_code, wrong.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")


async def test_a_page_may_be_asked_to_be_smaller(org: Org, client: httpx.AsyncClient) -> None:
    for number in range(450):
        org.store.seed("Account", {"Name": f"A{number}"})
    headers = {"Sforce-Query-Options": "batchSize=200"}
    page = await client.get(f"{BASE}/query?q=SELECT+Id+FROM+Account", headers=headers)
    seen = len(page.json()["records"])
    while not page.json()["done"]:
        page = await client.get(page.json()["nextRecordsUrl"])
        seen += len(page.json()["records"])
    assert (seen, len(page.json()["records"])) == (450, 50)


async def test_record_counts_leave_out_what_is_empty_or_unknown(
    org: Org, client: httpx.AsyncClient
) -> None:
    _, gone = (org.store.seed("Account", {"Name": name}) for name in "AB")
    await client.delete(f"{BASE}/sobjects/Account/{gone}")
    said = await client.get(f"{BASE}/limits/recordCount?sObjects=Account,Case,Nope")
    assert said.json() == {"sObjects": [{"count": 1, "name": "Account"}]}
