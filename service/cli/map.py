"""`deskferry map`: the map is proposed, shown, compared with the confirmed one, and confirmed."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import get_args

import typer
from rich.console import Console
from rich.table import Table

from connectors.clock import SystemClock
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.map_documents import (
    MapConfirmDocument,
    MapDiffDocument,
    MapProfileDocument,
    MapProposeDocument,
    MapShowDocument,
    MapSplitDocument,
)
from service.confirm import Confirmed, confirm_map
from service.errors import DONE, UsageInvalid
from service.logging import start_logging
from service.map_changes import MapDifference, compare_map
from service.map_profile import ProfileFacts, read_profile
from service.map_view import MapFacts, view_map
from service.propose import LIKELY, SURE, Proposed, ProposedLine, propose_map
from service.report.map_page import write_map_page
from service.split import Split, count_split
from service.value_facts import basis_said, said
from transforms.schema.propose.tags import TagChoice


def add_to(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Propose, show, compare and confirm the map.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(name="propose")(propose)
    group.command(name="show")(show)
    group.command(name="split")(split)
    group.command(name="profile")(profile)
    group.command(name="diff")(diff)
    group.command(name="confirm")(confirm)
    app.add_typer(group, name="map")


def propose(
    context: typer.Context,
    tags: str = typer.Option(
        "auto",
        "--tags",
        help="What tags become: picklist, topics, text; auto takes the picklist where all tags fit.",
    ),
) -> None:
    """Write what the map does not say yet; lines that are there stay as they are."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        choice = next((each for each in get_args(TagChoice) if each == tags), None)
        if choice is None:
            raise UsageInvalid(
                "--tags takes auto, picklist, topics or text.",
                next_step="Give one of them, or leave the option out.",
            )
        found = await propose_map(options.config(), SystemClock(), tags=choice)
        if options.json:
            lines = [vars(each) for each in found.lines]
            facts = {**vars(found), "lines": lines, "path": str(found.path), "exit_code": DONE}
            print_document(MapProposeDocument, facts)
        else:
            _print_proposed(found)
        return DONE

    run_command(options, work)


def _print_proposed(found: Proposed) -> None:
    for warning in found.warnings:
        typer.echo(f"Note: {warning}")
    if not found.lines and not found.phases:
        typer.echo(f"Nothing is missing in {found.path}.")
        return
    for phase in found.phases:
        rest = " (disabled in Kustomer: listed, not moved)" if phase in found.disabled else ""
        typer.echo(f"New phase: {phase}{rest}")
    for title, lines in _by_confidence(found.lines):
        typer.echo(f"{title}: {len(lines)} lines")
        if title == "Look at these":
            for each in lines:
                told = f"  {each.object}.{each.field} from {each.source}"
                typer.echo(f"{told} ({each.confidence:.0%}): {each.reason}")
    typer.echo(
        f"Written to {found.path}. Next: deskferry map show, then map confirm --by YOUR-NAME."
    )


def _by_confidence(lines: Sequence[ProposedLine]) -> list[tuple[str, list[ProposedLine]]]:
    scored = [each for each in lines if each.confidence is not None]
    groups = [
        ("Sure", [e for e in scored if (e.confidence or 0) >= SURE]),
        ("Likely", [e for e in scored if LIKELY <= (e.confidence or 0) < SURE]),
        ("Look at these", [e for e in scored if (e.confidence or 0) < LIKELY]),
        ("References", [e for e in lines if e.confidence is None]),
    ]
    return [(title, each) for title, each in groups if each]


def show(
    context: typer.Context,
    proposed: bool = typer.Option(False, "--proposed", help="Only lines that were proposed."),
) -> None:
    """Show the map with samples side by side, here and as a page; sensitive values are hidden."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config = options.config()
        view = await view_map(config, SystemClock())
        facts = view.facts
        page = write_map_page(view, config.workspace / "reports")
        if options.json:
            print_document(MapShowDocument, {**facts.model_dump(), "path": str(page)})
        else:
            _print_map(facts, only_proposed=proposed)
            typer.echo(f"The page: {page}")
        return DONE

    run_command(options, work)


def _print_map(facts: MapFacts, *, only_proposed: bool) -> None:
    console = Console(soft_wrap=False, highlight=False, markup=False)
    for each in facts.tables:
        lines = [x for x in each.lines if x.confidence is not None or not only_proposed]
        if not lines:
            continue
        moved = "" if each.moved else " (not moved)"
        table = Table(title=f"{each.phase} -> {each.object}{moved}", title_justify="left")
        table.caption = (
            f"{each.chosen} of {each.sampled} records looked at go here. "
            f"Values: {basis_said(each.basis, each.records)}"
        )
        titles = ("Field", "From", "Made by", "Sure", "Values", "In Kustomer", "In Salesforce")
        for title in titles:
            table.add_column(title, overflow="fold")
        for line in lines:
            sure = "" if line.confidence is None else f"{line.confidence:.0%}"
            sample = line.samples[0] if line.samples else None
            table.add_row(
                f"{line.field}{' (new)' if line.made else ''}",
                line.source.replace("attributes.", "").replace("relationships.", ""),
                line.convert,
                sure,
                "; ".join(map(said, line.values)),
                sample.source[:60] if sample else "",
                sample.target[:60] if sample else "",
            )
        console.print(table, markup=False)
    for fault in facts.faults:
        typer.echo(f"Does not fit: {fault}")
    typer.echo(f"The map is {facts.confirmed}.")


def split(context: typer.Context) -> None:
    """Count all records by the object that they go to; both orgs are read, nothing is written."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        config, clock = options.config(), SystemClock()
        start_logging(config.log, run=f"split-{int(clock.now())}-{os.getpid()}")
        found = await count_split(config, clock)
        if options.json:
            facts = {**vars(found), "phases": [vars(each) for each in found.phases]}
            print_document(MapSplitDocument, {**facts, "exit_code": DONE})
        else:
            _print_split(found)
        return DONE

    run_command(options, work)


def _print_split(found: Split) -> None:
    for each in found.phases:
        typer.echo(f"{each.phase}: {each.records:,} records, by {each.way}")
        for name, count in each.branches.items():
            typer.echo(f"  {count:>12,}  {name}")
        for what, reasons in (("held", each.held), ("skipped", each.skipped)):
            for reason, count in reasons.items():
                typer.echo(f"  {count:>12,}  {what}: {reason}")
        if each.gap:
            typer.echo(f"  {each.gap}")
    if not found.phases:
        typer.echo("The map sends every kind to one object.")
    typer.echo(f"This took {found.requests:,} requests to Kustomer and {found.seconds:,.1f} s.")


def profile(context: typer.Context) -> None:
    """Show how the values of all records look that were read so far; the orgs are not asked."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        found = await read_profile(options.config(), SystemClock())
        if options.json:
            print_document(MapProfileDocument, found.model_dump())
        else:
            _print_profile(found)
        return DONE

    run_command(options, work)


def _print_profile(found: ProfileFacts) -> None:
    if not found.kinds:
        typer.echo(
            "Nothing was counted yet: migrate counts while it reads (profile in the config)."
        )
    for kind in found.kinds:
        typer.echo(f"{kind.kind}: {basis_said(kind.basis, kind.records)}")
        for each in kind.values:
            typer.echo(f"  {each.path.removeprefix('attributes.')}: {said(each)}")


def diff(context: typer.Context) -> None:
    """Say which lines differ from the confirmed map, and whose rows that affects."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        found = await compare_map(options.config(), SystemClock())
        if options.json:
            facts = {
                "against": found.against,
                "changes": [vars(each) for each in found.changes],
                "affected": {name: sorted(each) for name, each in found.affected.items()},
            }
            print_document(MapDiffDocument, facts)
        else:
            _print_difference(found)
        return DONE

    run_command(options, work)


def _print_difference(found: MapDifference) -> None:
    if not found.changes:
        typer.echo(f"Nothing differs from {found.against}.")
        return
    typer.echo(f"Against {found.against}:")
    signs = {"added": "+", "removed": "-", "changed": "~"}
    for each in found.changes:
        typer.echo(f"{signs[each.kind]} {each.path}")
    for phase, tables in found.affected.items():
        typer.echo(f"Rows of {phase} are affected: {', '.join(sorted(tables))}")


def confirm(
    context: typer.Context,
    by: str = typer.Option("", "--by", help="Who confirms; it is kept with the time."),
) -> None:
    """Confirm the map for both orgs as they are; any change voids it, and migrate refuses then."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        name = " ".join(by.split())
        if not name or len(name) > 100:
            raise UsageInvalid(
                "Nobody confirms this map.", next_step="Give your name: map confirm --by NAME."
            )
        done = await confirm_map(options.config(), SystemClock(), by=name)
        if options.json:
            print_document(MapConfirmDocument, {**vars(done), "exit_code": DONE})
        else:
            _print_confirmed(done)
        return DONE

    run_command(options, work)


def _print_confirmed(done: Confirmed) -> None:
    when = f"{datetime.fromtimestamp(done.at, UTC):%Y-%m-%d %H:%M} UTC"
    typer.echo(
        f"Confirmed by {done.by} on {when}: {done.lines} lines in {done.phases} phases. "
        "Any change of the map or of what it uses in either org voids this."
    )
