"""Builds the org that the settings describe and serves it."""

import time
from collections.abc import Callable

from simulators.salesforce.app import create_app
from simulators.salesforce.org import Org
from simulators.salesforce.settings import SalesforceSettings
from simulators.serving import serve


def build_org(settings: SalesforceSettings) -> Org:
    """Make the org; its clock stands still when the settings say so."""
    stopped = settings.now
    return Org(settings, clock=time.time if stopped is None else lambda: stopped)


async def serve_salesforce(
    settings: SalesforceSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until stopped; `on_ready` gets the address. Raises `NotLoopback`."""
    await serve(create_app(build_org(settings)), host=host, port=port, on_ready=on_ready)
