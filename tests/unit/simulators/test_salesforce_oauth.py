"""Signing in to the Salesforce stand-in, using a session and losing it."""

import base64
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings

TOKEN = "/services/oauth2/token"
LIMITS = "/services/data/v62.0/limits"
SECRETS = {"client_id": "deskferry-demo", "client_secret": "demo-secret"}
NOW = 1_790_000_000.0
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PUBLIC = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def org(clock: Clock) -> Org:
    settings = SalesforceSettings(jwt_public_key=PUBLIC, token_ttl_s=60.0, api_calls_max=3)
    return Org(settings, clock=clock)


@pytest.fixture
def client(org: Org, connect: Callable[..., Any]) -> Any:
    return connect(create_app(org))


def _client_credentials(client: Any, **changed: str) -> Any:
    return client.post(TOKEN, data={"grant_type": "client_credentials", **SECRETS, **changed})


def _bearer(client: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {_client_credentials(client).json()['access_token']}"}


def _assertion(client: Any, **changed: Any) -> Any:
    claims = {
        "iss": "deskferry-demo",
        "sub": "integration@acme.example",
        "aud": "https://login.salesforce.com",
        "exp": int(NOW) + 180,
        **changed,
    }
    assertion = jwt.encode(claims, KEY, algorithm="RS256")
    return client.post(TOKEN, data={"grant_type": GRANT, "assertion": assertion})


def test_client_credentials_in_the_body_give_a_session(client: Any, org: Org) -> None:
    said = _client_credentials(client).json()
    assert said["token_type"] == "Bearer"
    assert said["instance_url"] == "http://stand-in"
    assert said["id"].endswith(f"/id/{org.settings.org_id}/{org.user_id}")
    assert said["issued_at"] == str(int(NOW * 1000))
    assert "expires_in" not in said
    assert "refresh_token" not in said


def test_client_credentials_as_basic_give_a_session(client: Any) -> None:
    coded = base64.b64encode(b"deskferry-demo:demo-secret").decode()
    said = client.post(
        TOKEN,
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {coded}"},
    )
    assert said.status_code == 200


def test_the_orgs_own_domain_is_told_when_it_has_one(connect: Callable[..., Any]) -> None:
    org = Org(SalesforceSettings(my_domain="https://acme.my.salesforce.com"))
    said = _client_credentials(connect(create_app(org))).json()
    assert said["instance_url"] == "https://acme.my.salesforce.com"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"client_id": "other"}, "invalid_client_id"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_refused_sign_in_is_an_object_with_status_400(
    client: Any, changed: dict[str, str], error: str
) -> None:
    said = _client_credentials(client, **changed)
    assert said.status_code == 400
    assert said.json()["error"] == error
    assert said.json()["error_description"]


def test_client_credentials_are_refused_on_the_login_host(client: Any) -> None:
    data = {"grant_type": "client_credentials", **SECRETS}
    said = client.post(TOKEN, data=data, headers={"Host": "login.salesforce.com"})
    assert (said.status_code, said.json()["error"]) == (400, "invalid_grant")


def test_a_basic_header_that_cannot_be_read_is_refused_not_crashed_on(client: Any) -> None:
    said = client.post(
        TOKEN, data={"grant_type": "client_credentials"}, headers={"Authorization": "Basic ???"}
    )
    assert said.json()["error"] == "invalid_client_id"


@pytest.mark.parametrize(
    "expires",
    [int(NOW) + 180, str(int(NOW) + 180), int(NOW * 1000) + 300],
    ids=["number", "text", "milliseconds"],
)
def test_jwt_bearer_takes_every_form_of_exp_that_clients_send(client: Any, expires: Any) -> None:
    assert _assertion(client, exp=expires).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"exp": int(NOW) - 1}, "invalid_grant"),
        ({"exp": "soon"}, "invalid_grant"),
        ({"aud": "https://elsewhere.example"}, "invalid_grant"),
        ({"sub": "nobody@acme.example"}, "invalid_grant"),
        ({"iss": "other"}, "invalid_client_id"),
    ],
)
def test_jwt_bearer_refuses_a_wrong_claim(client: Any, changed: dict[str, Any], error: str) -> None:
    said = _assertion(client, **changed)
    assert (said.status_code, said.json()["error"]) == (400, error)


def test_jwt_bearer_refuses_another_key(client: Any) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode({"iss": "deskferry-demo"}, other, algorithm="RS256")
    said = client.post(TOKEN, data={"grant_type": GRANT, "assertion": forged})
    assert said.json()["error"] == "invalid_grant"


def test_an_expired_session_is_401_with_an_array(client: Any, clock: Clock) -> None:
    headers = _bearer(client)
    assert client.get(LIMITS, headers=headers).status_code == 200
    clock.now += 61
    said = client.get(LIMITS, headers=headers)
    assert said.status_code == 401
    assert said.json() == [
        {"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}
    ]


def test_a_token_without_the_bearer_scheme_is_no_session(client: Any) -> None:
    token = _bearer(client)["Authorization"].removeprefix("Bearer ")
    assert client.get(LIMITS, headers={"Authorization": token}).status_code == 401


def test_a_revoked_session_is_over(client: Any) -> None:
    headers = _bearer(client)
    token = headers["Authorization"].removeprefix("Bearer ")
    assert client.post("/services/oauth2/revoke", data={"token": token}).status_code == 200
    assert client.get(LIMITS, headers=headers).status_code == 401


def test_calls_over_the_limit_are_403_and_told_in_the_header(client: Any) -> None:
    headers = _bearer(client)
    used = [client.get(LIMITS, headers=headers).headers["sforce-limit-info"] for _ in range(3)]
    assert used == [f"api-usage={n}/3" for n in (1, 2, 3)]
    said = client.get(LIMITS, headers=headers)
    assert said.status_code == 403
    assert said.json()[0]["errorCode"] == "REQUEST_LIMIT_EXCEEDED"


def test_userinfo_and_the_identity_address_name_the_running_user(client: Any, org: Org) -> None:
    headers = _bearer(client)
    address = f"/id/{org.settings.org_id}/{org.user_id}"
    for path in ("/services/oauth2/userinfo", address):
        said = client.get(path, headers=headers).json()
        assert (said["user_id"], said["organization_id"]) == (org.user_id, org.settings.org_id)
    assert client.get(address).status_code == 401


def test_retired_and_unknown_versions_are_told_apart(client: Any) -> None:
    headers = _bearer(client)
    retired = client.get("/services/data/v30.0/limits", headers=headers)
    unknown = client.get("/services/data/v99.0/limits", headers=headers)
    assert (retired.status_code, retired.json()[0]["errorCode"]) == (410, "GONE")
    assert (unknown.status_code, unknown.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_a_path_that_is_not_there_is_an_array_too(client: Any) -> None:
    headers = _bearer(client)
    missing = client.get("/services/data/v62.0/nothing", headers=headers)
    method = client.put(LIMITS, headers=headers)
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert (method.status_code, method.json()[0]["errorCode"]) == (405, "METHOD_NOT_ALLOWED")
