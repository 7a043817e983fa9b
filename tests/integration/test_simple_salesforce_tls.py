"""A client that others wrote, simple-salesforce, against the stand-in on real sockets and TLS.

It speaks https only, so the stand-in is served with the certificate of a throw-away authority.
"""

import csv
import io
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import anyio
import pytest
import requests
import uvicorn
from anyio.lowlevel import checkpoint
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceOperationError,
)

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

DOMAIN = "acme.my"
CONSUMER = {"consumer_key": "deskferry-demo", "consumer_secret": "demo-secret"}
JWT_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class Rig:
    """A served org and how to reach it."""

    org: Org
    url: str
    authority: Path

    def session(self) -> requests.Session:
        """A session that trusts the stand-in and finds it under its vendor's names."""
        made = requests.Session()
        made.trust_env = False
        made.verify = str(self.authority)
        # urllib3 keeps idle lines open for as long as a caught error refers to their pool.
        made.headers["Connection"] = "close"
        made.mount(f"https://{DOMAIN}.salesforce.com", _Detour(self.url))
        made.mount("https://login.salesforce.com", _Detour(self.url))
        return made

    def admin(self, method: str, path: str, **more: Any) -> requests.Response:
        with self.session() as session:
            return session.request(method, f"{self.url}/__admin/{path}", **more)


class _Detour(HTTPAdapter):
    """Leads calls to a vendor's host to the stand-in."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> Any:
        assert request.url is not None
        request.url = self._url + "/" + request.url.split("/", 3)[3]
        return super().send(request, *args, **more)


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, good for an hour."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stand-in")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "stand-in.pem", folder / "stand-in.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    public = JWT_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    org = Org(SalesforceSettings(accounts=(), jwt_public_key=public.decode()))
    certificate, private = _certificate(tmp_path)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(org),
            log_level="critical",
            lifespan="on",
            timeout_graceful_shutdown=1,
            ssl_certfile=certificate,
            ssl_keyfile=private,
            ssl_version=ssl.PROTOCOL_TLS_SERVER,
        )
    )

    async def serve() -> None:
        await server.serve([listener])
        for _ in range(20):  # lines under TLS take some turns of the loop to close
            await checkpoint()

    thread = threading.Thread(target=anyio.run, args=(serve,))
    thread.start()
    try:
        # The listener takes calls from now on; the server answers them once it is up.
        yield Rig(org, f"https://127.0.0.1:{listener.getsockname()[1]}", certificate)
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@pytest.fixture
def client(rig: Rig) -> Iterator[Salesforce]:
    with rig.session() as session:
        yield Salesforce(
            session_id=rig.org.new_token(), instance_url=rig.url, session=session, version="62.0"
        )


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_client_credentials_sign_in(rig: Rig) -> None:
    with rig.session() as session:
        client = Salesforce(domain=DOMAIN, session=session, **CONSUMER)
        assert client.query("SELECT Id FROM Organization")["records"][0]["Id"] == (
            rig.org.settings.org_id
        )


def test_jwt_bearer_signs_in_with_its_text_for_exp(rig: Rig) -> None:
    private = JWT_KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with rig.session() as session:
        client = Salesforce(
            username="integration@acme.example",
            consumer_key="deskferry-demo",
            privatekey=private.decode(),
            session=session,
        )
        assert client.sf_instance == rig.url.removeprefix("https://")
        assert client.limits()["DailyApiRequests"]["Max"] == 1_000_000


def test_a_wrong_secret_is_told_with_its_code(rig: Rig) -> None:
    wrong = {**CONSUMER, "consumer_secret": "wrong"}
    with rig.session() as session, pytest.raises(SalesforceAuthenticationFailed) as caught:
        Salesforce(domain=DOMAIN, session=session, **wrong)
    assert caught.value.code == "invalid_client"


def test_a_session_that_expired_is_renewed_by_the_client(rig: Rig) -> None:
    with rig.session() as session:
        client = Salesforce(domain=DOMAIN, session=session, **CONSUMER)
        before = client.session_id
        assert rig.admin("POST", "expire-tokens").status_code == 204
        assert client.query("SELECT count() FROM Account")["totalSize"] == 0
        assert client.session_id != before


def test_a_given_session_that_expired_is_told_as_such(client: Salesforce, rig: Rig) -> None:
    rig.org.tokens.clear()
    with pytest.raises(SalesforceExpiredSession):
        client.query("SELECT Id FROM Account")


def test_a_record_is_made_read_changed_and_deleted(client: Salesforce) -> None:
    accounts: Any = client.Account
    made = accounts.create({"Name": "Acme", "Kustomer_Id__c": "k1"})
    assert made["success"] is True
    assert accounts.get(made["id"])["Name"] == "Acme"
    assert accounts.get_by_custom_id("Kustomer_Id__c", "k1")["Id"] == made["id"]
    assert accounts.update(made["id"], {"Name": "Other"}) == 204
    assert accounts.upsert("Kustomer_Id__c/k1", {"Name": "Third"}) == 200
    assert accounts.upsert("Kustomer_Id__c/k2", {"Name": "Fourth"}) == 201
    names = {each["Name"] for each in client.query_all("SELECT Name FROM Account")["records"]}
    assert names == {"Third", "Fourth"}
    assert accounts.delete(made["id"]) == 204
    assert client.query("SELECT Id FROM Account")["totalSize"] == 1
    assert client.api_usage["api-usage"].total == 1_000_000


def test_a_refused_record_is_told_with_its_fields(client: Salesforce) -> None:
    with pytest.raises(SalesforceMalformedRequest) as caught:
        client.Account.create({"Phone": "1"})
    assert caught.value.content[0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert caught.value.content[0]["fields"] == ["Name"]


def test_describe_names_the_fields(client: Salesforce) -> None:
    fields = {each["name"]: each for each in client.Case.describe()["fields"]}
    assert fields["Kustomer_Id__c"]["externalId"] is True


def test_a_query_is_walked_over_its_pages(client: Salesforce, rig: Rig) -> None:
    records = [{"Name": f"A{number}"} for number in range(2005)]
    assert rig.admin("POST", "records/Account", json=records).status_code == 201
    told = [each["Name"] for each in client.query_all_iter("SELECT Name FROM Account")]
    assert told == [each["Name"] for each in records]


def test_bulk2_inserts_and_tells_all_three_results(client: Salesforce) -> None:
    records = [
        {"LastName": 'O\'Neil, "Jo"\nsecond', "Email": "jo@acme.example", "Kustomer_Id__c": "k1"},
        {"LastName": "Bad", "Email": "no mail", "Kustomer_Id__c": "k2"},
        {"LastName": "Ünï 😀", "Email": "", "Kustomer_Id__c": "k3"},
    ]
    handler: Any = client.bulk2.Contact
    (summary,) = handler.insert(records=records, wait=0)
    assert summary["numberRecordsProcessed"] == 3
    assert summary["numberRecordsFailed"] == 1
    good = _rows(handler.get_successful_records(summary["job_id"]))
    bad = _rows(handler.get_failed_records(summary["job_id"]))
    assert {row["Kustomer_Id__c"]: row["LastName"] for row in good} == {
        "k1": records[0]["LastName"],
        "k3": "Ünï 😀",
    }
    assert bad[0]["sf__Error"] == (
        "INVALID_EMAIL_ADDRESS:Email: invalid email address: no mail:Email --"
    )
    assert _rows(handler.get_unprocessed_records(summary["job_id"])) == []
    stored = client.query("SELECT Id, LastName FROM Contact WHERE Kustomer_Id__c = 'k1'")
    assert stored["records"][0]["LastName"] == records[0]["LastName"]
    assert stored["records"][0]["Id"] in {row["sf__Id"] for row in good}


def test_bulk2_upserts_updates_and_deletes(client: Salesforce) -> None:
    handler: Any = client.bulk2.Account
    rows = [{"Kustomer_Id__c": f"k{n}", "Name": f"A{n}"} for n in range(3)]
    (first,) = handler.upsert(records=rows, external_id_field="Kustomer_Id__c", wait=0)
    assert first["numberRecordsFailed"] == 0
    ids = [each["Id"] for each in client.query("SELECT Id FROM Account")["records"]]
    changes = [{"Id": each, "Name": "Changed"} for each in ids]
    (second,) = handler.update(records=changes, wait=0)
    (third,) = handler.delete(records=[{"Id": ids[0]}], wait=0)
    assert (second["numberRecordsFailed"], third["numberRecordsFailed"]) == (0, 0)
    left = client.query("SELECT Id FROM Account WHERE Name = 'Changed'")
    assert left["totalSize"] == 2


def test_bulk2_splits_a_large_load_into_jobs_side_by_side(client: Salesforce, rig: Rig) -> None:
    rows = [{"Kustomer_Id__c": f"k{n}", "Name": f"A{n}"} for n in range(1000)]
    jobs = client.bulk2.Account.insert(records=rows, batch_size=250, concurrency=4, wait=0)
    assert [job["numberRecordsFailed"] for job in jobs] == [0] * 4
    assert sum(1 for _ in rig.org.store.dump("Account")) == 1000


def test_bulk2_tells_why_a_whole_job_failed(client: Salesforce) -> None:
    with pytest.raises(SalesforceOperationError, match="Field name not found : Foo__c"):
        client.bulk2.Account.insert(records=[{"Name": "A", "Foo__c": "x"}], wait=0)


def test_bulk2_queries_by_pages(client: Salesforce, rig: Rig) -> None:
    records = [{"Name": f"A{number}", "Kustomer_Id__c": f"k{number}"} for number in range(25)]
    rig.admin("POST", "records/Account", json=records)
    soql = "SELECT Id, Kustomer_Id__c FROM Account"
    pages = list(client.bulk2.Account.query(soql, max_records=10, wait=0))
    assert [len(_rows(page)) for page in pages] == [10, 10, 5]
    told = {row["Kustomer_Id__c"] for page in pages for row in _rows(page)}
    assert told == {each["Kustomer_Id__c"] for each in records}


@pytest.mark.parametrize(("kind", "there"), [("reset_before", 0), ("reset_after", 1)])
def test_a_dropped_connection_gives_no_reply(
    client: Salesforce, rig: Rig, kind: str, there: int
) -> None:
    fault = {"match": "/sobjects/Account", "kind": kind, "times": 1}
    assert rig.admin("POST", "faults", json=fault).status_code == 204
    with pytest.raises(requests.ConnectionError):
        client.Account.create({"Name": "A"})
    assert sum(1 for _ in rig.org.store.dump("Account")) == there
    assert client.Account.create({"Name": "B"})["success"] is True


def test_a_stalled_call_runs_into_the_clients_own_timeout(client: Salesforce, rig: Rig) -> None:
    rig.admin("POST", "faults", json={"match": "/limits", "kind": "stall", "times": 1})
    with pytest.raises(requests.Timeout):
        client.limits(timeout=0.05)
    assert client.limits()["DailyApiRequests"]["Remaining"] > 0
