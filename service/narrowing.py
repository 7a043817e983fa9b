"""Leaves out of a page what the plan does not take, and what belongs to a record that was left out.

A record is read before what belongs to it, and sealing notes those that are left out: whether a message
goes is known when its page is sealed. One whose conversation nobody has met yet is not left out. Where
only people of chosen conversations go, conversations are read before customers, and those before
companies. What is in Salesforce, or set apart on its way there, stays in the plan.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from service.move_plan import MovePlan, id_of, is_hot, mapping_of, related_id
from service.pages import SourcePage
from service.phases import Phase
from state.ledger import Ledger, Tx
from transforms.schema.source import KOBJECT

OUTSIDE, LATER = "outside-plan", "later"
REASONS = (OUTSIDE, LATER)
CONVERSATION, CUSTOMER, COMPANY = "conversation", "customer", "company"
CHILDREN = frozenset(("message", "note"))
# Where only chosen people go: the parents that a record takes along, and the order of reading.
TAKES_ALONG: Mapping[str, str] = {CONVERSATION: CUSTOMER, CUSTOMER: COMPANY}
PEOPLE = (CONVERSATION, CUSTOMER, COMPANY)


def is_narrowed(kind: str, *, people: bool) -> bool:
    """Whether records of a kind may be left out; `people`: customers and what is theirs, too."""
    if people and (kind in PEOPLE or kind.startswith(KOBJECT)):
        return True
    return kind == CONVERSATION or kind in CHILDREN


@dataclass
class LeftOut:
    """What was left out of the pages since the last seal, what was not, and whom that takes along."""

    left: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    along: set[str] = field(default_factory=set)


class Narrowing:
    """Narrows pages; holds nothing between them."""

    def __init__(
        self,
        ledger: Ledger,
        takes: Callable[[Mapping[str, Any]], bool],
        reason: str,
        *,
        people: bool = False,
    ) -> None:
        """`reason`: why conversations that `takes` does not take stay behind.

        `people`: customers and companies of other conversations stay behind as well.
        """
        self._ledger = ledger
        self._takes = takes
        self._reason = reason
        self.people = people

    async def narrow(self, page: SourcePage, kind: str, out: LeftOut) -> SourcePage:
        """Return the page without what stays behind, which is added to `out`."""
        if not is_narrowed(kind, people=self.people):
            return page
        if kind in PEOPLE:
            outside = await self._outside(page.rows, kind)
        else:
            outside = await self._of_outside(page.rows, kind)
        kept = [row for row in page.rows if id_of(row) not in outside]
        out.left += [each for row in page.rows if (each := id_of(row)) in outside and each]
        if kind in PEOPLE:
            out.kept += [each for row in kept if (each := id_of(row))]
        if self.people and kind in TAKES_ALONG:
            out.along |= {each for row in kept if (each := related_id(row, TAKES_ALONG[kind]))}
        return page if len(kept) == len(page.rows) else replace(page, rows=kept)

    async def _outside(self, rows: list[dict[str, Any]], kind: str) -> set[str]:
        """The records of a page that the plan does not take, unless they are on their way already."""
        there = [(each, row) for row in rows if (each := id_of(row)) and not _is_deleted(row)]
        ids = {each for each, _ in there}
        if kind == CONVERSATION:
            ids = {each for each, row in there if not self._takes(row)}
        else:
            ids -= await self._ledger.scope.wanted(kind, ids)
        if ids:
            ids -= await self._ledger.crosswalk.known(kind, sorted(ids), except_job=None)
            ids -= await self._ledger.rows.apart(sorted(ids))
        return ids

    async def _of_outside(self, rows: list[dict[str, Any]], kind: str) -> set[str]:
        """The records of a page that belong to one that was left out."""
        owners = (CONVERSATION,) if kind in CHILDREN else (CUSTOMER, COMPANY)
        found: set[str] = set()
        for owner in owners:
            ids = {each for row in rows if (each := related_id(row, owner))}
            outside = await self._ledger.scope.outside(owner, ids)
            found |= {
                each for row in rows if related_id(row, owner) in outside and (each := id_of(row))
            }
        return found

    async def note(self, tx: Tx, phase: Phase, out: LeftOut) -> tuple[int, int]:
        """Count in the books what was left out; returns (skipped, met before).

        A record that others belong to counts once, and one that enters the plan is skipped no longer.
        """
        books, scope = self._ledger.books, self._ledger.scope
        skipped, again = len(out.left), 0
        if phase.kind in PEOPLE:
            skipped = await scope.leave(tx, phase.kind, out.left)
            entered = await scope.enter(tx, phase.kind, out.kept)
            again = len(out.left) - skipped + entered
            skipped -= entered
        if out.along:
            await scope.want(tx, TAKES_ALONG[phase.kind], out.along)
            await self._enter(tx, TAKES_ALONG[phase.kind], out.along)
        await books.add(tx, phase.name, extracted=len(out.left), duplicates=again)
        if skipped:
            await books.add_reason(tx, phase.name, "skipped", self._reason, skipped)
        return skipped, again

    async def _enter(self, tx: Tx, kind: str, ids: set[str]) -> None:
        """Let customers or companies enter that were left out; a delta reads them then."""
        entered = await self._ledger.scope.enter(tx, kind, ids)
        if entered:
            name = {CUSTOMER: "customers", COMPANY: "companies"}[kind]
            await self._ledger.books.add(tx, name, duplicates=entered)
            await self._ledger.books.add_reason(tx, name, "skipped", self._reason, -entered)


def narrowing_of(ledger: Ledger, plan: MovePlan, cutoff_ms: int | None) -> Narrowing | None:
    """Return what narrows a run; None when nothing is left out.

    `cutoff_ms`: only hot conversations of the plan go now, by this moment (epoch).
    """
    people = plan.people == "chosen"
    if cutoff_ms is not None:

        def takes(row: Mapping[str, Any]) -> bool:
            return plan.takes(row) and is_hot(row, cutoff_ms)

        return Narrowing(ledger, takes, LATER, people=people)
    return Narrowing(ledger, plan.takes, OUTSIDE, people=people) if plan.filters else None


def in_reading_order(phases: Sequence[Phase], narrowing: Narrowing | None) -> list[Phase]:
    """Phases in the order in which their streams are read: those that take parents along before these."""
    if narrowing is None or not narrowing.people:
        return list(phases)
    first = {kind: place for place, kind in enumerate(PEOPLE)}
    small = [each for each in phases if each.kind not in first and each.stream.search is None]
    people = [each for each in phases if each.kind in first and each.of is None]
    people.sort(key=lambda each: first[each.kind])
    taken = {each.name for each in (*small, *people)}
    return [*small, *people, *(each for each in phases if each.name not in taken)]


async def count_anew(tx: Tx, ledger: Ledger, phases: Sequence[Phase]) -> dict[str, int]:
    """Take what was left out of the streams of `phases` out of the books: all of it is met again.

    Returns how many records that were, by phase.
    """
    taken: dict[str, int] = {}
    for phase in phases:
        if phase.of or not is_narrowed(phase.kind, people=True):
            continue
        book = await ledger.books.read(phase.name)
        for reason in REASONS:
            count = book.skipped.get(reason, 0)
            if reason in book.skipped:
                await ledger.books.take_out(tx, phase.name, "skipped", reason, count)
            taken[phase.name] = taken.get(phase.name, 0) + count
        if phase.kind in PEOPLE:
            await ledger.scope.clear(tx, phase.kind)
    return taken


def _is_deleted(row: Mapping[str, Any]) -> bool:
    """Whether a record was deleted: it is left out as such."""
    return mapping_of(row.get("attributes")).get("deleted") is True
