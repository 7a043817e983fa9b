"""`purge`: payloads go, the crosswalk, the books and the command log stay."""

from connectors.clock import Clock
from service.command_log import logged
from service.config import Config
from service.declared import recall
from service.errors import REFUSED, DeskferryError
from service.ledger import open_ledger
from state.ledger import Ledger
from state.purge import GIVEN_UP, PURGED, Purged, purge


class Unfinished(DeskferryError):
    """The migration still needs what a purge would remove."""

    code = "unfinished"
    exit_code = REFUSED


class PayloadsPurged(DeskferryError):
    """A purge has removed what would have to be sent."""

    code = "payloads-purged"
    exit_code = REFUSED


async def run_purge(config: Config, clock: Clock, *, unfinished: bool = False) -> Purged:
    """Purge the workspace; may be repeated.

    Refuses (`Unfinished`) while a phase is open or a job is not settled, unless `unfinished` is
    given: then the migration can only go on after `state rebuild --anew`. Failed and held rows lose
    their payloads too: they cannot be sent again.
    """
    async with open_ledger(config, clock.now) as ledger:
        told = await _still_to_do(ledger)
        if told and not unfinished:
            raise Unfinished(
                told,
                next_step="Run migrate to its end first. To give it up, purge --unfinished.",
            )
        async with logged(ledger, "purge"):
            return await purge(ledger, config.workspace, now=clock.now(), unfinished=bool(told))


async def check_not_purged(ledger: Ledger) -> None:
    """Refuse to go on with an unfinished migration whose payloads are gone (`PayloadsPurged`)."""
    if await ledger.facts.get(GIVEN_UP):
        raise PayloadsPurged(
            "This migration was purged before it was finished.",
            next_step="Run deskferry state rebuild --anew, then migrate: what is in Salesforce is taken "
            "over, the rest is read from Kustomer again.",
        )


async def check_payloads(ledger: Ledger) -> None:
    """Refuse to send rows again whose payloads are gone (`PayloadsPurged`); for `retry`."""
    if await ledger.facts.get(PURGED):
        raise PayloadsPurged(
            "The payloads of this migration's rows were purged; they cannot be sent again.",
            next_step="Run deskferry retry --reread: it reads the records from Kustomer again.",
        )


async def _still_to_do(ledger: Ledger) -> str:
    """Say what keeps the migration from being finished; empty when nothing does."""
    phases = [
        phase.name for phase in await recall(ledger) if not await ledger.gates.closed(phase.name)
    ]
    if phases:
        return f"Not finished: {', '.join(phases)}."
    return "A job is not settled yet." if await ledger.jobs.unsettled() else ""
