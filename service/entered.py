"""Conversations that a delta finds to have entered the plan: what belongs to them was left out before.

Their messages and notes are read by a list for each of them, through the same flow.
"""

from collections.abc import Sequence

from service.crash_points import reach
from service.narrowing import CONVERSATION, children_of
from service.passes import read_window
from service.phases import Phase
from service.planner import Plan
from service.source_pages import paths_slice
from state.ledger import Ledger

_MOST = 2_000
_WAY = "lists of conversations that entered the plan"


async def read_entered(ledger: Ledger, phases: Sequence[Phase]) -> bool:
    """Let what belongs to conversations that entered be read; False when none has.

    The gates of all others must be closed. Durable when this returns.
    """
    ids = await ledger.scope.entered(CONVERSATION, _MOST)
    if not ids:
        return False
    async with ledger.write() as tx:
        for phase in children_of(phases):
            name = phase.stream.path.rpartition("/")[2]
            paths = [f"/v1/conversations/{each}/{name}" for each in ids]
            plan = Plan([paths_slice(phase.stream, paths)], _WAY)
            await read_window(tx, ledger, phases, phase.name, plan)
        await ledger.scope.settle(tx, CONVERSATION, ids)
        reach("entered-uncommitted")
    reach("entered-begun")
    return True
