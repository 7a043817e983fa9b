"""Tells of closed gates, when their books are not those that were told of before.

A `stop` hook is told at least once for each, whatever dies or fails meanwhile. Before a gate closes the
ledger notes that a telling is due, where a `stop` hook wants it; the note goes when all were told. A run
that finds one whose gate is closed tells before it does anything else.
"""

import orjson

from service.crash_points import reach
from service.hooks.fire import Hooks
from state.books import Book
from state.ledger import Ledger

_DUE = "hook_due.gate."
_TOLD = "hook_told.gate."


class GateHooks:
    """The points `phase-done` and `held-rows`."""

    def __init__(self, hooks: Hooks, ledger: Ledger) -> None:
        self._hooks = hooks
        self._ledger = ledger
        self._wanted = hooks.wants("phase-done", "held-rows")
        self._stops = hooks.stops("phase-done", "held-rows")

    async def expect(self, phase: str) -> None:
        """The gate of `phase` is about to close: let a telling be due, durably."""
        if self._stops:
            async with self._ledger.write() as tx:
                await self._ledger.facts.set(tx, _DUE + phase, "")

    async def tell(self, phase: str) -> None:
        """The gate of `phase` is closed: tell so, and what is held or failed, each if it is new.

        Raises `HookFailed`; the next run tells again.
        """
        if not self._wanted:
            return
        book = await self._ledger.books.read(phase)
        before = orjson.loads(await self._ledger.facts.get(_TOLD + phase) or "{}")
        counts = _counts(phase, book)
        if counts != before.get("counts"):
            await self._hooks.fire("phase-done", counts)
        left = {
            "held": dict(book.held),
            "failed": dict(book.failed),
            "changes_held": dict(book.changes_held),
            "changes_failed": dict(book.changes_failed),
        }
        if left != before.get("left") and any(left.values()):
            await self._hooks.fire("held-rows", {"phase": phase, **left})
        reach("hooks-told")
        async with self._ledger.write() as tx:
            now = orjson.dumps({"counts": counts, "left": left}).decode()
            await self._ledger.facts.set(tx, _TOLD + phase, now)
            await self._ledger.facts.drop(tx, [_DUE + phase])

    async def tell_due(self) -> None:
        """Tell what an earlier run could not; raises `HookFailed`."""
        if not self._wanted:
            return
        for key in sorted(await self._ledger.facts.all()):
            phase = key.removeprefix(_DUE)
            if phase != key and await self._ledger.gates.closed(phase):
                await self.tell(phase)


def _counts(phase: str, book: Book) -> dict[str, int | str]:
    return {
        "phase": phase,
        "extracted": book.extracted,
        "loaded": book.loaded,
        "matched": book.matched,
        "skipped": sum(book.skipped.values()),
        "held": sum(book.held.values()),
        "failed": sum(book.failed.values()),
        "duplicates": book.duplicates,
        "changed": book.changed,
    }
