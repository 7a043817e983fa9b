"""Leaves out of a page what the plan does not take, and what belongs to a conversation left out.

Conversations are read before what belongs to them, and sealing notes those that are left out: whether
a message goes is known when its page is sealed. One whose conversation nobody has met yet is not
left out. What is in Salesforce, or set apart on its way there, stays in the plan.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.move_plan import MovePlan, is_hot, related_id
from service.pages import SourcePage
from service.phases import Phase
from state.ledger import Ledger, Tx

OUTSIDE, LATER = "outside-plan", "later"
REASONS = (OUTSIDE, LATER)
CONVERSATION = "conversation"
CHILDREN = frozenset(("message", "note"))
NARROWED = CHILDREN | {CONVERSATION}


@dataclass
class LeftOut:
    """What was left out of the pages since the last seal, and the conversations that were not."""

    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


class Narrowing:
    """Narrows pages of conversations, messages and notes; holds nothing between pages."""

    def __init__(
        self, ledger: Ledger, takes: Callable[[Mapping[str, Any]], bool], reason: str
    ) -> None:
        """`reason`: why conversations that `takes` does not take stay behind."""
        self._ledger = ledger
        self._takes = takes
        self._reason = reason

    async def narrow(self, page: SourcePage, kind: str, out: LeftOut) -> SourcePage:
        """Return the page without what stays behind, which is added to `out`."""
        if kind == CONVERSATION:
            rows = await self._conversations(page.rows, out)
        elif kind in CHILDREN:
            rows = await self._children(page.rows, out)
        else:
            return page
        return page if len(rows) == len(page.rows) else replace(page, rows=rows)

    async def _conversations(
        self, rows: list[dict[str, Any]], out: LeftOut
    ) -> list[dict[str, Any]]:
        outside = {row["id"] for row in rows if row.get("id") and not self._goes(row)}
        if outside:
            ids = sorted(outside)
            outside -= await self._ledger.crosswalk.known(CONVERSATION, ids, except_job=None)
            outside -= await self._ledger.rows.apart(ids)
        out.left += [row["id"] for row in rows if row.get("id") in outside]
        kept = [row for row in rows if row.get("id") not in outside]
        out.kept += [row["id"] for row in kept if row.get("id")]
        return kept

    def _goes(self, row: Mapping[str, Any]) -> bool:
        # One that was deleted is left out as such.
        return (row.get("attributes") or {}).get("deleted") is True or self._takes(row)

    async def _children(self, rows: list[dict[str, Any]], out: LeftOut) -> list[dict[str, Any]]:
        owners = {owner for row in rows if (owner := related_id(row, CONVERSATION))}
        outside = await self._ledger.scope.outside(CONVERSATION, owners)
        if not outside:
            return rows
        kept = [row for row in rows if related_id(row, CONVERSATION) not in outside]
        out.left += [row["id"] for row in rows if related_id(row, CONVERSATION) in outside]
        return kept

    async def note(self, tx: Tx, phase: Phase, out: LeftOut) -> tuple[int, int]:
        """Count in the books what was left out; returns (skipped, met before).

        A conversation that is met again counts once, and one that enters the plan is skipped no longer.
        """
        books, scope = self._ledger.books, self._ledger.scope
        skipped, again = len(out.left), 0
        if phase.kind == CONVERSATION:
            skipped = await scope.leave(tx, CONVERSATION, out.left)
            entered = await scope.enter(tx, CONVERSATION, out.kept)
            again = len(out.left) - skipped + entered
            skipped -= entered
        await books.add(tx, phase.name, extracted=len(out.left), duplicates=again)
        if skipped:
            await books.add_reason(tx, phase.name, "skipped", self._reason, skipped)
        return skipped, again


def narrowing_of(ledger: Ledger, plan: MovePlan, cutoff_ms: int | None) -> Narrowing | None:
    """Return what narrows a run; None when nothing is left out.

    `cutoff_ms`: only hot conversations of the plan go now, by this moment (epoch).
    """
    if cutoff_ms is not None:
        return Narrowing(ledger, lambda row: plan.takes(row) and is_hot(row, cutoff_ms), LATER)
    return Narrowing(ledger, plan.takes, OUTSIDE) if plan.filters else None


async def count_anew(tx: Tx, ledger: Ledger, phases: Sequence[Phase]) -> dict[str, int]:
    """Take what was left out of the streams of `phases` out of the books: all of it is met again.

    Returns how many records that were, by phase.
    """
    taken: dict[str, int] = {}
    for phase in phases:
        if phase.kind not in NARROWED or phase.of:
            continue
        book = await ledger.books.read(phase.name)
        for reason in REASONS:
            count = book.skipped.get(reason, 0)
            if reason in book.skipped:
                await ledger.books.take_out(tx, phase.name, "skipped", reason, count)
            taken[phase.name] = taken.get(phase.name, 0) + count
        if phase.kind == CONVERSATION:
            await ledger.scope.clear(tx, CONVERSATION)
    return taken


def children_of(phases: Collection[Phase]) -> list[Phase]:
    """The phases whose stream holds what belongs to conversations."""
    return [phase for phase in phases if phase.kind in CHILDREN and not phase.of]
