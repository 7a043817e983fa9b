"""The source's schema and a sample of its values, read from the stand-in by the real client."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from connectors.budget import RequestBudget, SearchBudget
from connectors.clock import SystemClock
from connectors.http import HttpClient
from connectors.kustomer.client import KustomerClient
from service.sampling import take_sample
from service.source_schema import read_source_schema
from simulators.kustomer.app import create_app
from simulators.kustomer.serve import build_org
from simulators.kustomer.settings import ApiKey, KustomerSettings

RICH: dict[str, Any] = {
    "rich": True,
    "customers": 150,
    "companies": 10,
    "conversations": 50,
    "messages": 60,
    "kobjects": 100,
}


@asynccontextmanager
async def reading(key: str = "kustomer-demo-key", **settings: Any) -> AsyncIterator[KustomerClient]:
    chosen = KustomerSettings(**{**RICH, **settings})
    clock = SystemClock()
    app = create_app(build_org(chosen), chosen, clock.monotonic)
    http = HttpClient(
        "http://127.0.0.1", name="kustomer", clock=clock, transport=httpx.ASGITransport(app=app)
    )
    async with http:
        yield KustomerClient(
            http,
            api_key=key,
            budget=RequestBudget(share=1.0, clock=clock),
            search_budget=SearchBudget(per_minute=100, clock=clock),
        )


async def test_klasses_of_every_status_are_read_with_their_attributes() -> None:
    async with reading() as client:
        schema = await read_source_schema(client)
    assert {kind.klass: kind.status for kind in schema.klasses()} == {
        "order": "enabled",
        "order-item": "enabled",
        "product": "existing_only",
        "warranty-claim": "disabled",
    }
    targets = {each.name: each.target for each in schema.kinds["kobject.order-item"].references()}
    assert targets == {"orderId": "kobject.order", "productId": "kobject.product"}
    customer = schema.kinds["customer"].attributes
    assert customer["secretStr"].sensitive
    assert customer["oldStr"].deleted
    assert customer["loyaltyTierStr"].values[0] == "gold"


async def test_a_sample_sees_old_and_new_records_and_keeps_no_sensitive_value() -> None:
    async with reading() as client:
        schema = await read_source_schema(client)
        sample = await take_sample(client, schema, pages=3)
    assert sample.records["customer"] == 150
    assert sample.records["kobject.order"] == 40
    tier = sample.of("customer", "loyaltyTierStr")
    assert tier.seen == 150
    assert 0.5 < tier.filled / tier.seen < 0.95
    assert "ssn-" not in repr(sample)
    # An attribute that records have and metadata does not know.
    assert sample.of("conversation", "orderNumberStr").filled > 0


async def test_what_the_key_may_not_read_is_told_and_stops_nothing() -> None:
    few = ApiKey("few", roles=frozenset({"org.permission.customer.read"}))
    async with reading("few", keys=(few,)) as client:
        schema = await read_source_schema(client)
        sample = await take_sample(client, schema, pages=1)
    assert schema.klasses() == []
    assert any("Custom objects cannot be read" in gap for gap in schema.gaps)
    assert any("attributes of message" in gap for gap in schema.gaps)
    assert sample.records["conversation"] == 0
    assert sample.records["customer"] == 100
