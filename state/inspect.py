"""Looks a workspace over without changing it: the database, the spool, and the books.

All that is told of the database is of one moment, so another process may go on working meanwhile.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from state import queries
from state.books import Book, book_of
from state.cipher import Cipher
from state.database import plain_errors
from state.errors import NoWorkspace, StateDamaged
from state.queries import load
from state.spool import BATCH_FILE, Spool
from state.workspace import DATABASE, SPOOL, holder

RESTORE = (
    "Restore the whole workspace folder from a copy; without one run deskferry state rebuild, "
    "which keeps the damaged files for support."
)
RESTORE_FILE = (
    "Restore the file from a copy of the workspace; without one run deskferry state rebuild --anew "
    "and migrate: its rows are read from Kustomer again, and nothing is made twice."
)
SEND = (
    "Keep a copy of the workspace for support. Then run deskferry state rebuild --anew and migrate."
)
_RELATIONS = {
    "names_missing": "crosswalk entries have a kind, object or origin without a name",
    "jobs_missing": "crosswalk entries name a job that is not there",
    "batches_adrift": "batches and the jobs that they name do not fit",
    "batches_ahead": "batches are done while their job is not",
    "batches_behind": "batches are in a job that has ended",
    "rows_adrift": "loose rows are in a job that has ended",
    "gates_early": "closed phases still have work",
}


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be. A note (`serious` false) needs nobody."""

    code: str
    place: str
    detail: str
    next_step: str
    serious: bool = True


@dataclass
class Inspection:
    """What was looked at, and what was found. `busy` is the process that works there now."""

    busy: int | None = None
    batch_files: int = 0
    phases: int = 0
    findings: list[Finding] = field(default_factory=list)

    def serious(self) -> bool:
        """Tell whether anything needs an operator."""
        return any(finding.serious for finding in self.findings)


def inspect(folder: Path, kinds: Mapping[str, str], key: bytes | None = None) -> Inspection:
    """Look the workspace over; blocks, some seconds for a million records. `kinds`: of each phase.

    Raises `NoWorkspace`; `SpoolKeyMissing` or `StateDamaged` findings of single files are told, not
    raised. A damaged database ends the look at it, not the command.
    """
    if not (folder / DATABASE).exists():
        raise NoWorkspace("There is no migration state in the workspace yet.")
    return _Inspector(folder, key).run(kinds)


class _Inspector:
    def __init__(self, folder: Path, key: bytes | None) -> None:
        self._path = folder / DATABASE
        self._spool = Spool(folder / SPOOL, Cipher(key) if key else None)
        self._sql = load("inspect")
        self.told = Inspection(busy=holder(folder))

    def run(self, kinds: Mapping[str, str]) -> Inspection:
        present = self._spool.names()  # before the database: what is sealed meanwhile is known
        try:
            address = f"{self._path.absolute().as_uri()}?mode=ro"
            with plain_errors(), closing(sqlite3.connect(address, uri=True)) as database:
                database.execute("BEGIN")
                if self._database(database):
                    firsts = self._files(database, present)
                    self._relations(database)
                    self._books(database, kinds, firsts)
        except (StateDamaged, sqlite3.DatabaseError):
            self._add("database-damaged", "database", "The database cannot be read.", RESTORE)
        return self.told

    def _add(
        self, code: str, place: str, detail: str, next_step: str, *, serious: bool = True
    ) -> None:
        self.told.findings.append(Finding(code, place, detail, next_step, serious))

    def _database(self, database: sqlite3.Connection) -> bool:
        """Whether the database is whole and of our form, so that looking further makes sense."""
        said = [str(row[0]) for row in database.execute(self._sql["integrity"])]
        if said != ["ok"]:
            detail = f"SQLite finds {len(said)} faults or more in the database."
            self._add("database-damaged", "database", detail, RESTORE)
            return False
        version = database.execute("PRAGMA user_version").fetchone()[0]
        newest = len(queries.migrations())
        if version != newest:
            detail = f"The state has form {version}, this Deskferry form {newest}."
            step = "Run deskferry migrate once, or use the Deskferry that wrote the workspace."
            self._add("other-form", "database", detail, step, serious=version > newest)
        return bool(version == newest)

    def _files(self, database: sqlite3.Connection, present: list[str]) -> dict[str, int]:
        """Look at every batch file; returns how many first parts are in open ones, by phase."""
        firsts: dict[str, int] = {}
        known = set()
        for file, crc, state, phase in database.execute(self._sql["batches"]).fetchall():
            known.add(file)
            self.told.batch_files += 1
            try:
                rows = self._file(file, crc, open_batch=state != "done")
            except StateDamaged as error:
                self._damaged_file(database, file, state, error)
                firsts[phase] = -1  # not known: this phase's books cannot be recounted
                continue
            if state != "done" and firsts.get(phase, 0) >= 0:
                firsts[phase] = firsts.get(phase, 0) + rows
        for name in present:
            if name not in known:
                self._strange_file(name)
        return firsts

    def _file(self, file: str, crc: int, *, open_batch: bool) -> int:
        with self._spool.open(file, crc) as reader:
            if open_batch and not self._spool.has_payloads(file):
                raise StateDamaged(f"Batch file {file} has lost its payloads.")
            return sum(part == 0 for part in reader.parts)

    def _damaged_file(
        self, database: sqlite3.Connection, file: str, state: str, error: StateDamaged
    ) -> None:
        if self.told.busy is not None and self._done_by_now(file):
            return  # harvested and stripped since the moment that we look at
        if state == "done":
            step = "Nothing is lost but the page and batch that trace tells for its rows."
            self._add("batch-index-gone", f"spool/{file}", error.message, step, serious=False)
        else:
            self._add("batch-file-damaged", f"spool/{file}", error.message, RESTORE_FILE)

    def _done_by_now(self, file: str) -> bool:
        address = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True)) as now:
            found = now.execute(self._sql["batch_state"], (file,)).fetchone()
        return found is not None and found[0] == "done"

    def _strange_file(self, name: str) -> None:
        if self.told.busy is not None:
            return  # it may be just being sealed
        place = f"spool/{name}"
        if name.endswith(BATCH_FILE) and self._spool.is_stripped(name):
            detail = "The file is of a finished batch that the database does not know."
            step = (
                "The database is older than the spool: put the newest state.sqlite back, or run "
                "deskferry state rebuild --anew."
            )
            self._add("state-lost", place, detail, step)
        else:
            detail = "No batch names this file; a crash may leave one."
            step = "Nothing to do: the next run removes it."
            self._add("unknown-file", place, detail, step, serious=False)

    def _relations(self, database: sqlite3.Connection) -> None:
        for name, words in _RELATIONS.items():
            count = database.execute(self._sql[name]).fetchone()[0]
            if count:
                self._add("tables-disagree", "database", f"{count} {words}.", SEND)

    def _books(
        self, database: sqlite3.Connection, kinds: Mapping[str, str], firsts: Mapping[str, int]
    ) -> None:
        for phase, kind in kinds.items():
            self.told.phases += 1
            book = book_of(database.execute(self._sql["book"], (phase,)).fetchall())
            for detail in self._recount(database, phase, kind, book, firsts.get(phase, 0)):
                self._add("books-off", f"books/{phase}", detail, SEND)

    def _recount(
        self, database: sqlite3.Connection, phase: str, kind: str, book: Book, open_firsts: int
    ) -> Iterator[str]:
        """Say what of a book is not what the tables and the spool add up to."""
        made = dict(database.execute(self._sql["made"], (kind,)).fetchall())
        matched = made.pop("matched", 0)
        if matched != book.matched:
            yield f"The book has {book.matched} matched records, the crosswalk {matched}."
        loaded = sum(made.values())
        if loaded != book.loaded:
            yield f"The book has {book.loaded} loaded records, the crosswalk {loaded}."
        if open_firsts >= 0:
            under_way = database.execute(self._sql["made_under_way"], (kind,)).fetchone()[0]
            left = open_firsts + book.pending - under_way
            if book.difference != left:
                yield f"The book is off by {book.difference - left} records."
        gate = database.execute(self._sql["gate"], (phase,)).fetchone()
        if gate is not None and gate[0] != book.extracted:
            yield f"The gate closed at {gate[0]} records, the book has {book.extracted}."
