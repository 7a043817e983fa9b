"""SIGTERM and SIGINT: the first asks the run to stop, the second ends the process at once.

So does a drain that takes too long: the outside contract gives it 10 seconds (DESIGN, section 4).
"""

import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import anyio
import anyio.abc

from service.errors import INTERRUPTED, INTERRUPTED_STEP
from service.hooks.command import end_all

DRAIN_S = 8.0
AT_ONCE = f"interrupted: Ended at once. Everything done so far is kept.\nNext: {INTERRUPTED_STEP}\n"


def _leave(code: int) -> None:
    """End without a clean-up but of the hooks' commands; a closed stderr must not keep us."""
    end_all()
    with suppress(OSError):
        os.write(2, AT_ONCE.encode())
    os._exit(code)


@asynccontextmanager
async def stop_on_signal(
    *, drain_s: float = DRAIN_S, leave: Callable[[int], object] = _leave
) -> AsyncIterator[anyio.Event]:
    """Yield an event that is set by the first signal. Ending at once is safe: state is durable.

    `leave` ends the process, at a second signal or when the drain lasts longer than `drain_s`.
    """
    stop = anyio.Event()

    async def out_of_time() -> None:
        await stop.wait()
        await anyio.sleep(drain_s)
        leave(INTERRUPTED)

    async def watch(*, task_status: anyio.abc.TaskStatus[None]) -> None:
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            task_status.started()
            async for _ in signals:
                if stop.is_set():
                    leave(INTERRUPTED)
                stop.set()

    async with anyio.create_task_group() as group:
        await group.start(watch)
        group.start_soon(out_of_time)
        try:
            yield stop
        finally:
            group.cancel_scope.cancel()
