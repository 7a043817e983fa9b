import json
from pathlib import Path
from typing import Any

import pytest

from simulators.kustomer.settings import ApiKey
from tests.unit.simulators.kustomer_desk import desk

TALK = "org.permission.conversation.read"
KEYS = (
    ApiKey("few", roles=frozenset((TALK,))),
    ApiKey("legacy", roles=frozenset(("org.user.note.read",))),
    ApiKey("seeker", roles=frozenset((TALK, "org.permission.search.create"))),
    ApiKey("elsewhere", pod="prod2"),
)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


@pytest.mark.parametrize("token", ["", "wrong", "kustomer-expired-key", "elsewhere"])
async def test_a_key_that_does_not_hold_here_is_refused_and_told_why(token: str) -> None:
    async with desk(keys=KEYS) as client:
        reply = await client.get("/v1/notes", headers=bearer(token))
        assert reply.status_code == 401
        text = reply.json()["errors"][0]["message"]
        wanted = {"kustomer-expired-key": "Expired token", "elsewhere": "pod prod2"}
        assert wanted.get(token, "Invalid token") in text


@pytest.mark.parametrize("status", [401, 403])
async def test_a_missing_role_is_refused_per_endpoint_while_the_self_check_holds(
    status: Any,
) -> None:
    async with desk(keys=KEYS, missing_role_status=status) as client:
        few = bearer("few")
        assert (await client.get("/v1/users/current", headers=few)).status_code == 200
        assert (await client.get("/v1/conversations", headers=few)).status_code == 200
        for path in (
            "messages",
            "klasses",
            "klasses/order/1",
            "routing/queues",
            "metadata/customer",
        ):
            assert (await client.get(f"/v1/{path}", headers=few)).status_code == status
        assert (await client.get("/v1/notes", headers=bearer("legacy"))).status_code == 200


async def test_a_search_needs_its_own_role_and_that_of_the_object() -> None:
    async with desk(keys=KEYS) as client:

        async def status(token: str, context: str) -> int:
            body = {"queryContext": context}
            reply = await client.http.post("/v1/customers/search", json=body, headers=bearer(token))
            return reply.status_code

        assert await status("few", "conversation") == 403
        assert await status("seeker", "conversation") == 200
        assert await status("seeker", "message") == 403


async def test_the_budget_is_on_each_reply_and_past_it_come_429s_until_the_window_ends() -> None:
    async with desk(rate_limit=3) as client:
        left = [(await client.get("/v1/notes")).headers["x-ratelimit-remaining"] for _ in range(3)]
        assert left == ["2", "1", "0"]
        refused = await client.get("/v1/notes")
        assert refused.status_code == 429
        assert float(refused.headers["x-ratelimit-reset"]) == pytest.approx(
            client.clock.now + 60, abs=1
        )
        client.clock.now += 60
        assert (await client.get("/v1/notes")).status_code == 200
        used = (await client.admin("GET", "stats")).json()["requests"]
        assert used == {"limit": 3, "refused": 1, "windows": [3, 1]}


@pytest.mark.parametrize(
    ("form", "value"), [("epoch_s", 1795262461), ("epoch_ms", 1795262460000), ("seconds", 61)]
)
async def test_the_reset_comes_in_each_of_the_forms_that_were_seen(form: Any, value: int) -> None:
    async with desk(reset_form=form) as client:
        assert int((await client.get("/v1/notes")).headers["x-ratelimit-reset"]) == value


async def test_searches_have_a_budget_of_their_own_and_count_in_the_orgs_too() -> None:
    async with desk(search_limit=2) as client:
        statuses = [(await client.search(queryContext="note")).status_code for _ in range(3)]
        assert statuses == [200, 200, 429]
        stats = (await client.admin("GET", "stats")).json()
        assert stats["searches"]["refused"] == 1
        assert stats["requests"]["windows"] == [3]
        assert stats["routes"] == {"POST /v1/customers/search": 3}


async def test_a_search_page_is_clamped_counted_and_capped_with_links_past_the_cap() -> None:
    async with desk(search_cap_pages=2, search_cap_rows=20, search_total_cap=100) as client:
        page = await client.http.post(
            "/v1/customers/search?pageSize=10&page=2", json={"queryContext": "message"}
        )
        meta = page.json()["meta"]
        assert (meta["total"], meta["totalPages"], meta["timed_out"]) == (100, 10, False)
        assert page.json()["links"]["next"] == "/v1/customers/search?page=3&pageSize=10"
        for query in ("pageSize=10&page=3", "pageSize=20&page=2"):
            beyond = await client.http.post(
                f"/v1/customers/search?{query}", json={"queryContext": "message"}
            )
            assert beyond.status_code == 400
    async with desk() as client:
        asked = {"queryContext": "message"}
        counted = (await client.http.post("/v1/customers/search?pageSize=0", json=asked)).json()
        assert counted["data"] == []
        assert counted["meta"]["total"] > 0
        assert counted["links"]["next"] is None
        many = (await client.http.post("/v1/customers/search?pageSize=1000", json=asked)).json()
        assert many["meta"]["pageSize"] == 500
        ids = await client.http.post("/v1/customers/search?idsOnly=true", json=asked)
        assert set(ids.json()["data"][0]) == {"type", "id"}


async def test_bad_searches_and_bodies_that_are_too_large_are_refused() -> None:
    async with desk() as client:
        for raw in ("{", "[]", '{"and":[{"customer_x":{"equals":1}}]}'):
            reply = await client.http.post("/v1/customers/search", content=raw)
            assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "bad_request")
        reply = await client.http.post("/v1/customers/search", content="x" * 100_001)
        assert reply.status_code == 413


async def test_errors_come_in_both_styles() -> None:
    async with desk(error_style="alternate") as client:
        plain = (await client.get("/v1/spaceships")).json()["errors"][0]
        other = (await client.get("/v1/notes/nobody")).json()["errors"][0]
        assert (plain["code"], "status" in plain) == ("notfound", False)
        assert (other["status"], other["title"]) == ("404", "Not found")


async def test_settings_change_while_it_runs_and_strange_ones_are_refused() -> None:
    async with desk() as client:
        changed = await client.admin(
            "POST", "settings", {"rate_limit": 1, "missing_roles": ["note"]}
        )
        assert changed.status_code == 204
        assert (await client.get("/v1/notes")).status_code == 403
        assert (await client.get("/v1/messages")).status_code == 429
        for strange in ({"gravity": 1}, {"dataset": "x"}):
            assert (await client.admin("POST", "settings", strange)).status_code == 400


async def test_the_journal_tells_calls_and_changes_and_holds_no_key(tmp_path: Path) -> None:
    log = tmp_path / "effects.jsonl"
    async with desk(effect_log=log) as client:
        row = (await client.data("/v1/notes"))[0]
        body = {"attributes": {"body": "a secret"}}
        await client.admin("PUT", f"records/note/{row['id']}", body)
        app: Any = client.http._transport
        app.app._desk.journal.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert (lines[0]["method"], lines[0]["path"], lines[0]["status"]) == ("GET", "/v1/notes", 200)
    assert (lines[1]["change"], lines[1]["kind"], lines[1]["id"]) == ("update", "note", row["id"])
    assert "secret" not in log.read_text()
    assert "kustomer-demo-key" not in log.read_text()
