"""The Salesforce stand-in as seen by a client that nobody here wrote."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound

from tests.unit.simulators.metadata_packages import case_fields, field, manifest, zipped


class ToLoopback(HTTPAdapter):
    """simple-salesforce insists on https; the stand-in speaks plain http on loopback."""

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        request.url = request.url.replace("https://", "http://", 1)
        return super().send(request, *args, **kwargs)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[dict[str, str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "service", "simulate", "salesforce"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    yield json.loads(child.stdout.readline())
    child.kill()
    child.wait()
    child.stdout.close()


@pytest.fixture
def client(stand_in: dict[str, str]) -> Iterator[Salesforce]:
    url = stand_in["url"]
    form = {
        "grant_type": "client_credentials",
        "client_id": "deskferry-demo",
        "client_secret": "demo-secret",
    }
    token = requests.post(f"{url}/services/oauth2/token", data=form, timeout=10).json()
    with requests.Session() as session:
        session.mount("https://", ToLoopback())
        yield Salesforce(
            instance_url=url.replace("http://", "https://"),
            session_id=token["access_token"],
            session=session,
            version="62.0",
        )


def test_a_query_pages_through_all_rows(client: Salesforce) -> None:
    found = client.query_all("SELECT Id, Email FROM User WHERE IsActive = true ORDER BY Email")
    assert found["totalSize"] == len(found["records"]) > 10
    assert client.query("SELECT COUNT() FROM User")["totalSize"] == found["totalSize"]


def test_records_are_made_read_changed_and_deleted(client: Salesforce) -> None:
    made = client.Contact.create({"LastName": "Ångström", "Email": "a@example.test"})
    assert made["success"]
    assert len(made["id"]) == 18
    assert client.Contact.get(made["id"])["LastName"] == "Ångström"
    assert client.Contact.update(made["id"], {"FirstName": "Zoë"}) == 204
    assert client.Contact.get(made["id"])["FirstName"] == "Zoë"
    assert client.Contact.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Contact.get(made["id"])


def test_bad_rows_and_queries_are_refused_with_salesforces_codes(client: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        client.Contact.create({"FirstName": "Nobody"})
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_EMAIL_ADDRESS"):
        client.Contact.create({"LastName": "x", "Email": "no address"})
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD"):
        client.query("SELECT Nope FROM Contact")
    with pytest.raises(SalesforceMalformedRequest, match="INVALID_TYPE"):
        client.query("SELECT Id FROM Nope")


def test_describe_tells_what_a_loader_needs(client: Salesforce) -> None:
    fields = {field["name"]: field for field in client.Case.describe()["fields"]}
    assert fields["Subject"]["length"] == 255
    assert fields["Kustomer_Id__c"]["externalId"]
    assert fields["CreatedDate"]["createable"]


def test_a_bulk_2_insert_and_query_go_round(client: Salesforce) -> None:
    rows = [
        {"LastName": f'Quote "{number}", comma\nand line', "Kustomer_Id__c": f"bulk{number:020d}"}
        for number in range(450)
    ]
    rows.append({"LastName": "x", "Kustomer_Id__c": "x", "Email": "bad"})
    outcome = client.bulk2.Contact.insert(records=rows)
    assert outcome[0]["numberRecordsProcessed"] == 451
    assert outcome[0]["numberRecordsFailed"] == 1
    failed = client.bulk2.Contact.get_failed_records(outcome[0]["job_id"])
    assert "INVALID_EMAIL_ADDRESS" in failed
    soql = "SELECT Id, LastName, Kustomer_Id__c FROM Contact WHERE Kustomer_Id__c LIKE 'bulk%'"
    pages = list(client.bulk2.Contact.query(soql))
    assert sum(page.count("Quote") for page in pages) == 450
    again = client.bulk2.Contact.insert(records=rows[:3])
    assert again[0]["numberRecordsFailed"] == 3
    texts = client.bulk2.Contact.get_failed_records(again[0]["job_id"])
    assert "DUPLICATE_VALUE:duplicate value found: Kustomer_Id__c duplicates value" in texts


def test_a_deployment_by_soap_makes_a_field_and_tells_its_failures(
    client: Salesforce, tmp_path: Path
) -> None:
    def deployed(fields: str) -> tuple[str, dict[str, Any]]:
        package = tmp_path / "deploy.zip"
        package.write_bytes(
            zipped(
                {
                    "package.xml": manifest(CustomField=["Case.Foreign__c"]),
                    "objects/Case.object": case_fields(fields),
                }
            )
        )
        made = client.deploy(str(package), sandbox=True)
        told: dict[str, Any] = {"state": "Pending"}
        while told["state"] in ("Pending", "InProgress"):
            told = client.checkDeployStatus(made["asyncId"])
        return told["state"], told["deployment_detail"]

    state, told = deployed(field("Foreign__c"))
    assert (state, told["deployed_count"]) == ("Succeeded", "1")
    state, told = deployed(field("Foreign__c", "Tree"))
    assert state == "Failed"
    assert "FieldType" in told["errors"][0]["message"]
