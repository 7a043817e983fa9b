"""`deskferry status`: where the migration stands, from the ledger alone."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import typer

from connectors.clock import SystemClock
from service.audit_log import audit_state
from service.cli.documents import StatusDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.sweeps_view import print_last
from service.config import Config
from service.declared import recall
from service.ledger import open_ledger
from service.move_plan import MovePlan
from service.pace import Pace
from service.stage_lines import plan_facts, plan_lines, stage_line
from service.sweep_notes import SweepNotes
from state.ledger import Ledger


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="status")(status)


@asynccontextmanager
async def looking_at(config: Config) -> AsyncIterator[Ledger]:
    """Open the workspace's ledger for reading; a run may go on meanwhile."""
    clock = SystemClock()
    async with open_ledger(config, clock.now, read_only=True) as ledger:
        yield ledger


def status(context: typer.Context) -> None:
    """Show where the migration stands."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        async with looking_at(config) as ledger:
            known = await recall(ledger)
            phases = [await _phase(ledger, phase.name) for phase in known]
            sweeps = await SweepNotes(ledger).view(known)
            audit = await audit_state(ledger)
            plan = await plan_facts(ledger)
        now, pace = SystemClock().now(), Pace(config.kustomer)
        if options.json:
            told = [asdict(each) for each in sweeps]
            facts = {
                "phases": phases,
                "plan": plan,
                "pace": asdict(pace.at(now)),
                "sweeps": told,
                "audit_log": audit,
            }
            print_document(StatusDocument, facts)
            return 0
        for phase in phases:
            total = phase["source_total"]
            read = f"{phase['extracted']:,}" + (f" of {total:,}" if total is not None else "")
            typer.echo(
                f"{phase['name']:<14}{phase['state']:<12}{read:>22} extracted"
                f"{phase['loaded']:>10,} loaded{phase['matched']:>8,} matched"
                f"{sum(phase['held'].values()):>7,} held{sum(phase['failed'].values()):>7,} failed"
            )
        typer.echo(f"Kustomer: {pace.words(now)}.")
        for each in sweeps:
            print_last(each)
        if plan["plan"] != MovePlan() or len(plan["stages"]) > 1:
            for line in (*plan_lines(plan["plan"]), *map(stage_line, plan["stages"])):
                typer.echo(line)
        return 0

    run_command(options, work)


async def _phase(ledger: Ledger, name: str) -> dict[str, Any]:
    book = await ledger.books.read(name)
    state = "waiting"
    if await ledger.gates.closed(name):
        state = "done"
    elif await ledger.facts.get(f"extracted.{name}"):
        state = "loading"
    elif await ledger.slices.of(name):
        state = "extracting"
    total = await ledger.facts.get(f"source_total.{name}")
    return {
        "name": name,
        "state": state,
        "source_total": int(total) if total else None,
        **asdict(book),
        "difference": book.difference,
    }
