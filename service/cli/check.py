"""`deskferry check`: the preflight."""

from dataclasses import asdict

import typer

from connectors.clock import SystemClock
from service.check import CheckItem, run_check
from service.cli.documents import CheckDocument
from service.cli.frame import GlobalOptions, print_document, run_command


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="check")(check)


def check(context: typer.Context) -> None:
    """Look whether everything is ready; changes nothing."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        result = await run_check(options.config(), SystemClock())
        if options.json:
            print_document(CheckDocument, asdict(result))
        else:
            width = max(len(item.name) for item in result.items)
            for item in result.items:
                _print(item, width)
        return result.exit_code

    run_command(options, work)


def _print(item: CheckItem, width: int) -> None:
    mark = {True: "ok  ", False: "NO  ", None: "note"}[item.ok]
    typer.echo(f"{mark}  {item.name:<{width}}  {item.detail}")
    if item.next_step:
        typer.echo(f"      Next: {item.next_step}")
