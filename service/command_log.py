"""Notes a command in the workspace's history: when it began, when it ended, and how."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio

from service.errors import DONE, INTERRUPTED, explain
from state.errors import StateError
from state.ledger import Ledger


@asynccontextmanager
async def logged(ledger: Ledger, command: str) -> AsyncIterator[None]:
    """Note the start now and the end at the end, however that comes.

    A killed command stays without an end. When the end cannot be noted either, what ended the command
    is what is raised.
    """
    async with ledger.write() as tx:
        run = await ledger.runs.start(tx, command, os.getpid())
    try:
        yield
    except BaseException as error:
        cancelled = isinstance(error, anyio.get_cancelled_exc_class())
        code = INTERRUPTED if cancelled else explain(error).exit_code
        with anyio.CancelScope(shield=True), suppress(StateError):
            async with ledger.write() as tx:
                await ledger.runs.finish(tx, run, code)
        raise
    async with ledger.write() as tx:
        await ledger.runs.finish(tx, run, DONE)
