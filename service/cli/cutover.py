"""`deskferry cutover`: the guided switch, which one may leave and come back to."""

import getpass
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.cli.cutover_documents import CutoverDocument, CutoverWaiveDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.cli.watched import watch
from service.config import Config
from service.cutover.desk import abort, waive_lines
from service.cutover.facts import CutoverFacts, line_facts
from service.cutover.finish import CutoverFinish
from service.cutover.record import CutoverRecord, current
from service.cutover.run import Cutover
from service.cutover.seal import SealLook, look_at_seal
from service.cutover.told import facts_of
from service.errors import ATTENTION, DONE, UsageInvalid
from service.logging import start_logging
from service.report.cutover_page import PAGE

_BY = typer.Option(..., "--by", help="Who decides; kept in the record.")
_WHY = typer.Option("", "--because", help="Why; kept in the record.")
_SAID = {True: "yes", False: "NO", None: "-"}


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="The switch: check list, freeze, final delta, proof, verdict; then finish or abort.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="start")(start)
    group.command(name="status")(status)
    group.command(name="waive")(waive)
    group.command(name="finish")(finish)
    group.command(name="abort")(abort_it)
    app.add_typer(group, name="cutover")


def start(
    context: typer.Context,
    by: str = typer.Option("", "--by", help="Who starts it; your login name without it."),
) -> None:
    """Go from the check list to the verdict; started again it goes on from the step it was at."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        who = by or getpass.getuser()
        run, outcome = await watch(
            config,
            lambda clock, stop: Cutover(
                config,
                clock=clock,
                stop=stop,
                by=who,
                tell=lambda told: typer.echo(told, err=True),
            ),
        )
        assert run.facts is not None  # it came to the verdict
        _say(options, config, run.facts, None, outcome.exit_code)
        return outcome.exit_code

    run_command(options, work)


def status(context: typer.Context) -> None:
    """Show where the cutover stands, each criterion with its figure, and whether the seal holds."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        facts, record = await _known(config)
        seal = await anyio.to_thread.run_sync(look_at_seal, config, record)
        code = ATTENTION if seal and seal.changed else DONE
        _say(options, config, facts, seal, code)
        return code

    run_command(options, work)


def waive(
    context: typer.Context,
    items: list[str] = typer.Argument(help="Lines of the check list, such as held or failed."),  # noqa: B008
    by: str = _BY,
    because: str = _WHY,
) -> None:
    """Let lines of the check list stay open, for as many records as they hold now."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        lines = await waive_lines(options.config(), SystemClock(), items, by=by, because=because)
        told = line_facts(lines)
        if options.json:
            print_document(CutoverWaiveDocument, {"lines": [each.model_dump() for each in told]})
        else:
            Console(highlight=False).print(_line_table(told))
        return DONE

    run_command(options, work)


def finish(context: typer.Context, by: str = _BY) -> None:
    """Look a last time, seal the reports, and make the switch."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        run, outcome = await watch(
            config, lambda clock, stop: CutoverFinish(config, clock=clock, stop=stop, by=by)
        )
        assert run.facts is not None  # it was sealed
        _, record = await _known(config)
        seal = await anyio.to_thread.run_sync(look_at_seal, config, record)
        _say(options, config, run.facts, seal, outcome.exit_code)
        return outcome.exit_code

    run_command(options, work)


def abort_it(context: typer.Context, by: str = _BY, because: str = _WHY) -> None:
    """End the cutover without a switch; deltas go on as before."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        start_logging(config.log)
        await abort(config, SystemClock(), by=by, why=because)
        facts, _ = await _known(config)
        _say(options, config, facts, None, DONE)
        return DONE

    run_command(options, work)


async def _known(config: Config) -> tuple[CutoverFacts, CutoverRecord]:
    """The cutover as the ledger has it; raises `UsageInvalid` before the first."""
    async with looking_at(config) as ledger:
        record = await current(ledger)
        if record is None:
            raise UsageInvalid(
                "No cutover was started yet.", next_step="Run deskferry cutover start."
            )
        return await facts_of(config, ledger, record, now=SystemClock().now()), record


def _say(
    options: GlobalOptions,
    config: Config,
    facts: CutoverFacts,
    seal: SealLook | None,
    exit_code: int,
) -> None:
    page: Path = config.workspace / "reports" / PAGE
    shown = str(page) if page.exists() else ""
    if options.json:
        told: dict[str, Any] = {
            **facts.model_dump(),
            "exit_code": exit_code,
            "page": shown,
            "seal_intact": None if seal is None else not seal.changed,
            "seal_changed": list(seal.changed) if seal else [],
        }
        print_document(CutoverDocument, told)
        return
    typer.echo(f"Cutover {facts.number}, at the step {facts.step}. Verdict: {facts.verdict}.")
    console = Console(highlight=False, markup=False)
    console.print(_criteria_table(facts))
    if any(each.count for each in facts.lines):
        console.print(_line_table([each for each in facts.lines if each.count]))
    for each in facts.writers:
        who = f"{each.name} {each.user}".strip() or "nobody that Kustomer names"
        typer.echo(f"  {each.records:,} records written by {who}, last at {each.last_at}")
    if facts.in_flight is not None:
        flying = facts.in_flight
        typer.echo(
            f"In flight: {flying.open:,} open and {flying.snoozed:,} snoozed conversations, "
            f"{flying.without_case:,} without a Case."
        )
    if shown:
        typer.echo(f"The page: {shown}")
    _say_next(facts, seal)


def _say_next(facts: CutoverFacts, seal: SealLook | None) -> None:
    if seal is not None:
        told = f"changed: {', '.join(seal.changed)}" if seal.changed else "as it was sealed"
        typer.echo(f"Sealed in {seal.folder}: {told}.")
    elif facts.step == "decide" and facts.verdict == "go":
        typer.echo("Next: deskferry cutover finish --by YOUR-NAME makes the switch.")
    elif facts.step != "aborted":
        typer.echo("Next: mend what is not yes, or waive it; then deskferry cutover start.")


def _criteria_table(facts: CutoverFacts) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("criterion", "holds", "figure"):
        table.add_column(name, overflow="fold")
    for each in facts.criteria:
        table.add_row(each.name, _SAID[each.ok], each.figure)
    return table


def _line_table(lines: Sequence[Any]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("line", "records", "waived", "what", "next"):
        table.add_column(name, overflow="fold", justify="right" if name == "records" else "left")
    for each in lines:
        waived = "" if each.waived is None else f"{each.waived:,} by {each.by}"
        table.add_row(each.item, f"{each.count:,}", waived, each.title, each.next_step)
    return table
