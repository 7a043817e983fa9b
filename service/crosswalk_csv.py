"""The crosswalk as CSV, for those who go on working with both systems' ids."""

import csv
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from service.declared import recall
from state.crosswalk import Entry
from state.database import plain_errors
from state.ledger import Ledger
from state.private import private_file

COLUMNS = (
    "kind",
    "kustomer_id",
    "part",
    "object",
    "salesforce_id",
    "origin",
    "job",
    "updated",
)
# A spreadsheet takes a cell that begins so for a formula; the apostrophe makes it a text.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")


async def export_to(ledger: Ledger, path: Path) -> dict[str, int]:
    """Write the file, readable by its owner only; returns how many entries of each kind it has.

    It is in place when it is whole; one of that name is replaced. Raises `DiskFull`,
    `WorkspaceUnusable`.
    """
    aside = path.with_name(f"{path.name}.part")
    with plain_errors():
        try:
            with os.fdopen(private_file(aside), "w", encoding="utf-8", newline="") as file:
                counts = await export(ledger, file)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
    return counts


async def export(ledger: Ledger, out: TextIO) -> dict[str, int]:
    """Write the crosswalk, a header first, in blocks; returns the number of entries of each kind.

    `job` is Salesforce's id of the job that brought the entry; `updated` is when the source record was
    last changed before it was sent. Both are empty where a rebuild found the record.
    """
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    jobs = await _jobs(ledger)
    counts: dict[str, int] = {}
    async for block in ledger.crosswalk.export():
        for entry in block:
            counts[entry.kind] = counts.get(entry.kind, 0) + 1
            writer.writerow(_row(entry, jobs))
    return counts


async def _jobs(ledger: Ledger) -> dict[int, str]:
    found = [
        job for phase in await recall(ledger) for job in await ledger.jobs.of_phase(phase.name)
    ]
    return {job.id: job.sf_id or "" for job in found}


def _row(entry: Entry, jobs: dict[int, str]) -> list[str | int]:
    updated = ""
    if entry.version_ms:
        moment = datetime.fromtimestamp(entry.version_ms / 1000, UTC)
        updated = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return [
        as_text(entry.kind),
        as_text(entry.source_id),
        entry.part,
        as_text(entry.object),
        as_text(entry.target_id),
        as_text(entry.origin),
        as_text(jobs.get(entry.job, "")),
        updated,
    ]


def as_text(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
