"""A cutover as it is told, on the page, in its JSON, by the command: each criterion with its figure."""

from typing import Literal

from pydantic import BaseModel

from service.config import CutoverConfig
from service.cutover.checklist import ITEMS, Line
from service.cutover.in_flight import InFlight
from service.cutover.record import CutoverRecord, PhaseCheck, Writer

Verdict = Literal["go", "no-go", "open"]
SHOWN_OWNERS = 50


class WriterFacts(Writer):
    """Who wrote, with the name that Kustomer gives; '' where it was not asked."""

    name: str = ""


class LineFacts(BaseModel):
    """One queue of the check list; `waived` is how many were waived, null for none."""

    item: str
    title: str
    count: int
    open: bool
    waived: int | None
    by: str
    because: str
    next_step: str


class CriterionFacts(BaseModel):
    """One thing that must hold before the switch; `ok` is null until it was looked at."""

    name: str
    ok: bool | None
    figure: str


class InFlightFacts(BaseModel):
    """Conversations in flight. `sla_before` and `sla_after` count those with a due time on each side."""

    open: int
    snoozed: int
    without_case: int
    sla_before: int
    sla_after: int
    milestones: bool
    owners: dict[str, int]


class NoteFacts(BaseModel):
    """A step that was reached, at epoch seconds."""

    step: str
    at: float
    by: str
    why: str


class CutoverFacts(BaseModel):
    """The whole cutover. Times are epoch seconds."""

    schema_version: Literal[1] = 1
    number: int
    step: str
    verdict: Verdict
    written_at: float
    lines: list[LineFacts]
    criteria: list[CriterionFacts]
    writers: list[WriterFacts]
    phases: list[PhaseCheck]
    seed: int | None
    in_flight: InFlightFacts | None
    notes: list[NoteFacts]
    hypercare_until: float | None
    seal: str


def line_facts(lines: list[Line]) -> list[LineFacts]:
    """The check list as it is told."""
    return [
        LineFacts(
            item=line.item,
            title=ITEMS[line.item].title,
            count=line.count,
            open=line.open,
            waived=line.waiver.count if line.waiver else None,
            by=line.waiver.by if line.waiver else "",
            because=line.waiver.because if line.waiver else "",
            next_step=ITEMS[line.item].next_step if line.open else "",
        )
        for line in lines
    ]


def criteria(
    record: CutoverRecord, lines: list[Line], wanted: CutoverConfig
) -> list[CriterionFacts]:
    """Every criterion with its figure."""
    still = [line for line in lines if line.open]
    waived = sum(line.waiver is not None and line.count > 0 for line in lines)
    queues = f"{len(still)} of {len(lines)} lines open, {waived} waived"
    return [
        CriterionFacts(name="queues empty or waived", ok=not still, figure=queues),
        _freeze(record, wanted),
        _final(record),
        _proof(record),
        *_compared(record, lines),
    ]


def verdict_of(criteria: list[CriterionFacts]) -> Verdict:
    """Go when all criteria hold; open while one was not looked at."""
    if any(each.ok is False for each in criteria):
        return "no-go"
    return "go" if all(each.ok for each in criteria) else "open"


def in_flight_facts(found: InFlight) -> InFlightFacts:
    """What is in flight, added up."""
    return InFlightFacts(
        open=found.count("open"),
        snoozed=found.count("snoozed"),
        without_case=found.without_case,
        sla_before=sum(bool(each.sla_before) for each in found.flights),
        sla_after=sum(bool(each.sla_after) for each in found.flights),
        milestones=found.milestones,
        owners=dict(found.by_owner()[:SHOWN_OWNERS]),
    )


def _freeze(record: CutoverRecord, wanted: CutoverConfig) -> CriterionFacts:
    freeze = record.freeze
    if freeze is None:
        return CriterionFacts(name="frozen", ok=None, figure="not watched yet")
    told = f"quiet for {freeze.quiet_s / 60:,.1f} of {wanted.quiet_minutes:g} minutes"
    if record.step == "freeze":
        return CriterionFacts(name="frozen", ok=None, figure=told)
    return CriterionFacts(
        name="frozen", ok=freeze.quiet_s >= wanted.quiet_minutes * 60, figure=told
    )


def _final(record: CutoverRecord) -> CriterionFacts:
    if record.final is None:
        return CriterionFacts(name="final delta", ok=None, figure="not run yet")
    moved = record.final.moved
    told = f"{moved.created:,} made, {moved.updated:,} changed, {moved.deleted:,} deleted"
    return CriterionFacts(name="final delta", ok=True, figure=told)


def _proof(record: CutoverRecord) -> CriterionFacts:
    name = "zero-delta proof"
    if record.proof is None:
        return CriterionFacts(name=name, ok=None, figure="not run yet")
    moved = record.proof.moved
    told = (
        f"{moved.created:,} to make, {moved.updated:,} to change, {moved.deleted:,} to delete, "
        f"{moved.apart:,} newly set apart"
    )
    if record.disproved:
        told += f"; {record.disproved} passes before it found something"
    return CriterionFacts(name=name, ok=moved.nothing, figure=told)


def _compared(record: CutoverRecord, lines: list[Line]) -> list[CriterionFacts]:
    found = record.verification
    if found is None:
        return [
            CriterionFacts(name="counts agree", ok=None, figure="not compared yet"),
            CriterionFacts(name="fields agree", ok=None, figure="not compared yet"),
        ]
    short = [each.phase for each in found.phases if _short(each)]
    sampled = sum(each.sampled for each in found.phases)
    equal = sum(each.equal for each in found.phases)
    edited = sum(each.edited for each in found.phases)
    fixed = sum(each.fixed for each in found.phases)
    off = sum(each.different + each.missing for each in found.phases)
    line = next((each for each in lines if each.item == "fields"), None)
    return [
        CriterionFacts(
            name="counts agree",
            ok=not short,
            figure=f"{len(found.phases) - len(short)} of {len(found.phases)} phases"
            + (f", not {', '.join(short)}" if short else ""),
        ),
        CriterionFacts(
            name="fields agree",
            ok=not (line.open if line else off),
            figure=f"{sampled:,} records picked: {equal:,} equal, {edited:,} edited in Salesforce, "
            f"{fixed:,} that cannot follow, "
            f"{off:,} different or missing",
        ),
    ]


def _short(check: PhaseCheck) -> bool:
    return check.target_count is not None and check.target_count < check.ledger_count
