"""Sign-in, session and REST calls, against answers as the facts describe them."""

from __future__ import annotations

import anyio
import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    InsecureAddress,
    NotFound,
    OutcomeUnknown,
    RemoteUnavailable,
    RequestLimitExceeded,
    RoleMissing,
)
from connectors.salesforce.auth import JwtBearer
from connectors.salesforce.client import SalesforceOrg, Usage
from connectors.salesforce.records import RowOutcome
from connectors.salesforce.refusals import SessionEnded
from tests.unit.connectors.salesforce_rig import (
    BASE,
    DEAD,
    INSTANCE,
    LOGIN,
    ORG,
    USER,
    Rig,
    refused,
    script,
    sent_json,
)

LIMITS = {"DailyApiRequests": {"Max": 100_000, "Remaining": 99_000}, "Odd": {"x": {}}, "N": 1}
COUNT = httpx.Response(200, json={"totalSize": 7, "done": True, "records": []})


async def test_the_org_comes_from_the_identity_with_long_ids() -> None:
    rig = Rig(script(COUNT))
    rig.user = USER[:15]
    async with rig.open() as client:
        # Its clock was ahead of ours when the token was issued.
        assert await client.org() == SalesforceOrg(ORG, USER, INSTANCE, 18_900_000.0)
    assert rig.sign_ins == [
        {"grant_type": "client_credentials", "client_id": "id", "client_secret": "secret"}
    ]
    assert rig.seen == []


async def test_every_call_carries_token_and_the_headers_that_keep_rules_asleep() -> None:
    rig = Rig(script(COUNT))
    async with rig.open() as client:
        assert await client.count("SELECT COUNT() FROM Case") == 7
    (sent,) = rig.seen
    assert sent.url.host == "acme.my.example"
    assert sent.url.params["q"] == "SELECT COUNT() FROM Case"
    assert sent.headers["authorization"] == "Bearer token-1"
    assert sent.headers["sforce-auto-assign"] == "FALSE"
    assert sent.headers["sforce-call-options"] == "client=deskferry"


async def test_many_calls_that_meet_a_dead_session_renew_it_once() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return COUNT if request.headers["authorization"] == "Bearer token-2" else DEAD

    rig = Rig(handler)
    async with rig.open() as client, anyio.create_task_group() as group:
        for _ in range(8):
            group.start_soon(client.count, "SELECT COUNT() FROM Case")
    assert len(rig.sign_ins) == 2


async def test_a_401_that_stays_with_new_tokens_is_a_refusal() -> None:
    rig = Rig(script(DEAD))
    async with rig.open() as client:
        with pytest.raises(AuthRefused) as caught:
            await client.count("SELECT COUNT() FROM Case")
    assert caught.value.remote_code == "INVALID_SESSION_ID"
    assert len(rig.sign_ins) == 3
    assert len(rig.seen) == 3


async def test_a_refused_renewal_is_everyones_and_is_asked_for_once() -> None:
    rig = Rig(script(DEAD))
    caught: list[str] = []

    async def ask() -> None:
        with pytest.raises(AuthRefused) as refusal:
            await client.count("SELECT COUNT() FROM Case")
        caught.append(str(refusal.value))

    async with rig.open() as client:
        await client.org()
        rig.refuse_sign_in = httpx.Response(400, json={"error": "invalid_grant"})
        async with anyio.create_task_group() as group:
            for _ in range(5):
                group.start_soon(ask)
    assert caught == ["Salesforce refused the sign-in (invalid_grant)."] * 5
    assert len(rig.sign_ins) == 2


@pytest.mark.parametrize("change", ["user", "instance"])
async def test_a_renewal_as_another_user_or_elsewhere_is_refused(change: str) -> None:
    rig = Rig(script(DEAD))
    async with rig.open() as client:
        await client.org()
        setattr(rig, change, "https://other.example" if change == "instance" else "005" + "9" * 15)
        with pytest.raises(AuthRefused):
            await client.count("SELECT COUNT() FROM Case")
    assert all(each.url.host == "acme.my.example" for each in rig.seen)
    assert {each.headers["authorization"] for each in rig.seen} == {"Bearer token-1"}


async def test_an_instance_without_https_gets_no_token() -> None:
    rig = Rig(script(COUNT))
    rig.instance = "http://acme.my.example"
    async with rig.open() as client:
        with pytest.raises(InsecureAddress):
            await client.count("SELECT COUNT() FROM Case")
    assert rig.seen == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json=["no session"]),
        httpx.Response(200, json={"access_token": "t", "instance_url": INSTANCE}),
        httpx.Response(200, html="<h1>proxy</h1>"),
        httpx.Response(400, html="<h1>proxy</h1>"),
        httpx.Response(302, headers={"location": "https://elsewhere.example"}),
    ],
)
async def test_a_sign_in_answered_by_something_else_fails_plainly(answer: httpx.Response) -> None:
    rig = Rig(script(COUNT))
    rig.refuse_sign_in = answer
    async with rig.open() as client:
        with pytest.raises((BadReply, AuthRefused)):
            await client.org()


async def test_an_error_of_the_sign_in_shows_no_free_text() -> None:
    rig = Rig(script(COUNT))
    said = {"error": "jane@acme.example", "error_description": "secret jane@acme.example"}
    rig.refuse_sign_in = httpx.Response(400, json=said)
    async with rig.open() as client:
        with pytest.raises(AuthRefused) as caught:
            await client.org()
    assert "jane" not in str(caught.value)
    assert "secret" not in repr(caught.value)


async def test_the_jwt_names_app_user_and_audience_and_lives_three_minutes() -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    rig = Rig(script(COUNT))
    async with rig.http(LOGIN) as login:
        bearer = JwtBearer(
            login,
            client_id="app",
            username="robot",
            private_key=pem,
            audience=f"{LOGIN}/",
            clock=rig.clock,
        )
        session = await bearer.sign_in()
    assert "token-1" not in repr(session)
    (form,) = rig.sign_ins
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        audience=LOGIN,
        options={"verify_exp": False},
    )
    assert claims == {"iss": "app", "sub": "robot", "aud": LOGIN, "exp": int(rig.clock.now()) + 180}


@pytest.mark.parametrize("pem", ["", "not a key", "-----BEGIN PRIVATE KEY-----\nAAAA\n"])
async def test_an_unusable_private_key_is_said_without_showing_it(pem: str) -> None:
    rig = Rig(script(COUNT))
    async with rig.http(LOGIN) as login:
        bearer = JwtBearer(
            login, client_id="a", username="b", private_key=pem, audience=LOGIN, clock=rig.clock
        )
        with pytest.raises(AuthRefused, match="private key"):
            await bearer.sign_in()


async def test_usage_is_read_from_every_reply() -> None:
    header = {"Sforce-Limit-Info": "per-app-api-usage=1/2(appName=x); api-usage=18/100000"}
    rig = Rig(script(httpx.Response(200, json=LIMITS, headers=header), COUNT))
    async with rig.open() as client:
        assert client.last_usage is None
        limits = await client.limits()
        await client.count("SELECT COUNT() FROM Case")
        assert client.last_usage == Usage(18, 100_000)
    assert list(limits) == ["DailyApiRequests"]
    assert limits["DailyApiRequests"].remaining == 99_000


async def test_versions_are_asked_for_without_a_token() -> None:
    listed = [{"label": "x", "version": "61.0"}, {"label": "y", "version": "62.0"}]
    rig = Rig(script(httpx.Response(200, json=listed)))
    async with rig.open() as client:
        assert await client.versions() == ["61.0", "62.0"]
    assert "authorization" not in rig.seen[0].headers


async def test_a_describe_keeps_what_a_loader_needs() -> None:
    told = {
        "name": "Case",
        "keyPrefix": "500",
        "createable": True,
        "updateable": True,
        "fields": [
            {
                "name": "Status",
                "type": "picklist",
                "length": 40,
                "byteLength": 120,
                "nillable": False,
                "createable": True,
                "picklistValues": [
                    {"active": True, "value": "New", "label": "Neu"},
                    {"active": False, "value": "Old", "label": "Alt"},
                ],
                "restrictedPicklist": False,
            },
            {"name": "OwnerId", "type": "reference", "referenceTo": ["Group", "User"]},
        ],
    }
    rig = Rig(script(httpx.Response(200, json=told)))
    async with rig.open() as client:
        described = await client.describe("Case")
    assert rig.calls == ["GET /sobjects/Case/describe"]
    assert described.key_prefix == "500"
    status = described.fields["Status"]
    assert (status.length, status.byte_length, status.picklist) == (40, 120, ("New",))
    assert status.required
    assert described.fields["OwnerId"].reference_to == ("Group", "User")
    assert not described.fields["OwnerId"].required


@pytest.mark.parametrize("told", [{}, [], {"name": "Case", "fields": [{}]}])
async def test_what_is_no_describe_is_a_bad_reply(told: object) -> None:
    async with Rig(script(httpx.Response(200, json=told))).open() as client:
        with pytest.raises(BadReply):
            await client.describe("Case")


async def test_names_cannot_change_the_path() -> None:
    async with Rig(script(COUNT)).open() as client:
        for name in ("", "../limits", "Case/x", "Case?x", "Cáse"):
            with pytest.raises(ValueError, match="name of an object"):
                await client.describe(name)


async def test_a_query_follows_its_pages() -> None:
    following = f"{BASE}/query/01g-2000"
    rig = Rig(
        script(
            httpx.Response(
                200, json={"done": False, "nextRecordsUrl": following, "records": [{"Id": "1"}]}
            ),
            httpx.Response(200, json={"done": True, "records": [{"Id": "2"}]}),
        )
    )
    async with rig.open() as client:
        pages = [page async for page in client.query("SELECT Id FROM Case", all_rows=True)]
    assert pages == [[{"Id": "1"}], [{"Id": "2"}]]
    assert rig.calls == ["GET /queryAll", "GET /query/01g-2000"]


@pytest.mark.parametrize(
    "said",
    [
        {"done": False, "records": []},
        {"done": False, "records": [], "nextRecordsUrl": f"{BASE}/query/same"},
        {"done": False, "records": [], "nextRecordsUrl": "https://evil.example/x"},
        {"done": True},
        {"done": True, "records": ["no record"]},
        [],
    ],
)
async def test_a_query_that_is_no_whole_list_is_a_bad_reply(said: object) -> None:
    rig = Rig(script(httpx.Response(200, json=said)))
    async with rig.open() as client:
        with pytest.raises(BadReply):
            async for _ in client.query("SELECT Id FROM Case"):
                pass
    assert len(rig.seen) <= 3


async def test_a_count_without_a_number_is_a_bad_reply() -> None:
    async with Rig(script(httpx.Response(200, json={"records": []}))).open() as client:
        with pytest.raises(BadReply):
            await client.count("SELECT COUNT() FROM Case")


@pytest.mark.parametrize(
    ("answer", "kind", "recovery"),
    [
        (refused(400, "MALFORMED_QUERY"), BadRequest, "stop"),
        (refused(403, "REQUEST_LIMIT_EXCEEDED"), RequestLimitExceeded, "retry"),
        (refused(403, "API_DISABLED_FOR_ORG"), RoleMissing, "refuse"),
        (refused(404, "NOT_FOUND"), NotFound, "hold"),
        (httpx.Response(431, html="<h1>too long</h1>"), BadRequest, "stop"),
        (httpx.Response(503), RemoteUnavailable, "retry"),
    ],
)
async def test_refusals_are_told_apart(
    answer: httpx.Response, kind: type[ConnectorError], recovery: str
) -> None:
    async with Rig(script(answer)).open() as client:
        with pytest.raises(kind) as caught:
            await client.count("SELECT COUNT() FROM Case")
    assert caught.value.recovery == recovery
    assert caught.value.status == answer.status_code
    assert "Kustomer" not in caught.value.next_step


async def test_a_missing_field_is_named_and_the_querys_values_are_not() -> None:
    message = (
        "\nSELECT Id, Gone__c FROM Contact WHERE LastName = Brontë AND Email = 'a@b.example'\n"
        "           ^\nERROR at Row:1:Column:12\nNo such column 'Gone__c' on entity 'Contact'."
    )
    async with Rig(script(refused(400, "INVALID_FIELD", message))).open() as client:
        with pytest.raises(BadRequest) as caught:
            await client.count("SELECT COUNT() FROM Contact")
    assert "Gone__c" in str(caught.value)
    assert "Brontë" not in str(caught.value)
    assert "a@b" not in str(caught.value)


async def test_a_text_that_may_quote_a_person_is_left_out() -> None:
    answer = refused(400, "INVALID_EMAIL_ADDRESS", "Email: invalid email address: Jane Doe")
    async with Rig(script(answer)).open() as client:
        with pytest.raises(BadRequest) as caught:
            await client.create_record("Contact", {"LastName": "Doe"})
    assert str(caught.value) == "Salesforce refused a new Contact (INVALID_EMAIL_ADDRESS)."


async def test_a_collection_gives_one_outcome_for_each_record_in_order() -> None:
    answer = [
        {"id": "500000000000001AAA", "success": True, "errors": [], "created": True},
        {
            "success": False,
            "errors": [{"statusCode": "X_Y", "message": "why", "fields": ["Subject"]}],
        },
    ]
    records = [{"attributes": {"type": "Case"}, "Subject": each} for each in "ab"]
    rig = Rig(script(httpx.Response(200, json=answer)))
    async with rig.open() as client:
        outcomes = await client.collections("POST", records)
    assert outcomes == [
        RowOutcome("500000000000001AAA", True, True),
        RowOutcome("", False, None, "X_Y", "why", ("Subject",)),
    ]
    assert sent_json(rig.seen[0]) == {"allOrNone": False, "records": records}


async def test_a_collection_is_deleted_by_ids() -> None:
    rig = Rig(script(httpx.Response(200, json=[{"id": "1", "success": True, "errors": []}] * 2)))
    async with rig.open() as client:
        await client.collections("DELETE", [{"Id": "1"}, {"Id": "2"}], all_or_none=True)
    assert dict(rig.seen[0].url.params) == {"ids": "1,2", "allOrNone": "true"}


@pytest.mark.parametrize(
    "answer",
    [httpx.ReadTimeout("x"), httpx.Response(200, html="<h1>proxy</h1>")],
)
async def test_a_doubtful_write_is_never_sent_again(answer: httpx.Response | Exception) -> None:
    rig = Rig(script(answer))
    async with rig.open() as client:
        with pytest.raises(OutcomeUnknown):
            await client.collections("POST", [{"attributes": {"type": "Case"}}])
        with pytest.raises(OutcomeUnknown):
            await client.create_record("Case", {})
    assert len(rig.seen) == 2


@pytest.mark.parametrize("told", [[], [{"success": "yes"}], {"success": True}, [None]])
async def test_a_collection_with_other_results_is_a_bad_reply(told: object) -> None:
    async with Rig(script(httpx.Response(200, json=told))).open() as client:
        with pytest.raises(BadReply):
            await client.collections("PATCH", [{"Id": "1"}])


async def test_a_collection_is_never_empty_nor_too_large() -> None:
    rig = Rig(script(COUNT))
    async with rig.open() as client:
        assert await client.collections("POST", []) == []
        with pytest.raises(ValueError, match="200"):
            await client.collections("POST", [{}] * 201)
    assert rig.seen == []


async def test_single_records_are_made_read_changed_and_deleted() -> None:
    made = httpx.Response(201, json={"id": "500000000000001AAA", "success": True, "errors": []})
    read = httpx.Response(200, json={"Id": "500000000000001AAA", "Subject": "x"})
    gone = refused(404, "ENTITY_IS_DELETED")
    rig = Rig(script(made, read, httpx.Response(204), httpx.Response(204), gone))
    async with rig.open() as client:
        record = await client.create_record("Case", {"Subject": "x"})
        assert (await client.get_record("Case", record, ["Subject"]))["Subject"] == "x"
        await client.update_record("Case", record, {"Subject": None})
        await client.delete_record("Case", record)
        await client.delete_record("Case", record)
    assert [call.split()[0] for call in rig.calls] == ["POST", "GET", "PATCH", "DELETE", "DELETE"]
    assert sent_json(rig.seen[2]) == {"Subject": None}


async def test_a_dead_session_under_a_streamed_body_is_renewed_and_said() -> None:
    async def body() -> object:
        yield b"a"

    rig = Rig(script(DEAD, COUNT))
    async with rig.open() as client:
        with pytest.raises(SessionEnded) as caught:
            await client.call("PUT", "/x", "rows", content=body())  # type: ignore[arg-type]
        await client.count("SELECT COUNT() FROM Case")
    assert caught.value.recovery == "retry"
    assert len(rig.sign_ins) == 2
    assert rig.seen[1].headers["authorization"] == "Bearer token-2"
