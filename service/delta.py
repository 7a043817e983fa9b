"""`delta`: what was changed, made and deleted in Kustomer since the last mark, through the same flow.

A pass reads one closed window of `updatedAt` for each stream, from its mark less an overlap up to now
less the index's lag; small streams without a search are listed again. A window in which nothing has
changed costs one request, and its phase is left alone. An interrupted pass is finished first, then a
new one begins, so that what a run leaves is as of its own start. After each pass deletions that left no
tombstone are looked for (`service/deletions.py`); what is found goes through the flow once more.
"""

from collections.abc import Collection

import anyio
import structlog

from connectors.clock import Clock
from connectors.salesforce.client import SalesforceClient
from service.audit_log import AuditState, audit_state
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.deletions import Deletions, names_of, refuse_unknown
from service.errors import ATTENTION, REFUSED, DeskferryError
from service.marks import mark_of, plan_mark, settle_marks
from service.passes import read_window
from service.phases import Phase
from service.planner import Plan, Planner
from service.run import Migration, Outcome
from service.sweep_notes import SweepNotes, SweepView
from state.ledger import Ledger

_log = structlog.get_logger()
_MS = 1000
LEAST_SWEEP_S = 15.0


class NotLoaded(DeskferryError):
    """There is no whole load yet that changes could follow."""

    code = "not-loaded"
    exit_code = REFUSED


class Delta(Migration):
    """One pass over the changes, or with `watch_s` one after the other until a stop is asked for.

    `sweep`: the ids of every stream are read again after the first pass, else of those that are due (with
    `due`). `accept`: streams of which somebody says that missing records may be deleted.
    """

    command = "delta"

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

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Finish an interrupted pass, then run one pass, or one every `watch_s` seconds.

        Raises `NotLoaded` before the full load has ended once, and `UsageInvalid` for an accepted stream
        that there is not.
        """
        refuse_unknown(self._accept, names_of(self._phases))
        await self._refuse_unless_loaded(ledger)
        await super()._drive(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)
        while True:
            began = self._clock.now()
            if await self._begin(ledger, kustomer):
                await super()._drive(ledger, kustomer, salesforce)
            await settle_marks(ledger, self._phases)
            await self._follow_deletions(ledger, kustomer, salesforce, self._sweep_until(began))
            self.passes += 1
            now_ms = self._clock.now() * _MS
            marks = {name: await mark_of(ledger, name) for name in self._streams()}
            self.behind = {n: round((now_ms - (m or 0)) / _MS, 3) for n, m in marks.items()}
            if self._watch_s is None:
                return
            await self._clock.sleep(max(0.0, began + self._watch_s - self._clock.now()))

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

    async def _conclude(self, ledger: Ledger, jobs_before: int) -> Outcome:
        outcome = await super()._conclude(ledger, jobs_before)
        if any(each.state in ("held", "unreadable") for each in self.sweeps):
            return Outcome(ATTENTION, outcome.summary)
        return outcome

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

    async def _begin(self, ledger: Ledger, kustomer: KustomerSide) -> bool:
        """Plan a pass and make it durable; False when nothing at all has changed."""
        now_ms = int(self._clock.now() * _MS)
        planner = Planner(kustomer.client, now_ms=now_ms)
        high = now_ms - self._config.delta.lag_seconds * _MS
        plans: dict[str, Plan] = {}
        for phase in self._phases:
            if phase.of is None:
                plans[phase.name] = await self._plan(ledger, planner, phase, high)
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

    async def _plan(self, ledger: Ledger, planner: Planner, phase: Phase, high: int) -> Plan:
        mark = await mark_of(ledger, phase.name)
        assert mark is not None  # the load has ended
        low = mark - self._config.delta.overlap_seconds * _MS
        return await planner.changed(phase, low, max(low + 1, high))
