"""Takes what records hold out of a workspace; ids, counts and the command log stay.

Every step may be repeated, and the order is such that after a crash a second purge ends the work:
first the ledger says that it is purged, last the database file is written anew.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread

from state.database import plain_errors
from state.errors import StateDamaged
from state.ledger import Ledger
from state.queries import load
from state.spool import Spool
from state.workspace import DATABASE, SET_ASIDE

PURGED = "purged"  # the fact: since when (epoch s)
GIVEN_UP = (
    "given_up"  # the fact: since when an unfinished migration lacks what it had still to send
)
REPORTS_KEPT = frozenset({"report.html", "report.json"})  # counts, reasons and ids only

# What of the tables holds values of records; each is a statement of `purge.sql`.
_VALUES = (
    "asides",
    "matches",
    "candidates",
    "existing",
    "tokens",
    "token_key",
    "addresses",
    "supplied",
    "conflicts",
    "pre_images",
)


@dataclass
class Purged:
    """What went: payloads of rows, batch files and by how many bytes they shrank, other files."""

    rows: int = 0
    batch_files: int = 0
    spool_bytes: int = 0
    other_files: int = 0


async def purge(ledger: Ledger, folder: Path, *, now: float, unfinished: bool = False) -> Purged:
    """Drop every payload in the workspace `folder`.

    What goes: payloads and match keys of batch files (a damaged one goes whole), payloads of rows,
    what jobs set aside, values of conflicts and pre-images, what records give their children, match
    keys, tokens of values and addresses with their key, crash files, copies of the database and those
    that a rebuild set aside, and reports other than those with counts and ids alone. Then the database
    is written anew, so that nothing readable stays in it; that needs as much room as it has. What the
    disk keeps in blocks it has given up is beyond our reach. Raises `StateDamaged` for the database,
    `DiskFull`, `WorkspaceUnusable`.
    """
    sql = load("purge")
    gone = Purged()
    async with ledger.write() as tx:
        await ledger.facts.set(tx, PURGED, str(now))
        if unfinished:
            await ledger.facts.set(tx, GIVEN_UP, str(now))
        gone.rows = await tx.run_many(sql["rows"], [()])
        for name in _VALUES:
            await tx.run(sql[name])
    for file in sorted(await ledger.batches.files()):
        gone.spool_bytes += await anyio.to_thread.run_sync(_purge_file, ledger.spool, file)
        gone.batch_files += 1
    gone.other_files = await anyio.to_thread.run_sync(_remove_others, folder)
    await ledger.compact()
    return gone


def _purge_file(spool: Spool, file: str) -> int:
    try:
        return spool.purge(file)
    except StateDamaged:  # who knows what is in it
        spool.remove(file)
        return 0


def _remove_others(folder: Path) -> int:
    """Remove the files beside the ledger that may hold what records hold; returns how many."""
    with plain_errors():
        # A database's own side files have a dash after its name; copies of it have a dot.
        patterns = ("deskferry-crash-*.txt", f"{SET_ASIDE}*", f"{DATABASE}.*")
        doomed = [path for pattern in patterns for path in folder.glob(pattern)]
        reports = folder / "reports"
        if reports.is_dir():
            doomed += [each for each in reports.iterdir() if each.name not in REPORTS_KEPT]
        for each in doomed:
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each)
            else:
                each.unlink(missing_ok=True)
        return len(doomed)
