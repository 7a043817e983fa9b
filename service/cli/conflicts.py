"""`deskferry conflicts`: fields that the source and somebody in Salesforce have both changed."""

import getpass
from dataclasses import asdict
from typing import cast

import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.cli.conflicts_documents import ConflictsDecideDocument, ConflictsListDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.conflict_desk import decide
from service.errors import UsageInvalid
from state.conflicts import Decision

_SHOWN = 60


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Fields that were changed on both sides: look at them, decide who wins.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="list")(list_conflicts)
    group.command(name="decide")(decide_conflict)
    app.add_typer(group, name="conflicts")


def list_conflicts(
    context: typer.Context,
    decided: bool = typer.Option(False, "--decided", help="Those that were decided as well."),
) -> None:
    """Show both values of every conflict; they are personal data, and go to no log."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        async with looking_at(options.config()) as ledger:
            found = await ledger.conflicts.listed(decided=decided)
        if options.json:
            print_document(ConflictsListDocument, {"conflicts": [asdict(each) for each in found]})
            return 0
        table = Table(box=None, pad_edge=False)
        for name in ("record", "field", "Kustomer has", "Salesforce has", "decision"):
            table.add_column(name, overflow="fold")
        for each in found:
            table.add_row(
                f"{each.phase} {each.source_id}",
                f"{each.object}.{each.field}",
                each.ours[:_SHOWN],
                each.theirs[:_SHOWN],
                each.decision or "open",
            )
        Console().print(table if found else "No conflicts.")
        return 0

    run_command(options, work)


def decide_conflict(
    context: typer.Context,
    kustomer_id: str = typer.Argument(help="The record, by its Kustomer id."),
    field: str = typer.Argument("", help="One field, such as Subject; all of them without it."),
    keep: str = typer.Option(..., "--keep", help="`source` or `target`: whose value counts."),
    by: str = typer.Option("", "--by", help="Who decides; your login name without it."),
) -> None:
    """Decide about a record's conflicts; the next delta or migrate acts on it."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        if keep not in ("source", "target"):
            raise UsageInvalid("--keep is source or target.", next_step="Give one of them.")
        made = await decide(
            options.config(),
            SystemClock(),
            kustomer_id,
            field or None,
            cast("Decision", keep),
            by=by or getpass.getuser(),
        )
        if options.json:
            print_document(ConflictsDecideDocument, asdict(made))
        else:
            typer.echo(f"Decided: {made.fields} fields. Run deskferry delta to act on it.")
        return 0

    run_command(options, work)
