"""Notes a command in the workspace's history: when it began, when it ended, and how."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import anyio

from service.crash_points import reach
from service.errors import DONE, INTERRUPTED, explain
from state.errors import StateError
from state.ledger import Ledger


@dataclass
class Entry:
    """One command's entry: its number, and the exit code to note when nothing is raised."""

    run: int
    ended_with: int = DONE


@asynccontextmanager
async def logged(ledger: Ledger, command: str) -> AsyncIterator[Entry]:
    """Note the start now and the end at the end, however that comes.

    A killed command stays without an end. When the end cannot be noted either, what ended the command
    is what is raised.
    """
    async with ledger.write() as tx:
        entry = Entry(await ledger.runs.start(tx, command, os.getpid()))
    reach("run-noted")
    try:
        yield entry
    except BaseException as error:  # a stop and a cancellation are ends, too; raised on
        cancelled = isinstance(error, anyio.get_cancelled_exc_class())
        with suppress(StateError):
            await _note_end(
                ledger, entry.run, INTERRUPTED if cancelled else explain(error).exit_code
            )
        raise
    await _note_end(ledger, entry.run, entry.ended_with)


async def _note_end(ledger: Ledger, run: int, code: int) -> None:
    reach("run-ended")
    with anyio.CancelScope(shield=True):
        async with ledger.write() as tx:
            await ledger.runs.finish(tx, run, code)
    reach("run-end-noted")
