"""`deskferry migrate`: the full load, or the rest of it."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import typer

from service.cli.documents import MigrateDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.watched import watch
from service.run import Outcome
from service.stage_lines import stage_line
from service.staged import StagedMigration
from service.stages import Asked

MOST = 5_000


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="migrate")(migrate)


def migrate(
    context: typer.Context,
    same_org: bool = typer.Option(
        False, "--same-org", help="Take new addresses in the config; both orgs' ids must agree."
    ),
    sample: int | None = typer.Option(
        None,
        min=1,
        max=MOST,
        help="Move about so many conversations, some of every kind, and stop.",
    ),
    seed: int = typer.Option(0, help="Another seed picks another sample."),
    hot_only: bool = typer.Option(
        False,
        "--hot-only",
        help="Stop behind the stage of what goes first (plan set --open-first).",
    ),
) -> None:
    """Move everything by the plan, or a sample; run it again to resume."""
    options: GlobalOptions = context.obj
    asked = Asked(sample=sample, seed=seed, hot_only=hot_only)

    async def work() -> int:
        config = options.config()
        _, outcome = await watch(
            config,
            lambda clock, stop: StagedMigration(
                config, clock=clock, stop=stop, same_org=same_org, asked=asked
            ),
        )
        if options.json:
            facts = {"exit_code": outcome.exit_code, **summary(outcome)}
            print_document(MigrateDocument, facts)
        else:
            print_outcome(outcome)
        return outcome.exit_code

    run_command(options, work)


def summary(outcome: Outcome) -> dict[str, Any]:
    """The run's outcome as a JSON document."""
    books = {name: asdict(book) for name, book in outcome.summary.books.items()}
    return {
        "pid": os.getpid(),
        "jobs_sent": outcome.summary.jobs_sent,
        "seconds": round(outcome.summary.seconds, 3),
        "phases": books,
        "stages": outcome.summary.stages,
    }


def print_outcome(outcome: Outcome) -> None:
    """Print the books of all phases."""
    typer.echo(
        f"{'phase':<14}{'extracted':>11}{'duplicates':>12}{'loaded':>10}{'matched':>9}{'skipped':>9}"
        f"{'held':>7}{'failed':>8}{'changed':>9}"
    )
    for name, book in outcome.summary.books.items():
        counts: list[Mapping[str, int]] = [book.skipped, book.held, book.failed]
        skipped, held, failed = (sum(each.values()) for each in counts)
        typer.echo(
            f"{name:<14}{book.extracted:>11,}{book.duplicates:>12,}{book.loaded:>10,}"
            f"{book.matched:>9,}{skipped:>9,}{held:>7,}{failed:>8,}{book.changed:>9,}"
        )
    for stage in outcome.summary.stages if len(outcome.summary.stages) > 1 else ():
        typer.echo(stage_line(stage))
    typer.echo(
        f"Books balance. {outcome.summary.jobs_sent} ingest jobs in "
        f"{outcome.summary.seconds:.1f} s."
    )
    if outcome.exit_code:
        typer.echo("Some rows need attention: deskferry report tells which, why, and what to do.")
