"""The rich schema of a generated org."""

from typing import Any

from simulators.kustomer.generate import generate
from simulators.kustomer.rich import KLASSES
from simulators.kustomer.settings import KustomerSettings
from tests.unit.simulators.kustomer_desk import desk

RICH: dict[str, Any] = {"rich": True, "kobjects": 100, "tags": 700, "messages": 20, "notes": 5}


def by_type() -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for record in generate(KustomerSettings(**RICH)):
        found.setdefault(record["type"], []).append(record)
    return found


def test_references_between_klasses_lead_to_records_that_are_there() -> None:
    records = by_type()
    orders = {each["id"] for each in records["kobject.order"]}
    items = {each["id"] for each in records["kobject.order-item"]}
    products = {each["id"] for each in records["kobject.product"]}
    customs = [each["attributes"]["custom"] for each in records["kobject.order-item"]]
    assert all(custom["orderId"] in orders for custom in customs)
    customs = [each["attributes"]["custom"] for each in records["kobject.order"]]
    assert {custom["mainItemId"] for custom in customs if custom.get("mainItemId")} <= items
    many = [custom["productsId"] for custom in customs if custom.get("productsId")]
    assert max(len(each) for each in many) > 1
    assert {each for ids in many for each in ids} <= products
    replaced = [e["attributes"]["custom"].get("replacedById") for e in records["kobject.product"]]
    assert {each for each in replaced if each} <= products


def test_forty_attributes_and_700_tags_are_there_and_the_same_each_time() -> None:
    records = by_type()
    told = {
        (each["id"], name)
        for each in records["metadata"]
        for name in each["attributes"]["properties"]
    }
    assert len(told) >= 40
    assert len(records["tag"]) == 700
    assert records == by_type()


def test_a_rich_org_has_the_people_and_talks_of_the_plain_one() -> None:
    plain: dict[str, Any] = {"kobjects": 0, "tags": 12, "messages": 20, "notes": 5}
    rich = [
        r
        for r in generate(KustomerSettings(**(RICH | {"tags": 12})))
        if "custom" in r["attributes"]
    ]
    ids = {r["id"] for r in generate(KustomerSettings(**plain)) if "custom" in r["attributes"]}
    assert ids <= {each["id"] for each in rich}


async def test_klasses_are_listed_by_their_status_and_records_by_either_name() -> None:
    async with desk(**RICH) as client:
        listed = {}
        for _, status, _ in KLASSES:
            reply = await client.get(f"/v1/klasses?status={status}")
            listed |= {e["attributes"]["name"]: status for e in reply.json()["data"]}
        assert listed == {name: status for name, status, _ in KLASSES}
        for name in ("order-item", "order-items"):
            reply = await client.get(f"/v1/klasses/{name}")
            assert len(reply.json()["data"]) == 40
        told = (await client.get("/v1/metadata/kobject.order-item")).json()["data"]
        assert told["attributes"]["properties"]["orderId"]["target"] == "kobject.order"
