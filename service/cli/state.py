"""`deskferry state`: rebuild the crosswalk, write it out, look the workspace over."""

import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

import anyio
import anyio.to_thread
import typer

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.signals import stop_on_signal
from service.cli.state_documents import CheckStateDocument, ExportDocument, RebuildDocument
from service.cli.status import looking_at
from service.config import Config
from service.crosswalk_csv import export, export_to
from service.declared import recall
from service.errors import DAMAGED, DONE, Interrupted, UsageInvalid
from service.ledger import spool_key
from service.logging import start_logging
from service.phases import PHASES, Phase
from service.rebuild import Rebuild, Rebuilt
from state.errors import StateDamaged, StateTooOld
from state.inspect import Inspection, inspect

TELL_EVERY_S = 1.0


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Rebuild the crosswalk, write it out, look the workspace over.")
    group.command(name="rebuild")(rebuild)
    group.command(name="export")(export_crosswalk)
    group.command(name="check")(check_state)
    app.add_typer(group, name="state", no_args_is_help=True)


def rebuild(
    context: typer.Context,
    merge: bool = typer.Option(
        False,
        "--merge",
        help="Keep a ledger that is in use, and add what Salesforce has beside it.",
    ),
    anew: bool = typer.Option(
        False, "--anew", help="Set a ledger that is in use aside, and begin again from Salesforce."
    ),
) -> None:
    """Make the crosswalk again from Salesforce, after the state was lost or damaged."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        if merge and anew:
            raise UsageInvalid(
                "--merge and --anew exclude each other.", next_step="Give one of them."
            )
        config = options.config()
        clock = SystemClock()
        start_logging(config.log, run=f"{int(clock.now())}-{os.getpid()}")
        making = Rebuild(config, clock=clock, tell=_teller())
        told = await _stoppable(lambda: making.run(merge=merge, anew=anew))
        if options.json:
            print_document(RebuildDocument, _rebuilt(told))
        else:
            _print_rebuilt(told)
        return DONE

    run_command(options, work)


async def _stoppable(work: Callable[[], Awaitable[Rebuilt]]) -> Rebuilt:
    """Run to the end, or until a signal; every step is durable or repeatable."""
    told: Rebuilt | None = None
    async with stop_on_signal() as stop, anyio.create_task_group() as group:

        async def watch() -> None:
            await stop.wait()
            group.cancel_scope.cancel()

        group.start_soon(watch)
        told = await work()
        group.cancel_scope.cancel()
    if told is None:
        raise Interrupted(
            "Stopped as asked. The rebuild is not finished.",
            next_step="Run deskferry state rebuild again; it begins from the start.",
        )
    return told


def _teller() -> Callable[[str], None]:
    """Say what goes on, on stderr, at most once a second."""
    last = -TELL_EVERY_S

    def tell(text: str) -> None:
        nonlocal last
        now = anyio.current_time()
        if now - last >= TELL_EVERY_S:
            last = now
            typer.echo(text, err=True)

    return tell


def _rebuilt(told: Rebuilt) -> dict[str, object]:
    aside = str(told.set_aside) if told.set_aside else None
    return {**asdict(told), "set_aside": aside}


def _print_rebuilt(told: Rebuilt) -> None:
    for each in told.objects:
        typer.echo(
            f"{each.phase:<14}{each.object:<16}{each.found:>12,} found{each.binned:>9,} in the bin"
            f"{each.learned:>12,} learned"
        )
    for name in told.by_content:
        typer.echo(f"{name:<14}carry no key: compared by content when migrate sends them")
    if told.set_aside:
        typer.echo(f"The earlier database and spool are kept in {told.set_aside}.")
    typer.echo("Run deskferry migrate now: what is there is taken over, nothing is made twice.")


def export_crosswalk(
    context: typer.Context,
    out: Path | None = typer.Option(None, "--out", help="The file to write; stdout without it."),  # noqa: B008
) -> None:
    """Write the crosswalk as CSV: which Salesforce record each Kustomer record became."""
    options: GlobalOptions = context.obj
    path = str(out.absolute()) if out else ""

    async def work() -> int:
        if options.json and out is None:
            raise UsageInvalid(
                "With --json the CSV needs a file of its own.",
                next_step="Name one with --out FILE.",
            )
        async with looking_at(options.config()) as ledger:
            if out is None:
                await export(ledger, sys.stdout)
                return DONE
            counts = await export_to(ledger, out)
        if options.json:
            print_document(ExportDocument, {"path": path, "entries": counts})
        else:
            typer.echo(f"{sum(counts.values()):,} entries written to {out}.")
        return DONE

    run_command(options, work)


def check_state(context: typer.Context) -> None:
    """Look the workspace over: database, spool and books. Changes nothing."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        kinds = {phase.name: phase.kind for phase in await _phases(config)}
        key = spool_key(config)
        told = await anyio.to_thread.run_sync(inspect, config.workspace, kinds, key)
        code = DAMAGED if told.serious() else DONE
        if options.json:
            findings = [asdict(each) for each in told.findings]
            facts = {**asdict(told), "findings": findings, "exit_code": code}
            print_document(CheckStateDocument, facts)
        else:
            _print_inspection(told)
        return code

    run_command(options, work)


async def _phases(config: Config) -> tuple[Phase, ...]:
    """The phases of the map in force; a ledger that cannot tell them has the standard ones."""
    try:
        async with looking_at(config) as ledger:
            return await recall(ledger)
    except (StateDamaged, StateTooOld):
        return PHASES


def _print_inspection(told: Inspection) -> None:
    for each in told.findings:
        word = "" if each.serious else " (note)"
        typer.echo(f"{each.code}{word}: {each.place}: {each.detail}")
        typer.echo(f"  Next: {each.next_step}")
    if told.busy is not None:
        typer.echo(f"Another process (pid {told.busy or 'unknown'}) works there meanwhile.")
    looked = f"{told.batch_files:,} batch files and {told.phases} books looked at"
    well = "something needs you" if told.serious() else "all is well"
    typer.echo(f"The database, {looked}: {well}.")
