"""Collects a report's facts from the ledger."""

from typing import Literal

from pydantic import BaseModel

from service.declared import recall
from service.move_plan import MovePlan, read_plan
from service.phases import Phase
from service.reasons import reason_text
from service.stage_lines import plan_lines, stage_line
from service.stage_log import Stage, all_moved, read_stages
from state.ledger import Ledger

SAMPLE_IDS = 20
SERVER_BATCH_ROWS = 10_000


class ReasonFacts(BaseModel):
    """Rows set apart for one reason; or, as `emptied`, lines that were left empty for one.

    `change`: of records that are in Salesforce as they were before.
    """

    phase: str
    state: str
    reason: str
    records: int
    change: bool = False
    cause: str
    fix: str
    sample_ids: list[str]


class PhaseFacts(BaseModel):
    """One phase's books, both sides' counts, and its jobs."""

    name: str
    way: str | None
    closed: bool
    extracted: int
    duplicates: int
    loaded: int
    matched: int
    skipped: int
    held: int
    failed: int
    pending: int
    changed: int
    changes_held: int
    changes_failed: int
    difference: int
    source_count: int | None
    target_count: int | None
    jobs: int
    rows_per_batch: float | None


class RunFacts(BaseModel):
    """One earlier run; times in epoch seconds."""

    command: str
    started_at: float
    ended_at: float | None
    exit_code: int | None


class ReportFacts(BaseModel):
    """The whole report. `verdict`: all gates closed, or where it stands.

    `plan_lines`: the plan and its stages in plain words; none where all goes in one.
    """

    schema_version: Literal[1] = 1
    verdict: Literal["balanced", "unfinished", "unbalanced"]
    written_at: float
    kustomer_org: str | None
    salesforce_org: str | None
    phases: list[PhaseFacts]
    reasons: list[ReasonFacts]
    gaps: list[str]
    runs: list[RunFacts]
    plan: MovePlan = MovePlan()
    stages: list[Stage] = []
    plan_lines: list[str] = []


async def collect(ledger: Ledger, *, now: float) -> ReportFacts:
    """Read everything that the report shows."""
    known = await recall(ledger)
    phases = [await _phase(ledger, phase) for phase in known]
    reasons = [fact for phase in known for fact in await _reasons(ledger, phase.name)]
    facts = await ledger.facts.all()
    runs = [
        RunFacts(
            command=run.command,
            started_at=run.started_at,
            ended_at=run.ended_at,
            exit_code=run.exit_code,
        )
        for run in await ledger.runs.history()
    ]
    plan, stages = await read_plan(ledger), await read_stages(ledger)
    told = plan != MovePlan() or len(stages) > 1 or any(each.name != "all" for each in stages)
    return ReportFacts(
        verdict=_verdict(phases, done=await all_moved(ledger)),
        written_at=now,
        kustomer_org=facts.get("kustomer_org"),
        salesforce_org=facts.get("salesforce_org"),
        phases=phases,
        reasons=reasons,
        gaps=[text for key, text in sorted(facts.items()) if key.startswith("gap.")],
        runs=runs,
        plan=plan,
        stages=stages,
        plan_lines=[*plan_lines(plan), *map(stage_line, stages)] if told else [],
    )


def _verdict(
    phases: list[PhaseFacts], *, done: bool
) -> Literal["balanced", "unfinished", "unbalanced"]:
    if any(phase.closed and phase.difference for phase in phases):
        return "unbalanced"
    return "balanced" if done and all(phase.closed for phase in phases) else "unfinished"


async def _phase(ledger: Ledger, phase: Phase) -> PhaseFacts:
    book = await ledger.books.read(phase.name)
    gate = await ledger.gates.get(phase.name)
    jobs = [job for job in await ledger.jobs.of_phase(phase.name) if job.sf_id]
    rows = sum(job.rows_sent for job in jobs)
    batches = sum(-(-job.rows_sent // SERVER_BATCH_ROWS) for job in jobs)
    total = await ledger.facts.get(f"source_total.{phase.name}")
    return PhaseFacts(
        name=phase.name,
        way=await ledger.facts.get(f"way.{phase.name}"),
        closed=gate is not None,
        extracted=book.extracted,
        duplicates=book.duplicates,
        loaded=book.loaded,
        matched=book.matched,
        skipped=sum(book.skipped.values()),
        held=sum(book.held.values()),
        failed=sum(book.failed.values()),
        pending=book.pending + book.changes_pending,
        changed=book.changed,
        changes_held=sum(book.changes_held.values()),
        changes_failed=sum(book.changes_failed.values()),
        difference=book.difference,
        source_count=int(total) if total else None,
        target_count=gate.target_count if gate else None,
        jobs=len(jobs),
        rows_per_batch=rows / batches if batches else None,
    )


async def _reasons(ledger: Ledger, phase: str) -> list[ReasonFacts]:
    found = []
    book = await ledger.books.read(phase)
    for reason, count in sorted(book.skipped.items()):
        words = reason_text(reason)
        found.append(
            ReasonFacts(
                phase=phase,
                state="skipped",
                reason=reason,
                records=count,
                cause="The source marks the record as deleted."
                if reason == "deleted"
                else words.cause,
                fix="Nothing to do." if reason == "deleted" else words.fix,
                sample_ids=[],
            )
        )
    for line, count in sorted(book.emptied.items()):
        words = reason_text(line.rpartition(": ")[2])
        found.append(
            ReasonFacts(
                phase=phase,
                state="emptied",
                reason=line,
                records=count,
                cause=words.cause,
                fix="The record is there without this value, unless its line keeps it: look at the "
                "map's `bad` rule.",
                sample_ids=[],
            )
        )
    for (state, reason, change), count in sorted((await ledger.rows.counts(phase)).items()):
        rows = await ledger.rows.listed(phase=phase, state=state, reason=reason, limit=SAMPLE_IDS)
        words = reason_text(reason)
        found.append(
            ReasonFacts(
                phase=phase,
                state=state,
                reason=reason,
                records=count,
                change=change,
                cause=words.cause,
                fix=words.fix,
                sample_ids=[row.source_id for row in rows],
            )
        )
    return found
