"""Several calls in one: references, all or none, batches, limits."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

BASE = "/services/data/v62.0"


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


def _part(name: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
    part = {"referenceId": name, "method": method, "url": f"{BASE}/{path}"}
    return part | ({"body": body} if body is not None else {})


async def _composite(
    client: httpx.AsyncClient, *parts: dict[str, Any], strict: bool = False
) -> list[dict[str, Any]]:
    body = {"allOrNone": strict, "compositeRequest": list(parts)}
    said = await client.post(f"{BASE}/composite", json=body)
    assert said.status_code == 200, said.text
    found: list[dict[str, Any]] = said.json()["compositeResponse"]
    return found


async def test_a_later_call_may_name_what_an_earlier_one_answered(
    org: Org, client: httpx.AsyncClient
) -> None:
    account, contact, found = await _composite(
        client,
        _part("a", "POST", "sobjects/Account", {"Name": "A"}),
        _part("c", "POST", "sobjects/Contact", {"LastName": "L", "AccountId": "@{a.id}"}),
        _part("q", "GET", "query?q=SELECT+Name+FROM+Account+WHERE+Id='@{a.id}'"),
    )
    assert (account["httpStatusCode"], contact["httpStatusCode"]) == (201, 201)
    made = account["body"]["id"]
    assert account["httpHeaders"]["Location"] == f"{BASE}/sobjects/Account/{made}"
    assert org.store.shelf("Contact").records[contact["body"]["id"]]["AccountId"] == made
    assert found["body"]["records"][0]["Name"] == "A"
    assert [each["referenceId"] for each in (account, contact, found)] == ["a", "c", "q"]


async def test_a_reference_into_a_list_and_one_that_leads_nowhere(
    client: httpx.AsyncClient,
) -> None:
    records = [{"attributes": {"type": "Account"}, "Name": "A"}]
    _, read, lost = await _composite(
        client,
        _part("many", "POST", "composite/sobjects", {"records": records}),
        _part("one", "GET", "sobjects/Account/@{many[0].id}"),
        _part("none", "GET", "sobjects/Account/@{many[7].id}"),
    )
    assert read["body"]["Name"] == "A"
    assert lost["httpStatusCode"] == 400
    assert lost["body"][0]["errorCode"] == "PROCESSING_HALTED"


@pytest.mark.parametrize("strict", [True, False])
async def test_a_failure_takes_the_others_back_only_if_asked(
    org: Org, client: httpx.AsyncClient, strict: bool
) -> None:
    first, second = await _composite(
        client,
        _part("a", "POST", "sobjects/Account", {"Name": "A"}),
        _part("b", "POST", "sobjects/Account", {}),
        strict=strict,
    )
    assert second["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert len(list(org.store.dump("Account"))) == (0 if strict else 1)
    assert len(org.effects.entries) == (0 if strict else 1)
    if strict:
        assert first["body"][0]["errorCode"] == "PROCESSING_HALTED"
    else:
        assert first["httpStatusCode"] == 201


async def test_a_composite_counts_as_one_call(org: Org, client: httpx.AsyncClient) -> None:
    await _composite(client, *(_part(f"r{n}", "GET", "limits") for n in range(25)))
    assert org.api_calls == 1


@pytest.mark.parametrize(
    "parts",
    [
        [_part(f"r{n}", "GET", "limits") for n in range(26)],
        [_part(f"r{n}", "GET", "query?q=SELECT+Id+FROM+Case") for n in range(6)],
        [_part("same", "GET", "limits"), _part("same", "GET", "limits")],
        [{"method": "GET", "url": f"{BASE}/limits"}],
        [{"referenceId": "r", "url": f"{BASE}/limits"}],
        ["text"],
    ],
)
async def test_a_composite_over_its_limits_is_refused(
    client: httpx.AsyncClient, parts: list[Any]
) -> None:
    said = await client.post(f"{BASE}/composite", json={"compositeRequest": parts})
    assert said.status_code == 400


async def test_what_is_no_call_fails_alone(client: httpx.AsyncClient) -> None:
    lost, inner, fine = await _composite(
        client,
        {"referenceId": "x", "method": "GET", "url": "/elsewhere"},
        _part("y", "POST", "composite", {}),
        _part("z", "GET", "limits"),
    )
    assert [each["httpStatusCode"] for each in (lost, inner, fine)] == [404, 400, 200]


@pytest.mark.parametrize("halt", [True, False])
async def test_a_batch_goes_on_after_a_failure_unless_told_to_halt(
    client: httpx.AsyncClient, halt: bool
) -> None:
    body = {
        "haltOnError": halt,
        "batchRequests": [
            {"method": "POST", "url": "v62.0/sobjects/Account", "richInput": {"Name": "A"}},
            {"method": "GET", "url": "v62.0/sobjects/Account/nope"},
            {"method": "GET", "url": f"{BASE}/limits"},
        ],
    }
    said = (await client.post(f"{BASE}/composite/batch", json=body)).json()
    assert said["hasErrors"] is True
    assert [each["statusCode"] for each in said["results"]] == [201, 404, 412 if halt else 200]
    assert said["results"][0]["result"]["success"] is True
