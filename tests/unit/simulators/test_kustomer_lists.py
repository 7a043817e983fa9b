from typing import Any

import pytest

from simulators.kustomer.org import Org
from tests.unit.simulators.kustomer_desk import Client, desk


async def walk(client: Client, path: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while path:
        page = (await client.get(path)).json()
        rows += page["data"]
        path = page["links"]["next"]
    return rows


@pytest.mark.parametrize("kind", ["conversation", "message", "note", "customer", "user", "klass"])
async def test_following_the_links_gives_every_live_row_once_in_order_of_id(kind: str) -> None:
    plural = "klasses" if kind == "klass" else f"{kind}s"
    async with desk() as client:
        rows = await walk(client, f"/v1/{plural}")
        live = [row for row in await client.dump(kind) if not row["attributes"].get("deleted")]
        if kind == "klass":
            live = [row for row in live if row["attributes"]["status"] == "enabled"]
        assert rows == live
        assert [row["id"] for row in rows] == sorted({row["id"] for row in rows})


async def test_a_list_of_the_database_has_no_total_and_that_of_customers_has() -> None:
    async with desk() as client:
        notes = (await client.get("/v1/notes?pageSize=5")).json()
        assert notes["meta"] == {"pageSize": 5, "page": 1}
        assert notes["links"] == {
            "self": "/v1/notes?page=1&pageSize=5",
            "first": "/v1/notes?page=1&pageSize=5",
            "prev": None,
            "next": "/v1/notes?page=2&pageSize=5",
        }
        customers = (await client.get("/v1/customers")).json()
        assert customers["meta"] == {"pageSize": 30, "page": 1, "total": 150, "totalPages": 5}
        assert customers["links"]["last"] == "/v1/customers?page=5&pageSize=30"


async def test_a_page_size_past_the_most_is_clamped_and_strange_parameters_are_ignored() -> None:
    async with desk() as client:
        page = (await client.get("/v1/messages?pageSize=1000&page[size]=3&page=x")).json()
        assert page["meta"] == {"pageSize": 100, "page": 1}
        users = (await client.get("/v1/users?pageSize=9999")).json()
        assert users["meta"]["pageSize"] == 500


async def test_descending_turns_messages_round_and_nothing_else() -> None:
    async with desk() as client:
        rows = await walk(client, "/v1/messages?sort=desc&pageSize=70")
        assert [row["id"] for row in rows] == [row["id"] for row in await client.dump("message")][
            ::-1
        ]
        notes = await client.data("/v1/notes?sort=desc")
        assert [row["id"] for row in notes] == sorted(row["id"] for row in notes)


@pytest.mark.parametrize(("error", "status"), [(False, 200), (True, 400)])
async def test_a_list_can_stop_at_a_cap(error: bool, status: int) -> None:
    async with desk(list_cap_pages=2, list_cap_error=error) as client:
        second = (await client.get("/v1/messages?page=2&pageSize=10")).json()
        assert len(second["data"]) == 10
        assert second["links"]["next"] is None
        third = await client.get("/v1/messages?page=3&pageSize=10")
        assert third.status_code == status
        assert not third.json().get("data")


async def test_users_need_a_filter_to_show_those_who_left() -> None:
    async with desk() as client:
        everyone = await client.dump("user")
        shown = {row["id"] for row in await client.data("/v1/users")}
        gone = {row["id"] for row in await client.data("/v1/users?deleted=true")}
        assert shown | gone == {row["id"] for row in everyone}
        assert gone
        assert not shown & gone
        machines = await client.data("/v1/users?userType=machine")
        assert {row["attributes"]["userType"] for row in machines} == {"machine"}


async def test_klasses_show_enabled_ones_unless_another_status_is_asked_for() -> None:
    async with desk() as client:
        assert {x["attributes"]["name"] for x in await client.data("/v1/klasses")} == {
            "order",
            "delivery",
        }
        other = await client.data("/v1/klasses?status=existing_only")
        assert [each["attributes"]["name"] for each in other] == ["warranty"]


async def test_nested_lists_hold_the_children_of_one_and_no_others() -> None:
    async with desk() as client:
        message = (await client.dump("message"))[0]
        for parent in ("conversation", "customer"):
            parent_id = message["relationships"][parent]["data"]["id"]
            rows = await client.data(f"/v1/{parent}s/{parent_id}/messages")
            wanted = [
                row["id"]
                for row in await client.dump("message")
                if row["relationships"][parent]["data"]["id"] == parent_id
            ]
            assert [row["id"] for row in rows] == wanted
        assert (await client.get("/v1/customers/nobody/messages")).status_code == 404
        assert (await client.get(f"/v1/customers/{parent_id}/events")).status_code == 404


async def test_objects_of_a_klass_are_listed_by_either_form_of_its_name() -> None:
    async with desk() as client:
        orders = await client.data("/v1/klasses/order")
        assert orders == await client.data("/v1/klasses/orders")
        assert await client.data("/v1/klasses/deliveries")
        assert {each["type"] for each in orders} == {"kobject.order"}
        klass = orders[0]["relationships"]["klass"]
        assert klass == {
            "link": {"self": "/v1/klasses/order"},
            "data": {"type": "klass", "id": "order"},
        }
        holder = orders[0]["relationships"]["customer"]["data"]["id"]
        mine = await client.data(f"/v1/customers/{holder}/klasses/orders")
        assert orders[0]["id"] in {each["id"] for each in mine}
        assert await client.data(f"/v1/klasses/order/{orders[0]['id']}") == orders[0]
        known = orders[0]["attributes"]["externalId"]
        assert await client.data(f"/v1/klasses/order/externalId={known}") == orders[0]
        assert (await client.get("/v1/klasses/spaceship")).status_code == 404


async def test_messages_show_their_files_only_when_asked_and_without_an_address() -> None:
    async with desk(messages=600) as client:
        plain = await walk(client, "/v1/messages?pageSize=100")
        assert not any("attachments" in row["relationships"] for row in plain)
        page = (await client.get("/v1/messages?pageSize=100&include=attachments")).json()
        assert "include=attachments" in page["links"]["next"]
        held = [row for row in page["data"] if "attachments" in row["relationships"]]
        named = {x["id"] for row in held for x in row["relationships"]["attachments"]["data"]}
        assert named == {each["id"] for each in page["included"]}
        assert named
        assert all(set(each["links"]) == {"self"} for each in page["included"])


async def test_a_page_of_a_hundred_costs_under_a_millisecond() -> None:
    import time

    from simulators.kustomer.replies import many

    async with desk(messages=2000) as client:
        assert len(await client.data("/v1/messages?page=3")) == 100
    rows = Org(
        [
            {"type": "message", "id": f"{n:024x}", "attributes": {"preview": "x" * 900}}
            for n in range(100)
        ]
    )
    live = rows.shelves["message"].live
    begun = time.perf_counter()
    for _ in range(200):
        many((row.body for row in live), {"page": 1}, {})
    assert (time.perf_counter() - begun) / 200 < 0.001
