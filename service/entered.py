"""Records that a delta finds to have entered the plan: what was left out with them before is read now.

Of conversations their messages and notes, by a list for each; where only chosen people go, customers and
companies by id, and the records of klasses that hang on those customers. All through the same flow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.crash_points import reach
from service.narrowing import CHILDREN, COMPANY, CONVERSATION, CUSTOMER, PEOPLE
from service.passes import let_go_waiting, read_window
from service.phases import Phase
from service.planner import Plan
from service.source_pages import ids_slice, paths_slice
from state.ledger import Ledger
from transforms.schema.source import KOBJECT

_MOST = 2_000
_WAY = "what entered the plan"


async def read_entered(ledger: Ledger, phases: Sequence[Phase]) -> bool:
    """Let what entered the plan be read; False when nothing has.

    The gates of all phases must be closed. Durable when this returns.
    """
    entered = {kind: await ledger.scope.entered(kind, _MOST) for kind in PEOPLE}
    if not any(entered.values()):
        return False
    async with ledger.write() as tx:
        for phase in phases:
            made = None if phase.of else _slice(phase, entered)
            if made is not None:
                await read_window(tx, ledger, phases, phase.name, Plan([made], _WAY))
        for kind, ids in entered.items():
            await ledger.scope.settle(tx, kind, ids)
        await let_go_waiting(tx, ledger)
        reach("entered-uncommitted")
    reach("entered-begun")
    return True


def _slice(phase: Phase, entered: Mapping[str, Sequence[str]]) -> dict[str, Any] | None:
    """What is read of a stream; None when it has nothing to do with what entered."""
    if phase.kind in (CUSTOMER, COMPANY):
        ids = entered[phase.kind]
        return ids_slice(phase.stream, list(ids)) if ids else None
    if phase.kind in CHILDREN:
        name = phase.stream.path.rpartition("/")[2]
        paths = [f"/v1/conversations/{each}/{name}" for each in entered[CONVERSATION]]
    elif phase.kind.startswith(KOBJECT):
        klass = phase.kind.removeprefix(KOBJECT)
        paths = [f"/v1/customers/{each}/klasses/{klass}" for each in entered[CUSTOMER]]
    else:
        return None
    return paths_slice(phase.stream, paths) if paths else None
