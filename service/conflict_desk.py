"""Deciding about conflicts: which of both values counts, and letting the records concerned go on."""

from dataclasses import dataclass

from connectors.clock import Clock
from service.changes import CONFLICT
from service.command_log import logged
from service.config import Config
from service.errors import DONE, UsageInvalid
from service.ledger import open_ledger
from state.conflicts import Decision


@dataclass(frozen=True)
class ConflictsDecided:
    """How many conflicts of the record were decided, and the phases that the next run looks at."""

    fields: int
    phases: list[str]


async def decide(
    config: Config, clock: Clock, source_id: str, field: str | None, keep: Decision, *, by: str
) -> ConflictsDecided:
    """Decide about one field of a record, or all of its conflicts; durable when this returns.

    The next `delta` or `migrate` sends what the source wins. Raises `UsageInvalid` where the record has
    no such conflict, and the state's errors.
    """
    async with (
        open_ledger(config, clock.now) as ledger,
        logged(ledger, "conflicts decide") as entry,
    ):
        mine = [
            each
            for each in await ledger.conflicts.listed(decided=True, limit=-1)
            if each.source_id == source_id and field in (None, each.field)
        ]
        if not mine:
            raise UsageInvalid(
                "There is no such conflict.",
                next_step="deskferry conflicts list tells which there are.",
            )
        phases = sorted({each.phase for each in mine})
        async with ledger.write() as tx:
            await ledger.conflicts.decide(tx, source_id, field, keep, by=by)
            for phase in phases:
                await ledger.rows.release_phase(tx, phase, [CONFLICT])
                await ledger.gates.reopen(tx, phase)
        entry.ended_with = DONE
    return ConflictsDecided(len(mine), phases)
