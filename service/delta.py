"""`delta`: what was changed, made and deleted in Kustomer since the last mark, through the same flow.

A pass reads one closed window of `updatedAt` for each stream, from its mark less an overlap up to now
less the index's lag; small streams without a search are listed again. A window in which nothing has
changed costs one request, and its phase is left alone. An interrupted pass is finished first, then a
new one begins, so that what a run leaves is as of its own start.
"""

import anyio
import structlog

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.cutover.hypercare import Hypercare, hypercare, looked_to_ms
from service.cutover.writers import WriteLook, Written
from service.errors import ATTENTION, REFUSED, DeskferryError
from service.hooks.passes import tell_conflicts, tell_pass
from service.marks import mark_of, plan_mark, settle_marks
from service.names import read_lookups
from service.passes import read_window
from service.phases import Phase
from service.planner import Plan, Planner
from service.run import Migration, Outcome
from state.ledger import Ledger

_log = structlog.get_logger()
_MS = 1000


class NotLoaded(DeskferryError):
    """There is no whole load yet that changes could follow."""

    code = "not-loaded"
    exit_code = REFUSED


class Delta(Migration):
    """One pass over the changes, or with `watch_s` one after the other until a stop is asked for."""

    command = "delta"
    ends_with_cutover = False

    def __init__(
        self, config: Config, *, clock: Clock, stop: anyio.Event, watch_s: float | None = None
    ) -> None:
        super().__init__(config, clock=clock, stop=stop)
        self._watch_s = watch_s
        self.passes = 0
        self.behind: dict[str, float] = {}
        self.hypercare: Hypercare = ""
        self.written: list[Written] = []

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Finish an interrupted pass, then run one pass, or one every `watch_s` seconds.

        After the switch it does what hypercare says: nothing may be left to do but to tell. Raises
        `NotLoaded` before the full load has ended once, and `CutOver` when hypercare is over.
        """
        await self._refuse_unless_loaded(ledger)
        self.hypercare = await hypercare(self._config, ledger, now=self._clock.now())
        if self.hypercare == "report":
            await self._only_tell(ledger, kustomer, salesforce)
            return
        await self._finish_pass(ledger, kustomer, salesforce)
        await tell_conflicts(self._hooks, ledger)
        while True:
            began = self._clock.now()
            await self._one_pass(ledger, kustomer, salesforce)
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
        mapping = await self._map_in_force(ledger, salesforce)
        look = WriteLook(
            ledger, kustomer.client, self._phases, mapping, await read_lookups(kustomer.client)
        )
        while True:
            began = self._clock.now()
            since_ms = await looked_to_ms(ledger)
            self.written = await look.look(since_ms, int(began * _MS))
            self.passes += 1
            if self._watch_s is None:
                return
            await self._clock.sleep(max(0.0, began + self._watch_s - self._clock.now()))

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        return Outcome(ATTENTION, outcome.summary) if self.written else outcome

    async def _finish_pass(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Drive what an interrupted pass left to its gates; without one it costs nothing."""
        await super()._drive(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)

    async def _one_pass(
        self,
        ledger: Ledger,
        kustomer: KustomerSide,
        salesforce: SalesforceClient,
        *,
        since_ms: int | None = None,
    ) -> None:
        """Run one pass to its end; `since_ms` lets its windows reach further back than the marks."""
        if await self._begin(ledger, kustomer, since_ms):
            await super()._drive(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)
        self.passes += 1

    async def _refuse_unless_loaded(self, ledger: Ledger) -> None:
        """Every stream has a mark; one loaded by a version without marks has its first run's start."""
        await settle_marks(ledger, self._phases)
        for name in self._streams():
            if await mark_of(ledger, name) is not None:
                continue
            if not await ledger.gates.closed(name):
                raise NotLoaded(
                    f"The full load of {name} has not ended yet.",
                    next_step="Run deskferry migrate to its end first; then delta follows what changed "
                    "since.",
                )
            began = min(run.started_at for run in await ledger.runs.history())
            async with ledger.write() as tx:
                await plan_mark(tx, ledger, name, int(began * _MS))
        await settle_marks(ledger, self._phases)

    def _streams(self) -> list[str]:
        return [phase.name for phase in self._phases if phase.of is None]

    async def _begin(
        self, ledger: Ledger, kustomer: KustomerSide, since_ms: int | None = None
    ) -> bool:
        """Plan a pass and make it durable; False when nothing at all has changed."""
        now_ms = int(self._clock.now() * _MS)
        planner = Planner(kustomer.client, now_ms=now_ms)
        high = now_ms - self._config.delta.lag_seconds * _MS
        plans: dict[str, Plan] = {}
        for phase in self._phases:
            if phase.of is None:
                plans[phase.name] = await self._plan(ledger, planner, phase, high, since_ms)
        reach("delta-planned")
        changed = {name for name, plan in plans.items() if plan.slices}
        async with ledger.write() as tx:
            for name, plan in plans.items():
                await plan_mark(tx, ledger, name, high)
                if name in changed:
                    await read_window(tx, ledger, self._phases, name, plan)
            reach("delta-uncommitted")
        reach("delta-begun")
        _log.info("delta-begun", streams=sorted(changed))
        return bool(changed)

    async def _plan(
        self, ledger: Ledger, planner: Planner, phase: Phase, high: int, since_ms: int | None
    ) -> Plan:
        mark = await mark_of(ledger, phase.name)
        assert mark is not None  # the load has ended
        low = mark - self._config.delta.overlap_seconds * _MS
        low = low if since_ms is None else min(low, since_ms)
        return await planner.changed(phase, low, max(low + 1, high))
