"""The queue of records that could be several existing ones, or one that is taken: a person decides.

A decision lets the record go, and all rows that wait for it or for one that waits for it; the next
`migrate` or `retry` sends them. The ledger alone is asked, neither Kustomer nor Salesforce.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.clock import Clock
from connectors.salesforce.ids import to_18
from service.command_log import logged
from service.config import Config
from service.crash_points import reach
from service.declared import recall
from service.errors import UsageInvalid
from service.ledger import open_ledger
from service.phases import Phase
from service.twins import AMBIGUOUS, TAKEN, candidates_of
from state.errors import NoWorkspace
from state.ledger import Ledger, Tx
from state.rows import RowEntry
from state.workspace import DATABASE

REASONS = (AMBIGUOUS, TAKEN)
_MOST = 100_000


@dataclass(frozen=True)
class OpenMatch:
    """A record that waits for a decision, and the Salesforce ids that it could be."""

    phase: str
    kustomer_id: str
    object: str
    reason: str
    field: str
    candidates: Sequence[str]


@dataclass(frozen=True)
class Decided:
    """A decision, and how many rows it let go, the record's own among them."""

    phase: str
    kustomer_id: str
    salesforce_id: str
    freed: int


async def open_matches(ledger: Ledger) -> list[OpenMatch]:
    """Return all records that wait for a decision, by phase and id."""
    found = [
        _open(row)
        for reason in REASONS
        for row in await ledger.rows.listed(state="held", reason=reason, limit=_MOST)
    ]
    return sorted(found, key=lambda each: (each.phase, each.kustomer_id))


async def decide_match(
    config: Config, clock: Clock, kustomer_id: str, salesforce_id: str, *, by: str
) -> Decided:
    """Decide what one record is: one of its candidates, or a new record where `salesforce_id` is ''.

    Durable when this returns; several decisions about one record: the last counts, until the record is
    sent. Raises `UsageInvalid` for a record that waits for none, or a Salesforce id that is no candidate.
    """
    if not (config.workspace / DATABASE).exists():
        raise NoWorkspace("There is no migration in the workspace yet.")
    async with open_ledger(config, clock.now) as ledger, logged(ledger, "matches") as entry:
        asked = await _asked(ledger, kustomer_id)
        target = _candidate(asked, salesforce_id)
        phases = await recall(ledger)
        async with ledger.write() as tx:
            await ledger.matches.decide(tx, asked.phase, kustomer_id, target, by=by)
            freed = await _let_go(tx, ledger, phases, asked, entry.run)
            reach("match-uncommitted")
        reach("match-decided")
        return Decided(asked.phase, kustomer_id, target, freed)


async def _asked(ledger: Ledger, kustomer_id: str) -> OpenMatch:
    """The record that is meant. One that was decided and not sent yet may be decided again."""
    for row in await ledger.rows.find(kustomer_id):
        if row.part == 0 and not row.change and row.job is None and row.reason in REASONS:
            return _open(row)
    raise UsageInvalid(
        f"No record {kustomer_id} waits for a decision.",
        next_step="deskferry matches list shows those that do.",
    )


def _candidate(asked: OpenMatch, salesforce_id: str) -> str:
    if not salesforce_id:
        return ""
    if len(salesforce_id) in (15, 18) and to_18(salesforce_id) in asked.candidates:
        return to_18(salesforce_id)
    raise UsageInvalid(
        f"{asked.kustomer_id} cannot be that Salesforce record.",
        next_step=f"Choose from: {', '.join(asked.candidates)}; or make a new one.",
    )


async def _let_go(
    tx: Tx, ledger: Ledger, phases: Sequence[Phase], asked: OpenMatch, run: int
) -> int:
    """Let the record's rows go, and those that wait for them; the gates of their phases open."""
    kinds = {phase.name: phase.kind for phase in phases}
    places = [(asked.phase, asked.kustomer_id)]
    freed, concerned = 0, set()
    while places:
        freed += await ledger.rows.let_go(tx, run, places)
        concerned |= {phase for phase, _ in places}
        parents = [f"{kinds[phase]}:{key}" for phase, key in places if phase in kinds]
        places = await ledger.rows.lacking(tx, parents)
    for name in sorted(concerned):
        await ledger.gates.reopen(tx, name)
    return freed


def _open(row: RowEntry) -> OpenMatch:
    candidates = candidates_of(row)
    return OpenMatch(row.phase, row.source_id, row.object, row.reason, row.field, candidates)
