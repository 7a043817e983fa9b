"""The live counters of a run: begun from the books of earlier runs, and what the budgets show."""

from collections.abc import Iterable

from service.compose import KustomerSide
from service.passes import sighted_before
from service.phases import Phase
from service.progress import BudgetView, PhaseProgress
from state.ledger import Ledger


def fresh(phases: Iterable[Phase]) -> dict[str, PhaseProgress]:
    """Counters of phases of which nothing is known yet."""
    return {phase.name: PhaseProgress(phase.name) for phase in phases}


async def recalled(ledger: Ledger, phases: Iterable[Phase]) -> dict[str, PhaseProgress]:
    """Counters that begin where the books of earlier runs ended."""
    found = fresh(phases)
    for progress in found.values():
        book = await ledger.books.read(progress.name)
        progress.before = await sighted_before(ledger, progress.name)
        progress.extracted = book.extracted - progress.before
        progress.changed = book.changed
        progress.loaded = book.loaded
        progress.matched = book.matched
        progress.duplicates = book.duplicates
        progress.skipped = sum(book.skipped.values())
        progress.held = sum(book.held.values())
        progress.failed = sum(book.failed.values())
        total = await ledger.facts.get(f"source_total.{progress.name}")
        progress.source_total = int(total) if total else None
        if await ledger.gates.closed(progress.name):
            progress.state = "done"
    return found


def budget_views(kustomer: KustomerSide) -> list[BudgetView]:
    """Both request budgets as they are now."""
    views = []
    for name, budget in (
        ("kustomer", kustomer.budget),
        ("kustomer-search", kustomer.search_budget),
    ):
        seen = budget.snapshot()
        views.append(
            BudgetView(name, seen.used_in_window, seen.allowed, seen.waiting, seen.paused_because)
        )
    return views
