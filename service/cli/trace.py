"""`deskferry trace ID`: one record's way, as far as the ledger can tell."""

from datetime import UTC, datetime
from typing import Any

import typer

from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.cli.trace_documents import TraceDocument
from service.errors import ATTENTION, DONE
from service.trace import trace_record


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="trace")(trace)


def trace(
    context: typer.Context,
    record_id: str = typer.Argument(
        metavar="ID", help="Id of a Kustomer record, or of the Salesforce record it became."
    ),
) -> None:
    """Tell one record's whole life: pages, batches, jobs, results, Salesforce id, and why.

    It reads the workspace alone, also beside a running migrate.
    """
    options: GlobalOptions = context.obj

    async def work() -> int:
        async with looking_at(options.config()) as ledger:
            told = await trace_record(ledger, record_id)
        if options.json:
            print_document(TraceDocument, told)
        else:
            _print(told)
        return ATTENTION if told["meaning"] else DONE

    run_command(options, work)


def _print(told: dict[str, Any]) -> None:
    if told["meaning"]:
        typer.echo(told["meaning"])
        return
    typer.echo(f"Kustomer record {told['kustomer_id']}")
    for other in told["also"]:
        typer.echo(f"  The same Salesforce record stands for {other}, too.")
    for place in told["places"]:
        batch = f"batch {place['batch']} ({place['batch_state']})" if place["batch"] else "no batch"
        typer.echo(f"{_time(place['sealed_at'])}  {_part(place)} read: {place['way']},")
        typer.echo(f"{'':<21}page {place['page']}, sealed into {batch}")
    for job in told["jobs"]:
        _print_job(job)
    for entry in told["became"]:
        typer.echo(
            f"{_part(entry)} {entry['origin']} as {entry['object']} {entry['salesforce_id']}"
            + (f"  {entry['link']}" if entry["link"] else "")
        )
    for each in told["was"]:
        held = f", held: {each['stuck']}" if each["stuck"] else ""
        typer.echo(
            f"Was {each['object']} {each['salesforce_id']} before ({each['fate'] or each['step']}{held})"
        )
    for row in told["exceptions"]:
        _print_exception(row)
    if told["waits_for"]:
        typer.echo(f"On its way; waits until these phases are closed: {_names(told)}.")


def _print_job(job: dict[str, Any]) -> None:
    name = job["salesforce_job"] or "nothing was sent"
    typer.echo(
        f"{_time(job['started_at'])}  job {job['job']} ({name}): {job['operation']} {job['object']}, "
        f"{job['state']}" + (f" at {_time(job['ended_at'])}" if job["ended_at"] else "")
    )
    if job["error"]:
        typer.echo(f"{'':<21}{job['error']}")
    for each in job["results"]:
        typer.echo(f"{'':<21}part {each['part']}: {each['result']}")


def _print_exception(row: dict[str, Any]) -> None:
    typer.echo(
        f"{_part(row)} {row['state']}: {row['reason']}"
        + (f" ({row['field']})" if row["field"] else "")
        + f", sent {row['attempts']} times, since {_time(row['first_seen'])}"
    )
    typer.echo(f"  {row['why']}")
    for parent in row["waits_for"]:
        typer.echo(f"  Waits for {parent['kind']} {parent['kustomer_id']}: {parent['state']}")
    for each in row["candidates"]:
        typer.echo(f"  Looks like: {each}")
    typer.echo(f"  Next: {row['fix']}")


def _part(facts: dict[str, Any]) -> str:
    return f"{facts.get('phase') or facts['kind']} part {facts['part']}"


def _names(told: dict[str, Any]) -> str:
    return ", ".join(told["waits_for"])


def _time(at: float | None) -> str:
    if at is None:
        return "at an unknown time"
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%SZ}"
