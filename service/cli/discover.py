"""`deskferry discover`: what is there, what it will take, and what will not move by itself."""

from collections import Counter

import anyio.to_thread
import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.cli.discover_documents import DiscoverDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.discover.facts import DiscoverFacts, ForecastFacts
from service.discover.forecast import duration
from service.discover.run import discover as run_discover
from service.errors import DONE
from service.report.discover_page import write_discover

# Long and much the same everywhere: the terminal counts them.
_ON_THE_PAGE = ("channels", "automation")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="discover")(discover)


def discover(context: typer.Context) -> None:
    """Take stock of both orgs and forecast the migration; changes nothing in either."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        facts = await run_discover(config, SystemClock())
        folder = config.workspace / "reports"
        page = await anyio.to_thread.run_sync(write_discover, facts, folder)
        if options.json:
            told = {**facts.model_dump(), "path": str(page), "exit_code": DONE}
            print_document(DiscoverDocument, told)
        else:
            _print(facts)
            typer.echo(f"The inventory: {page}")
        return DONE

    run_command(options, work)


def _print(facts: DiscoverFacts) -> None:
    console = Console(soft_wrap=False, highlight=False, markup=False)
    console.print(_volumes(facts))
    console.print(_figures(facts))
    typer.echo(f"{facts.forecast.verdict} {facts.forecast.dominates}")
    typer.echo(f"{len(facts.gaps)} things will not move by themselves or need a decision:")
    for area, many in Counter(each.area for each in facts.gaps).items():
        if area in _ON_THE_PAGE:
            typer.echo(f"  {area}: {many:,} lines, on the page.")
    for each in facts.gaps:
        if each.area in _ON_THE_PAGE:
            continue
        count = "" if each.count is None else f" ({each.count:,})"
        typer.echo(f"  {each.area}: {each.what}{count}. {each.next_step}")
    calls = facts.calls
    typer.echo(
        f"This took {calls.kustomer:,} requests to Kustomer ({calls.searches:,} searches) and "
        f"{calls.salesforce:,} to Salesforce."
    )


def _volumes(facts: DiscoverFacts) -> Table:
    table = Table(title="What there is", title_justify="left")
    for title in ("Stream", "Records", "Counted by", "Read by", "Jobs", "Batches", "Stored MB"):
        table.add_column(title, justify="left" if title in ("Stream", "Read by") else "right")
    streams = {each.name: each for each in facts.forecast.streams}
    for each in facts.volumes:
        told = streams.get(each.name)
        records = "?" if each.records is None else f"{each.records:,}"
        table.add_row(
            each.name,
            records if each.exact or each.records is None else f"about {records}",
            each.counted_by,
            (each.way or "-") if each.moves else "not moved",
            f"{told.jobs:,}" if told else "-",
            f"{told.batches:,}" if told else "-",
            f"{told.stored_mb:,.1f}" if told else "-",
        )
    return table


def _figures(facts: DiscoverFacts) -> Table:
    table = Table(title="What it will take", title_justify="left")
    for title in ("Figure", "Needed", "Allowed or left", "At least", "Suffices"):
        table.add_column(title, justify="left" if title == "Figure" else "right")
    for each in facts.forecast.figures:
        table.add_row(*_figure(each))
    return table


def _figure(each: ForecastFacts) -> tuple[str, ...]:
    left = "?" if each.available is None else f"{each.available:,.0f}"
    lasts = "at once" if each.hours == 0 else "-" if each.hours is None else duration(each.hours)
    said = {True: "yes", False: "NO", None: "-"}[each.suffices]
    return each.title, f"{each.value:,.0f} {each.unit}", left, lasts, said
