"""Work that ends when a stop is asked for, wherever it is, also while a remote does not answer."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

from service.errors import Interrupted

ResultT = TypeVar("ResultT")


async def until_stopped(
    stop: anyio.Event, work: Callable[[], Awaitable[ResultT]], *, kept: str, next_step: str
) -> ResultT:
    """Do the work unless `stop` is set first: it is cancelled then, and `Interrupted` raised.

    Every step of a run is durable or repeatable, so a cancelled one can be gone on from. `kept` says
    what became of what was done.
    """
    done: list[ResultT] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await stop.wait()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        done.append(await work())
        group.cancel_scope.cancel()
    if not done:
        raise Interrupted(f"Stopped as asked. {kept}", next_step=next_step)
    return done[0]
