"""SIGTERM and SIGINT: the first asks the run to stop, the second ends the process at once."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from service.errors import INTERRUPTED


@asynccontextmanager
async def stop_on_signal() -> AsyncIterator[anyio.Event]:
    """Yield an event that is set by the first signal. Ending at once is safe: state is durable."""
    stop = anyio.Event()

    async def watch() -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                if stop.is_set():
                    os._exit(INTERRUPTED)
                stop.set()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            yield stop
        finally:
            group.cancel_scope.cancel()
