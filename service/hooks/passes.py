"""Tells of what a pass of `delta` came to, and of waits for a side."""

from collections.abc import Mapping

from connectors.clock import Clock
from service.compose import Hear
from service.hooks.fire import Hooks
from state.ledger import Ledger

_TOLD = "hook_told.conflicts"


async def tell_conflicts(hooks: Hooks, ledger: Ledger) -> None:
    """Tell of open conflicts that were found since the last telling; raises `HookFailed`.

    The telling is noted once it was heard, so one that failed is repeated.
    """
    if not hooks.wants("conflict"):
        return
    since = float(await ledger.facts.get(_TOLD) or 0)
    found, newest = await ledger.conflicts.found_since(since)
    if not found:
        return
    await hooks.fire("conflict", {"found": found, "open": await ledger.conflicts.count()})
    async with ledger.write() as tx:
        await ledger.facts.set(tx, _TOLD, repr(newest))


async def tell_pass(hooks: Hooks, passes: int, behind: Mapping[str, float]) -> None:
    """Tell that a pass is done; raises `HookFailed`."""
    await hooks.fire("pass-done", {"passes": passes, "behind_seconds": dict(behind)})


def throttled(hooks: Hooks, clock: Clock) -> Hear:
    """What hears that a side is waited for (why), and that it goes on (None)."""
    since: dict[str, float] = {}

    def hear(side: str, why: str | None) -> None:
        now = clock.monotonic()
        began = since.setdefault(side, now) if why else since.pop(side, now)
        hooks.note(
            "throttled",
            {
                "side": side,
                "waiting": 1 if why else 0,
                "reason": why or "",
                "waited_seconds": round(now - began, 3),
            },
        )

    return hear
