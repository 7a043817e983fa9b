"""The REST door of the stand-in, over ASGI."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

BASE = "/services/data/v62.0"
KEY = "a" * 24


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


async def test_versions_need_no_session_and_are_not_counted(org: Org) -> None:
    transport = httpx.ASGITransport(create_app(org))
    async with httpx.AsyncClient(transport=transport, base_url="http://stand-in") as nobody:
        reply = await nobody.get("/services/data/")
        refused = await nobody.get(f"{BASE}/limits")
    versions = [float(each["version"]) for each in reply.json()]
    assert versions == sorted(versions)
    assert org.api_calls == 0
    assert refused.status_code == 401
    assert refused.json()[0]["errorCode"] == "INVALID_SESSION_ID"


async def test_every_call_is_counted_and_told_in_the_header(client: httpx.AsyncClient) -> None:
    first = await client.get(f"{BASE}/limits")
    second = await client.get(f"{BASE}//limits/")
    assert first.headers["sforce-limit-info"] == "api-usage=1/1000000"
    assert second.headers["sforce-limit-info"] == "api-usage=2/1000000"
    assert second.json()["DailyApiRequests"] == {"Max": 1_000_000, "Remaining": 999_998}


async def test_a_record_is_made_read_changed_and_deleted(client: httpx.AsyncClient) -> None:
    made = await client.post(f"{BASE}/sobjects/Account", json={"Name": "A"})
    assert made.status_code == 201
    path = f"{BASE}/sobjects/Account/{made.json()['id']}"
    assert (await client.patch(path, json={"Name": "B"})).status_code == 204
    read = (await client.get(path)).json()
    assert (read["Name"], read["attributes"]["type"]) == ("B", "Account")
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_an_upsert_makes_once_and_then_changes(client: httpx.AsyncClient) -> None:
    path = f"{BASE}/sobjects/Account/Kustomer_Id__c/{KEY}"
    made = await client.patch(path, json={"Name": "A"})
    changed = await client.patch(path, json={"Name": "B"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    assert (changed.status_code, changed.json()["created"]) == (200, False)
    assert made.json()["id"] == changed.json()["id"]


async def test_a_collection_answers_in_order_of_its_rows(client: httpx.AsyncClient) -> None:
    records = [
        {"attributes": {"type": "Account"}, "Name": "A"},
        {"attributes": {"type": "Account"}},
        {"attributes": {"type": "Case"}, "Subject": "S"},
    ]
    body = {"allOrNone": False, "records": records}
    reply = await client.post(f"{BASE}/composite/sobjects", json=body)
    assert reply.status_code == 200
    first, second, third = reply.json()
    assert first["id"].startswith("001")
    assert second["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    assert third["id"].startswith("500")
    gone = await client.delete(f"{BASE}/composite/sobjects?ids={first['id']},{third['id']}")
    assert [each["success"] for each in gone.json()] == [True, True]


async def test_a_collection_of_more_than_two_hundred_is_refused(client: httpx.AsyncClient) -> None:
    records = [{"attributes": {"type": "Case"}}] * 201
    reply = await client.post(f"{BASE}/composite/sobjects", json={"records": records})
    assert reply.status_code == 400


async def test_a_long_answer_comes_in_pages(org: Org, client: httpx.AsyncClient) -> None:
    for number in range(2001):
        org.store.seed("Account", {"Name": f"A{number}"})
    page = (await client.get(f"{BASE}/query?q={quote('SELECT Id, Name FROM Account')}")).json()
    assert (page["totalSize"], page["done"], len(page["records"])) == (2001, False, 2000)
    last = (await client.get(page["nextRecordsUrl"])).json()
    assert (last["done"], len(last["records"])) == (True, 1)
    assert len({each["Id"] for each in page["records"] + last["records"]}) == 2001


async def test_an_unknown_cursor_is_refused(client: httpx.AsyncClient) -> None:
    reply = await client.get(f"{BASE}/query/01gnothing-2000")
    assert (reply.status_code, reply.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_a_parent_comes_as_a_nested_object(client: httpx.AsyncClient) -> None:
    made = (await client.post(f"{BASE}/sobjects/Account", json={"Name": "A"})).json()["id"]
    person = {"LastName": "D", "AccountId": made}
    await client.post(f"{BASE}/sobjects/Contact", json=person)
    soql = quote("SELECT Id, Account.Name FROM Contact")
    found = (await client.get(f"{BASE}/query?q={soql}")).json()["records"][0]
    assert found["Account"]["Name"] == "A"


async def test_a_parent_that_is_not_there_is_null(client: httpx.AsyncClient) -> None:
    await client.post(f"{BASE}/sobjects/Contact", json={"LastName": "D"})
    soql = quote("SELECT Id, Account.Name, Account.Owner.Name, Account.Phone FROM Contact")
    found = (await client.get(f"{BASE}/query?q={soql}")).json()["records"][0]
    assert found["Account"] is None


async def test_a_count_comes_without_records(client: httpx.AsyncClient) -> None:
    reply = await client.get(f"{BASE}/query?q={quote('SELECT COUNT() FROM Case')}")
    assert reply.json() == {"totalSize": 0, "done": True, "records": []}


async def test_errors_are_arrays_with_a_code(client: httpx.AsyncClient) -> None:
    reply = await client.post(f"{BASE}/sobjects/Contact", json={"Email": "x", "LastName": "A"})
    assert reply.status_code == 400
    assert reply.json()[0]["errorCode"] == "INVALID_EMAIL_ADDRESS"
    assert reply.json()[0]["fields"] == ["Email"]


async def test_describe_is_served_for_known_objects_only(client: httpx.AsyncClient) -> None:
    known = await client.get(f"{BASE}/sobjects/case/describe")
    assert known.json()["name"] == "Case"
    assert (await client.get(f"{BASE}/sobjects/Nope/describe")).status_code == 404
    listed = (await client.get(f"{BASE}/sobjects")).json()["sobjects"]
    assert {"Account", "Case"} <= {each["name"] for each in listed}
