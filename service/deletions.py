"""Deletions that the changed windows do not show: the audit log after each pass, sweeps at their rhythm.

This is what `delta` calls between its passes, and what anybody may call who wants to be sure that nothing
is left in Salesforce that Kustomer has no more: `sweep(deletions.streams)` returns when every stream was
swept, held or found unreadable. What is to follow waits as open gates for the flow; what the audit log
told of goes first, so that a sweep does not count it as missing.
"""

from collections.abc import Collection, Sequence

from connectors.clock import Clock
from connectors.kustomer.client import KustomerClient
from service.audit_log import AuditLog
from service.config import Config
from service.errors import UsageInvalid
from service.phases import Phase
from service.sweep import SweepEnd, Sweeper
from service.sweep_notes import FIRST_DUE, SweepNotes
from service.sweep_reading import swept
from state.ledger import Ledger

_HOUR_S = 3600


class Deletions:
    """Finds deletions of loaded records; all phases' gates must be closed."""

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        client: KustomerClient,
        phases: Sequence[Phase],
        clock: Clock,
    ) -> None:
        self._rules = config.delta
        self._ledger = ledger
        self._phases = phases
        self._clock = clock
        self._notes = SweepNotes(ledger)
        self._audit = AuditLog(config, ledger, client, phases, clock)
        self._sweeper = Sweeper(config, ledger, client, phases, clock)

    @property
    def streams(self) -> list[str]:
        """The names of all streams that can be swept."""
        return names_of(self._phases)

    async def audit(self) -> int:
        """Look into the audit log; returns how many records are to follow. Raises as `AuditLog.run`."""
        return await self._audit.run()

    async def sweep(
        self,
        now: Collection[str] = (),
        *,
        due: bool = True,
        accept: Collection[str] = (),
        until: float | None = None,
    ) -> dict[str, SweepEnd]:
        """Sweep the streams named in `now` and, with `due`, those due.

        `accept` names streams of which somebody says that what is missing may be deleted. `until` (epoch
        s) a sweep is paused; a later call goes on. Returns how the sweeps ended, by stream. Raises
        `UsageInvalid` for a name that is no such stream, and the connectors' errors.
        """
        refuse_unknown({*now, *accept}, self.streams)
        ended: dict[str, SweepEnd] = {}
        for phase in self._phases:
            asked = phase.name in now or phase.name in accept
            if not swept(phase) or not (asked or (due and await self._due(phase))):
                continue
            if until is not None and self._clock.now() >= until:
                ended[phase.name] = "paused"
                continue
            ended[phase.name] = await self._sweeper.run(
                phase, until=until, accept=phase.name in accept
            )
        return ended

    async def _due(self, phase: Phase) -> bool:
        """Whether the rhythm asks for a sweep of this stream; one that was begun goes on."""
        if not self._rules.sweep_hours:
            return False
        under = await self._notes.under(phase.name)
        last = await self._notes.last_tried(phase.name)
        if under is not None and not under.held and (last is None or last < under.began_at):
            return True
        if last is None:
            last = await self._counted_from()
        return self._clock.now() >= last + self._rules.sweep_hours * _HOUR_S

    async def _counted_from(self) -> float:
        """The load has shown every record; the first sweep is due so long after the first delta."""
        known = await self._ledger.facts.get(FIRST_DUE)
        if known is not None:
            return float(known)
        now = self._clock.now()
        async with self._ledger.write() as tx:
            await self._ledger.facts.set(tx, FIRST_DUE, str(now))
        return now


def names_of(phases: Sequence[Phase]) -> list[str]:
    """The names of those phases whose streams can be swept."""
    return [phase.name for phase in phases if swept(phase)]


def refuse_unknown(names: Collection[str], streams: Sequence[str]) -> None:
    """Raise `UsageInvalid` for a name that is no stream with sweeps."""
    unknown = sorted(set(names) - set(streams))
    if unknown:
        raise UsageInvalid(
            f"There is no sweep of {', '.join(unknown)}.",
            next_step=f"Choose from: {', '.join(streams)}.",
        )
