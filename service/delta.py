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
from service.changed import changes_since
from service.compose import KustomerSide
from service.config import Config
from service.crash_points import reach
from service.entered import read_entered
from service.errors import REFUSED, DeskferryError
from service.marks import mark_of, plan_mark, settle_marks
from service.passes import read_window
from service.planner import Plan, Planner
from service.run import Migration
from service.stage_log import all_moved
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

    def __init__(
        self, config: Config, *, clock: Clock, stop: anyio.Event, watch_s: float | None = None
    ) -> None:
        super().__init__(config, clock=clock, stop=stop)
        self._watch_s = watch_s
        self.passes = 0
        self.behind: dict[str, float] = {}

    async def _drive(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Finish an interrupted pass, then run one pass, or one every `watch_s` seconds.

        Raises `NotLoaded` before the full load has ended once.
        """
        await self._refuse_unless_loaded(ledger)
        await self._through(ledger, kustomer, salesforce)
        await settle_marks(ledger, self._phases)
        while True:
            began = self._clock.now()
            if await self._begin(ledger, kustomer):
                await self._through(ledger, kustomer, salesforce)
            await settle_marks(ledger, self._phases)
            self.passes += 1
            now_ms = self._clock.now() * _MS
            marks = {name: await mark_of(ledger, name) for name in self._streams()}
            self.behind = {n: round((now_ms - (m or 0)) / _MS, 3) for n, m in marks.items()}
            if self._watch_s is None:
                return
            await self._clock.sleep(max(0.0, began + self._watch_s - self._clock.now()))

    async def _through(
        self, ledger: Ledger, kustomer: KustomerSide, salesforce: SalesforceClient
    ) -> None:
        """Drive what is open to its gates, and what conversations that entered the plan bring."""
        await super()._drive(ledger, kustomer, salesforce)
        while await read_entered(ledger, self._phases):
            await super()._drive(ledger, kustomer, salesforce)

    async def _refuse_unless_loaded(self, ledger: Ledger) -> None:
        """No stage is left, and every stream has a mark.

        One loaded by a version without marks has its first run's start.
        """
        await settle_marks(ledger, self._phases)
        if not await all_moved(ledger):
            raise NotLoaded(
                "A stage of the plan is still to come.",
                next_step="Run deskferry migrate to the end of its last stage; then delta follows what "
                "changed since the first one.",
            )
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
        plans: dict[str, Plan] = {}
        high = now_ms
        for phase in self._phases:
            if phase.of is None:
                mark = await mark_of(ledger, phase.name)
                assert mark is not None  # the load has ended
                plans[phase.name], high = await changes_since(
                    self._config, planner, phase, mark, now_ms=now_ms
                )
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
