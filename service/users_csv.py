"""The reconciliation queue as CSV, and choices back from it."""

import csv
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from service.crosswalk_csv import as_text
from service.errors import UsageInvalid
from service.users_desk import QueuedUser
from state.decisions import Decision

SOURCE, TARGET = "kustomer_user", "salesforce_user"
COLUMNS = (SOURCE, "email", "name", "state", "reason", "candidates", "waiting", TARGET)


def write_queue(users: Sequence[QueuedUser], out: TextIO) -> None:
    """Write the queue, a header first; the last column is to be filled in and imported."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for each in users:
        texts = (each.kustomer_user, each.email, each.name, each.state, each.reason)
        candidates = as_text(" ".join(each.candidates))
        writer.writerow([*map(as_text, texts), candidates, each.waiting, as_text(each.chosen)])


def write_decisions(decisions: Iterable[Decision], out: TextIO) -> None:
    """Write what people decided, a header first; the same file may be imported elsewhere."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((SOURCE, TARGET, "how", "by", "at"))
    for each in decisions:
        at = datetime.fromtimestamp(each.decided_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        texts = (each.source_id, each.target_id, each.how, each.decided_by)
        writer.writerow([*map(as_text, texts), at])


def read_choices(path: Path) -> list[tuple[str, str]]:
    """Return (Kustomer user, Salesforce user) of every line that names one; others are left out.

    Raises `UsageInvalid` for a file that cannot be read or lacks one of the two columns.
    """
    step = f"Write it as users list --csv does, with the columns {SOURCE} and {TARGET}."
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [each for each in (SOURCE, TARGET) if each not in (reader.fieldnames or ())]
            lines = [] if lacking else [(_cell(row, SOURCE), _cell(row, TARGET)) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise UsageInvalid("The file cannot be read as CSV.", next_step=step) from None
    if lacking:
        raise UsageInvalid(f"The file lacks the column {', '.join(lacking)}.", next_step=step)
    return [(source, target) for source, target in lines if source and target]


def _cell(row: dict[str, str | None], name: str) -> str:
    """A cell's text; the apostrophe that keeps a spreadsheet from reading a formula is none of it."""
    return (row.get(name) or "").strip().removeprefix("'")
