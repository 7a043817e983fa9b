"""`delta`: what was changed, made and deleted in Kustomer since the last mark, through the same flow.

A pass reads one closed window of `updatedAt` for each stream, from its mark less an overlap up to now
less the index's lag; small streams without a search are listed again. A window in which nothing has
changed costs one request, and its phase is left alone. An interrupted pass is finished first, then a
new one begins, so that what a run leaves is as of its own start. After each pass deletions that left no
tombstone are looked for (`service/deletions.py`); what is found goes through the flow once more.
"""

from collections.abc import Collection

import anyio

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.audit_log import AuditState, audit_state
from service.compose import KustomerSide
from service.config import Config
from service.cutover.hypercare import Hypercare, hypercare, looked_to_ms
from service.cutover.writers import WriteLook, Written
from service.deletions import Deletions, names_of, refuse_unknown
from service.entered import read_entered
from service.errors import ATTENTION
from service.hooks.passes import tell_conflicts, tell_pass
from service.marks import mark_of, settle_marks
from service.names import read_lookups
from service.run import Migration, Outcome
from service.sweep_notes import SweepNotes, SweepView
from service.windows import begin_pass, refuse_unless_loaded
from state.ledger import Ledger

_MS = 1000
LEAST_SWEEP_S = 15.0


class Delta(Migration):
    """One pass over the changes, or with `watch_s` one after the other until a stop is asked for.

    `sweep`: the ids of every stream are read again after the first pass, else of those that are due (with
    `due`). `accept`: streams of which somebody says that missing records may be deleted.
    """

    command = "delta"
    ends_with_cutover = False

    def __init__(
        self,
        config: Config,
        *,
        clock: Clock,
        stop: anyio.Event,
        watch_s: float | None = None,
        sweep: bool = False,
        due: bool = True,
        accept: Collection[str] = (),
    ) -> None:
        super().__init__(config, clock=clock, stop=stop)
        self._watch_s = watch_s
        self._sweep = sweep
        self._due = due
        self._accept = frozenset(accept)
        self._left: frozenset[str] = frozenset()
        self.sweeps: list[SweepView] = []
        self.audit: AuditState = "unread"
        self.passes = 0
        self.behind: dict[str, float] = {}
        self.hypercare: Hypercare = ""
        self.written: list[Written] = []

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Finish an interrupted pass, then run one pass, or one every `watch_s` seconds.

        After the switch it does what hypercare says: nothing may be left to do but to tell. Raises
        `NotLoaded` before the full load has ended once, `CutOver` when hypercare is over, and
        `UsageInvalid` for an accepted stream that there is not.
        """
        refuse_unknown(self._accept, names_of(self._phases))
        await refuse_unless_loaded(ledger, self._phases)
        self.hypercare = await hypercare(self._config, ledger, now=self._clock.now())
        if self.hypercare == "report":
            await self._only_tell(ledger, kustomer, salesforce)
            return
        await self._finish_pass(ledger, kustomer, salesforce)
        await tell_conflicts(self._hooks, ledger)
        while True:
            began = self._clock.now()
            await self._one_pass(ledger, kustomer, salesforce, until=self._sweep_until(began))
            now_ms = self._clock.now() * _MS
            marks = {name: await mark_of(ledger, name) for name in self._streams()}
            self.behind = {n: round((now_ms - (m or 0)) / _MS, 3) for n, m in marks.items()}
            await tell_conflicts(self._hooks, ledger)
            await tell_pass(self._hooks, self.passes, self.behind)
            if self._watch_s is None:
                return
            await self._clock.sleep(max(0.0, began + self._watch_s - self._clock.now()))

    async def _only_tell(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Tell what was written in Kustomer since the switch; nothing is brought over."""
        look = await self._write_look(ledger, kustomer, salesforce)
        while True:
            began = self._clock.now()
            since_ms = await looked_to_ms(ledger)
            self.written = await look.look(since_ms, int(began * _MS))
            self.passes += 1
            if self._watch_s is None:
                return
            await self._clock.sleep(max(0.0, began + self._watch_s - self._clock.now()))

    async def _write_look(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> WriteLook:
        """Get ready to look who writes in Kustomer."""
        mapping = await self._map_in_force(ledger, salesforce)
        lookups = await read_lookups(kustomer.client)
        return WriteLook(ledger, kustomer.client, self._phases, mapping, lookups)

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        stopped = any(each.state in ("held", "unreadable") for each in self.sweeps)
        return Outcome(ATTENTION, outcome.summary) if self.written or stopped else outcome

    async def _finish_pass(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Drive what an interrupted pass left to its gates; without one it costs nothing."""
        await self._through(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)

    async def _through(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Drive what is open to its gates, and what conversations that entered the plan bring."""
        await super()._drive(ledger, kustomer, salesforce)
        while await read_entered(ledger, self._phases):
            await super()._drive(ledger, kustomer, salesforce)

    async def _one_pass(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        *,
        since_ms: int | None = None,
        until: float | None = None,
    ) -> None:
        """Run one pass to its end; `since_ms` lets its windows reach further back than the marks.

        Sweeps that are due are paused at `until` (epoch s).
        """
        now_ms = int(self._clock.now() * _MS)
        rules, client = self._config.delta, kustomer.client
        if await begin_pass(ledger, client, self._phases, rules, now_ms, since_ms):
            await self._through(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)
        await self._follow_deletions(ledger, kustomer, salesforce, until)
        self.passes += 1

    def _sweep_until(self, began: float) -> float | None:
        """A sweep has the time between two passes, and some even where passes fill it (epoch s)."""
        if self._watch_s is None:
            return None
        return max(began + self._watch_s, self._clock.now() + LEAST_SWEEP_S)

    async def _follow_deletions(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        until: float | None,
    ) -> None:
        """Look for deletions without a tombstone, and let what was found follow."""
        look = Deletions(self._config, ledger, kustomer.client, self._phases, self._clock)
        await look.audit()
        if await self._phases_to_run(ledger):
            await super()._drive(ledger, kustomer, salesforce)
        now = look.streams if self._sweep else self._left
        ended = await look.sweep(now, due=self._due, accept=self._accept, until=until)
        self._left = frozenset(name for name, how in ended.items() if how == "paused")
        self._sweep, self._accept = False, self._accept & self._left
        self.sweeps = await SweepNotes(ledger).view(self._phases)
        self.audit = await audit_state(ledger)
        if await self._phases_to_run(ledger):
            await super()._drive(ledger, kustomer, salesforce)

    def _streams(self) -> list[str]:
        return [phase.name for phase in self._phases if phase.of is None]
