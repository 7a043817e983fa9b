"""`deskferry trace ID`: one record's way, as far as the ledger can tell."""

from typing import Any

import anyio.to_thread
import typer

from service.cli.documents import TraceDocument
from service.cli.frame import GlobalOptions, print_document, run_command
from service.cli.status import looking_at
from service.errors import ATTENTION, DONE
from service.reasons import reason_text
from state.ledger import Ledger


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command(name="trace")(trace)


def trace(
    context: typer.Context,
    kustomer_id: str = typer.Argument(help="Id of a Kustomer record."),
) -> None:
    """Tell one record's way: page, batch, job, result, Salesforce id, and why."""
    options: GlobalOptions = context.obj

    async def work() -> int:
        async with looking_at(options.config()) as ledger:
            told = await tell_record(ledger, kustomer_id)
        if options.json:
            print_document(TraceDocument, told)
        else:
            _print(told)
        known = told["became"] or told["exceptions"]
        return DONE if known else ATTENTION

    run_command(options, work)


async def tell_record(ledger: Ledger, source_id: str) -> dict[str, Any]:
    """Collect what is known of a record."""
    became = []
    for entry in await ledger.crosswalk.find(source_id):
        job = await ledger.jobs.get(entry.job)
        became.append(
            {
                "kind": entry.kind,
                "part": entry.part,
                "object": entry.object,
                "salesforce_id": entry.target_id,
                "origin": entry.origin,
                "job": job.sf_id if job else None,
                "job_state": job.state if job else None,
                "place": await _place(ledger, entry.job, source_id),
            }
        )
    exceptions = [
        {
            "phase": row.phase,
            "part": row.part,
            "state": row.state,
            "reason": row.reason,
            "field": row.field,
            "why": reason_text(row.reason).cause,
            "fix": reason_text(row.reason).fix,
        }
        for row in await ledger.rows.find(source_id)
    ]
    return {"kustomer_id": source_id, "became": became, "exceptions": exceptions}


async def _place(ledger: Ledger, job: int, source_id: str) -> dict[str, int] | None:
    """The page and batch that the record came in."""
    for batch in await ledger.batches.of_job(job):

        def look(file: str = batch.file) -> tuple[int, int] | None:
            with ledger.spool.open(file) as reader:
                if source_id not in reader.keys:
                    return None
                at = reader.keys.index(source_id)
                return reader.slices[at], reader.pages[at]

        found = await anyio.to_thread.run_sync(look)
        if found is not None:
            return {"slice": found[0], "page": found[1], "batch": batch.id}
    return None


def _print(told: dict[str, Any]) -> None:
    for entry in told["became"]:
        place = entry["place"]
        where = f"page {place['page']}, batch {place['batch']}" if place else "no batch"
        typer.echo(
            f"{entry['kind']} part {entry['part']}: {entry['origin']} as {entry['object']} "
            f"{entry['salesforce_id']} ({where}, job {entry['job'] or 'none'})"
        )
    for row in told["exceptions"]:
        typer.echo(f"{row['phase']} part {row['part']}: {row['state']}, {row['reason']}")
        typer.echo(f"  {row['why']}")
        typer.echo(f"  Next: {row['fix']}")
    if not told["became"] and not told["exceptions"]:
        typer.echo("Nothing is known of this id. It was not extracted, or was skipped as deleted.")
