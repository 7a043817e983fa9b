"""The last check list: every queue that must be empty, or waived by somebody, before the switch.

It is read from the ledger alone, so it costs nothing and can be shown at any time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from service.agents import OPEN_REASONS, USERS, WAITS, policy_of
from service.changes import CONFLICT
from service.config import Config
from service.cutover.record import CutoverRecord, Waiver
from service.declared import recall
from service.errors import REFUSED, DeskferryError, UsageInvalid
from service.match_desk import REASONS as TO_DECIDE
from service.reasons import PARENT_MISSING
from service.sweep_notes import SweepNotes
from service.users_desk import queued_users
from state.books import Book
from state.ledger import Ledger


class CutoverRefused(DeskferryError):
    """Queues are open that nobody has waived."""

    code = "cutover-refused"
    exit_code = REFUSED


@dataclass(frozen=True)
class Item:
    """One queue: what it holds, and how it is emptied. Names are stable: people waive by them."""

    title: str
    next_step: str


ITEMS: Final[Mapping[str, Item]] = {
    "users": Item(
        "Kustomer users without a Salesforce user, for whom records wait",
        "deskferry users list; users assign or users import, then delta",
    ),
    "matches": Item(
        "records that could be several existing ones",
        "deskferry matches list; matches choose or matches make, then delta",
    ),
    "conflicts": Item(
        "fields that were changed on both sides",
        "deskferry conflicts list; conflicts decide, then delta",
    ),
    "held": Item("records held for other reasons", "deskferry report; mend the cause, then retry"),
    "failed": Item(
        "records that Salesforce refused", "deskferry report; mend the cause, then retry"
    ),
    "changes": Item(
        "changes that could not be made of records that are there",
        "deskferry report; mend the cause, then retry",
    ),
    "pending": Item("records still to be sent", "deskferry migrate"),
    "fields": Item(
        "picked records that differ from their source, or are missing",
        "look at them on the page; mend the cause, then cutover start",
    ),
    "sweeps": Item(
        "streams whose ids were not read to the end, or of which too much is missing",
        "deskferry status; mend it, or say delta --accept STREAM",
    ),
    "gaps": Item("streams that could not be read wholly", "deskferry report tells which"),
}


@dataclass(frozen=True)
class Line:
    """One line of the list. `waiver` covers it as long as it holds no more than when it was given."""

    item: str
    count: int
    waiver: Waiver | None

    @property
    def open(self) -> bool:
        """True while it stands in the way."""
        return self.count > (self.waiver.count if self.waiver else 0)


async def check_list(
    config: Config, ledger: Ledger, record: CutoverRecord | None = None
) -> list[Line]:
    """Return all lines, with what was waived in `record`."""
    phases = await recall(ledger)
    names = [phase.name for phase in phases]
    books = {name: await ledger.books.read(name) for name in names}
    parts = [await ledger.books.in_part(name) for name in names]
    refused_parts = sum(
        count for found in parts for (state, _), count in found.items() if state == "failed"
    )
    held_parts = sum(
        count for found in parts for (state, _), count in found.items() if state == "held"
    )
    facts = await ledger.facts.all()
    sweeps = await SweepNotes(ledger).view(phases)
    counts = {
        "users": await _open_users(config, ledger),
        "matches": _of(books, lambda book: _with(book.held, TO_DECIDE)),
        "conflicts": await ledger.conflicts.count(),
        "held": _held(books, [phase.name for phase in phases if phase.of]) + held_parts,
        "failed": _of(books, lambda book: sum(book.failed.values())) + refused_parts,
        "changes": _of(books, _changes),
        "pending": _of(books, lambda book: book.pending + book.changes_pending),
        "fields": _off(record),
        "sweeps": sum(each.state in ("held", "unreadable") for each in sweeps),
        "gaps": sum(key.startswith("gap.") for key in facts),
    }
    waivers = {each.item: each for each in (record.waivers if record else [])}
    return [Line(name, counts[name], waivers.get(name)) for name in ITEMS]


def refuse_open(lines: Sequence[Line]) -> None:
    """Raise `CutoverRefused` while a line is open; it names each with its figure."""
    still = [line for line in lines if line.open]
    if not still:
        return
    told = "; ".join(f"{line.count:,} {ITEMS[line.item].title} ({line.item})" for line in still)
    steps = dict.fromkeys(ITEMS[line.item].next_step for line in still)
    raise CutoverRefused(
        f"Not ready to cut over: {told}.",
        next_step=f"{'. '.join(steps)}. Or take it on: deskferry "
        f"cutover waive {' '.join(line.item for line in still)} --by YOUR-NAME --because WHY.",
    )


def waive(
    record: CutoverRecord, lines: Sequence[Line], items: Sequence[str], waiver: Waiver
) -> None:
    """Put waivers into `record` for `items`, as `waiver` says, with their counts of now.

    Raises `UsageInvalid` for an item that there is not; nothing is waived then.
    """
    unknown = [each for each in items if each not in ITEMS]
    if unknown:
        raise UsageInvalid(
            f"There is no line called {', '.join(unknown)}.",
            next_step=f"Choose from: {', '.join(ITEMS)}.",
        )
    counts = {line.item: line.count for line in lines}
    given = [waiver.model_copy(update={"item": each, "count": counts[each]}) for each in items]
    record.waivers = [each for each in record.waivers if each.item not in items] + given


def _off(record: CutoverRecord | None) -> int:
    """Picked records that the last verification found different or missing."""
    if record is None or record.verification is None:
        return 0
    return sum(each.different + each.missing for each in record.verification.phases)


async def _open_users(config: Config, ledger: Ledger) -> int:
    """Users for whom records wait; where a fallback owner is named, none do."""
    if policy_of(config) == "fallback":
        return 0
    return sum(each.waiting > 0 for each in await queued_users(ledger))


def _held(books: Mapping[str, Book], second_passes: Sequence[str]) -> int:
    """Held records that no other line tells of: neither a user's, nor one to be decided about."""
    elsewhere = (WAITS, *TO_DECIDE)
    held = {name: sum(b.held.values()) - _with(b.held, elsewhere) for name, b in books.items()}
    for name in second_passes:  # what waits there for its own record is held with that one
        held[name] -= books[name].held.get(PARENT_MISSING, 0)
    if USERS in held:
        held[USERS] -= _with(books[USERS].held, OPEN_REASONS)
    return sum(held.values())


def _changes(book: Book) -> int:
    """Changes that were not made, without conflicts: those have a line of their own."""
    held = sum(book.changes_held.values()) - _with(book.changes_held, (CONFLICT,))
    return held + sum(book.changes_failed.values())


def _of(books: Mapping[str, Book], count: Callable[[Book], int]) -> int:
    return sum(count(book) for book in books.values())


def _with(reasons: Mapping[str, int], wanted: Sequence[str]) -> int:
    return sum(reasons.get(each, 0) for each in set(wanted))
