"""`deskferry matches`: which existing record a company or customer is, where no rule tells."""

from dataclasses import asdict
from typing import Any

import typer

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.matches_documents import MatchesDecideDocument, MatchesListDocument
from service.cli.status import looking_at
from service.errors import ATTENTION, DONE
from service.match_desk import OpenMatch, decide_match, open_matches
from service.reasons import reason_text
from state.matches import MatchDecision

_BY = typer.Option(..., "--by", help="Who decides.")


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Records that could be several existing ones: list, choose, make.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="list")(list_matches)
    group.command(name="choose")(choose)
    group.command(name="make")(make)
    app.add_typer(group, name="matches")


def list_matches(context: typer.Context) -> None:
    """Show the records that wait for a decision, with the ids that they could be."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        async with looking_at(options.config()) as ledger:
            found = await open_matches(ledger)
            decided = await ledger.matches.decided()
        code = ATTENTION if found else DONE
        if options.json:
            facts = {
                "open": [asdict(each) for each in found],
                "decided": [_told(each) for each in decided],
                "exit_code": code,
            }
            print_document(MatchesListDocument, facts)
        else:
            _print(found)
        return code

    run_command(options, work)


def choose(context: typer.Context, kustomer_id: str, salesforce_id: str, by: str = _BY) -> None:
    """Say which existing record a held one is: it is linked, and only what is empty there is filled."""
    _decide(context.obj, kustomer_id, salesforce_id, by)


def make(context: typer.Context, kustomer_id: str, by: str = _BY) -> None:
    """Say that a held record is none of the existing ones: a new record is made."""
    _decide(context.obj, kustomer_id, "", by)


def _decide(options: GlobalOptions, kustomer_id: str, salesforce_id: str, by: str) -> None:
    async def work() -> int:
        decided = await decide_match(
            options.config(),
            SystemClock(),
            kustomer_id,
            salesforce_id,
            by=by,
        )
        if options.json:
            print_document(MatchesDecideDocument, {**asdict(decided), "exit_code": DONE})
        else:
            what = decided.salesforce_id or "a new record"
            typer.echo(
                f"{decided.phase} {kustomer_id} is {what}: {decided.freed:,} rows are let go."
            )
            typer.echo("Next: run deskferry migrate; it sends them.")
        return DONE

    run_command(options, work)


def _told(decision: MatchDecision) -> dict[str, Any]:
    return {
        "phase": decision.phase,
        "kustomer_id": decision.source_id,
        "salesforce_id": decision.target_id,
        "decided_by": decision.decided_by,
        "decided_at": decision.decided_at,
    }


def _print(found: list[OpenMatch]) -> None:
    if not found:
        typer.echo("No record waits for a decision.")
        return
    for each in found:
        typer.echo(f"{each.phase} {each.kustomer_id}: {reason_text(each.reason).cause}")
        for candidate in each.candidates:
            typer.echo(f"  deskferry matches choose {each.kustomer_id} {candidate} --by NAME")
        typer.echo(f"  deskferry matches make {each.kustomer_id} --by NAME")
