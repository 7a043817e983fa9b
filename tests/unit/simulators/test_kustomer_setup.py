"""What the Kustomer stand-in has set up: hooks, accounts, SLAs, knowledge, chat."""

import pytest

from simulators.kustomer.settings import ApiKey
from tests.unit.simulators.kustomer_desk import desk

PATHS = {
    "routing/queue-rules": "queue_rule",
    "slas": "sla",
    "satisfaction": "satisfaction",
    "outboundAccounts": "outbound_account",
    "outbound-webhooks": "outbound_webhook",
    "hooks/email": "email_hook",
    "hooks/web": "web_hook",
    "kb/articles": "kb_article",
    "kb/categories": "kb_category",
    "kb/forms": "kb_form",
}


@pytest.mark.parametrize("path", PATHS)
async def test_a_setting_is_listed_under_its_path(path: str) -> None:
    async with desk() as client:
        rows = await client.data(f"/v1/{path}")
        assert rows
        assert [row["id"] for row in rows] == sorted(
            row["id"] for row in await client.dump(PATHS[path])
        )


async def test_slas_bring_their_versions_only_when_these_are_asked_for() -> None:
    async with desk() as client:
        plain = (await client.get("/v1/slas")).json()
        assert "included" not in plain
        assert all("updatedAt" not in row["attributes"] for row in plain["data"])
        whole = (await client.get("/v1/slas?versions=all")).json()
        assert {row["type"] for row in whole["included"]} == {"sla_version"}
        named = {each["id"] for row in plain["data"] for each in _versions(row)}
        assert {row["id"] for row in whole["included"]} == named


def _versions(row: dict[str, dict[str, dict[str, list[dict[str, str]]]]]) -> list[dict[str, str]]:
    return row["relationships"]["versions"]["data"]


async def test_outbound_accounts_have_an_empty_meta_and_chat_is_one_resource() -> None:
    async with desk() as client:
        assert (await client.get("/v1/outboundAccounts")).json()["meta"] == {}
        assert (await client.data("/v1/chat/settings"))["type"] == "chat_settings"


@pytest.mark.parametrize("path", ["hooks/articles", "kb/email", "hooks", "kb", "workflows"])
async def test_a_folder_has_its_own_lists_alone(path: str) -> None:
    async with desk() as client:
        assert (await client.get(f"/v1/{path}")).status_code == 404


@pytest.mark.parametrize(
    ("path", "role"),
    [("outboundAccounts", "apps"), ("kb/articles", "kb"), ("slas", "sla")],
)
async def test_a_role_is_asked_for_by_its_own_name(path: str, role: str) -> None:
    keys = (
        ApiKey("with", roles=frozenset((f"org.permission.{role}.read",))),
        ApiKey("without", roles=frozenset()),
    )
    async with desk(keys=keys) as client:
        for token, status in (("with", 200), ("without", 403)):
            reply = await client.get(f"/v1/{path}", headers={"authorization": f"Bearer {token}"})
            assert reply.status_code == status
