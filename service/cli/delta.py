"""`deskferry delta`: what changed in Kustomer since the last mark."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import typer

from service.cli.documents import DeltaDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.migrate import print_outcome, summary
from service.cli.sweeps_view import print_stopped
from service.cli.watched import watch
from service.cutover.writers import Written, summed
from service.delta import Delta
from service.run import Outcome

MOST_IDS = 100


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
        config = options.config()
        run, outcome = await watch(
            config,
            lambda clock, stop: Delta(
                config,
                clock=clock,
                stop=stop,
                watch_s=watch_seconds,
                sweep=sweep,
                accept=accept or (),
            ),
        )
        if options.json:
            print_document(DeltaDocument, _facts(run, outcome))
        else:
            _print(run, outcome)
        return outcome.exit_code

    run_command(options, work)


def _facts(run: Delta, outcome: Outcome) -> dict[str, Any]:
    return {
        "exit_code": outcome.exit_code,
        "passes": run.passes,
        "behind_seconds": run.behind,
        "hypercare": run.hypercare,
        "writers": [each.model_dump() for each in summed(run.written)],
        "written": _ids(run.written),
        "sweeps": [asdict(each) for each in run.sweeps],
        "audit_log": run.audit,
        **summary(outcome),
    }


def _print(run: Delta, outcome: Outcome) -> None:
    if run.hypercare == "report":
        _print_written(run.written)
        return
    print_outcome(outcome)
    typer.echo(
        f"As of {max(run.behind.values(), default=0):,.0f} s ago; a later delta follows "
        "what changed since."
    )
    for each in run.sweeps:
        print_stopped(each)


def _ids(written: Sequence[Written]) -> dict[str, list[str]]:
    """The first ids of each stream."""
    found: dict[str, list[str]] = {}
    for each in written:
        ids = found.setdefault(each.stream, [])
        if len(ids) < MOST_IDS:
            ids.append(each.source_id)
    return found


def _print_written(written: Sequence[Written]) -> None:
    typer.echo(f"{len(written):,} records were written in Kustomer since the switch.")
    for each in summed(written):
        who = each.user or "nobody that Kustomer names"
        typer.echo(
            f"  {each.records:,} by {who} ({', '.join(each.streams)}), last at {each.last_at}"
        )
    for stream, ids in _ids(written).items():
        typer.echo(f"  {stream}: {' '.join(ids)}")
    if written:
        typer.echo("Nothing was brought over: hypercare is report. Set it to apply for that.")
