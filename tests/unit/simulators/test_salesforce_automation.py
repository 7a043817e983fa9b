"""What fires by itself in the Salesforce stand-in, as queries of the data and of Tooling list it."""

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
    return Org(SalesforceSettings(accounts=(), automation=True, data_storage_mb=7))


@pytest.fixture
async def client(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(org)),
        base_url="http://stand-in",
        headers={"Authorization": f"Bearer {org.new_token()}"},
    ) as made:
        yield made


async def asked(client: httpx.AsyncClient, soql: str, path: str = "query") -> Any:
    return (await client.get(f"{BASE}/{path}", params={"q": soql})).json()


async def test_a_flow_whose_older_version_is_active_says_that_it_is_not(
    client: httpx.AsyncClient,
) -> None:
    soql = "SELECT ApiName, IsActive FROM FlowDefinitionView WHERE ActiveVersionId != null"
    told = {row["ApiName"]: row["IsActive"] for row in (await asked(client, soql))["records"]}
    assert told["Case_Set_Region"] is False
    assert told["Case_Tell_Owner"] is True
    assert "Lead_Score" not in told


async def test_validation_rules_are_known_to_tooling_alone(client: httpx.AsyncClient) -> None:
    soql = (
        "SELECT ValidationName, EntityDefinition.QualifiedApiName FROM ValidationRule "
        "WHERE Active = true AND EntityDefinition.QualifiedApiName IN ('Case')"
    )
    rows = (await asked(client, soql, "tooling/query"))["records"]
    assert [row["ValidationName"] for row in rows] == ["Case_Needs_Contact", "Case_Subject_Length"]
    assert rows[0]["EntityDefinition"]["QualifiedApiName"] == "Case"
    assert (await asked(client, soql))[0]["errorCode"] == "INVALID_TYPE"
    listed = (await client.get(f"{BASE}/sobjects")).json()["sobjects"]
    assert "ValidationRule" not in {each["name"] for each in listed}
    assert (await client.get(f"{BASE}/sobjects/ValidationRule/describe")).status_code == 404


async def test_tooling_does_not_answer_for_data(client: httpx.AsyncClient) -> None:
    told = await asked(client, "SELECT Id FROM Case", "tooling/query")
    assert told[0]["errorCode"] == "INVALID_TYPE"
    triggers = "SELECT Name FROM ApexTrigger WHERE Status = 'Active'"
    for path in ("query", "tooling/query"):
        assert len((await asked(client, triggers, path))["records"]) == 2


async def test_automation_is_no_data_that_can_be_written(client: httpx.AsyncClient) -> None:
    reply = await client.post(f"{BASE}/sobjects/DuplicateRule", json={"DeveloperName": "X"})
    assert reply.status_code >= 400


async def test_an_org_has_none_unless_it_is_asked_for() -> None:
    plain = Org(SalesforceSettings(accounts=()))
    for name in ("FlowDefinitionView", "ApexTrigger", "ValidationRule", "DuplicateRule"):
        assert not plain.store.shelf(name).records


async def test_the_room_that_is_left_is_told(client: httpx.AsyncClient) -> None:
    told = (await client.get(f"{BASE}/limits")).json()
    assert told["DataStorageMB"] == {"Max": 7, "Remaining": 7}
    assert told["ContentPublicationLimit"]["Max"] == 200_000
