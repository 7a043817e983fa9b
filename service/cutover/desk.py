"""What a person decides about a cutover beside its steps: a waiver, or that it is off; durable."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from connectors.clock import Clock
from service.command_log import logged
from service.config import Config
from service.cutover.checklist import Line, check_list, waive
from service.cutover.record import CutOver, CutoverRecord, Waiver, keep, under_way
from service.hooks.fire import open_hooks
from service.ledger import open_ledger
from state.errors import NoWorkspace
from state.ledger import Ledger
from state.workspace import DATABASE

ResultT = TypeVar("ResultT")


async def waive_lines(
    config: Config, clock: Clock, items: Sequence[str], *, by: str, because: str
) -> list[Line]:
    """Let lines of the check list stay open, with their counts of now; returns the whole list.

    Raises `UsageInvalid` without a cutover under way, or for a line that there is not.
    """

    async def act(ledger: Ledger, record: CutoverRecord) -> list[Line]:
        lines = await check_list(config, ledger, record)
        given = Waiver(item="", count=0, by=by, because=because, at=clock.now())
        waive(record, lines, items, given)
        return await check_list(config, ledger, record)

    return await _changed(config, clock, "cutover waive", act)


async def abort(config: Config, clock: Clock, *, by: str, why: str) -> CutoverRecord:
    """End the cutover without a switch: deltas go on as before. Raises as `waive_lines` does."""

    async def act(ledger: Ledger, record: CutoverRecord) -> CutoverRecord:
        record.reached("aborted", clock.now(), by=by, why=why)
        return record

    record = await _changed(config, clock, "cutover abort", act)
    async with open_hooks(config.hooks, clock, "cutover abort") as hooks:
        await hooks.fire("cutover-aborted", {"seconds": record.lasted(clock.now())})
    return record


async def _changed(
    config: Config,
    clock: Clock,
    command: str,
    act: Callable[[Ledger, CutoverRecord], Awaitable[ResultT]],
) -> ResultT:
    if not (config.workspace / DATABASE).exists():
        raise NoWorkspace("There is no migration in the workspace yet.")
    async with open_ledger(config, clock.now) as ledger, logged(ledger, command):
        record = await under_way(ledger)
        if record.seal is not None:
            raise CutOver("The switch has been made already.", next_step="See cutover status.")
        result = await act(ledger, record)
        await keep(ledger, record)
        return result
