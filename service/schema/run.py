"""One run of a schema command: the workspace, the right org, the command log, and a stop."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TypeVar

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.compose import open_salesforce
from service.config import Config
from service.errors import DONE, INTERRUPTED, Interrupted, explain
from service.identity import check_target
from service.ledger import open_ledger
from state.errors import StateError
from state.ledger import Ledger

_Result = TypeVar("_Result")


@dataclass
class SchemaSession:
    """What a schema command works with. `ended_with` goes into the command log."""

    ledger: Ledger
    salesforce: SalesforceClient
    org_id: str
    ended_with: int = DONE


@asynccontextmanager
async def schema_session(
    config: Config, clock: Clock, command: str
) -> AsyncIterator[SchemaSession]:
    """Hold the workspace, make sure of the org, and note the run, however it ends.

    Raises `WrongOrg` and `StateDisagrees` (exit 3), `WorkspaceLocked`, and the connectors' errors.
    """
    async with (
        open_ledger(config, clock.now) as ledger,
        open_salesforce(config, clock) as salesforce,
    ):
        async with ledger.write() as tx:
            run = await ledger.runs.start(tx, command, os.getpid())
        try:
            target = await check_target(config, ledger, salesforce)
            session = SchemaSession(ledger, salesforce, target.org_id)
            yield session
        except BaseException as error:
            cancelled = isinstance(error, anyio.get_cancelled_exc_class())
            code = INTERRUPTED if cancelled else explain(error).exit_code
            # What ended the run is the news; that its end could not be noted, too, is not.
            with suppress(StateError):
                await _note_end(ledger, run, code)
            raise
        await _note_end(ledger, run, session.ended_with)


async def until_stopped(stop: anyio.Event, work: Callable[[], Awaitable[_Result]]) -> _Result:
    """Do the work unless a stop is asked for first; raises `Interrupted` then."""
    done: list[_Result] = []
    async with anyio.create_task_group() as group:

        async def watch() -> None:
            await stop.wait()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        done.append(await work())
        group.cancel_scope.cancel()
    if not done:
        raise Interrupted(
            "Stopped as asked. A deployment that was on its way was asked to end.",
            next_step="Run the command again: it looks at the org as it is then.",
        )
    return done[0]


async def _note_end(ledger: Ledger, run: int, code: int) -> None:
    with anyio.CancelScope(shield=True):
        async with ledger.write() as tx:
            await ledger.runs.finish(tx, run, code)
