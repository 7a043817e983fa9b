"""The windows of a delta's pass: planned for every stream, and made durable together.

A pass may begin once the full load has ended. Its windows are closed, and end before now by the index's
lag; the marks that it will leave are noted with them, and hold when all gates are closed again.
"""

from collections.abc import Sequence

import structlog

from connectors.kustomer.client import KustomerClient
from service.changed import changes_since
from service.config import DeltaConfig
from service.crash_points import reach
from service.errors import REFUSED, DeskferryError
from service.marks import mark_of, plan_mark, settle_marks
from service.passes import read_window
from service.phases import Phase
from service.planner import Plan, Planner
from service.stage_log import all_moved
from state.ledger import Ledger

_log = structlog.get_logger()
_MS = 1000


class NotLoaded(DeskferryError):
    """There is no whole load yet that changes could follow."""

    code = "not-loaded"
    exit_code = REFUSED


async def refuse_unless_loaded(ledger: Ledger, phases: Sequence[Phase]) -> None:
    """Raise `NotLoaded` while a stage of the plan is to come, or a stream has no mark.

    One that was loaded by a version without marks has its first run's start.
    """
    await settle_marks(ledger, phases)
    if not await all_moved(ledger):
        raise NotLoaded(
            "A stage of the plan is still to come.",
            next_step="Run deskferry migrate to the end of its last stage; then delta follows what "
            "changed since the first one.",
        )
    for phase in phases:
        if phase.of is not None or await mark_of(ledger, phase.name) is not None:
            continue
        if not await ledger.gates.closed(phase.name):
            raise NotLoaded(
                f"The full load of {phase.name} has not ended yet.",
                next_step="Run deskferry migrate to its end first; then delta follows what changed "
                "since.",
            )
        began = min(run.started_at for run in await ledger.runs.history())
        async with ledger.write() as tx:
            await plan_mark(tx, ledger, phase.name, int(began * _MS))
    await settle_marks(ledger, phases)


async def begin_pass(
    ledger: Ledger,
    client: KustomerClient,
    phases: Sequence[Phase],
    rules: DeltaConfig,
    now_ms: int,
    since_ms: int | None = None,
) -> bool:
    """Plan a pass and make it durable; False when nothing at all has changed.

    `since_ms` lets the windows reach further back than the marks. Raises the connectors' errors.
    """
    planner = Planner(client, now_ms=now_ms)
    plans: dict[str, Plan] = {}
    high = now_ms
    for phase in phases:
        if phase.of is None:
            mark = await mark_of(ledger, phase.name)
            assert mark is not None  # the load has ended
            plans[phase.name], high = await changes_since(
                rules, planner, phase, mark, now_ms=now_ms, since_ms=since_ms
            )
    reach("delta-planned")
    changed = {name for name, plan in plans.items() if plan.slices}
    async with ledger.write() as tx:
        for name, plan in plans.items():
            await plan_mark(tx, ledger, name, high)
            if name in changed:
                await read_window(tx, ledger, phases, name, plan)
        reach("delta-uncommitted")
    reach("delta-begun")
    _log.info("delta-begun", streams=sorted(changed))
    return bool(changed)
