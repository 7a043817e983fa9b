"""One run of a schema command: the workspace, the right org and the command log."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.command_log import Entry, logged
from service.compose import open_salesforce
from service.config import Config
from service.identity import check_target
from service.ledger import open_ledger
from state.ledger import Ledger


@dataclass
class SchemaSession:
    """What a schema command works with. `entry` is its own in the command log."""

    ledger: Ledger
    salesforce: SalesforceClient
    org_id: str
    entry: Entry


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
        logged(ledger, command) as entry,
    ):
        target = await check_target(config, ledger, salesforce)
        yield SchemaSession(ledger, salesforce, target.org_id, entry)
