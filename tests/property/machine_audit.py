"""What must hold whenever the process is down, read from the database file and from the org.

The audit knows the ledger's tables, not its code: a mistake of the code is not repeated here.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from state.keys import decode_id
from state.spool import Spool
from tests.property.machine_salesforce import EXTERNAL_ID, Salesforce
from tests.property.machine_source import TABLES, Record, Source, body, phase_of, source_id

Place = tuple[str, int]


class Books:
    """One phase as the database has it."""

    def __init__(self, db: sqlite3.Connection, folder: Path, phase: str, source: Source) -> None:
        self.phase, self.kind = phase, phase_of(phase).kind
        self._db = db
        self.extracted = bool(self._ask("SELECT 1 FROM fact WHERE key = ?", f"extracted.{phase}"))
        self.gate = bool(self._ask("SELECT 1 FROM gate WHERE phase = ?", phase))
        self.sightings = list(self._sightings(source))
        self.accounts: Counter[str] = Counter()
        for account, records in self._ask(
            "SELECT account, records FROM book WHERE phase = ?", phase
        ):
            self.accounts[account] += records
        self.rows: dict[Place, tuple[str, str]] = {
            (decode_id(key), part): (state, reason)
            for key, part, state, reason in self._ask(
                "SELECT source_id, part, state, reason FROM row WHERE phase = ?", phase
            )
        }
        self.crosswalk: dict[Place, tuple[str, str, int]] = {
            (decode_id(key), part): (target, origin, job)
            for key, part, target, origin, job in self._ask(
                "SELECT source_id, part, target_id, o.name, job FROM crosswalk "
                "JOIN name AS k ON k.id = kind JOIN name AS o ON o.id = origin WHERE k.name = ?",
                self.kind,
            )
        }
        self.unsettled = {
            job
            for (job,) in self._ask(
                "SELECT id FROM job WHERE phase = ? AND state NOT IN ('harvested', 'abandoned')",
                phase,
            )
        }
        self.in_batches: list[Place] = []
        files = self._ask("SELECT file, crc FROM batch WHERE phase = ? AND state != 'done'", phase)
        for file, crc in files:
            with Spool(folder / "spool").open(file, crc) as reader:
                self.in_batches += zip(reader.keys, reader.parts, strict=True)

    def _ask(self, sql: str, *values: Any) -> list[Any]:
        return self._db.execute(sql, values).fetchall()

    def _sightings(self, source: Source) -> Iterator[Record]:
        sealed = {
            page for (page,) in self._ask("SELECT page FROM slice_page WHERE phase = ?", self.phase)
        }
        for (phase, page), records in source.served.items():
            if phase == self.phase and (self.extracted or page in sealed):
                yield from records

    @property
    def distinct(self) -> dict[str, Record]:
        """A sighting of each record that was to be sent, by source id."""
        return {
            source_id(self.kind, each.number): each
            for each in self.sightings
            if each.fate != "skipped"
        }

    def firsts(self, state: str) -> int:
        """How many records have a row in `state`."""
        return sum(row[0] == state for (_, part), row in self.rows.items() if part == 0)


def read_books(folder: Path, source: Source) -> list[Books]:
    """All phases; none before the first process made the ledger."""
    path = folder / "state.sqlite"
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as db:
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            return []
        return [Books(db, folder, phase, source) for phase in TABLES]


def gate_is_closed(folder: Path, phase: str) -> bool:
    """Whether the ledger has the phase's gate, as committed at this moment."""
    with closing(sqlite3.connect(f"{(folder / 'state.sqlite').as_uri()}?mode=ro", uri=True)) as db:
        return bool(db.execute("SELECT 1 FROM gate WHERE phase = ?", (phase,)).fetchall())


def check(folder: Path, source: Source, org: Salesforce) -> None:
    """The invariants of every moment."""
    for books in read_books(folder, source):
        _nothing_lost(books)
        _conserved(books)
        if books.gate:
            _gate_in_order(books)
    _nothing_twice(source, org)


def _nothing_lost(books: Books) -> None:
    """Every record whose page is sealed is in some place, and nothing else is anywhere."""
    places = {key for key, part in (*books.rows, *books.crosswalk, *books.in_batches) if part == 0}
    assert places == set(books.distinct), f"{books.phase}: records lost or invented"


def _conserved(books: Books) -> None:
    """Extracted records are accounted for, or in flight; counted once however often they are read."""
    accounts = books.accounts
    assert accounts["extracted"] == len(books.sightings), f"{books.phase}: extracted"
    known = sum(part == 0 for _, part in books.crosswalk)
    assert accounts["loaded"] + accounts["matched"] == known, f"{books.phase}: crosswalk"
    settled = sum(accounts[name] for name in ("duplicates", "loaded", "matched", "skipped"))
    settled += books.firsts("held") + books.firsts("failed")
    batched = sum(part == 0 for _, part in books.in_batches)
    again = books.firsts("pending") + books.firsts("waiting")
    learned = sum(
        part == 0 and job in books.unsettled for (_, part), (*_, job) in books.crosswalk.items()
    )
    assert accounts["extracted"] - settled == batched + again - learned, f"{books.phase}: books"


def _gate_in_order(books: Books) -> None:
    assert books.extracted and not books.in_batches and not books.unsettled, books.phase
    assert not any(state in ("pending", "waiting") for state, _ in books.rows.values()), books.phase


def _nothing_twice(source: Source, org: Salesforce) -> None:
    for table, records in org.created.items():
        keys = Counter(record[EXTERNAL_ID] for record in records if EXTERNAL_ID in record)
        assert not keys or max(keys.values()) == 1, f"{table}: an external id was made twice"
    shown = {
        r.number: r for (phase, _), page in source.served.items() if phase == "notes" for r in page
    }
    allowed = Counter(
        (record.parent, body(record, part))
        for record in shown.values()
        for part in range(record.parts)
    )
    parents = {source_id("conversation", number): number for number in (0, 1)}
    cases = {
        case["Id"]: parents[case[EXTERNAL_ID]]
        for case in org.created["Case"]
        if case[EXTERNAL_ID] in parents
    }
    made = Counter(
        (cases[each["ParentId"]], each["CommentBody"]) for each in org.created["CaseComment"]
    )
    assert made <= allowed, "a comment was made more often than its notes say"


def check_end(folder: Path, source: Source, org: Salesforce, refused: set[str]) -> None:
    """What must hold besides when all is done; `refused` are the codes that failed rows may have."""
    all_books = {books.phase: books for books in read_books(folder, source)}
    for books in all_books.values():
        assert books.gate, f"{books.phase} never closed"
        sent = len([each for each in books.sightings if each.fate != "skipped"])
        assert books.accounts["duplicates"] == sent - len(books.distinct), (
            f"{books.phase}: duplicates"
        )
        assert not books.rows.keys() & books.crosswalk.keys(), f"{books.phase}: in two places"
        parents = (
            all_books["conversations"].crosswalk if books.phase in ("messages", "notes") else {}
        )
        for (key, _part), (state, reason) in books.rows.items():
            orphan = (source_id("conversation", books.distinct[key].parent), 0) not in parents
            fair = (
                reason in refused or reason == "bad-text" or (reason == "parent-missing" and orphan)
            )
            assert fair, f"{books.phase}: {state} for {reason} without a cause"
        _same_records(books, org, parents)


def _same_records(
    books: Books, org: Salesforce, parents: dict[Place, tuple[str, str, int]]
) -> None:
    """The crosswalk names each record that was made once, and with the content of its source."""
    made = {record["Id"]: record for record in org.created[TABLES[books.phase]]}
    ours = {place: entry[0] for place, entry in books.crosswalk.items() if entry[1] != "matched"}
    assert sorted(ours.values()) == sorted(i for i, r in made.items() if "Website" not in r), (
        books.phase
    )
    for (key, part), target in ours.items():
        record, sighting = made[target], books.distinct[key]
        if books.phase == "notes":
            assert record["CommentBody"] == body(sighting, part)
        else:
            assert record[EXTERNAL_ID] == key
        if parents:
            assert record["ParentId"] == parents[source_id("conversation", sighting.parent), 0][0]
