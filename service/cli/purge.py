"""`deskferry purge`: take what records hold out of the workspace."""

from dataclasses import asdict

import typer

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.state_documents import PurgeDocument
from service.errors import DONE
from service.purge import run_purge


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="purge")(purge)


def purge(
    context: typer.Context,
    unfinished: bool = typer.Option(
        False, "--unfinished", help="Also when not all is migrated: it cannot go on as it is then."
    ),
) -> None:
    """Remove what records hold from the workspace; ids, books and the command log stay."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        gone = await run_purge(options.config(), SystemClock(), unfinished=unfinished)
        if options.json:
            print_document(PurgeDocument, asdict(gone))
        else:
            typer.echo(
                f"Payloads of {gone.rows:,} rows and {gone.batch_files:,} batch files are gone, and "
                f"{gone.other_files:,} other files. The database was written anew."
            )
        return DONE

    run_command(options, work)
