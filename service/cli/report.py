"""`deskferry report`: the report of the migration, as a page and as JSON."""

import anyio.to_thread
import typer

from connectors.clock import SystemClock
from service.cli.documents import ReportDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.report.facts import collect
from service.report.write import write_report


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="report")(report)


def report(context: typer.Context) -> None:
    """Write the report into the workspace and say where it lies."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        async with looking_at(config) as ledger:
            facts = await collect(ledger, now=SystemClock().now())
        folder = config.workspace / "reports"
        page = await anyio.to_thread.run_sync(write_report, facts, folder)
        if options.json:
            print_document(ReportDocument, {"path": str(page), **facts.model_dump()})
        else:
            typer.echo(f"The books are {facts.verdict}. Report: {page}")
        return 0

    run_command(options, work)
