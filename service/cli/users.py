"""`deskferry users`: the reconciliation queue of agents."""

import getpass
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.agents import USERS, policy_of
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.cli.users_documents import (
    UsersAssignDocument,
    UsersListDocument,
    UsersSyncDocument,
)
from service.cli.watched import watch
from service.errors import ATTENTION, DONE, UsageInvalid
from service.users_csv import read_choices, write_decisions, write_queue
from service.users_desk import Assigned, QueuedUser, UsersDesk, queued_users
from service.users_sync import UsersSync

Choices = Callable[[], list[tuple[str, str]]]
_BY = typer.Option("", "--by", help="Who decides; your login name without it.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Kustomer users who have no Salesforce user: list, assign, import, ask again.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="list")(list_users)
    group.command(name="assign")(assign)
    group.command(name="import")(import_users)
    group.command(name="sync")(sync)
    app.add_typer(group, name="users")


def list_users(
    context: typer.Context,
    as_csv: bool = typer.Option(False, "--csv", help="As CSV, to be filled in and imported."),
    decided: bool = typer.Option(
        False, "--decided", help="As CSV what people decided: to be kept, and imported elsewhere."
    ),
) -> None:
    """Show the queue: every Kustomer user who is not settled, and how many records wait for each."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        if sum((as_csv, decided, options.json)) > 1:
            raise UsageInvalid(
                "--csv, --decided and --json exclude each other.", next_step="Give one of them."
            )
        config = options.config()
        async with looking_at(config) as ledger:
            read = bool(await ledger.facts.get(f"extracted.{USERS}"))
            users = await queued_users(ledger)
            decisions = await ledger.decisions.latest()
        if decided:
            write_decisions(decisions.values(), sys.stdout)
        elif as_csv:
            write_queue(users, sys.stdout)
        elif options.json:
            facts = {
                "read": read,
                "open": len(users),
                "waiting": sum(each.waiting for each in users),
                "policy": policy_of(config),
                "users": [asdict(each) for each in users],
            }
            print_document(UsersListDocument, facts)
        else:
            _print_queue(users, read=read)
        return DONE

    run_command(options, work)


def _print_queue(users: list[QueuedUser], *, read: bool) -> None:
    if not read:
        typer.echo("Kustomer's users were not read yet: run users sync, or migrate.")
        return
    if not users:
        typer.echo("Every Kustomer user is settled.")
        return
    table = Table(title=f"{len(users)} users to settle", title_justify="left")
    for title in (
        "Kustomer user",
        "E-mail",
        "Name",
        "State",
        "Why",
        "Candidates",
        "Waiting",
        "Chosen",
    ):
        table.add_column(title, overflow="fold", justify="right" if title == "Waiting" else "left")
    for each in users:
        texts = (each.kustomer_user, each.email, each.name, each.state, each.reason)
        table.add_row(*texts, "\n".join(each.candidates), f"{each.waiting:,}", each.chosen)
    Console(soft_wrap=False, highlight=False, markup=False).print(table, markup=False)
    typer.echo("Next: users assign, users import, or make the users and run users sync.")


def assign(
    context: typer.Context,
    kustomer_user: str = typer.Argument(help="Kustomer user, by id or e-mail."),
    salesforce_user: str = typer.Argument(help="Salesforce user, by id or e-mail."),
    by: str = _BY,
) -> None:
    """Choose the Salesforce user of one Kustomer user; it is kept with who and when."""
    _take(context.obj, "assign", by, lambda: [(kustomer_user, salesforce_user)])


def import_users(
    context: typer.Context,
    file: Path = typer.Argument(help="CSV with kustomer_user and salesforce_user."),  # noqa: B008
    by: str = _BY,
) -> None:
    """Take choices from a CSV file, all of them or none; lines without a choice are left out."""
    path = file.absolute()
    _take(context.obj, "import", by, lambda: read_choices(path))


def _take(options: GlobalOptions, how: str, by: str, choices: Choices) -> None:
    async def work() -> int:
        who = _who(by)
        pairs = choices()
        async with UsersDesk.open(options.config(), SystemClock(), f"users {how}") as desk:
            done = await desk.take(pairs, how=how, by=who)
        if options.json:
            assigned = [asdict(each) for each in done]
            facts = {"exit_code": DONE, "by": who, "assigned": assigned}
            print_document(UsersAssignDocument, facts)
        else:
            _print_taken(done)
        return DONE

    run_command(options, work)


def _who(given: str) -> str:
    try:
        name = " ".join((given or getpass.getuser()).split())
    except (OSError, KeyError):  # a container's user may have no name
        name = ""
    if not name or len(name) > 100:
        raise UsageInvalid("Nobody decides this.", next_step="Give your name: --by NAME.")
    return name


def _print_taken(done: list[Assigned]) -> None:
    for each in done:
        typer.echo(
            f"{each.kustomer_user} is {each.salesforce_user} from now on; "
            f"{each.records:,} records wait for it."
        )
    typer.echo(f"{len(done)} users decided. The next migrate follows it; so does users sync.")


def sync(context: typer.Context) -> None:
    """Ask both sides again, after users were made or corrected. Writes nothing in Salesforce."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        run, outcome = await watch(
            config, lambda clock, stop: UsersSync(config, clock=clock, stop=stop)
        )
        matched = outcome.summary.books[USERS].matched
        if options.json:
            facts = {"exit_code": outcome.exit_code, "open": run.open_users, "matched": matched}
            print_document(UsersSyncDocument, facts)
        else:
            typer.echo(f"{matched:,} users are settled, {run.open_users:,} are not.")
            if outcome.exit_code == ATTENTION:
                typer.echo("Next: deskferry users list.")
            else:
                typer.echo("Records that waited go with the next migrate.")
        return outcome.exit_code

    run_command(options, work)
