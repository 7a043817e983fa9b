"""Closes a phase: its books balance on distinct source ids, and Salesforce's own count agrees."""

import structlog

from connectors.salesforce.client import SalesforceClient
from service.crash_points import reach
from service.errors import DeskferryError
from service.phases import Phase
from state.ledger import Ledger

_log = structlog.get_logger()


class BooksUnbalanced(DeskferryError):
    """A phase's records do not add up; nothing that depends on it is loaded."""

    code = "books-unbalanced"
    exit_code = 4


async def close_gate(phase: Phase, ledger: Ledger, client: SalesforceClient, *, now: float) -> None:
    """Check the books of `phase` and close its gate; raises `BooksUnbalanced`.

    `extracted = duplicates + loaded + matched + skipped + held + failed`, with nothing pending; the
    crosswalk holds as many records as were loaded and matched; and Salesforce counts at least the
    records we made (more is possible: records of an earlier run).
    """
    book = await ledger.books.read(phase.name)
    if not book.balanced:
        raise BooksUnbalanced(
            f"The books of {phase.name} are off by {book.difference} records.",
            next_step="Run deskferry report and look at the phase; then send the report to support.",
        )
    known = await ledger.crosswalk.count(phase.kind)
    if known != book.loaded + book.matched:
        raise BooksUnbalanced(
            f"{phase.name}: the crosswalk knows {known} records, the books "
            f"{book.loaded + book.matched}.",
            next_step="Run deskferry report; then send it to support.",
        )
    target_count = await _target_count(phase, ledger, client)
    reach("gate-counted")
    async with ledger.write() as tx:
        await ledger.gates.close(
            tx, phase.name, at=now, source_count=book.extracted, target_count=target_count
        )
        reach("gate-uncommitted")
    reach("gate-closed")
    _log.info(
        "gate-closed",
        phase=phase.name,
        extracted=book.extracted,
        loaded=book.loaded,
        matched=book.matched,
        held=sum(book.held.values()),
        failed=sum(book.failed.values()),
    )


async def _target_count(phase: Phase, ledger: Ledger, client: SalesforceClient) -> int | None:
    """Ask Salesforce how many of our records it has; None where they cannot be told apart."""
    if phase.operation != "insert" or not phase.keyed:
        return None
    total = 0
    for table in phase.objects:
        counted = await client.count(
            f"SELECT COUNT() FROM {table} WHERE Kustomer_Id__c != null"  # noqa: S608
        )
        ours = await ledger.crosswalk.count(phase.kind, table, "loaded")
        if counted < ours:
            raise BooksUnbalanced(
                f"Salesforce counts {counted} {table} records of ours, the ledger {ours}.",
                next_step="Someone deleted migrated records; run deskferry report before going on.",
            )
        total += counted
    return total
