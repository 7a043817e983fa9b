"""Builds the clients of both sides from a config: the one place where secrets meet connections."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from connectors.budget import RequestBudget, SearchBudget
from connectors.clock import Clock
from connectors.http import HttpClient, RetryPolicy
from connectors.kustomer.client import KustomerClient
from connectors.salesforce.auth import ClientCredentials, JwtBearer
from connectors.salesforce.client import SalesforceClient
from service.config import Config


@dataclass
class KustomerSide:
    """The Kustomer client and its two budgets, for those who show them."""

    client: KustomerClient
    budget: RequestBudget
    search_budget: SearchBudget


@asynccontextmanager
async def open_kustomer_side(
    config: Config, clock: Clock, policy: RetryPolicy | None = None
) -> AsyncIterator[KustomerSide]:
    """Open the Kustomer side; secrets are resolved here and go nowhere else."""
    settings = config.kustomer
    http = HttpClient(
        settings.base_url,
        name="kustomer",
        clock=clock,
        policy=policy,
        connections=settings.connections,
    )
    budget = RequestBudget(share=settings.rate_share, clock=clock)
    search_budget = SearchBudget(per_minute=settings.search_per_minute, clock=clock)
    async with http:
        client = KustomerClient(
            http,
            api_key=settings.api_key.resolve(),
            budget=budget,
            search_budget=search_budget,
        )
        yield KustomerSide(client, budget, search_budget)


@asynccontextmanager
async def open_kustomer(
    config: Config, clock: Clock, policy: RetryPolicy | None = None
) -> AsyncIterator[KustomerClient]:
    """Open just the Kustomer client."""
    async with open_kustomer_side(config, clock, policy) as side:
        yield side.client


@asynccontextmanager
async def open_salesforce(
    config: Config, clock: Clock, policy: RetryPolicy | None = None
) -> AsyncIterator[SalesforceClient]:
    """Open the Salesforce client; it signs in at its first call."""
    settings = config.salesforce
    async with AsyncExitStack() as stack:
        login = await stack.enter_async_context(
            HttpClient(settings.login_url, name="salesforce-login", clock=clock, policy=policy)
        )

        def instance(url: str) -> HttpClient:
            return HttpClient(url, name="salesforce", clock=clock, policy=policy, connections=8)

        client = SalesforceClient(
            _auth(config, login, clock),
            make_http=instance,
            api_version=settings.api_version,
        )
        yield await stack.enter_async_context(client)


def _auth(config: Config, login: HttpClient, clock: Clock) -> ClientCredentials | JwtBearer:
    settings = config.salesforce
    if settings.auth == "jwt_bearer":
        assert settings.jwt is not None  # the config's own rule
        return JwtBearer(
            login,
            client_id=settings.client_id.resolve(),
            username=settings.jwt.username,
            private_key=settings.jwt.private_key.resolve(),
            audience=settings.login_url,
            clock=clock,
        )
    assert settings.client_secret is not None
    return ClientCredentials(
        login,
        client_id=settings.client_id.resolve(),
        client_secret=settings.client_secret.resolve(),
    )
