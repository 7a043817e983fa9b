"""`deskferry hooks`: which hooks there are, and a try of them."""

from dataclasses import asdict
from difflib import get_close_matches
from typing import cast

import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.hooks_documents import HooksListDocument, HooksTestDocument
from service.cli.signals import stop_on_signal
from service.config import Config
from service.errors import DONE, REFUSED, UsageInvalid
from service.hooks.points import POINTS, PointName
from service.hooks.trial import Trial, try_hooks
from service.logging import start_logging


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Commands and webhooks that are told at named points: look at them, try them.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="list")(list_hooks)
    group.command(name="test")(test_hooks)
    app.add_typer(group, name="hooks")


def list_hooks(context: typer.Context) -> None:
    """Show the hooks of the config; with --json also every point there is."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        if options.json:
            points = [{"name": name, "when": point.when} for name, point in POINTS.items()]
            print_document(HooksListDocument, {"hooks": _facts(config), "points": points})
        else:
            _print(config)
        return DONE

    run_command(options, work)


def test_hooks(
    context: typer.Context,
    point: str = typer.Argument(help="The point, such as phase-done; `hooks list` names yours."),
) -> None:
    """Tell the hooks of a point a sample, marked as a test; exit code 3 when one fails."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        if point not in POINTS:
            near = get_close_matches(point, POINTS, n=1) or [", ".join(POINTS)]
            raise UsageInvalid("There is no such point.", next_step=f"Did you mean {near[0]}?")
        start_logging(config.log)
        async with stop_on_signal() as stop:
            tried = await try_hooks(config.hooks, cast("PointName", point), SystemClock(), stop)
        code = DONE if all(each.ok for each in tried) else REFUSED
        if options.json:
            told = [asdict(each) for each in tried]
            print_document(HooksTestDocument, {"point": point, "tried": told, "exit_code": code})
        else:
            _tell(point, tried)
        return code

    run_command(options, work)


def _facts(config: Config) -> list[dict[str, object]]:
    return [
        {
            "hook": number,
            "on": list(hook.on),
            "kind": hook.kind,
            "target": hook.target,
            "headers": sorted(hook.header),
            "failing": hook.failing,
            "timeout_seconds": hook.timeout_seconds,
        }
        for number, hook in enumerate(config.hooks, 1)
    ]


def _print(config: Config) -> None:
    if not config.hooks:
        typer.echo("No hooks are configured.")
        return
    table = Table(box=None, pad_edge=False)
    for name in ("hook", "told of", "kind", "target", "failing", "time"):
        table.add_column(name, overflow="fold")
    for number, hook in enumerate(config.hooks, 1):
        time = f"{hook.timeout_seconds:g} s"
        points = ", ".join(hook.on)
        table.add_row(str(number), points, hook.kind, hook.target, hook.failing, time)
    Console().print(table)


def _tell(point: str, tried: list[Trial]) -> None:
    if not tried:
        typer.echo(f"No hook is told of {point}.")
    for each in tried:
        said = "took it" if each.ok else f"failed: {each.failure}"
        typer.echo(f"Hook {each.hook} {said} ({each.seconds:.1f} s).")
