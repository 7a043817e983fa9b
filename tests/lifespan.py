"""An ASGI app that is called without a server, kept alive as a server would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio


@asynccontextmanager
async def living(app: Any) -> AsyncIterator[None]:
    """Keep the app's lifespan going: deployments run in it."""
    started, ending = anyio.Event(), anyio.Event()
    said = iter(("lifespan.startup",))

    async def receive() -> dict[str, str]:
        for each in said:
            return {"type": each}
        await ending.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete":
            started.set()

    async with anyio.create_task_group() as group:
        group.start_soon(app, {"type": "lifespan", "state": {}}, receive, send)
        await started.wait()
        yield
        ending.set()
