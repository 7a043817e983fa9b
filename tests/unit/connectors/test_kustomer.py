"""The Kustomer client against replies as the facts describe them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import httpx
import orjson
import pytest

from connectors.budget import RequestBudget, SearchBudget
from connectors.errors import (
    AuthRefused,
    BadReply,
    BadRequest,
    ConnectorError,
    ExpiredKey,
    NotAPage,
    NotFound,
    PastTheEnd,
    RateLimited,
    RoleMissing,
    SearchTimedOut,
    WrongRegion,
)
from connectors.http import HttpClient, Patience, RetryPolicy
from connectors.kustomer.client import KustomerClient, SearchQuery
from tests.unit.connectors.virtual_clock import VirtualClock

KEY = "test-key"
ORG = "60aa00000000000000000001"
MACHINE = "60aa00000000000000000002"
Handler = Callable[[httpx.Request], httpx.Response]


class Rig:
    """A client over a handler, on a virtual clock, with what was sent."""

    def __init__(self, handler: Handler, *, key: str = KEY, attempts: int = 3) -> None:
        self.clock = VirtualClock()
        self.seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            self.seen.append(request)
            return handler(request)

        self.http = HttpClient(
            "https://acme.api.kustomerapp.com",
            name="kustomer",
            clock=self.clock,
            transport=httpx.MockTransport(answer),
            policy=RetryPolicy(attempts=attempts),
        )
        self.budget = RequestBudget(share=0.7, clock=self.clock, assumed_limit=100_000)
        self.search_budget = SearchBudget(per_minute=600_000, clock=self.clock)
        self.client = KustomerClient(
            self.http, api_key=key, budget=self.budget, search_budget=self.search_budget
        )

    async def __aenter__(self) -> KustomerClient:
        await self.http.__aenter__()
        return self.client

    async def __aexit__(self, *trouble: Any) -> None:
        await self.http.__aexit__(None, None, None)


def row(number: int) -> dict[str, Any]:
    return {"type": "note", "id": f"{number:024x}", "attributes": {}}


def page(rows: list[Any], *, following: str | None = None, **meta: Any) -> httpx.Response:
    links = {"self": "/v1/notes?page=1", "prev": None, "next": following}
    return httpx.Response(
        200, json={"meta": {"pageSize": 100, "page": 1, **meta}, "data": rows, "links": links}
    )


def refuse(status: int, *, code: str = "x", message: str = "") -> httpx.Response:
    return httpx.Response(status, json={"errors": [{"code": code, "message": message, "meta": {}}]})


def jwt(**claims: Any) -> str:
    body = base64.urlsafe_b64encode(orjson.dumps(claims)).rstrip(b"=").decode()
    return f"aGVhZA.{body}.c2ln"


async def test_a_list_page_carries_rows_next_and_size() -> None:
    rig = Rig(lambda request: page([row(1), row(2)], following="/v1/notes?page=2"))
    async with rig as client:
        got = await client.list_page("/v1/notes", 1, params={"sort": "desc"})
    request = rig.seen[0]
    assert str(request.url.copy_with(query=None)) == "https://acme.api.kustomerapp.com/v1/notes"
    assert dict(request.url.params) == {"sort": "desc", "page": "1", "pageSize": "100"}
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"].startswith("deskferry/")
    assert ([r["id"] for r in got.rows], got.has_next, got.total) == (
        [row(1)["id"], row(2)["id"]],
        True,
        None,
    )
    assert got.size_bytes > 100
    assert got.page_size == 100


async def test_an_empty_page_never_has_a_next_one() -> None:
    async with Rig(lambda request: page([], following="/v1/notes?page=9")) as client:
        assert not (await client.list_page("/v1/notes", 8)).has_next


@pytest.mark.parametrize(("count", "follows"), [(2, True), (1, False)])
async def test_without_links_a_full_page_may_be_followed_by_another(
    count: int, follows: bool
) -> None:
    body = {"data": [row(n) for n in range(count)]}
    async with Rig(lambda request: httpx.Response(200, json=body)) as client:
        assert (await client.list_page("/v1/tags", 1, page_size=2)).has_next is follows


@pytest.mark.parametrize(
    ("included", "count"), [([{"id": "1"}, {"id": "2"}], 2), ({"id": "1"}, 1), (None, 0), ("x", 0)]
)
async def test_included_may_be_an_array_an_object_or_nothing(included: Any, count: int) -> None:
    body = {"data": [], "included": included}
    async with Rig(lambda request: httpx.Response(200, json=body)) as client:
        assert len((await client.list_page("/v1/slas", 1)).included) == count


async def test_a_record_without_id_is_passed_on() -> None:
    async with Rig(lambda request: page([{"type": "note"}])) as client:
        assert (await client.list_page("/v1/notes", 1)).rows == [{"type": "note"}]


@pytest.mark.parametrize(
    "body",
    [
        {"errors": [{"status": "500", "title": "Oops"}]},
        {"meta": {}},
        {"data": None},
        {"data": {"id": "1"}},
        {"data": [1, 2]},
        [],
        {"data": [], "meta": {"timed_out": True}},
    ],
)
async def test_a_reply_that_is_no_page_is_asked_for_again_and_then_told(body: Any) -> None:
    rig = Rig(lambda request: httpx.Response(200, json=body))
    async with rig as client:
        with pytest.raises(NotAPage):
            await client.list_page("/v1/notes", 1)
    assert len(rig.seen) == 3


async def test_a_proxys_page_is_no_page() -> None:
    async with Rig(lambda request: httpx.Response(200, html="<p>login</p>")) as client:
        with pytest.raises(NotAPage, match="not JSON"):
            await client.list_page("/v1/notes", 1)


async def test_a_redirect_is_not_followed_with_the_key() -> None:
    away = httpx.Response(302, headers={"location": "https://acme.kustomerapp.com/login"})
    rig = Rig(lambda request: away)
    async with rig as client:
        with pytest.raises(BadReply, match="redirects"):
            await client.list_page("/v1/notes", 1)
    assert len(rig.seen) == 1


async def test_a_search_names_its_context_criteria_and_sort() -> None:
    rig = Rig(lambda request: page([row(1)], total=1_782_018, timed_out=False))
    query = SearchQuery(
        "note",
        [{"note_created_at": {"gte": "2026-01-01T00:00:00.000Z"}}],
        [{"note_created_at": "asc"}],
        include_deleted=True,
    )
    async with rig as client:
        got = await client.search_page(query, 2, page_size=50)
    request = rig.seen[0]
    assert request.method == "POST"
    assert request.url.path == "/v1/customers/search"
    assert dict(request.url.params) == {"page": "2", "pageSize": "50"}
    assert orjson.loads(request.content) == {
        "queryContext": "note",
        "and": [{"note_created_at": {"gte": "2026-01-01T00:00:00.000Z"}}],
        "sort": [{"note_created_at": "asc"}],
        "includeDeleted": True,
    }
    assert got.total == 1_782_018
    assert rig.search_budget.snapshot().used_in_window == 1


@pytest.mark.parametrize("shown", [[{"type": "note", "id": "a"}, {"id": "b"}], ["a", "b"]])
async def test_a_search_for_ids_alone_takes_objects_and_bare_ids(shown: list[Any]) -> None:
    rig = Rig(lambda request: page(shown, total=2))
    async with rig as client:
        got = await client.search_page(SearchQuery("note", ids_only=True), 1)
    assert rig.seen[0].url.params["idsOnly"] == "true"
    assert [each["id"] for each in got.rows] == ["a", "b"]


async def test_a_bare_id_is_no_record_where_records_were_asked_for() -> None:
    rig = Rig(lambda request: page(["a"]))
    async with rig as client:
        with pytest.raises(NotAPage):
            await client.search_page(SearchQuery("note"), 1)


async def test_the_archive_has_its_own_endpoint_and_empty_parts_are_left_out() -> None:
    rig = Rig(lambda request: page([]))
    async with rig as client:
        await client.search_page(SearchQuery("message", archive=True), 1)
    assert rig.seen[0].url.path == "/v1/customers/archive/search"
    assert orjson.loads(rig.seen[0].content) == {"queryContext": "message"}


def test_a_query_too_large_for_kustomer_is_refused() -> None:
    with pytest.raises(ValueError, match="20"):
        SearchQuery("note", [{"a": {}}] * 21)


@pytest.mark.parametrize(("number", "size"), [(101, 100), (21, 500)])
async def test_a_refusal_behind_the_cap_is_the_end(number: int, size: int) -> None:
    async with Rig(lambda request: refuse(400)) as client:
        with pytest.raises(PastTheEnd):
            await client.search_page(SearchQuery("note"), number, page_size=size)


async def test_a_refusal_before_the_cap_is_never_taken_for_the_end() -> None:
    async with Rig(lambda request: refuse(400, code="bad_request")) as client:
        with pytest.raises(BadRequest) as caught:
            await client.list_page("/v1/notes", 57)
    assert caught.value.remote_code == "bad_request"
    assert not isinstance(caught.value, PastTheEnd)


@pytest.mark.parametrize("status", ["404", 404])
async def test_both_shapes_of_errors_are_read(status: Any) -> None:
    body = {"errors": [{"status": status, "code": "notfound", "title": "Not found"}]}
    async with Rig(lambda request: httpx.Response(404, json=body)) as client:
        with pytest.raises(NotFound) as caught:
            await client.get("/v1/conversations/66f0a1b2c3d4e5f601020304")
    assert caught.value.remote_code == "notfound"
    assert "66f0" not in str(caught.value)


async def test_a_refusals_text_is_redacted() -> None:
    text = "Invalid email 'ada@example.test' for ada@example.test"
    async with Rig(lambda request: refuse(400, message=text)) as client:
        with pytest.raises(BadRequest) as caught:
            await client.list_page("/v1/notes", 1)
    assert "Invalid email" in str(caught.value)
    assert "ada" not in str(caught.value)


def with_key(ok: bool, refusal: httpx.Response) -> Handler:
    """Refuses everything; the key's self-check answers `ok`."""

    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/auth/tokens/current":
            return httpx.Response(200, json={"data": {"id": "1"}}) if ok else refuse(401)
        return refusal

    return handler


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_endpoint_with_a_good_key_is_a_missing_role(status: int) -> None:
    async with Rig(with_key(True, refuse(status))) as client:
        with pytest.raises(RoleMissing) as caught:
            await client.list_page("/v1/notes", 1)
    assert caught.value.endpoint == "/v1/notes"
    assert caught.value.role == "org.permission.note.read"


async def test_the_role_named_by_the_remote_is_the_one_told() -> None:
    refusal = refuse(403, message="requires org.permission.search_global.create")
    async with Rig(with_key(True, refusal)) as client:
        with pytest.raises(RoleMissing) as caught:
            await client.search_page(SearchQuery("note"), 1)
    assert caught.value.role == "org.permission.search_global.create"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_endpoint_with_a_bad_key_is_a_refused_key(status: int) -> None:
    async with Rig(with_key(False, refuse(status))) as client:
        with pytest.raises(AuthRefused):
            await client.list_page("/v1/notes", 1)


async def test_an_unavailable_self_check_leaves_the_status_to_speak() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return refuse(403) if request.url.path == "/v1/notes" else httpx.Response(503)

    async with Rig(handler) as client:
        with pytest.raises(RoleMissing):
            await client.list_page("/v1/notes", 1)


_OTHER_POD = "Auth token associated with pod prod2 but request is being handled by prod1"


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (401, "Expired token", ExpiredKey),
        (401, _OTHER_POD, WrongRegion),
        (400, _OTHER_POD, WrongRegion),
        (401, "Unauthorized", AuthRefused),
    ],
)
async def test_org_explains_what_is_wrong_with_the_key(
    status: int, text: str, error: type[ConnectorError]
) -> None:
    async with Rig(lambda request: refuse(status, message=text)) as client:
        with pytest.raises(error) as caught:
            await client.org()
    assert type(caught.value) is error
    if error is WrongRegion:
        assert "prod2" in str(caught.value)
        assert "prod1" in str(caught.value)


def identity(**documents: Any) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        name = {"tokens": "token", "users": "user", "orgs": "org"}[request.url.path.split("/")[-2]]
        data = documents.get(name)
        return httpx.Response(200, json={"data": data}) if data else refuse(403)

    return handler


async def test_org_tells_id_name_roles_and_the_keys_user() -> None:
    handler = identity(
        token={"id": "t", "attributes": {"roles": ["org.permission.note.read"]}},
        user={"id": MACHINE, "attributes": {"roles": []}},
        org={"id": ORG, "attributes": {"name": "acme"}},
    )
    async with Rig(handler) as client:
        org = await client.org()
    assert (org.id, org.name, org.key_user_id) == (ORG, "acme", MACHINE)
    assert org.roles == ("org.permission.note.read",)


async def test_without_the_org_role_the_org_is_known_by_relation_or_claim() -> None:
    relation = {"org": {"data": {"type": "org", "id": ORG}}}
    async with Rig(identity(token={"id": "t", "relationships": relation})) as client:
        org = await client.org()
    assert (org.id, org.name, org.roles, org.key_user_id) == (ORG, None, None, None)
    key = jwt(org=ORG, orgName="acme", id=MACHINE, roles=["org"])
    async with Rig(identity(token={"id": "t"}), key=key) as client:
        org = await client.org()
    assert (org.id, org.name, org.roles, org.key_user_id) == (ORG, "acme", ("org",), MACHINE)


async def test_an_org_nobody_names_is_an_error_and_not_a_guess() -> None:
    async with Rig(identity(token={"id": "t"}), key="a.b!.c") as client:
        with pytest.raises(BadReply):
            await client.org()


@pytest.mark.parametrize("key", ["", "  ", "two words", "clé", "a\nb"])
def test_a_key_that_cannot_be_one_is_refused_before_any_call(key: str) -> None:
    with pytest.raises(AuthRefused) as caught:
        Rig(lambda request: page([]), key=key)
    assert key.strip() == "" or key not in str(caught.value)


def limits(limit: int, remaining: int, reset: float) -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(int(reset)),
    }


async def test_a_429_waits_for_the_reset_and_goes_on() -> None:
    answers: list[Callable[[], httpx.Response]] = []
    rig = Rig(lambda request: answers.pop(0)())
    late = rig.clock.now() + 30
    answers.append(lambda: httpx.Response(429, headers=limits(1000, 0, late)))
    answers.append(lambda: page([row(1)]))
    async with rig as client:
        assert len((await client.list_page("/v1/notes", 1)).rows) == 1
    assert 30 <= rig.clock.monotonic() <= 34


async def test_a_429_of_the_search_limit_does_not_stop_the_lists() -> None:
    rig: Rig
    hits: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        hits.append(request.url.path)
        reset = rig.clock.now() + 40
        if request.url.path == "/v1/notes":
            reply = page([])
            reply.headers.update(limits(1000, 900, reset))
            return reply
        if hits.count(request.url.path) == 1:
            return httpx.Response(429, headers=limits(1000, 899, reset))
        return page([row(1)])

    rig = Rig(handler)
    async with rig as client:
        await client.list_page("/v1/notes", 1)
        await client.search_page(SearchQuery("note"), 1)
        assert rig.clock.monotonic() >= 40
        assert rig.budget.snapshot().paused_because is None


async def test_a_searchs_own_limit_is_not_taken_for_the_orgs() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        reply = page([])
        limit = 100 if request.method == "POST" else 1000
        reply.headers.update(limits(limit, limit - 1, 1_700_000_060))
        return reply

    rig = Rig(handler)
    async with rig as client:
        await client.list_page("/v1/notes", 1)
        await client.search_page(SearchQuery("note"), 1)
    assert rig.budget.snapshot().limit == 1000


async def test_a_429_without_end_is_told_as_such() -> None:
    async with Rig(lambda request: httpx.Response(429), attempts=2) as client:
        with pytest.raises(RateLimited):
            await client.list_page("/v1/notes", 1)


async def test_an_attempt_without_reply_gives_its_grant_back_as_used() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadError("gone")

    rig = Rig(handler, attempts=2)
    async with rig as client:
        with pytest.raises(ConnectorError):
            await client.list_page("/v1/notes", 1)
    assert rig.budget.snapshot().used_in_window == 2
    assert rig.budget._in_flight == 0


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_counts_only_when_it_is_repeated(status: int) -> None:
    answers = [httpx.Response(status, html="gateway"), page([row(1)])]
    rig = Rig(lambda request: answers.pop(0))
    async with rig as client:
        assert len((await client.list_page("/v1/notes", 1)).rows) == 1
    assert len(rig.seen) == 2


async def test_a_search_that_times_out_is_asked_again_and_its_half_page_never_taken() -> None:
    answers = [page([], timed_out=True), page([], timed_out=True), page([row(1)], total=1)]
    rig = Rig(lambda request: answers.pop(0))
    async with rig as client:
        got = await client.search_page(SearchQuery("note"), 1)
    assert (len(got.rows), len(rig.seen)) == (1, 3)


@pytest.mark.parametrize("patient", [True, False])
async def test_a_search_that_always_times_out_says_so_without_patience(patient: bool) -> None:
    rig = Rig(lambda request: page([], timed_out=True))
    async with rig as client:
        with pytest.raises(SearchTimedOut):
            await client.search_page(SearchQuery("note"), 1, patient=patient)
    assert len(rig.seen) == 3


async def test_a_patient_search_waits_until_kustomer_is_less_busy() -> None:
    rig = Rig(lambda request: page([row(1)], timed_out=rig.clock.passed < 240))
    rig.http.patience = Patience("Kustomer", limit_s=3600, clock=rig.clock)
    async with rig as client:
        got = await client.search_page(SearchQuery("note"), 1)
    assert len(got.rows) == 1
    assert 240 <= rig.clock.passed < 500
