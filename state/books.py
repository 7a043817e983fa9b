"""The books of each phase: where every distinct source record went.

Counters are added to in the transaction of the fact they count; held, failed and pending records
are counted from their rows, so that settling one moves it by itself.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from state.database import Database, Tx
from state.queries import load

_BY_REASON = (
    "skipped",
    "deleted",
    "emptied",
    "chosen",
    "row:held",
    "row:failed",
    "change:held",
    "change:failed",
)


@dataclass(frozen=True)
class Book:
    """One phase's records by where they went; a record in several parts counts once.

    `changed` counts changes that were made of records in Salesforce; `changes_held` and
    `changes_failed` count, by reason, those that were not, `changes_pending` those still to be sent.
    The records themselves are among the loaded ones, and their sightings among the duplicates.
    `deleted` counts loaded records whose source was deleted since, by what the rule did.
    `emptied` is beside the books: lines that were left empty, because their value did not fit, in rows
    that were made, by what the line and the reason are. Such a record is in another account, too.
    `chosen`, too, is beside them: sightings of this pass by the table that the map's rule chose, where
    there are several.
    """

    extracted: int = 0
    duplicates: int = 0
    loaded: int = 0
    matched: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    held: dict[str, int] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    pending: int = 0
    changed: int = 0
    changes_held: dict[str, int] = field(default_factory=dict)
    changes_failed: dict[str, int] = field(default_factory=dict)
    changes_pending: int = 0
    emptied: dict[str, int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    chosen: dict[str, int] = field(default_factory=dict)

    @property
    def difference(self) -> int:
        """Records extracted less those accounted for; 0 when the books balance."""
        accounted = self.duplicates + self.loaded + self.matched
        for reasons in (self.skipped, self.held, self.failed):
            accounted += sum(reasons.values())
        return self.extracted - accounted

    @property
    def balanced(self) -> bool:
        """True when every record is accounted for and nothing is still to be sent."""
        return self.difference == 0 and self.pending == 0 and self.changes_pending == 0


def book_of(lines: Iterable[tuple[str, str, int]]) -> Book:
    """Add (account, reason, records) lines up; accounts `row:` and `change:` are counted from rows."""
    plain: dict[str, int] = {}
    by_reason: dict[str, dict[str, int]] = {name: {} for name in _BY_REASON}
    pending = changes_pending = 0
    for account, reason, count in lines:
        if account in by_reason:
            if count:
                by_reason[account][reason] = count
        elif account.startswith("row:"):
            pending += count
        elif account.startswith("change:"):
            changes_pending += count
        else:
            plain[account] = count
    return Book(
        **plain,
        skipped=by_reason["skipped"],
        held=by_reason["row:held"],
        failed=by_reason["row:failed"],
        pending=pending,
        changes_held=by_reason["change:held"],
        changes_failed=by_reason["change:failed"],
        changes_pending=changes_pending,
        emptied=by_reason["emptied"],
        deleted=by_reason["deleted"],
        chosen=by_reason["chosen"],
    )


class Books:
    """The books of all phases."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sql = load("books")

    async def add(
        self,
        tx: Tx,
        phase: str,
        *,
        extracted: int = 0,
        duplicates: int = 0,
        loaded: int = 0,
        matched: int = 0,
        changed: int = 0,
    ) -> None:
        """Add records to the accounts of a phase."""
        accounts = {
            "extracted": extracted,
            "duplicates": duplicates,
            "loaded": loaded,
            "matched": matched,
            "changed": changed,
        }
        rows = [(phase, name, "", count) for name, count in accounts.items() if count]
        if rows:
            await tx.run_many(self._sql["add"], rows)

    async def add_reason(self, tx: Tx, phase: str, account: str, reason: str, count: int) -> None:
        """Add records to an account that is kept by reason, such as `skipped`."""
        await tx.run(self._sql["add"], (phase, account, reason, count))

    async def forget(self, tx: Tx, phase: str, account: str) -> None:
        """Begin an account that is kept by reason anew."""
        await tx.run(self._sql["forget"], (phase, account))

    async def take_out(self, tx: Tx, phase: str, account: str, reason: str, count: int) -> None:
        """Take `count` records, all of their reason, out of the books: they are counted anew."""
        await tx.run(self._sql["forget_reason"], (phase, account, reason))
        await self.add(tx, phase, extracted=-count)

    async def read(self, phase: str) -> Book:
        """Return the book of a phase as committed, counters and rows of one moment."""
        return book_of(await self._database.fetch(self._sql["read"], (phase,)))

    async def in_part(self, phase: str) -> dict[tuple[str, str], int]:
        """Count, by (state, reason), records whose first part is well while a later one is not.

        The books count such a record by its first part, so a phase with any of them balances and
        still needs attention.
        """
        rows = await self._database.fetch(self._sql["in_part"], (phase,))
        return {(state, reason): count for state, reason, count in rows}
