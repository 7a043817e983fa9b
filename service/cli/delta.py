"""`deskferry delta`: what changed in Kustomer since the last mark."""

from dataclasses import asdict

import typer

from service.cli.documents import DeltaDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.migrate import print_outcome, summary
from service.cli.sweeps_view import print_stopped
from service.cli.watched import watch
from service.delta import Delta


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="delta")(delta)


def delta(
    context: typer.Context,
    watch_seconds: float | None = typer.Option(
        None, "--watch", min=1, help="Begin a pass every so many seconds until stopped (exit 7)."
    ),
    sweep: bool = typer.Option(
        False, "--sweep", help="Read the ids of all records again, to notice every deletion."
    ),
    accept: list[str] | None = typer.Option(  # noqa: B008
        None, "--accept", help="Sweep this stream, and let whatever it misses be deleted."
    ),
) -> None:
    """Follow what was made, changed and deleted in Kustomer since the last mark."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        run, outcome = await watch(
            options.config(),
            lambda clock, stop: Delta(
                options.config(),
                clock=clock,
                stop=stop,
                watch_s=watch_seconds,
                sweep=sweep,
                accept=accept or (),
            ),
        )
        if options.json:
            facts = {
                "exit_code": outcome.exit_code,
                "passes": run.passes,
                "behind_seconds": run.behind,
                "sweeps": [asdict(each) for each in run.sweeps],
                "audit_log": run.audit,
                **summary(outcome),
            }
            print_document(DeltaDocument, facts)
        else:
            print_outcome(outcome)
            typer.echo(
                f"As of {max(run.behind.values(), default=0):,.0f} s ago; a later delta follows "
                "what changed since."
            )
            for each in run.sweeps:
                print_stopped(each)
        return outcome.exit_code

    run_command(options, work)
