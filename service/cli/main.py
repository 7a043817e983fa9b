"""The command `deskferry`: global options, before or after a command's name, and the commands."""

import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from service.cli.commands import COMMANDS
from service.cli.frame import GlobalOptions, as_interrupt
from service.errors import INTERRUPTED, INTERRUPTED_STEP
from service.version import VERSION


def application(wanted: Sequence[str] = COMMANDS) -> typer.Typer:
    """Return the command line with the commands `wanted`.

    Each command's module is loaded only when it is named: a stand-in or a health check need not
    wait for what `migrate` brings along.
    """
    app = typer.Typer(
        name="deskferry",
        help="Moves a Kustomer helpdesk into Salesforce Service Cloud.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(options)
    for name in wanted:
        importlib.import_module(f"service.cli.{name}").add_to(app)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"deskferry {VERSION}")
        raise typer.Exit


def options(
    context: typer.Context,
    config: Path = typer.Option(Path("deskferry.yaml"), help="The config file."),  # noqa: B008
    json: bool = typer.Option(False, "--json", help="Machine output on stdout."),
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Tell the version."
    ),
) -> None:
    """Take the options that every command has."""
    context.obj = GlobalOptions(config, json)


def global_options_first(arguments: Sequence[str]) -> list[str]:
    """Move `--config` and `--json` before the command's name, wherever they were given."""
    first: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for argument in waiting:
        if argument == "--":
            rest += [argument, *waiting]
        elif argument == "--json" or argument.startswith("--config="):
            first.append(argument)
        elif argument == "--config":
            first += [argument, *(value for value in [next(waiting, None)] if value is not None)]
        else:
            rest.append(argument)
    return [*first, *rest]


def run() -> None:
    """The entry point. Ends the process with an exit code of the outside contract."""
    # Pages of parsed records make the collector's default pace costly; they die young anyway.
    gc.set_threshold(200_000, 50, 100)
    arguments = global_options_first(sys.argv[1:])
    named = [each for each in arguments if each in COMMANDS][:1]
    signal.signal(signal.SIGTERM, as_interrupt)
    try:
        app = application(named or COMMANDS)
    except KeyboardInterrupt:  # while modules are loaded: nothing was begun
        typer.echo(f"interrupted: Stopped as asked.\nNext: {INTERRUPTED_STEP}", err=True)
        raise SystemExit(INTERRUPTED) from None
    app(args=arguments, prog_name="deskferry")
