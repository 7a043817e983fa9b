"""The durable record of a cutover: at which step it is, and what each step has found.

One document in the ledger, written whole in one transaction; after a crash the step that it names is
done again. Cutovers that were aborted are kept beside it, by number. It holds ids, counts and times, no
names of the source and no values of records.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from service.errors import REFUSED, DeskferryError, UsageInvalid
from service.phases import Phase
from state.books import Book
from state.ledger import Ledger, Tx

Step = Literal["check", "freeze", "final", "prove", "verify", "decide", "finished", "aborted"]
ENDED: Final = ("finished", "aborted")
_FACT = "cutover"


class CutOver(DeskferryError):
    """The switch has been made; the command belongs before it."""

    code = "cut-over"
    exit_code = REFUSED


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Counts(_Part):
    """Records that were made, changed or removed in Salesforce, or set apart, in all phases together."""

    created: int = 0
    updated: int = 0
    deleted: int = 0
    apart: int = 0

    @property
    def nothing(self) -> bool:
        """True when nothing at all happened."""
        return self == Counts()

    @property
    def all(self) -> int:
        """Everything together."""
        return self.created + self.updated + self.deleted + self.apart

    def since(self, before: "Counts") -> "Counts":
        """What was added since `before`; rows that are apart no longer count as nothing."""
        return Counts(
            created=self.created - before.created,
            updated=self.updated - before.updated,
            deleted=self.deleted - before.deleted,
            apart=max(0, self.apart - before.apart),
        )

    def plus(self, other: "Counts") -> "Counts":
        """Both together."""
        return Counts(
            created=self.created + other.created,
            updated=self.updated + other.updated,
            deleted=self.deleted + other.deleted,
            apart=self.apart + other.apart,
        )


class Waiver(_Part):
    """Somebody's word that an open queue may stay open, for as many records as it had then."""

    item: str
    count: int
    by: str
    because: str
    at: float


class Writer(_Part):
    """Who changed records since the freeze; `user` is a Kustomer id, '' for no user of it."""

    user: str
    records: int
    last_at: str
    streams: list[str]


class Freeze(_Part):
    """The watch. `since` and `quiet_from` are epoch seconds: nothing has changed since the latter."""

    since: float
    quiet_from: float
    seen_to: float
    passes: int = 0
    moved: Counts = Counts()
    writers: list[Writer] = []

    @property
    def quiet_s(self) -> float:
        """For how long nothing has changed, in seconds, as far as was seen."""
        return max(0.0, self.seen_to - self.quiet_from)


class Passed(_Part):
    """One pass over the changes: what it moved, and between which moments (epoch s) it looked."""

    moved: Counts
    looked_from: float
    looked_to: float
    ended_at: float


class PhaseCheck(_Part):
    """One phase, compared. `sampled` records were read on both sides, field by field.

    `equal`: no field differs; `edited`: it differs where somebody else wrote to it in Salesforce;
    `fixed`: its source has changed since, in fields that Salesforce lets be set at creation only;
    `different`: it differs for no such reason; `missing`: it is not in Salesforce any more; `gone`: it is
    not in Kustomer any more. `ledger_count`: records that the migration made. `fields` names
    those that differ, with how often.
    """

    phase: str
    source_count: int | None
    ledger_count: int
    target_count: int | None
    sampled: int = 0
    equal: int = 0
    edited: int = 0
    fixed: int = 0
    different: int = 0
    missing: int = 0
    gone: int = 0
    fields: dict[str, int] = {}
    ids: list[str] = []


class Verification(_Part):
    """All phases compared, and the seed by which records were picked."""

    seed: int
    phases: list[PhaseCheck]
    ended_at: float


class Seal(_Part):
    """The sealed reports: their folder's name, and the digest (SHA-256) of each file."""

    folder: str
    at: float
    by: str
    digests: dict[str, str]


class Note(_Part):
    """A step that was reached."""

    step: Step
    at: float
    by: str = ""
    why: str = ""


class CutoverRecord(_Part):
    """One cutover. `before`: what all phases had moved when the pass that is under way began; `decided`:
    what they had moved when the verdict was made.
    """

    number: int
    step: Step
    notes: list[Note]
    waivers: list[Waiver] = []
    freeze: Freeze | None = None
    before: Counts | None = None
    final: Passed | None = None
    proof: Passed | None = None
    disproved: int = 0
    verification: Verification | None = None
    go: bool | None = None
    decided: Counts | None = None
    seal: Seal | None = None

    @property
    def ended(self) -> bool:
        """True for one that was finished or aborted."""
        return self.step in ENDED

    def lasted(self, now: float) -> float:
        """Seconds since it began."""
        return round(now - self.notes[0].at, 3) if self.notes else 0.0

    def reached(self, step: Step, at: float, *, by: str = "", why: str = "") -> None:
        """Go to a step."""
        self.step = step
        self.notes.append(Note(step=step, at=at, by=by, why=why))


async def current(ledger: Ledger) -> CutoverRecord | None:
    """Return the newest cutover, also one that has ended; None before the first."""
    said = await ledger.facts.get(_FACT)
    return CutoverRecord.model_validate_json(said) if said else None


async def under_way(ledger: Ledger) -> CutoverRecord:
    """Return the cutover that was not aborted, also one that was finished; raises `UsageInvalid`."""
    record = await current(ledger)
    if record is None or record.step == "aborted":
        raise UsageInvalid(
            "There is no cutover under way.", next_step="Run deskferry cutover start first."
        )
    return record


async def keep(ledger: Ledger, record: CutoverRecord, tx: Tx | None = None) -> None:
    """Make a record durable; in `tx`, with all that belongs to it."""
    said = record.model_dump_json()
    if tx is not None:
        await ledger.facts.set(tx, _FACT, said)
        return
    async with ledger.write() as own:
        await ledger.facts.set(own, _FACT, said)


async def begin(ledger: Ledger, *, by: str, at: float) -> CutoverRecord:
    """Begin a cutover and make it durable; an earlier one that has ended is kept under its number."""
    earlier = await current(ledger)
    number = 1 if earlier is None else earlier.number + 1
    record = CutoverRecord(number=number, step="check", notes=[])
    record.reached("check", at, by=by)
    async with ledger.write() as tx:
        if earlier is not None:
            await ledger.facts.set(tx, f"{_FACT}.{earlier.number}", earlier.model_dump_json())
        await keep(ledger, record, tx)
    return record


async def counted(ledger: Ledger, phases: Sequence[Phase]) -> Counts:
    """What all phases have moved so far, from their books; a deleted record counts where it is read."""
    books = [await ledger.books.read(phase.name) for phase in phases]
    return sum_of(
        [replace(b, deleted={}) if p.of else b for p, b in zip(phases, books, strict=True)]
    )


def sum_of(books: list[Book]) -> Counts:
    """Add the books of phases up."""
    apart = [
        sum(each.values())
        for book in books
        for each in (book.held, book.failed, book.changes_held, book.changes_failed)
    ]
    return Counts(
        created=sum(book.loaded + book.matched for book in books),
        updated=sum(book.changed for book in books),
        deleted=sum(sum(book.deleted.values()) for book in books),
        apart=sum(apart),
    )
