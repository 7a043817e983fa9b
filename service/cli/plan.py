"""`deskferry plan`: which conversations go, and which of them go first."""

import getpass
from typing import Literal, cast

import typer

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.plan_documents import PlanSetDocument, PlanShowDocument
from service.cli.status import looking_at
from service.errors import DONE, UsageInvalid
from service.move_plan import MovePlan
from service.plan_desk import Wish, set_plan
from service.stage_lines import plan_facts, plan_lines, stage_line

RECENT_DAYS = 30
_ANY = typer.Option([], help="Conversations with it, by id or name; may be given several times.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Which conversations go, and which of them go first.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="show")(show)
    group.command(name="set")(set_command)
    app.add_typer(group, name="plan")


def show(context: typer.Context) -> None:
    """Show the plan, and which stages of it are done."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        async with looking_at(options.config()) as ledger:
            facts = await plan_facts(ledger)
        if options.json:
            print_document(PlanShowDocument, facts)
        else:
            plan: MovePlan = facts["plan"]
            for line in (*plan_lines(plan), *(stage_line(each) for each in facts["stages"])):
                typer.echo(line)
        return DONE

    run_command(options, work)


def set_command(
    context: typer.Context,
    since: str | None = typer.Option(None, help="Touched on this day (UTC) or later."),
    created_since: str | None = typer.Option(None, help="Begun on this day (UTC) or later."),
    created_before: str | None = typer.Option(None, help="Begun before this day (UTC)."),
    team: list[str] = _ANY,
    brand: list[str] = _ANY,
    tag: list[str] = _ANY,
    customers: str = typer.Option(
        "all", help="`all` customers and companies, or `chosen`: those of conversations that go."
    ),
    open_first: bool = typer.Option(
        False, "--open-first", help="Open, snoozed and recent conversations go first."
    ),
    recent: int | None = typer.Option(
        None, min=0, help=f"Days that count as recent, {RECENT_DAYS} without it; goes first, too."
    ),
    under_way: bool = typer.Option(
        False, "--under-way", help="Widen the plan although a stage of it is under way."
    ),
    by: str = typer.Option("", "--by", help="Who says so; your login name without it."),
) -> None:
    """Set the whole plan: a filter that is not named is no more. The next migrate follows it."""
    options: GlobalOptions = context.obj
    recent_days = recent if recent is not None else RECENT_DAYS if open_first else None

    async def work() -> int:
        if customers not in ("all", "chosen"):
            raise UsageInvalid("--customers is all or chosen.", next_step="Give one of them.")
        people = cast("Literal['all', 'chosen']", customers)
        made = await set_plan(
            options.config(),
            SystemClock(),
            Wish(created_since, created_before, since, team, brand, tag, people, recent_days),
            by=by or getpass.getuser(),
            under_way=under_way,
        )
        if options.json:
            facts = {"plan": made.plan, "change": made.change, "read_again": made.read_again}
            print_document(PlanSetDocument, facts)
            return DONE
        for line in plan_lines(made.plan):
            typer.echo(line)
        if made.read_again:
            typer.echo("It takes more than before: migrate looks at all conversations once more.")
        elif made.change == "narrower":
            typer.echo("It takes less than before: what is in Salesforce stays there.")
        return DONE

    run_command(options, work)
