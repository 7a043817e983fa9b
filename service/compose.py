"""Builds the clients of both sides from a config: the one place where secrets meet connections.

`patient` sides outlast an outage and a used-up daily limit (`retry` in the config); the others tell
of it after the attempts of one call. Why a side is waited for goes to the log, once each time.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from connectors.budget import RequestBudget, SearchBudget
from connectors.clock import Clock
from connectors.http import HttpClient, Patience, RetryPolicy
from connectors.kustomer.client import KustomerClient
from connectors.patience import Tell
from connectors.salesforce.auth import ClientCredentials, JwtBearer
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.daily import DailyLimit
from service.config import Config
from service.pace import Pace

_log = structlog.get_logger()
Hear = Callable[[str, str | None], None]


@dataclass
class KustomerSide:
    """The Kustomer client, its two budgets and what sets their pace, for those who show them."""

    client: KustomerClient
    budget: RequestBudget
    search_budget: SearchBudget
    pace: Pace
    patience: Patience | None = None

    @property
    def waiting_for(self) -> str | None:
        """What this side is waited for, in words; None when it answers."""
        down = self.patience.waiting_for if self.patience else None
        paused = self.budget.snapshot().paused_because
        searches = self.search_budget.snapshot().paused_because
        return down or (f"Kustomer: {paused or searches}" if paused or searches else None)


@asynccontextmanager
async def open_kustomer_side(
    config: Config,
    clock: Clock,
    policy: RetryPolicy | None = None,
    *,
    patient: bool = False,
    hear: Hear | None = None,
) -> AsyncIterator[KustomerSide]:
    """Open the Kustomer side; secrets are resolved here and go nowhere else.

    `hear`: also told why the side is waited for, and None when it goes on.
    """
    settings = config.kustomer
    patience = _patience("Kustomer", config, clock, hear) if patient else None
    http = HttpClient(
        settings.base_url,
        name="kustomer",
        clock=clock,
        policy=policy or _policy(config),
        patience=patience,
        connections=settings.connections,
    )
    pace = Pace(settings)
    budget = RequestBudget(share=pace.share, clock=clock)
    search_budget = SearchBudget(per_minute=pace.searches, clock=clock)
    async with http:
        client = KustomerClient(
            http,
            api_key=settings.api_key.resolve(),
            budget=budget,
            search_budget=search_budget,
        )
        yield KustomerSide(client, budget, search_budget, pace, patience)


@asynccontextmanager
async def open_kustomer(
    config: Config, clock: Clock, policy: RetryPolicy | None = None
) -> AsyncIterator[KustomerClient]:
    """Open just the Kustomer client."""
    async with open_kustomer_side(config, clock, policy) as side:
        yield side.client


@asynccontextmanager
async def open_salesforce(
    config: Config,
    clock: Clock,
    policy: RetryPolicy | None = None,
    *,
    patient: bool = False,
    hear: Hear | None = None,
) -> AsyncIterator[SalesforceClient]:
    """Open the Salesforce client; it signs in at its first call. `hear` as for the other side."""
    settings = config.salesforce
    policy = policy or _policy(config)
    patience = _patience("Salesforce", config, clock, hear) if patient else None
    async with AsyncExitStack() as stack:
        login = await stack.enter_async_context(
            HttpClient(
                settings.login_url,
                name="salesforce-login",
                clock=clock,
                policy=policy,
                patience=patience,
            )
        )

        def instance(url: str) -> HttpClient:
            return HttpClient(
                url,
                name="salesforce",
                clock=clock,
                policy=policy,
                patience=patience,
                connections=8,
            )

        client = SalesforceClient(
            _auth(config, login, clock),
            make_http=instance,
            api_version=settings.api_version,
            daily=_daily(config, clock, hear) if patient else None,
        )
        yield await stack.enter_async_context(client)


def _policy(config: Config) -> RetryPolicy:
    settings = config.retry
    return RetryPolicy(
        attempts=settings.attempts, base_s=settings.base_seconds, cap_s=settings.cap_seconds
    )


def _patience(side: str, config: Config, clock: Clock, hear: Hear | None) -> Patience:
    """An outage's pauses begin where the attempts of a call end, and grow to four times as much."""
    settings = config.retry
    return Patience(
        side,
        limit_s=settings.patience_minutes * 60,
        clock=clock,
        first_s=10 * settings.base_seconds,
        cap_s=4 * settings.cap_seconds,
        tell=_teller(side, hear),
    )


def _daily(config: Config, clock: Clock, hear: Hear | None) -> DailyLimit:
    return DailyLimit(
        clock=clock,
        reserve=config.salesforce.daily_reserve,
        first_s=2 * config.retry.base_seconds,
        tell=_teller("Salesforce", hear),
    )


def _teller(side: str, hear: Hear | None) -> Tell:
    def tell(why: str | None) -> None:
        if hear:
            hear(side, why)
        if why:
            _log.warning("waiting", side=side, reason=why)
        else:
            _log.warning("going-on", side=side)

    return tell


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
