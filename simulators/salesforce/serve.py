"""Builds the org that the settings describe and serves it."""

from collections.abc import Callable

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.serving import serve


async def serve_salesforce(
    settings: SalesforceSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until stopped; `on_ready` gets the address."""
    await serve(create_app(Org(settings)), host=host, port=port, on_ready=on_ready)
