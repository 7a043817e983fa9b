"""`deskferry retry`: held and failed rows again, alone."""

from dataclasses import asdict
from typing import Any

import typer

from service.cli.documents import RetryDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.watched import watch
from service.retry import Retry, RetryLine, Selection
from service.run import Outcome

_REASONS = typer.Option([], "--reason", help="Only rows with this reason; may be repeated.")
_PHASES = typer.Option([], "--phase", help="Only rows of this phase; may be repeated.")
_IDS = typer.Option([], "--id", help="Only this Kustomer record; may be repeated.")
_STATES = typer.Option([], "--state", help="Only rows in this state, held or failed.")
_REREAD = typer.Option(
    False, "--reread", help="Read the records again from Kustomer: they were corrected there."
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="retry")(retry)


def retry(
    context: typer.Context,
    reason: list[str] = _REASONS,
    phase: list[str] = _PHASES,
    kustomer_id: list[str] = _IDS,
    state: list[str] = _STATES,
    reread: bool = _REREAD,
) -> None:
    """Send held and failed rows again, after their cause is mended or the map has changed.

    Without options all of them go, parents first. Nothing is extracted again; a changed mapping.yaml
    is accepted. Run it again, or migrate, to go on after a stop.
    """
    options: GlobalOptions = context.obj

    async def work() -> int:
        selection = Selection(reason, phase, kustomer_id, state, reread)
        config = options.config()
        run, outcome = await watch(
            config, lambda clock, stop: Retry(config, selection, clock=clock, stop=stop)
        )
        if options.json:
            print_document(RetryDocument, _facts(run, outcome))
        else:
            _print(run, outcome)
        return outcome.exit_code

    run_command(options, work)


def _facts(run: Retry, outcome: Outcome) -> dict[str, Any]:
    return {
        "exit_code": outcome.exit_code,
        "map_changed": run.result.map_changed,
        "asked": sum(line.asked for line in run.result.lines),
        "settled": sum(line.settled for line in run.result.lines),
        "jobs_sent": outcome.summary.jobs_sent,
        "seconds": round(outcome.summary.seconds, 3),
        "lines": [asdict(line) for line in run.result.lines],
        "unread": list(run.result.unread),
    }


def _print(run: Retry, outcome: Outcome) -> None:
    result = run.result
    if result.unread:
        names = ", ".join(result.unread)
        typer.echo(f"Not read to the end yet, so left to migrate: {names}.")
    if result.map_changed:
        typer.echo("mapping.yaml has changed: it is accepted, and rows are made by it from now on.")
    if not result.lines:
        typer.echo("No held or failed row is meant; nothing was sent.")
        return
    typer.echo(
        f"{'phase':<14}{'reason':<36}{'asked':>8}{'settled':>9}{'held':>7}{'failed':>8}{'waiting':>9}"
    )
    for line in result.lines:
        _print_line(line)
    typer.echo(
        f"Books balance. {outcome.summary.jobs_sent} ingest jobs in "
        f"{outcome.summary.seconds:.1f} s."
    )
    if any(line.pending for line in result.lines):
        typer.echo("Waiting rows go with the next migrate: a phase before theirs is not closed.")
    if outcome.exit_code:
        typer.echo("Some still need attention: deskferry report tells which, why, and what to do.")


def _print_line(line: RetryLine) -> None:
    typer.echo(
        f"{line.phase:<14}{line.reason:<36}{line.asked:>8,}{line.settled:>9,}{line.held:>7,}"
        f"{line.failed:>8,}{line.pending:>9,}"
    )
    other = {reason: count for reason, count in line.now.items() if reason != line.reason}
    for reason, count in sorted(other.items()):
        typer.echo(f"{'':<14}  now {reason}: {count:,}")
