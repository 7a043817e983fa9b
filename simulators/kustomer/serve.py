"""Builds the org that the settings describe and serves it."""

from collections.abc import Callable

import anyio.to_thread

from simulators.kustomer.app import create_app
from simulators.kustomer.generate import generate
from simulators.kustomer.org import Org, load_dataset
from simulators.kustomer.server import run_server
from simulators.kustomer.settings import KustomerSettings


def build_org(settings: KustomerSettings) -> Org:
    """Load the dataset, or generate the org. Blocks: some ten seconds for a large org."""
    if settings.dataset is not None:
        return Org(load_dataset(settings.dataset))
    return Org(generate(settings))


async def serve_kustomer(
    settings: KustomerSettings,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until stopped; `on_ready` gets the address. Raises `NotLoopback`, `DatasetInvalid`."""
    org = await anyio.to_thread.run_sync(build_org, settings)
    await run_server(create_app(org, settings), host=host, port=port, on_ready=on_ready)
